"""The score of rules on labelled transfers: joint, each region alone, what splitting hid.

Alerts are the project's own: crossings of the rules, episodes of the crossings. The joint side is
what a desk would get; a region alone is scored on the episodes of its own crossings.

Crossings of the learning period fill the rules' memory and raise nothing: an alert begins with the
first crossing after it. `begun_armed` is stricter: an alert whose first crossing lay in the
learning period is left out altogether, however long its condition holds.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import comb
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.episodes.episodes import episodes
from pipelines.rules.registry import Rule
from replay.baselines import detectors, first_of_pair
from replay.scorer import DAY_S, Ratio
from replay.scoring.kinds import kinds_of
from replay.scoring.market import Movements, Truth
from replay.scoring.measure import Judged, Raised, judge, raised, together, transfers
from replay.scoring.tables import NOBODY, Ints
from schemas.regions import REGIONS

SIMULATED = "SIMULATED"
ARMED_DAYS = 45
_DAY_US = DAY_S * 1_000_000
_MONTH_DAYS = 30
_KNOWN = datetime(2026, 1, 1, tzinfo=UTC)  # when it became known is not scored


@dataclass(frozen=True, slots=True)
class Period:
    """What is scored: from when the rules are armed until the last transfer, us."""

    first_us: int
    armed_us: int
    last_us: int

    @classmethod
    def of(cls, first_us: int, last_us: int, armed_days: int) -> "Period":
        """Armed so many days after the first one began."""
        return cls(first_us, first_us + armed_days * _DAY_US, last_us)

    @property
    def months(self) -> float:
        """Armed months of thirty days."""
        return max(self.last_us - self.armed_us, 0) / (_MONTH_DAYS * _DAY_US)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule, or one variant of it."""

    joint: Judged
    solo: tuple[Judged, ...]  # in the order of REGIONS
    union: Judged  # the four regions' alerts together
    hidden: Ratio  # joint alerts hidden from every region
    hidden_patterns: Ratio  # found patterns whose every alert is hidden
    alone: int  # alerts not raised jointly
    alone_true: int
    solo_alerts: tuple[Raised, ...]
    begun: tuple[Judged, Judged]  # joint and union, only of alerts that began when armed
    by_variant: Mapping[str, "RuleResult"] = field(default_factory=dict)

    def as_dict(self, truth: Truth, population: float) -> dict[str, Any]:
        """For JSON; `population` is thousands of accounts times armed months."""
        told: dict[str, Any] = {
            "joint": self.joint.as_dict(truth),
            "solo": {r: j.as_dict(truth) for r, j in zip(REGIONS, self.solo, strict=True)}
            | {"union": self.union.as_dict(truth)},
            "hidden_by_split": self.hidden.hits,
            "not_raised_jointly": self.alone,
            "hidden": {
                "alerts": self.hidden.as_dict(),
                "patterns": self.hidden_patterns.as_dict(),
            },
            "raised_alone": {
                "alerts": Ratio(self.alone, self.alone + self.joint.alerts).as_dict(),
                "true": Ratio(self.alone_true, self.alone).as_dict(),
            },
            "begun_armed": dict(
                zip(("joint", "union"), (j.as_dict(truth) for j in self.begun), strict=True)
            ),
            "paired": paired(self.joint.found, self.union.found),
            "per_1000_accounts_month": _rate(self.joint.alerts, population),
        }
        if self.by_variant:
            told["by_variant"] = {
                name: one.as_dict(truth, population) for name, one in self.by_variant.items()
            }
        return told


@dataclass(frozen=True, slots=True)
class RulesScore:
    """All rules on one market."""

    truth: Truth
    scored: Ints  # patterns that ended when the rules were armed
    accounts: int
    period: Period
    by_rule: Mapping[str, RuleResult]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        population = self.accounts / 1000 * self.period.months
        joint = [one.joint for one in self.by_rule.values()]
        union = [one.union for one in self.by_rule.values()]
        return {
            "by_rule": {r: one.as_dict(self.truth, population) for r, one in self.by_rule.items()},
            "transfers": self._transfers(joint) | {"solo": {"union": self._transfers(union)}},
            "per_1000_accounts_month": _rate(sum(j.alerts for j in joint), population),
            "per_1000_accounts_month_solo_union": _rate(sum(j.alerts for j in union), population),
            "patterns": {
                kind: self.truth.kinds_count(kind, self.scored)
                for kind in sorted(set(self.truth.kinds))
            },
        }

    def _transfers(self, judged: list[Judged]) -> dict[str, Any]:
        parts = [one.evidence for one in judged]
        evidence = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)
        return transfers(evidence, self.truth, self.scored)


def paired(joint: Collection[int], union: Collection[int]) -> dict[str, Any]:
    """The same patterns under both: who finds what the other does not; exact two-sided sign test.

    Example:
        >>> paired([1, 2, 3, 4, 5, 6], [1])["p"]
        0.0625
    """
    one, other = set(joint), set(union)
    more, less = len(one - other), len(other - one)
    n = more + less
    tail = sum(comb(n, k) for k in range(min(more, less) + 1)) / 2**n
    return {
        "both": len(one & other),
        "joint_only": more,
        "solo_only": less,
        "p": round(min(1.0, 2 * tail), 6) if n else None,
    }


def _rate(count: int, population: float) -> float | None:
    return round(count / population, 2) if population else None


def armed(crossings: pa.Table, period: Period) -> pa.Table:
    """Crossings that may raise something."""
    return crossings.filter(pc.greater_equal(crossings["instant"], period.armed_us))


def _alone(crossings: pa.Table, rules: Mapping[str, Rule]) -> list[pa.Table]:
    """ALERT rows of each region, made of its own crossings only."""
    alone = [crossings.filter(pc.equal(crossings["vantage"], v)) for v in range(len(REGIONS))]
    return [episodes(part, rules, SIMULATED, _KNOWN) for part in alone]


def solo_alerts(
    crossings: pa.Table, rules: Mapping[str, Rule], period: Period
) -> tuple[Raised, ...]:
    """What each region alone raises, in the order of REGIONS."""
    alone = _alone(armed(crossings, period), rules)
    return tuple(raised(part, jointly=False) for part in alone)


def score_rules(
    crossings: pa.Table,
    rules: Mapping[str, Rule],
    truth: Truth,
    accounts: int,
    period: Period,
) -> RulesScore:
    """Score rules by their crossings.

    Args:
        crossings: CROSSING rows of these rules, the learning period's too.
        rules: by name; those without a crossing are scored too.
        truth: what is labelled.
        accounts: how many accounts take part.
        period: what is scored.
    """
    after = armed(crossings, period)
    by_vantage = [*_alone(after, rules), _together(after, rules)]
    whole = [*_alone(crossings, rules), _together(crossings, rules)]
    begun = [part.filter(pc.greater_equal(_began(part), period.armed_us)) for part in whole]
    scored = np.flatnonzero(truth.last_us >= period.armed_us)
    found = {}
    for name, rule in rules.items():
        wanted = np.intersect1d(truth.patterns_of(kinds_of(name)), scored)
        mine = _of(by_vantage, "rule", name), _of(begun, "rule", name)
        variants = {}
        if len(rule.variants) > 1:
            for one in rule.variants:
                some, new = (_of(part, "variant", one.name) for part in mine)
                variants[one.name] = _result(some, new, truth, wanted, {})
        found[name] = _result(*mine, truth, wanted, variants)
    return RulesScore(truth, scored, accounts, period, found)


def _together(crossings: pa.Table, rules: Mapping[str, Rule]) -> pa.Table:
    return episodes(crossings, rules, SIMULATED, _KNOWN)


def _began(alerts: pa.Table) -> pa.ChunkedArray:
    return alerts["first_crossing"].cast(pa.int64())


def _of(tables: list[pa.Table], column: str, name: str) -> list[pa.Table]:
    return [table.filter(pc.equal(table[column], name)) for table in tables]


def _result(
    by_vantage: list[pa.Table],
    begun: list[pa.Table],
    truth: Truth,
    wanted: Ints,
    variants: Mapping[str, RuleResult],
) -> RuleResult:
    begun_solo = together([raised(part, jointly=False) for part in begun[:-1]])
    begun_joint = raised(begun[-1].filter(pc.is_valid(begun[-1]["joint_first"])), jointly=True)
    *alone, every = by_vantage
    jointly = every.filter(pc.is_valid(every["joint_first"]))
    only_alone = every.filter(every["not_raised_jointly"])
    solo = [raised(part, jointly=False) for part in alone]
    hidden = jointly.filter(jointly["hidden_by_split"])
    joint = judge(raised(jointly, jointly=True), truth, wanted)
    open_ = judge(raised(_others(jointly), jointly=True), truth, wanted)
    hidden_found = set(joint.found) - set(open_.found)
    unshared = judge(raised(only_alone, jointly=False), truth, wanted)
    return RuleResult(
        joint=joint,
        solo=tuple(judge(part, truth, wanted) for part in solo),
        union=judge(together(solo), truth, wanted),
        hidden=Ratio(judge(raised(hidden, jointly=True), truth, wanted).alerts, joint.alerts),
        hidden_patterns=Ratio(len(hidden_found), len(joint.found)),
        alone=unshared.alerts,
        alone_true=unshared.true,
        solo_alerts=tuple(solo),
        begun=(judge(begun_joint, truth, wanted), judge(begun_solo, truth, wanted)),
        by_variant=variants,
    )


def _others(jointly: pa.Table) -> pa.Table:
    return jointly.filter(pc.invert(jointly["hidden_by_split"]))


def trivial(movements: Movements, truth: Truth, period: Period) -> dict[str, Any]:
    """The two trivial detectors on the transfers of the armed period."""
    fresh = first_of_pair(movements.ids, movements.event_us, movements.payer, movements.payee)
    on = movements.event_us >= period.armed_us
    return detectors(
        movements.payer_region[on],
        movements.payee_region[on],
        fresh=fresh[on],
        positive=(truth.references_of(movements.ids) != NOBODY)[on],
    )
