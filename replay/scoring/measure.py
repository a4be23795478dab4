"""Alerts of one vantage against the truth: what they find, how many are true, how late they come.

- **found**: one alert covers at least six tenths of a pattern's transfers; a region alone must
  cover six tenths of the whole pattern.
- **true**: at least half of an alert's evidence is labelled, whatever the pattern's type.
- alerts with the same evidence count once, the earliest of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from replay.scorer import COVERS, DAY_S, LABELLED, Ratio
from replay.scoring.market import Truth
from replay.scoring.tables import NOBODY, Flags, Ints


@dataclass(frozen=True, slots=True)
class Raised:
    """Alerts as (trigger, evidence); alert i rests on `evidence[offsets[i]:offsets[i + 1]]`."""

    trigger_us: Ints
    offsets: Ints
    evidence: Ints

    def __len__(self) -> int:
        return len(self.trigger_us)

    @property
    def of(self) -> Ints:
        """The alert of every piece of evidence."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def take(self, rows: Ints) -> "Raised":
        """Some alerts, in that order."""
        counts = np.diff(self.offsets)[rows]
        offsets = np.r_[0, np.cumsum(counts)]
        at = np.repeat(self.offsets[rows] - offsets[:-1], counts) + np.arange(offsets[-1])
        return Raised(self.trigger_us[rows], offsets, self.evidence[at])


def raised(alerts: pa.Table, jointly: bool) -> Raised:
    """ALERT rows as `Raised`: triggered when the joint vantage did, or when anybody did."""
    trigger = alerts["joint_first" if jointly else "first_crossing"].combine_chunks()
    lists = alerts["evidence"].combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = pa.concat_arrays(lists.chunks) if lists.num_chunks else pa.array([], lists.type)
    counts = pc.list_value_length(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    return Raised(
        trigger.cast(pa.int64()).to_numpy(zero_copy_only=False).astype(np.int64),
        np.r_[0, np.cumsum(counts)],
        lists.flatten().to_numpy(zero_copy_only=False).astype(np.int64),
    )


def together(parts: Sequence[Raised]) -> Raised:
    """All alerts of several vantages."""
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    return Raised(
        np.concatenate([part.trigger_us for part in parts]),
        np.r_[0, np.cumsum(counts)],
        np.concatenate([part.evidence for part in parts]),
    )


def once(alerts: Raised) -> Raised:
    """Alerts with the same evidence count once: the earliest of them, in order of trigger."""
    first: dict[bytes, int] = {}
    ordered = np.argsort(alerts.trigger_us, kind="stable")
    for row in ordered.tolist():
        ids = np.sort(alerts.evidence[alerts.offsets[row] : alerts.offsets[row + 1]])
        first.setdefault(ids.tobytes(), row)
    return alerts.take(np.array(sorted(first.values(), key=lambda r: alerts.trigger_us[r]), int))


@dataclass(frozen=True, slots=True)
class Judged:
    """Alerts of a rule from one vantage, compared."""

    wanted: Ints  # patterns of the rule's types
    alerts: int
    true: int
    true_of_kind: int
    found: dict[int, int]  # pattern -> earliest trigger that found it
    touched: frozenset[int]  # patterns some true alert has at least one transfer of
    evidence: Ints  # of all alerts, each once

    @property
    def recall(self) -> Ratio:
        """Share of the patterns found."""
        return Ratio(len(self.found), len(self.wanted))

    @property
    def precision(self) -> Ratio:
        """Share of alerts that are true."""
        return Ratio(self.true, self.alerts)

    def delay_days(self, truth: Truth) -> float | None:
        """Median from a found pattern's last transfer to the trigger, days."""
        if not self.found:
            return None
        late = [trigger - int(truth.last_us[p]) for p, trigger in self.found.items()]
        return round(float(np.median(late)) / 1e6 / DAY_S, 2)

    def as_dict(self, truth: Truth) -> dict[str, Any]:
        """For JSON."""
        return {
            "recall": self.recall.as_dict(),
            "precision": self.precision.as_dict(),
            "precision_own_type": Ratio(self.true_of_kind, self.alerts).as_dict(),
            "delay_days": self.delay_days(truth),
            "alerts": self.alerts,
            "n": len(self.wanted),
        }


def judge(alerts: Raised, truth: Truth, wanted: Ints) -> Judged:
    """Compare alerts of one rule with the truth.

    Args:
        alerts: of one vantage, or of several together.
        truth: what is labelled.
        wanted: patterns the rule is to find.
    """
    alerts = once(alerts)
    of, reference = alerts.of, truth.references_of(alerts.evidence)
    labelled = reference != NOBODY
    pattern = np.where(labelled, truth.pattern[reference] if len(truth.pattern) else NOBODY, NOBODY)
    is_wanted = np.zeros(len(truth.sizes) + 1, bool)
    is_wanted[wanted] = True
    true = _half(alerts, of, labelled)
    # Each (alert, reference) once: a reference may have several ids.
    pairs = np.unique(np.stack([of[labelled], reference[labelled]]), axis=1)
    cover = np.unique(
        np.stack([pairs[0], truth.pattern[pairs[1]]]) if pairs.size else pairs,
        axis=1,
        return_counts=True,
    )
    (by, patterns), hits = cover
    mine = is_wanted[patterns]
    by, patterns, hits = by[mine], patterns[mine], hits[mine]
    enough = hits * COVERS[1] >= truth.sizes[patterns] * COVERS[0]
    found: dict[int, int] = {}
    for alert, number in zip(by[enough].tolist(), patterns[enough].tolist(), strict=True):
        trigger = int(alerts.trigger_us[alert])
        found[number] = min(found.get(number, trigger), trigger)
    return Judged(
        wanted=wanted,
        alerts=len(alerts),
        true=int(true.sum()),
        true_of_kind=int(_half(alerts, of, is_wanted[pattern]).sum()),
        found=found,
        touched=frozenset(patterns[true[by]].tolist()),
        evidence=np.unique(alerts.evidence),
    )


def true_of(alerts: Raised, truth: Truth) -> Flags:
    """Which alerts are true: at least half of their evidence is labelled."""
    return _half(alerts, alerts.of, truth.references_of(alerts.evidence) != NOBODY)


def _half(alerts: Raised, of: Ints, labelled: Flags) -> Flags:
    """Whether at least half of each alert's evidence is labelled."""
    hits = np.bincount(of[labelled], minlength=len(alerts))
    size = np.diff(alerts.offsets)
    return np.asarray((size > 0) & (hits * LABELLED[1] >= size * LABELLED[0]))


def transfers(evidence: Ints, truth: Truth, scored: Ints) -> dict[str, Any]:
    """Precision, recall and F1 on single transfers, from a union of evidence.

    Args:
        evidence: ids, each once.
        truth: what is labelled; evidence of any pattern is right.
        scored: the patterns whose transfers are to be found.
    """
    reference = truth.references_of(evidence)
    unlabelled = int(np.sum(reference == NOBODY))
    right = np.unique(reference[reference != NOBODY])
    hits = int(np.isin(truth.pattern[right], scored).sum()) if len(right) else 0
    recall = Ratio(hits, int(truth.sizes[scored].sum()))
    precision = Ratio(len(right), len(right) + unlabelled)
    both = (recall.value or 0.0) + (precision.value or 0.0)
    return {
        "precision": precision.as_dict(),
        "recall": recall.as_dict(),
        "f1": round(2 * (recall.value or 0.0) * (precision.value or 0.0) / both, 4)
        if both
        else (0.0 if recall.n else None),
    }
