"""Identifier checks on whole columns: shape first, then check digits, on unique values only.

python-stdnum is the authority for the check digits it knows. It cleans its input (spaces, dashes,
case), so the shape is tested first and strictly: ASCII, no blanks, upper case, full length. LEI,
USCC and CNAPS12 are checked as columns of characters, and a test holds that against python-stdnum;
of the others a value costs microseconds, so each unique one is checked once in the life of the
process.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from stdnum import isin
from stdnum.cn import ric

from schemas.columns import encoded, flat
from schemas.errors import ConfigurationError
from schemas.reference_data import read_table

_CACHE_LIMIT = 1 << 18  # unique values kept per kind, then the memory starts afresh

_USCC = r"[0-9ANY][0-9A-HJ-NPQRTUWXY][0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}"


_USCC_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # those GB 32100 uses, in its order
Characters = NDArray[np.uint8]  # a row a value, a column a character


def _lei_check(characters: Characters) -> NDArray[np.bool_]:
    """ISO 7064 MOD 97-10: letters count 10 to 35, the number leaves 1."""
    rest = np.zeros(len(characters), np.int64)
    for column in characters.T.astype(np.int64):
        letter = column >= ord("A")
        value = column - np.where(letter, ord("A") - 10, ord("0"))
        rest = (rest * np.where(letter, 100, 10) + value) % 97
    return np.asarray(rest == 1, np.bool_)


def _uscc_check(characters: Characters) -> NDArray[np.bool_]:
    """GB 32100, MOD 31 with weights 3^n; the letters A, N and Y in front included."""
    values = np.zeros(128, np.int64)
    values[np.frombuffer(_USCC_LETTERS.encode(), np.uint8)] = np.arange(len(_USCC_LETTERS))
    weights = np.array([pow(3, place, 31) for place in range(17)])
    sums = values[characters[:, :17]] @ weights
    return np.asarray(-sums % 31 == values[characters[:, 17]], np.bool_)


def _cnaps_check(characters: Characters) -> NDArray[np.bool_]:
    """ISO 7064 MOD 11, 10."""
    check = np.full(len(characters), 5, np.int64)
    for column in characters.T.astype(np.int64):
        check = (np.where(check == 0, 10, check) * 2 % 11 + column - ord("0")) % 10
    return np.asarray(check == 1, np.bool_)


@dataclass(slots=True)
class _Kind:
    """One kind of identifier: an anchored shape, a code list or a check, and what is known.

    `columns` checks values of `length` characters together; `check` one value.
    """

    shape: str
    check: Callable[[str], bool] | None = None
    code_list: str | None = None
    columns: Callable[[Characters], NDArray[np.bool_]] | None = None
    length: int = 0
    known: dict[str, bool] = field(default_factory=dict)


_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "LEI": _Kind(r"[0-9A-Z]{18}[0-9]{2}", columns=_lei_check, length=20),
        "USCC": _Kind(_USCC, columns=_uscc_check, length=18),
        "ISIN": _Kind(r"[A-Z]{2}[0-9A-Z]{9}[0-9]", isin.is_valid),
        "RESIDENT_ID": _Kind(r"[1-9][0-9]{16}[0-9X]", ric.is_valid),
        "CNAPS12": _Kind(r"[0-9]{12}", columns=_cnaps_check, length=12),
        "FIN14": _Kind(r"[A-HZ][0-9A-Z]{13}"),
        "BIC": _Kind(r"[A-Z]{6}[0-9A-Z]{2}(?:[0-9A-Z]{3})?"),
        "MIC": _Kind(r"[0-9A-Z]{4}"),
        "UUID4": _Kind(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        "CURRENCY": _Kind(r"[A-Z]{3}", code_list="currencies.csv"),
        "CFETS6": _Kind(r"[0-9]{6}"),
        "UTI": _Kind(r"[0-9A-Z]{20}[0-9A-Z]{1,32}"),
    }
)
_OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {"UUIDV4": "UUID4", "UETR": "UUID4", "ISO4217": "CURRENCY", "RIC": "RESIDENT_ID"}
)
KINDS = tuple(_KINDS)


def _kind(name: str) -> _Kind | None:
    upper = name.upper()
    return _KINDS.get(_OTHER_NAMES.get(upper, upper))


def has_check(kind: str) -> bool:
    """Whether a kind of identifier has a check here.

    Example:
        >>> has_check("lei"), has_check("PSEUDONYM")
        (True, False)
    """
    return _kind(kind) is not None


@cache
def _code_list(name: str) -> pa.Table:
    return read_table(name)


def _listed(name: str, values: pa.Array, on: date | None) -> pa.Array:
    rows = _code_list(name)
    if on is not None:
        day = pa.scalar(on, pa.date32())
        begun = pc.less_equal(rows["valid_from"], day)
        ended = pc.fill_null(pc.less(rows["valid_to"], day), False)
        rows = rows.filter(pc.and_not(begun, ended))
    return pc.is_in(values, value_set=rows["code"].combine_chunks())


def _decide(kind: _Kind, values: pa.Array, on: date | None) -> NDArray[np.bool_]:
    """One answer per unique value."""
    shaped = pc.match_substring_regex(values, rf"\A(?:{kind.shape})\z")
    if kind.code_list:
        shaped = pc.and_(shaped, _listed(kind.code_list, values, on))
    good = np.array(shaped.to_numpy(zero_copy_only=False), bool)
    if kind.columns is not None:
        rows = np.flatnonzero(good)
        text = "".join(values.take(pa.array(rows)).to_pylist()).encode("ascii")
        characters = np.frombuffer(text, np.uint8).reshape(len(rows), kind.length)
        good[rows] = kind.columns(characters)
    if kind.check is None:
        return good
    if len(kind.known) > _CACHE_LIMIT:
        kind.known.clear()
    check, known = kind.check, kind.known
    rows = np.flatnonzero(good)
    for at, value in zip(rows, values.take(pa.array(rows)).to_pylist(), strict=True):
        found = known.get(value)
        if found is None:
            found = known[value] = check(value)
        good[at] = found
    return good


def valid(kind: str, column: pa.Array, on: date | None = None) -> NDArray[np.bool_]:
    """Whether each value of a column is a well-formed identifier of a kind.

    Args:
        kind: one of `KINDS`, in any case (also uuidv4, uetr, iso4217, ric). RESIDENT_ID includes
            birth date and place. MIC and FIN14 are checked for shape only: `mics.csv` is not the
            whole list, and the FIN14 check character follows a standard we could not read.
        column: string or dictionary column.
        on: for code lists, the day on which the code must be in force; None: on any day.

    Returns:
        One bool a row; null is False (nothing was given, so nothing is valid: mask such rows where
        a field may be absent).

    Raises:
        ConfigurationError: no such kind.

    Example:
        >>> valid("lei", pa.array(["999900HUALANSIM38144", "999900hualansim38144", None])).tolist()
        [True, False, False]
    """
    chosen = _kind(kind)
    if chosen is None:
        raise ConfigurationError(
            f"identifier kind {kind!r}: expected one of {', '.join(KINDS)}; correct the rule"
        )
    if (
        chosen.check is None
        and chosen.columns is None
        and chosen.code_list is None
        and not pa.types.is_dictionary(column.type)
    ):
        return _decide(chosen, flat(column).cast(pa.string()).fill_null(""), on)
    values, codes = encoded(column)
    if values.null_count:
        values = values.fill_null("")
    answers = _decide(chosen, values.cast(pa.string()), on)
    return np.append(answers, False)[codes]  # code -1 reads the last entry


def check_column(kind: str, column: pa.Array) -> pa.Array:
    """`valid` as an Arrow bool column for SQL: null where absent or where the kind has no check.

    Example:
        >>> check_column("UUID4", pa.array(["x", None])).to_pylist()
        [False, None]
        >>> check_column("PSEUDONYM", pa.array(["x"])).to_pylist()
        [None]
    """
    if not has_check(kind):
        return pa.nulls(len(column), pa.bool_())
    absent = column.is_null().to_numpy(zero_copy_only=False)
    return pa.array(valid(kind, column), pa.bool_(), mask=absent)


def minor_units(code: str) -> int | None:
    """Decimal places of a currency; None where it has none or is unknown.

    Example:
        >>> minor_units("JPY"), minor_units("KWD"), minor_units("XAU")
        (0, 3, None)
    """
    return _minor_units().get(code)


@cache
def _minor_units() -> Mapping[str, int]:
    rows = _code_list("currencies.csv").to_pylist()
    return MappingProxyType(
        {row["code"]: int(row["minor_units"]) for row in rows if row["minor_units"] is not None}
    )


def listed_mic(column: pa.Array, on: date | None = None) -> NDArray[np.bool_]:
    """Whether `mics.csv`, a partial list, has each code; null is False."""
    values, codes = encoded(column)
    answers = _listed("mics.csv", values.cast(pa.string()), on).to_numpy(zero_copy_only=False)
    return np.append(np.asarray(answers, bool), False)[codes]
