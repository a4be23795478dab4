"""Identifiers with right check digits that belong to nobody, made column by column.

Everything here is vectorised: a column of identifiers is a byte matrix (one row an identifier).
Fictitious by construction: LEIs begin with the unassigned prefix 9999, organisation codes with MX,
the sequence number of resident ids is 000 (assigned to nobody), account numbers begin with 62999
or 39990.

Sources: LEI ISO 17442 (check digits ISO 7064 MOD 97-10), unified social credit code GB 32100 with
the organisation code of GB 11714 inside, resident id GB 11643, UUID version 4 RFC 9562.
"""

import binascii

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

_DIGITS = np.frombuffer(b"0123456789", np.uint8)
_ALNUM = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8)
_USCC = np.frombuffer(b"0123456789ABCDEFGHJKLMNPQRTUWXY", np.uint8)
_USCC_WEIGHTS = np.array([pow(3, i, 31) for i in range(17)])
_ORG_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_ORG_CHECK = np.frombuffer(b"0X987654321", np.uint8)  # by the weighted sum modulo 11
_RESIDENT_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_RESIDENT_CHECK = np.frombuffer(b"10X98765432", np.uint8)
_BIRTHDAYS = 7_000  # 1985 to 2004: county codes exist since 1984


def text(matrix: Bytes) -> npt.NDArray[np.str_]:
    """Turn a byte matrix (n rows of equal width, ASCII) into n strings."""
    rows = np.ascontiguousarray(matrix)
    return rows.view(f"S{matrix.shape[1]}").ravel().astype(str)


def _fixed(values: npt.NDArray[np.str_] | list[str], width: int) -> Bytes:
    return np.asarray(values, dtype=f"S{width}").view(np.uint8).reshape(-1, width)


def _value_of(matrix: Bytes) -> npt.NDArray[np.int64]:
    """The value of 0-9A-Z characters: 0 to 35."""
    wide = matrix.astype(np.int64)
    return np.where(wide < 58, wide - 48, wide - 55)


def digits(numbers: npt.NDArray[np.int64], width: int) -> Bytes:
    """Write whole numbers as decimal digits, zero padded to `width`."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return np.asarray(_DIGITS[(numbers[:, None] // powers) % 10])


def lei(rng: np.random.Generator, n: int) -> npt.NDArray[np.str_]:
    """Make n distinct LEIs under the unassigned prefix 9999."""
    body = np.empty((n, 18), np.uint8)
    body[:, :6] = np.frombuffer(b"999900", np.uint8)
    body[:, 6:12] = _ALNUM[rng.integers(10, 36, (n, 6))]
    body[:, 12:] = digits(rng.choice(1_000_000, n, replace=False).astype(np.int64), 6)
    value = _value_of(body)
    remainder = np.zeros(n, np.int64)
    for column in range(18):
        two = value[:, column] > 9
        remainder = (remainder * np.where(two, 100, 10) + value[:, column]) % 97
    check = 98 - (remainder * 100) % 97
    return text(np.hstack([body, digits(check, 2)]))


def uscc(rng: np.random.Generator, areas: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """Make one distinct unified social credit code for each registration area (6 digits)."""
    n = len(areas)
    organisation = np.empty((n, 8), np.uint8)
    organisation[:, :2] = np.frombuffer(b"MX", np.uint8)
    organisation[:, 2:] = digits(rng.choice(1_000_000, n, replace=False).astype(np.int64), 6)
    check = _ORG_CHECK[(_value_of(organisation) @ _ORG_WEIGHTS) % 11]
    prefix = np.tile(np.frombuffer(b"91", np.uint8), (n, 1))
    body = np.hstack([prefix, _fixed(areas, 6), organisation, check[:, None]])
    index = np.full(256, -1)
    index[_USCC] = np.arange(31)
    last = _USCC[(31 - (index[body] @ _USCC_WEIGHTS) % 31) % 31]
    return text(np.hstack([body, last[:, None]]))


def resident(rng: np.random.Generator, areas: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """Make one distinct resident id (18 characters) for each county code."""
    n = len(areas)
    order = np.argsort(areas, kind="stable")
    county = areas[order]
    starts = np.flatnonzero(np.r_[True, county[1:] != county[:-1]]) if n else np.zeros(0, int)
    within = np.empty(n, np.int64)  # a resident's number among those of the same county
    within[order] = np.arange(n) - np.repeat(starts, np.diff(np.r_[starts, n]))
    if n and within.max() >= _BIRTHDAYS:
        raise ValueError(f"at most {_BIRTHDAYS} residents a county: one birthday each")
    birthday = np.datetime64("1985-01-01") + rng.permutation(_BIRTHDAYS)[within]
    compact = np.char.replace(birthday.astype(str), "-", "")
    body = np.hstack([_fixed(areas, 6), _fixed(compact, 8), np.full((n, 3), 48, np.uint8)])
    check = _RESIDENT_CHECK[((body.astype(np.int64) - 48) @ _RESIDENT_WEIGHTS) % 11]
    return text(np.hstack([body, check[:, None]]))


def accounts(rng: np.random.Generator, persons: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
    """Make one distinct 19-digit account number for each flag (True: a person's)."""
    n = len(persons)
    prefix = np.where(persons[:, None], digits(np.array([62999]), 5), digits(np.array([39990]), 5))
    serial = digits(rng.choice(10_000_000, n, replace=False).astype(np.int64), 7)
    noise = _DIGITS[rng.integers(0, 10, (n, 7))]
    return text(np.hstack([prefix, noise, serial]))


def uuid4(rng: np.random.Generator, n: int) -> npt.NDArray[np.str_]:
    """Make n random UUIDs of version 4, lower case with dashes."""
    raw = np.frombuffer(rng.bytes(16 * n), np.uint8).reshape(n, 16).copy()
    raw[:, 6] = (raw[:, 6] & 0x0F) | 0x40
    raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
    plain = np.frombuffer(binascii.hexlify(raw.tobytes()), np.uint8).reshape(n, 32)
    dash = np.full((n, 1), ord("-"), np.uint8)
    return text(
        np.hstack(
            [
                part
                for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
                for part in (plain[:, a:b], dash)
            ][:-1]
        )
    )
