"""Tokens are HMAC-SM3 as OpenSSL makes it, and memories answer as the functions they stand for."""

import hmac
import random

import numpy as np
import pyarrow as pa
import pytest

from connectors.engine.kernels import sm3
from connectors.engine.remembered import TEXT_BYTES, Remembered
from connectors.engine.tokens import Tokeniser


def test_tokens_are_those_of_openssl() -> None:
    draw = random.Random(11)
    for size in (16, 64, 65, 200):
        key = draw.randbytes(size)
        texts = [
            "".join(draw.choice("7A中|😀") for _ in range(draw.randrange(70))) for _ in range(200)
        ]
        wanted = [hmac.digest(key, f"account\x1f{t}".encode(), "sm3").hex() for t in texts]
        column = pa.array([*texts, None])
        assert Tokeniser(key).tokens("account", column).to_pylist() == [*wanted, None]
        numbers = Tokeniser(key).keyed16("account", column.slice(50, 100)).to_pylist()
        assert numbers == [bytes.fromhex(token)[:16] for token in wanted[50:150]]


def test_the_hash_is_that_of_the_standard() -> None:
    state = sm3.START.copy()  # GB/T 32905, example 2: the 64 bytes "abcd" 16 times over
    words = np.empty(68, np.uint32)
    sm3.compress(state, np.frombuffer(b"abcd" * 16, np.uint8), words)
    end = np.frombuffer(b"\x80" + bytes(61) + b"\x02\x00", np.uint8)
    sm3.compress(state, end, words)
    assert state.astype(">u4").tobytes().hex() == (
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    )


def test_a_memory_answers_as_its_function_and_stays_bounded() -> None:
    asked: list[int] = []

    def turned(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
        asked.append(len(texts))
        values = texts.to_pylist()
        none = [None if value.endswith("7") else value[::-1] for value in values]
        return pa.array(none, pa.string()), pa.array([v.encode()[:1] for v in values], pa.binary(1))

    memory = Remembered(turned, [pa.string(), pa.binary(1)], entries=2000)
    draw = random.Random(3)
    most = 0
    for _ in range(60):
        texts = [draw.choice([None, str(draw.randrange(1, 9000))]) for _ in range(700)]
        backwards, first = memory.columns(pa.array(texts, pa.string()))
        assert backwards.to_pylist() == [
            None if text is None or text.endswith("7") else text[::-1] for text in texts
        ]
        assert first.to_pylist() == [None if text is None else text[:1].encode() for text in texts]
        most = max(most, len(memory))
    assert 2000 < most <= 2000 + 700
    again = pa.array(["12"] * 9)
    memory.columns(again)
    before = len(asked)
    assert memory.columns(again)[0].to_pylist() == ["21"] * 9
    assert len(asked) == before, "a known text is not computed again"
    assert memory.columns(pa.array([], pa.string()))[0].to_pylist() == []


def test_a_memory_is_bounded_in_bytes() -> None:
    memory = Remembered(lambda texts: (texts,), [pa.string()])
    for letter in "abcdef":
        memory.columns(pa.array([letter * (6 << 20)]))
        assert memory.nbytes <= TEXT_BYTES + (12 << 20)


def test_a_memory_whose_function_failed_holds_nothing() -> None:
    failing = [True]

    def sometimes(texts: pa.Array) -> tuple[pa.Array]:
        if failing:
            raise ValueError("once")
        return (texts,)

    memory = Remembered(sometimes, [pa.string()])
    with pytest.raises(ValueError, match="once"):
        memory.columns(pa.array(["a", "b"]))
    failing.clear()
    assert memory.columns(pa.array(["b", "a"]))[0].to_pylist() == ["b", "a"]
