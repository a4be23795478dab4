"""What the lines of an example are read with; a value `-` says nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import pyarrow as pa

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Readers:
    """How a text of an example is read: ids of labels, instants, money, vantages of regions."""

    party: Callable[[str], int]
    instant: Callable[[str], int]
    fen: Callable[[str], int]
    vantages: Callable[[str], Sequence[int]]


def text(value: str) -> str | None:
    """A text as it stands."""
    return None if value == "-" else value


def day(value: str) -> date | None:
    """A date, such as 2026-06-15."""
    return None if value == "-" else date.fromisoformat(value)


def fen(value: str, read: Readers) -> int | None:
    """An amount."""
    return None if value == "-" else read.fen(value)


def instant(value: str, read: Readers) -> int | None:
    """An instant, us."""
    return None if value == "-" else read.instant(value)


def columns(ids: str, texts: str = "", days: str = "") -> Mapping[str, pa.DataType]:
    """Columns of a relation by kind; names stand between spaces, numbers are among the ids."""
    kinds = ((ids, pa.int64()), (texts, pa.string()), (days, pa.date32()))
    return MappingProxyType({name: kind for names, kind in kinds for name in names.split()})
