"""Two detectors on the same schemes: who found what, and how sure the difference is."""

from dataclasses import dataclass
from math import comb, sqrt
from typing import Any

_Z = 1.959964  # two-sided 95 %


@dataclass(frozen=True, slots=True)
class Paired:
    """Schemes by who found them. What both found or both missed says nothing of the difference."""

    both: int
    only_old: int
    only_new: int
    neither: int

    @property
    def n(self) -> int:
        """All schemes."""
        return self.both + self.only_old + self.only_new + self.neither

    @property
    def difference(self) -> float | None:
        """Recall of the new one minus that of the old one; None without schemes."""
        return (self.only_new - self.only_old) / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the difference (Bonett and Price 2012: adjusted Wald for pairs).

        Example:
            >>> tuple(round(end, 3) for end in Paired(40, 2, 8, 10).interval)
            (-0.01, 0.204)
        """
        if not self.n:
            return None
        new, old = ((count + 1) / (self.n + 2) for count in (self.only_new, self.only_old))
        half = _Z * sqrt(max(0.0, new + old - (new - old) ** 2) / (self.n + 2))
        return max(-1.0, new - old - half), min(1.0, new - old + half)

    @property
    def p_value(self) -> float:
        """How often chance alone parts the schemes only one found so unevenly (McNemar, exact).

        Example:
            >>> round(Paired(40, 2, 8, 10).p_value, 4), Paired(5, 0, 0, 1).p_value
            (0.1094, 1.0)
        """
        n, least = self.only_old + self.only_new, min(self.only_old, self.only_new)
        return min(1.0, 2 * sum(comb(n, k) for k in range(least + 1)) / 2**n)

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        interval = self.interval
        return {
            "both": self.both,
            "only_today": self.only_old,
            "only_tried": self.only_new,
            "neither": self.neither,
            "n": self.n,
            "difference": None if self.difference is None else round(self.difference, 4),
            "low": None if interval is None else round(interval[0], 4),
            "high": None if interval is None else round(interval[1], 4),
            "p_value": round(self.p_value, 4),
        }
