"""Transfer tables made by others, in one form: AMLSim's and AMLGentex's columns, parquet or CSV.

A column is known by any of its generator's names; types are taken as they come (a flag may be a
bool, a number or a word, a time may be text, a timestamp or a day's number). What is missing is
named with what was expected. Amounts become whole fen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from schemas.errors import InputError

Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.str_]
Flags = npt.NDArray[np.bool_]
NOBODY = -1

# Field -> the names it may have, for each generator; `day` decides which one made the table.
_AMLSIM: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "payer": ("orig_acct", "orig_id", "nameOrig"),
        "payee": ("bene_acct", "dest_acct", "nameDest"),
        "payer_bank": ("orig_bank", "bankOrig", "orig_bank_id"),
        "payee_bank": ("bene_bank", "bankDest", "bene_bank_id"),
        "amount": ("base_amt", "amount"),
        "day": ("tran_timestamp", "timestamp"),
        "flag": ("is_sar", "isSAR"),
        "pattern": ("alert_id", "alertID"),
        "kind": ("alert_type", "reason"),
    }
)
_AMLGENTEX: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "payer": ("nameOrig", "orig_acct"),
        "payee": ("nameDest", "bene_acct"),
        "payer_bank": ("bankOrig", "orig_bank"),
        "payee_bank": ("bankDest", "bene_bank"),
        "amount": ("amount", "base_amt"),
        "day": ("step",),
        "flag": ("isSAR", "is_sar"),
        "pattern": ("patternID", "alertID", "alert_id"),
        "kind": ("modelType", "alert_type"),
    }
)
_OPTIONAL = ("payer_bank", "payee_bank")
# AMLGentex names its patterns by number (source: its documentation of alert typologies).
_GENTEX_TYPES: Mapping[int, str] = MappingProxyType(
    {
        1: "fan_out",
        2: "fan_in",
        3: "cycle",
        4: "bipartite",
        5: "stack",
        6: "random",
        7: "scatter_gather",
        8: "gather_scatter",
    }
)
_LONGEST_DAYS = 36_525  # beyond: seconds, or something else that counts no days
_HUNDRED = pa.scalar(100, pa.decimal128(3, 0))
_TRUE = ("true", "1", "t", "yes", "y", "1.0")
_FALSE = ("false", "0", "f", "no", "n", "0.0", "")


@dataclass(frozen=True, slots=True)
class Transfers:
    """A transfer table in one form, whichever generator it is from; columns are parallel.

    Accounts are numbered from 0 in the order of their names, banks too; -1 is no bank.
    """

    generator: str  # amlsim | amlgentex
    payer: Ints
    payee: Ints
    fen: Ints
    day: Ints  # 0 is the first
    pattern: Ints  # -1: none
    kind: Texts  # of the pattern; "" without one
    account_bank: Ints
    banks: tuple[str, ...]

    @property
    def accounts(self) -> int:
        """How many accounts the table names."""
        return len(self.account_bank)

    def take(self, rows: Ints) -> "Transfers":
        """Some rows, in that order; accounts and banks stay."""
        return replace(
            self,
            **{name: getattr(self, name)[rows] for name in ("payer", "payee", "fen", "day")},
            pattern=self.pattern[rows],
            kind=self.kind[rows],
        )


def read_table(file: Path, rows: int | None = None) -> Transfers:
    """Read a transfer table.

    Args:
        file: parquet, or CSV by its ending.
        rows: only the first so many rows.

    Raises:
        InputError: the file cannot be read, lacks a column, or a column cannot be understood.
    """
    table = _load(file)
    names = _AMLGENTEX if "step" in table.column_names else _AMLSIM
    columns = _columns(file, table, names)
    if rows is not None:
        columns = {name: column.slice(0, rows) for name, column in columns.items()}
    columns = _between_accounts(columns)
    if not len(columns["payer"]):
        raise InputError(f"{file}: rows: expected at least one transfer")
    reader = _Reader(file, columns)
    flag = reader.flags("flag")
    kind = reader.kinds(flag)
    pattern = reader.patterns(flag)
    numbers, places = reader.accounts()
    payer, payee = np.split(places, 2)
    day = reader.days()
    account_bank, banks = reader.banks(places, numbers)
    return Transfers(
        generator="amlgentex" if names is _AMLGENTEX else "amlsim",
        payer=payer,
        payee=payee,
        fen=reader.fen(),
        day=day - day.min(),
        pattern=pattern,
        kind=kind,
        account_bank=account_bank,
        banks=banks,
    )


def _load(file: Path) -> pa.Table:
    try:
        if file.suffix.lower() == ".csv":
            return pa.csv.read_csv(file)
        return pq.read_table(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            f"{file}: expected a parquet file that can be read, or a .csv ({type(error).__name__})"
        ) from error


def _columns(
    file: Path, table: pa.Table, names: Mapping[str, tuple[str, ...]]
) -> dict[str, pa.ChunkedArray]:
    found = {
        field: next((name for name in known if name in table.column_names), None)
        for field, known in names.items()
    }
    missing = [field for field, name in found.items() if name is None and field not in _OPTIONAL]
    if missing:
        wanted = [" or ".join(names[field]) for field in missing]
        raise InputError(
            f"{file}: columns: expected those of AMLSim "
            f"({', '.join(known[0] for known in _AMLSIM.values())}) or of AMLGentex "
            f"({', '.join(known[0] for known in _AMLGENTEX.values())}); it has no "
            f"{'; no '.join(wanted)}: rename or add the column"
        )
    return {field: table[name] for field, name in found.items() if name is not None}


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """A column as whole numbers, if that is what it says, in numbers or in words; else None."""
    try:
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            return column.cast(pa.int64())
        words = column.cast(pa.string())
        whole = words.cast(pa.int64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    # "007" and "7" are two names
    return whole if whole.cast(pa.string()).equals(words) else None


def _between_accounts(columns: dict[str, pa.ChunkedArray]) -> dict[str, pa.ChunkedArray]:
    """Rows between two accounts: AMLGentex names where money comes from and goes to -2 and -1."""
    numbers = [_numbers(columns[name]) for name in ("payer", "payee")]
    if any(side is None for side in numbers):
        return columns
    columns |= dict(zip(("payer", "payee"), numbers, strict=True))
    lowest = pc.min_element_wise(*numbers, skip_nulls=True)
    kept = pc.greater_equal(pc.fill_null(lowest, 0), 0)
    return {name: column.filter(kept) for name, column in columns.items()}


class _Reader:
    """Columns of any type that says the same, turned into one."""

    def __init__(self, file: Path, columns: Mapping[str, pa.ChunkedArray]) -> None:
        self.file, self.columns = file, columns

    def fail(self, field: str, expected: str, cure: str) -> InputError:
        return InputError(f"{self.file}: {field}: expected {expected}; {cure}")

    def flags(self, name: str) -> Flags:
        column = self.columns[name]
        if pa.types.is_boolean(column.type):
            return _plain(pc.fill_null(column, False)).astype(bool)
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            return _plain(pc.fill_null(column, 0)) != 0
        words = pc.utf8_lower(self.words(name, "flag"))
        if not pc.all(pc.is_in(words, value_set=pa.array(_TRUE + _FALSE))).as_py():
            raise self.fail("flag", "true or false, or 1 or 0, in every row", "correct the others")
        return _plain(pc.is_in(words, value_set=pa.array(_TRUE))).astype(bool)

    def words(self, name: str, said: str) -> pa.ChunkedArray:
        """A column as text, "" where there is none."""
        try:
            return pc.fill_null(self.columns[name].cast(pa.string()), "")
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise self.fail(said, "text or a number in every row", "correct the column") from error

    def accounts(self) -> tuple[int, Ints]:
        """How many accounts there are; the payers' numbers, then the payees'."""
        sides = [self.columns["payer"], self.columns["payee"]]
        if any(side.null_count for side in sides):
            raise self.fail("accounts", "a payer and a payee in every row", "remove the others")
        whole = all(pa.types.is_integer(side.type) for side in sides)
        kind = pa.int64() if whole else pa.string()
        if not whole:
            sides = [self.words(name, "accounts") for name in ("payer", "payee")]
        both = np.concatenate([_plain(side.cast(kind)) for side in sides])
        numbers, places = np.unique(both if whole else both.astype(str), return_inverse=True)
        return len(numbers), places.astype(np.int64)

    def banks(self, places: Ints, accounts: int) -> tuple[Ints, tuple[str, ...]]:
        """The bank each account is named with first."""
        if "payer_bank" not in self.columns or "payee_bank" not in self.columns:
            return np.full(accounts, NOBODY, np.int64), ()
        sides = [_plain(self.words(name, "bank")) for name in ("payer_bank", "payee_bank")]
        names, bank = np.unique(np.concatenate(sides).astype(str), return_inverse=True)
        _, first = np.unique(places, return_index=True)
        return bank[first].astype(np.int64), tuple(str(name) for name in names)

    def fen(self) -> Ints:
        """Whole fen; halves of binary fractions are rounded to the nearest."""
        column = self.columns["amount"]
        if column.null_count:
            raise self.fail("amount", "a number in every row", "correct or remove the others")
        try:
            if pa.types.is_integer(column.type):
                return _plain(pc.multiply_checked(column.cast(pa.int64()), 100)).astype(np.int64)
            if pa.types.is_decimal(column.type):
                exact = pc.multiply(column.cast(pa.decimal128(18, 2)), _HUNDRED)
                return _plain(exact.cast(pa.decimal128(22, 0)).cast(pa.int64())).astype(np.int64)
            if pa.types.is_boolean(column.type):
                raise self.fail("amount", "yuan with at most two digits", "correct it")
            yuan = _plain(pc.round(column.cast(pa.float64()), ndigits=2)).astype(np.float64)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise self.fail("amount", "yuan with at most two digits", "correct it") from error
        if not np.isfinite(yuan).all() or np.abs(yuan).max() > 1e15:
            raise self.fail("amount", "a number in every row", "correct or remove the others")
        return np.rint(yuan * 100).astype(np.int64)

    def days(self) -> Ints:
        """The day of every row, counted from any day; numbers are days already."""
        column = self.columns["day"]
        if column.null_count or (
            pa.types.is_floating(column.type) and not pc.all(pc.is_finite(column)).as_py()
        ):
            raise self.fail("time", "a day in every row", "remove the others")
        steps = _numbers(column)
        try:
            if steps is not None and not _written_dates(steps):
                return self._within(_plain(steps).astype(np.int64))
            if pa.types.is_floating(column.type):
                return self._within(np.floor(_plain(column)).astype(np.int64))
            if steps is not None:  # 20250131
                column = pc.strptime(steps.cast(pa.string()), format="%Y%m%d", unit="s")
            elif not pa.types.is_temporal(column.type):
                column = pc.utf8_slice_codeunits(column.cast(pa.string()), 0, 10)
            column = column.cast(pa.date32(), safe=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise self.fail("time", "a day such as 2025-01-31, or a step", "correct it") from error
        return _plain(column.cast(pa.int32())).astype(np.int64)

    def _within(self, days: Ints) -> Ints:
        if np.ptp(days) > _LONGEST_DAYS:
            raise self.fail("time", "days or steps of a hundred years at most", "count in days")
        return days

    def patterns(self, flag: Flags) -> Ints:
        names = _plain(self.words("pattern", "pattern id")).astype(str)
        known, numbers = np.unique(names, return_inverse=True)
        if flag.any() and "" in set(known[numbers[flag]].tolist()):
            raise self.fail("pattern id", "one in every flagged row", "add it or clear the flag")
        return np.where(flag, numbers, NOBODY).astype(np.int64)

    def kinds(self, flag: Flags) -> Texts:
        column = self.columns["kind"]
        numbers = _numbers(column)
        if numbers is not None:
            codes = _plain(pc.fill_null(numbers, 0)).astype(np.int64)
            known, at = np.unique(codes, return_inverse=True)
            names = np.array([_GENTEX_TYPES.get(int(c), f"type_{c}") for c in known])[at]
            names = np.where(_plain(pc.is_valid(numbers)), names, "")
        else:
            words = pc.utf8_lower(self.words("kind", "pattern type"))
            words = pc.replace_substring_regex(words, "[- ]+", "_")
            names = _plain(words).astype(str)
        if (names[flag] == "").any():
            raise self.fail("pattern type", "one in every flagged row", "add it or clear the flag")
        return np.where(flag, names, "")


def _written_dates(numbers: pa.ChunkedArray) -> bool:
    """Whether whole numbers are dates such as 20250131, not days or steps."""
    span = pc.min_max(numbers).as_py()
    return bool(span["min"] >= 19_000_101 and span["max"] <= 21_001_231)


def _plain(column: pa.ChunkedArray) -> npt.NDArray[np.generic]:
    return np.asarray(column.combine_chunks().to_numpy(zero_copy_only=False))
