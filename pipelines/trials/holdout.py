"""The hold-out: days, or whole tapes, that never take part in choosing a number.

Who tries numbers until the figures please has fitted them to the tape. So a declared share of a
tape's days is set aside, by a hash nobody can steer: alerts and schemes of those days appear in no
list and no difference, only in one figure at the end.
"""

import hashlib
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.rules.tables import Table
from schemas.errors import ConfigurationError

FILE = Path(__file__).with_name("holdout.toml")
_DAY_US = 86_400_000_000
_BEIJING_US = 8 * 3_600_000_000


@dataclass(frozen=True, slots=True)
class Holdout:
    """What is set aside of one tape: all of it, or days by hash."""

    tape: str
    share: float
    whole: bool

    def holds(self, instants: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which instants (us UTC) lie on a day that is set aside."""
        if self.whole:
            return np.ones(len(instants), np.bool_)
        days, of = np.unique((instants + _BEIJING_US) // _DAY_US, return_inverse=True)
        aside = np.array([_below(self.tape, int(day), self.share) for day in days], np.bool_)
        found: npt.NDArray[np.bool_] = aside[of] if len(days) else np.zeros(0, np.bool_)
        return found


def _below(tape: str, day: int, share: float) -> bool:
    digest = hashlib.sha256(f"hold-out {tape} {day}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * (1 << 64)


def holdout(tape: str) -> Holdout:
    """What is set aside of a tape.

    Args:
        tape: SHA-256 of its manifest, hex.
    """
    share, tapes = declared()
    return Holdout(tape, share, tape in tapes)


@cache
def declared(
    path: Path = FILE,
) -> tuple[float, Collection[str]]:
    """The declared share of days, and the tapes that are set aside.

    Raises:
        ConfigurationError: the share is not between 0 and 0.9.
    """
    table = Table(path.name, tomllib.loads(path.read_text(encoding="utf-8")))
    share = table.read("share_of_days", float, "a share, such as 0.25")
    tapes = table.read("tapes", list, "a list of SHA-256")
    table.done()
    if not 0 < share <= 0.9:
        raise ConfigurationError(f"{path.name}: share_of_days: expected more than 0, at most 0.9")
    return share, frozenset(tapes)
