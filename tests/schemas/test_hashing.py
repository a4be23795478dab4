"""The row hash equals a slow reference, keeps rows apart, and its vectors never change."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import ConfigurationError
from schemas.hashing import from_binary16, hash128, id63, to_binary16

MASK = (1 << 64) - 1


def reference(row: Sequence[bytes | None], domain: str) -> tuple[int, int]:
    """SipHash-1-3-128 over length-prefixed words, in plain Python integers."""
    key = hashlib.sha256(domain.encode()).digest()
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:16], "little")
    v = [
        0x736F6D6570736575 ^ k0,
        0x646F72616E646F6D ^ k1 ^ 0xEE,
        0x6C7967656E657261 ^ k0,
        0x7465646279746573 ^ k1,
    ]

    def rotate(x: int, by: int) -> int:
        return ((x << by) | (x >> (64 - by))) & MASK

    def turn() -> None:
        v[0] = (v[0] + v[1]) & MASK
        v[1] = rotate(v[1], 13) ^ v[0]
        v[0] = rotate(v[0], 32)
        v[2] = (v[2] + v[3]) & MASK
        v[3] = rotate(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & MASK
        v[3] = rotate(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & MASK
        v[1] = rotate(v[1], 17) ^ v[2]
        v[2] = rotate(v[2], 32)

    for value in row:
        words = [MASK if value is None else len(value)]
        if value:
            padded = value + bytes(-len(value) % 8)
            words += [int.from_bytes(padded[i : i + 8], "little") for i in range(0, len(padded), 8)]
        for word in words:
            v[3] ^= word
            turn()
            v[0] ^= word
    v[2] ^= 0xEE
    for _ in range(3):
        turn()
    high = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= 0xDD
    for _ in range(3):
        turn()
    return high, v[0] ^ v[1] ^ v[2] ^ v[3]


values = st.one_of(st.none(), st.binary(max_size=40))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(values, values), min_size=1, max_size=20), st.sampled_from(["a", "账户"]))
def test_the_kernel_equals_the_reference(
    rows: list[tuple[bytes | None, bytes | None]], domain: str
) -> None:
    columns = [pa.array([row[i] for row in rows], pa.binary()) for i in range(2)]
    expected = [reference(row, domain) for row in rows]
    got = hash128(columns, domain)
    assert [(int(h), int(low)) for h, low in got] == expected
    assert id63(got).tolist() == [(h & (MASK >> 1)) or 1 for h, _ in expected]
    big_endian = [h.to_bytes(8, "big") + low.to_bytes(8, "big") for h, low in expected]
    assert to_binary16(got).to_pylist() == big_endian
    assert (from_binary16(to_binary16(got)) == got).all()


def test_the_vectors_never_change() -> None:
    got = hash128([pa.array(["", "abc", None, "浙江", "x" * 20])], "vector")
    assert [value.hex() for value in to_binary16(got).to_pylist()] == VECTORS


def test_the_same_value_hashes_alike_in_every_text_layout() -> None:
    plain = pa.array(["z", "a", None, "b", "a"])
    expected = hash128([plain], "d")
    for other in (
        plain.cast(pa.binary()),
        plain.cast(pa.large_string()),
        plain.dictionary_encode(),
        pa.chunked_array([plain[:2], plain[2:]]),
        pa.concat_arrays([pa.array(["skip"]), plain])[1:],
    ):
        assert (hash128([other], "d") == expected).all()


def test_boundaries_between_columns_and_nulls_are_part_of_the_hash() -> None:
    first = pa.array(["ab", "a", "", None])
    second = pa.array(["c", "bc", None, ""])
    assert len(np.unique(hash128([first, second], "d"), axis=0)) == 4
    assert not (hash128([first], "d") == hash128([first], "e")).any()


def test_an_id_is_never_zero() -> None:
    assert id63(np.array([[0, 5], [1 << 63, 5], [7, 0]], np.uint64)).tolist() == [1, 1, 7]


def test_what_cannot_be_hashed_is_named() -> None:
    with pytest.raises(ConfigurationError, match="at least one column"):
        hash128([], "d")
    with pytest.raises(ConfigurationError, match="2 rows"):
        hash128([pa.array(["a", "b"]), pa.array(["a"])], "d")
    with pytest.raises(ConfigurationError, match="list"):
        hash128([pa.array([["a"]])], "d")


VECTORS = [
    "2f846f8c8e531e771085ed325cc2060e",
    "8ef537a227e9c1dcc30a22bb59993981",
    "9711108708bd6a5f8aad9ddddb6486c8",
    "1ec03126838afad453d7bc93a81a6d58",
    "56506508935f40c9339888627c00119b",
]
