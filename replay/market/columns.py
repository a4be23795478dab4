"""Records of a market as parallel columns: numpy arrays of one length in a frozen dataclass."""

from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from replay.market.population import Ints


class Columns:
    """What every table of columns can do; a market's own class is a frozen dataclass of arrays.

    A column `plan` names the labelled scheme a row belongs to, -1 for everyday business; it never
    leaves the simulator.
    """

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))  # type: ignore[arg-type]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a column of any type
        return getattr(self, name)


Rows = TypeVar("Rows", bound=Columns)


def take(rows: Rows, at: Ints) -> Rows:
    """The rows at these places."""
    names = [field.name for field in fields(rows)]  # type: ignore[arg-type]
    return type(rows)(**{name: rows[name][at] for name in names})


def joined(parts: list[Rows]) -> Rows:
    """Put tables one after another."""
    names = [field.name for field in fields(parts[0])]  # type: ignore[arg-type]
    return type(parts[0])(**{n: np.concatenate([part[n] for part in parts]) for n in names})
