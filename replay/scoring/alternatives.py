"""What could be had without sharing transactions: three ways, held against the joint vantage.

- **touching**: a pattern counts when any true alert of any region alone has one of its transfers.
- **retuned**: the rule's thresholds are moved until the four regions together raise as many
  alerts as the joint vantage does, so that neither is favoured by raising more.
- **exchange**: regions tell each other their alerts, not their transactions. Alerts of different
  regions that name a common party within the rule's horizon become one. Such a union counts as
  finding a pattern only if it is true: one that swallows everything finds nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.rules.registry import Rule
from replay.scorer import Ratio
from replay.scoring.kinds import thresholds_of
from replay.scoring.market import Movements
from replay.scoring.measure import Judged, Raised, judge, once, together, true_of
from replay.scoring.score import RulesScore, solo_alerts
from replay.scoring.tables import Ints

Run = Callable[[Rule, Mapping[str, int]], pa.Table]  # crossings of one rule with other numbers
_DAY_US = 86_400_000_000
_FACTORS = (1.12, 1.25, 1.6, 2.0, 3.0)
_STEPS = 5
_RUNS = 8  # of one rule, at most
_NEAR = 0.1  # so far off counts as as many


def touching(score: RulesScore) -> dict[str, Any]:
    """Patterns that any true solo alert touches, by rule and in all."""
    by_rule = {
        name: Ratio(len(one.union.touched), len(one.union.wanted))
        for name, one in score.by_rule.items()
    }
    return {
        "by_rule": {name: ratio.as_dict() for name, ratio in by_rule.items()},
        "recall": _sum(by_rule.values()).as_dict(),
    }


def _sum(ratios: Any) -> Ratio:  # noqa: ANN401 - any iterable of ratios
    listed = list(ratios)
    return Ratio(sum(r.hits for r in listed), sum(r.n for r in listed))


# -- retuned --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retuned:
    """The regions' numbers that find most while raising about as many alerts as all jointly."""

    values: Mapping[str, int]  # what was moved, and where to
    union: Judged
    wanted: int

    @property
    def off(self) -> float:
        """By how much more than a tenth the number of alerts differs from the joint one."""
        return max(0.0, abs(self.union.alerts - self.wanted) - _NEAR * self.wanted)

    @property
    def rank(self) -> tuple[float, int]:
        """The lower the better: near the joint number of alerts, then finding more."""
        return self.off, -len(self.union.found)


def retuned(
    score: RulesScore,
    rules: Mapping[str, Rule],
    defaults: Mapping[str, Mapping[str, int]],
    run: Run,
    on_step: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Move each rule's thresholds until the regions raise as many alerts as the joint vantage.

    Each threshold alone as far as it brings the number of alerts nearer, if need be with a second
    one; of those within a tenth of the joint number the one that finds most: kind to the regions.

    Args:
        score: with today's numbers.
        rules: by name.
        defaults: today's numbers, by rule.
        run: crossings of one rule with changed numbers.
        on_step: called once a rule, for progress.
    """
    told: dict[str, Any] = {}
    unions: dict[str, Judged] = {}
    for name, one in score.by_rule.items():
        found = None
        if one.union.alerts != one.joint.alerts and len(one.joint.wanted):
            found = _retune(score, rules[name], defaults[name], run)
        unions[name] = one.union if found is None else found.union
        told[name] = {
            "values": dict(found.values) if found else {},
            "joint_alerts": one.joint.alerts,
            **unions[name].as_dict(score.truth),
        }
        if on_step:
            on_step()
    return {"by_rule": told, "recall": _sum(one.recall for one in unions.values()).as_dict()}


def _retune(score: RulesScore, rule: Rule, values: Mapping[str, int], run: Run) -> Retuned:
    one = score.by_rule[rule.name]
    best = Retuned({}, one.union, one.joint.alerts)
    names, left = thresholds_of(tuple(values)), _RUNS
    for _ in range(2):  # each number alone, then another one with the best of them
        start = best
        for parameter, direction in product(names, (1, -1)):
            before = start
            for value in _steps(values[parameter], direction)[:left]:
                changed = {**start.values, parameter: value}
                left -= 1
                tried = Retuned(changed, _union(score, rule, run(rule, changed)), start.wanted)
                if tried.off >= before.off and tried.rank >= before.rank:
                    break  # away from the goal, or past it
                before = tried
                best = min(best, tried, key=lambda each: each.rank)
        if best.off == 0:
            break
        names = tuple(name for name in names if name not in best.values)
    return best


def _union(score: RulesScore, rule: Rule, crossings: pa.Table) -> Judged:
    alerts = together(solo_alerts(crossings, {rule.name: rule}, score.period))
    return judge(alerts, score.truth, score.by_rule[rule.name].union.wanted)


def _steps(default: int, direction: int) -> Sequence[int]:
    if abs(default) <= 20:
        found = [default + direction * step for step in range(1, _STEPS + 1)]
    else:
        found = [round(default * f if direction > 0 else default / f) for f in _FACTORS]
    return [value for value in found if value > 0]


# -- exchange -------------------------------------------------------------------------------------


def exchange(score: RulesScore, rules: Mapping[str, Rule], movements: Movements) -> dict[str, Any]:
    """Join the regions' alerts that name a common party, and score what comes of it."""
    order = np.argsort(movements.ids)
    told: dict[str, Any] = {}
    recalls = []
    for name, one in score.by_rule.items():
        linked = link(one.solo_alerts, movements, order, _horizon_us(rules[name]))
        judged = judge(linked, score.truth, one.union.wanted)
        finders = linked.take(np.flatnonzero(true_of(linked, score.truth)))
        finding = judge(finders, score.truth, one.union.wanted)
        recalls.append(finding.recall)
        told[name] = {
            "recall": finding.recall.as_dict(),
            "precision": judged.precision.as_dict(),
            "delay_days": finding.delay_days(score.truth),
            "alerts": judged.alerts,
            "n": len(judged.wanted),
        }
    return {"by_rule": told, "recall": _sum(recalls).as_dict()}


def _horizon_us(rule: Rule) -> int:
    # Ten business days are two weeks.
    return rule.horizon.microseconds or rule.horizon.business_days * 7 * _DAY_US // 5


def link(solo: Sequence[Raised], movements: Movements, order: Ints, within_us: int) -> Raised:
    """Alerts of several regions joined where they name a common party within a span of time.

    Args:
        solo: each region's alerts.
        movements: who takes part in what.
        order: `argsort(movements.ids)`.
        within_us: at most so long between two triggers.

    Returns:
        One alert a group, triggered when its last part was told; evidence without repeats.
    """
    parts = [once(alerts) for alerts in solo]
    every = together(parts)
    if not len(every):
        return every
    region = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    ids = movements.ids[order]
    at = np.searchsorted(ids, every.evidence).clip(0, len(ids) - 1)
    known = ids[at] == every.evidence  # positions of other markets name no payer
    at, of = order[at[known]], every.of[known]
    sides = np.r_[movements.payer[at], movements.payee[at]]
    both = np.r_[of, of]
    named = np.unique(np.stack([sides, every.trigger_us[both], both]), axis=1)
    group = list(range(len(every)))

    def root(alert: int) -> int:
        while group[alert] != alert:
            group[alert] = group[group[alert]]
            alert = group[alert]
        return alert

    party, trigger, alert = named
    near = (party[1:] == party[:-1]) & (trigger[1:] - trigger[:-1] <= within_us)
    near &= region[alert[1:]] != region[alert[:-1]]
    for left, right in zip(alert[:-1][near].tolist(), alert[1:][near].tolist(), strict=True):
        group[root(left)] = root(right)
    roots = np.array([root(alert) for alert in range(len(every))])
    _, number = np.unique(roots, return_inverse=True)
    told = np.full(number.max() + 1, np.iinfo(np.int64).min)
    np.maximum.at(told, number, every.trigger_us)
    pairs = np.unique(np.stack([number[every.of], every.evidence]), axis=1)
    counts = np.bincount(pairs[0], minlength=len(told))
    return Raised(told, np.r_[0, np.cumsum(counts)], pairs[1])
