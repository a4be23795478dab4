"""The value of sharing as a curve: joint and solo recall over how much of trade crosses regions.

The same table, the same times, the same rules; only who lives where changes. The joint vantage sees
the same in all of them, so what differs is what regions see alone: every difference is paired by
pattern. Several seeds a point; the interval is of the patterns (one table has no more of them than
it has, however often regions are given anew), the spread over seeds stands beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from replay.scorer import Ratio
from replay.scoring.regions import Assignment
from replay.scoring.score import RulesScore

LEVELS = (5, 10, 20, 30, 40, 50, 60, 70)
ALL = "all"
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Setting:
    """One point to measure: a way to give regions, a share in percent, a seed."""

    partition: str
    cross: int
    seed: int


@dataclass(frozen=True, slots=True)
class Found:
    """What one rule, or all together, found under one assignment: counts of patterns and alerts."""

    n: int
    joint: int
    union: int
    joint_only: int
    solo_only: int
    hidden: int  # found patterns whose every alert is hidden from all regions
    joint_alerts: int
    joint_true: int
    union_alerts: int
    union_true: int

    def __add__(self, other: "Found") -> "Found":
        return Found(
            *(getattr(self, name) + getattr(other, name) for name in Found.__dataclass_fields__)
        )


@dataclass(frozen=True, slots=True)
class Point:
    """One setting measured."""

    setting: Setting
    cross: float  # the share there was
    by_rule: Mapping[str, Found]


def settings(partitions: Sequence[str], levels: Sequence[int], seeds: int) -> Iterator[Setting]:
    """Every point to measure, in order."""
    for partition in partitions:
        for level in levels:
            for seed in range(1, seeds + 1):
                yield Setting(partition, level, seed)


def point(setting: Setting, assignment: Assignment, score: RulesScore) -> Point:
    """What one score says at its place on the curve; rules with nothing to find are left out."""
    by_rule = {}
    for name, one in score.by_rule.items():
        if not len(one.joint.wanted):
            continue
        joint, union = set(one.joint.found), set(one.union.found)
        by_rule[name] = Found(
            n=len(one.joint.wanted),
            joint=len(joint),
            union=len(union),
            joint_only=len(joint - union),
            solo_only=len(union - joint),
            hidden=one.hidden_patterns.hits,
            joint_alerts=one.joint.alerts,
            joint_true=one.joint.true,
            union_alerts=one.union.alerts,
            union_true=one.union.true,
        )
    if by_rule:
        first, *others = by_rule.values()
        total = first
        for other in others:
            total = total + other
        by_rule[ALL] = total
    return Point(setting, assignment.cross, by_rule)


def curve(points: Sequence[Point]) -> list[dict[str, Any]]:
    """Points put together over their seeds, one row a partition, share and rule."""
    groups: dict[tuple[str, int], list[Point]] = {}
    for one in points:
        groups.setdefault((one.setting.partition, one.setting.cross), []).append(one)
    rows = []
    for (partition, level), some in groups.items():
        for rule in some[0].by_rule:
            rows.append(
                {
                    "partition": partition,
                    "cross_wanted": level / 100,
                    "cross": round(sum(p.cross for p in some) / len(some), 4),
                    "rule": rule,
                    **_row([p.by_rule[rule] for p in some]),
                }
            )
    return rows


def _row(found: Sequence[Found]) -> dict[str, Any]:
    seeds, n = len(found), found[0].n

    def share(hits: str, of: str = "n") -> dict[str, Any]:
        """Mean over the seeds, as many of as many; the interval is that of one table."""
        top = sum(getattr(f, hits) for f in found) / seeds
        bottom = sum(getattr(f, of) for f in found) / seeds
        told = Ratio(round(top), round(bottom)).as_dict()
        values = [getattr(f, hits) / getattr(f, of) for f in found if getattr(f, of)]
        spread = {"least": round(min(values), 4), "most": round(max(values), 4)} if values else {}
        return told | spread

    more = sum(f.joint_only for f in found) / seeds
    less = sum(f.solo_only for f in found) / seeds
    gain = (more - less) / n
    half = _Z * sqrt(max(0.0, more + less - (more - less) ** 2 / n)) / n
    return {
        "seeds": seeds,
        "n": n,
        "joint": {
            "recall": share("joint"),
            "precision": share("joint_true", "joint_alerts"),
        },
        "solo_union": {
            "recall": share("union"),
            "precision": share("union_true", "union_alerts"),
        },
        "hidden_by_split": share("hidden", "joint"),
        "gain": {
            "value": round(gain, 4),
            "low": round(max(-1.0, gain - half), 4),
            "high": round(min(1.0, gain + half), 4),
            "joint_only": round(more, 2),
            "solo_only": round(less, 2),
        },
    }
