"""Compare alerts with labels: recall, precision, delay; solo and joint; what splitting hid.

Definitions (docs/simulation.md has them in words):

- **found**: one alert of the scheme's rule covers at least six tenths of its references; a region
  alone must cover six tenths of the whole scheme.
- **true**: at least half of an alert's evidence belongs to schemes of its rule. Alerts with the
  same rule and the same evidence count once.
- **delay**: the joint trigger of the earliest alert that found a scheme, minus the scheme's last
  event; negative where the alert came before the scheme was complete. Beside it the same until the
  alert became known, which is when a desk could have read it.

A pure function of tables; `replay.ledger_scores` reads them from a ledger. Counts are of planted
patterns: an input, not a finding.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas.regions import REGIONS

COVERS = (6, 10)  # an alert that covers so much of a scheme finds it
LABELLED = (1, 2)  # an alert with so much labelled evidence is true
ALL = "all"
DAY_S = 86_400
_Z = 1.959964  # two-sided 95 %

REFERENCES = pa.schema(
    [
        pa.field("ref", pa.string(), nullable=False),
        pa.field("transaction", pa.int64(), nullable=False),  # as evidence names it
    ]
)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share with its numbers; the interval is Wilson's, 95 %."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        """Hits / n, None where n is 0."""
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval, None where n is 0."""
        if not self.n:
            return None
        share, z2 = self.hits / self.n, _Z * _Z
        middle = share + z2 / (2 * self.n)
        half = _Z * sqrt(share * (1 - share) / self.n + z2 / (4 * self.n * self.n))
        low, high = (middle - half) / (1 + z2 / self.n), (middle + half) / (1 + z2 / self.n)
        return max(0.0, low), min(1.0, high)

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        return {
            "hits": self.hits,
            "n": self.n,
            "value": None if self.value is None else round(self.value, 4),
            "low": None if self.interval is None else round(self.interval[0], 4),
            "high": None if self.interval is None else round(self.interval[1], 4),
        }


@dataclass(frozen=True, slots=True)
class RuleScore:
    """How one rule did; `rule` is `all` for the sum over rules."""

    rule: str
    planted: int
    found: int
    alerts: int  # raised jointly, equal evidence counted once
    true_alerts: int
    false_on_innocents: int  # false alerts with half their evidence from labelled innocents
    transfers_true: int  # labelled references among the evidence
    transfers_raised: int  # evidence of all alerts
    transfers_labelled: int
    delays_s: tuple[float, ...]  # of found schemes, ascending
    known_after_s: tuple[float, ...]  # the same until it became known, where that is told
    solo_found: tuple[int, ...]  # by region, in the order of REGIONS
    solo_union: int  # found by at least one region alone
    solo_touched: int  # touched by at least one true alert of a region alone
    innocents: int
    innocents_raised: int
    hidden_planted: int  # split schemes
    hidden_found: int  # found, and hidden from every region in each alert that found it
    not_raised_jointly: int
    by_variant: Mapping[str, tuple[str, int, int]]  # variant -> kind, planted, found or raised
    missed_ids: tuple[str, ...]

    @property
    def missed(self) -> int:
        """Planted and not found."""
        return self.planted - self.found

    @property
    def false(self) -> int:
        """Alerts that are not true."""
        return self.alerts - self.true_alerts

    @property
    def recall(self) -> Ratio:
        """Share of planted schemes found."""
        return Ratio(self.found, self.planted)

    @property
    def precision(self) -> Ratio:
        """Share of alerts that are true."""
        return Ratio(self.true_alerts, self.alerts)

    @property
    def f1(self) -> float | None:
        """F1 on single transfers, from the union of evidence."""
        both = self.transfers_raised + self.transfers_labelled
        return 2 * self.transfers_true / both if both else None

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "planted": self.planted,
            "found": self.found,
            "missed": self.missed,
            "alerts": self.alerts,
            "true": self.true_alerts,
            "false": self.false,
            "false_on_innocents": self.false_on_innocents,
            "recall": self.recall.as_dict(),
            "precision": self.precision.as_dict(),
            "transfers": {
                "recall": Ratio(self.transfers_true, self.transfers_labelled).as_dict(),
                "precision": Ratio(self.transfers_true, self.transfers_raised).as_dict(),
                "f1": None if self.f1 is None else round(self.f1, 4),
            },
            "delay_s": {
                "median": median(self.delays_s) if self.delays_s else None,
                "n": len(self.delays_s),
            },
            "delay_days": {
                "median": round(median(self.known_after_s) / DAY_S, 2)
                if self.known_after_s
                else None,
                "n": len(self.known_after_s),
            },
            "solo": {
                region: Ratio(hits, self.planted).as_dict()
                for region, hits in zip(REGIONS, self.solo_found, strict=True)
            }
            | {
                "union": Ratio(self.solo_union, self.planted).as_dict(),
                "touched": Ratio(self.solo_touched, self.planted).as_dict(),
            },
            "innocents": {"planted": self.innocents, "raised": self.innocents_raised},
            "hidden": {"planted": self.hidden_planted, "found": self.hidden_found},
            "not_raised_jointly": self.not_raised_jointly,
            "by_variant": {
                variant: {"kind": kind, "planted": n, "found": hits}
                for variant, (kind, n, hits) in self.by_variant.items()
            },
            "missed_ids": list(self.missed_ids),
        }


@dataclass(frozen=True, slots=True)
class Score:
    """The whole comparison: one row a rule, and their sum."""

    rules: Mapping[str, RuleScore]
    overall: RuleScore

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {ALL: self.overall.as_dict()} | {
            rule: score.as_dict() for rule, score in self.rules.items()
        }


@dataclass(slots=True)
class _Label:
    scheme_id: str
    variant: str
    kind: str
    split: bool
    refs: frozenset[str]
    last_event: datetime

    def covered_by(self, refs: Iterable[str]) -> bool:
        hits = len(self.refs.intersection(refs))
        return hits * COVERS[1] >= len(self.refs) * COVERS[0]


@dataclass(slots=True)
class _Alert:
    evidence: frozenset[int]
    refs: frozenset[str]
    trigger: datetime | None  # joint; None where only a region raises it
    hidden: bool
    known: datetime | None  # since when it was known, under this id or one before it
    solo: list[set[int]]  # evidence by region


def score(
    alerts: pa.Table,
    crossings: pa.Table,
    labels: pa.Table,
    references: pa.Table,
    armed_from: datetime | None = None,
    known_since: Mapping[str, datetime] | None = None,
) -> Score:
    """Compare alerts with labels.

    Args:
        alerts: schemas.records.ALERT rows; withdrawn and superseded ones are left out.
        crossings: schemas.records.CROSSING rows, for what each region saw alone.
        labels: replay.schemes.plans.LABELS rows.
        references: `REFERENCES` rows: which evidence ids stand for a label's reference. A
            reference may have several (a loan stands in several registers).
        armed_from: alerts triggered before are learning and not scored, nor are the patterns
            that ended before.
        known_since: by alert id, when the alert became known first.

    Returns:
        One score a rule that is labelled or raised something, and their sum.
    """
    ref_of = _pairs(references)
    known = _labels(labels, armed_from)
    raised = _alerts(alerts, crossings, ref_of, armed_from, known_since or {})
    rules = sorted({*known, *raised})
    by_rule = {
        rule: _score_rule(rule, known.get(rule, []), raised.get(rule, []), ref_of) for rule in rules
    }
    return Score(by_rule, _sum(list(by_rule.values())))


def _pairs(references: pa.Table) -> dict[int, str]:
    ids, refs = references["transaction"].to_pylist(), references["ref"].to_pylist()
    return dict(zip(ids, refs, strict=True))


def _labels(labels: pa.Table, armed_from: datetime | None) -> dict[str, list[_Label]]:
    result: dict[str, list[_Label]] = defaultdict(list)
    for row in labels.to_pylist():
        if armed_from is None or row["last_event"] >= armed_from:
            result[row["rule"]].append(
                _Label(
                    row["scheme_id"],
                    row["variant"],
                    row["kind"],
                    row["split"],
                    frozenset(row["refs"]),
                    row["last_event"],
                )
            )
    return result


def _alerts(
    alerts: pa.Table,
    crossings: pa.Table,
    ref_of: Mapping[int, str],
    armed_from: datetime | None,
    known_since: Mapping[str, datetime],
) -> dict[str, list[_Alert]]:
    result: dict[str, list[_Alert]] = defaultdict(list)
    at: dict[tuple[str, str, int], list[tuple[datetime, datetime, _Alert]]] = defaultdict(list)
    for row in alerts.to_pylist():
        if row["withdrawn"] or row["superseded_by"] is not None:
            continue
        if armed_from is not None and row["first_crossing"] < armed_from:
            continue
        evidence = frozenset(row["evidence"])
        alert = _Alert(
            evidence=evidence,
            refs=frozenset(ref_of[each] for each in evidence if each in ref_of),
            trigger=row["joint_first"],
            hidden=row["hidden_by_split"],
            known=known_since.get(row["alert_id"]),
            solo=[set() for _ in REGIONS],
        )
        result[row["rule"]].append(alert)
        place = (row["rule"], row["variant"], row["subject"])
        at[place].append((row["first_crossing"], row["last_crossing"], alert))
    for row in _solo(crossings).to_pylist():
        instant = _instant(row["instant"], alerts.schema.field("first_crossing").type)
        for first, last, alert in at.get((row["rule"], row["variant"], row["subject"]), ()):
            if first <= instant <= last:
                alert.solo[row["vantage"]].update(row["evidence"])
    return result


def _solo(crossings: pa.Table) -> pa.Table:
    columns = ["rule", "variant", "vantage", "subject", "instant", "evidence"]
    return crossings.select(columns).filter(pc.less(crossings["vantage"], len(REGIONS)))


def _instant(micros: int, kind: pa.DataType) -> datetime:
    moment: datetime = pa.scalar(micros, pa.timestamp("us", "UTC")).cast(kind).as_py()
    return moment


def _score_rule(
    rule: str, known: Sequence[_Label], raised: Sequence[_Alert], ref_of: Mapping[int, str]
) -> RuleScore:
    schemes = [label for label in known if label.kind == "scheme"]
    innocents = [label for label in known if label.kind != "scheme"]
    labelled = frozenset(ref for label in schemes for ref in label.refs)
    harmless = frozenset(ref for label in innocents for ref in label.refs)
    every = [alert for alert in raised if alert.trigger is not None]
    joint = _once(every)
    true = [alert for alert in joint if _share(alert.evidence, labelled, ref_of)]
    finders = {s.scheme_id: [a for a in every if s.covered_by(a.refs)] for s in schemes}
    found = [s for s in schemes if finders[s.scheme_id]]
    solo_refs = [_solo_refs(alert, ref_of) for alert in raised]
    solo_found = [
        {s.scheme_id for s in schemes if any(s.covered_by(refs[v]) for refs in solo_refs)}
        for v in range(len(REGIONS))
    ]
    touching = [
        refs[v]
        for alert, refs in zip(raised, solo_refs, strict=True)
        for v in range(len(REGIONS))
        if _share(frozenset(alert.solo[v]), labelled, ref_of)
    ]
    raised_innocents = [i for i in innocents if any(i.covered_by(a.refs) for a in joint)]
    union = {each for alert in joint for each in alert.evidence}
    return RuleScore(
        rule=rule,
        planted=len(schemes),
        found=len(found),
        alerts=len(joint),
        true_alerts=len(true),
        false_on_innocents=sum(
            _share(a.evidence, harmless, ref_of) for a in joint if a not in true
        ),
        transfers_true=len({ref_of[e] for e in union if e in ref_of} & labelled),
        transfers_raised=len({ref_of.get(e, str(e)) for e in union}),
        transfers_labelled=len(labelled),
        delays_s=tuple(sorted(_delay(s, finders[s.scheme_id]) for s in found)),
        known_after_s=tuple(
            sorted(
                _known_after(s, times)
                for s in found
                if (times := [a.known for a in finders[s.scheme_id] if a.known is not None])
            )
        ),
        solo_found=tuple(len(ids) for ids in solo_found),
        solo_union=len(set().union(*solo_found)),
        solo_touched=sum(any(s.refs & refs for refs in touching) for s in schemes),
        innocents=len(innocents),
        innocents_raised=len(raised_innocents),
        hidden_planted=sum(s.split for s in schemes),
        hidden_found=sum(all(a.hidden for a in finders[s.scheme_id]) for s in found),
        not_raised_jointly=sum(alert.trigger is None for alert in raised),
        by_variant=_variants(known, {s.scheme_id for s in [*found, *raised_innocents]}),
        missed_ids=tuple(s.scheme_id for s in schemes if not finders[s.scheme_id]),
    )


def _once(alerts: Sequence[_Alert]) -> list[_Alert]:
    """Alerts of one rule with the same evidence count once: the earliest of them."""
    first: dict[frozenset[int], _Alert] = {}
    for alert in sorted(alerts, key=lambda a: a.trigger or datetime.max.replace(tzinfo=UTC)):
        first.setdefault(alert.evidence, alert)
    return list(first.values())


def _share(evidence: frozenset[int], labelled: frozenset[str], ref_of: Mapping[int, str]) -> bool:
    """Whether at least half of the evidence is labelled."""
    hits = sum(ref_of.get(each) in labelled for each in evidence)
    return bool(evidence) and hits * LABELLED[1] >= len(evidence) * LABELLED[0]


def _solo_refs(alert: _Alert, ref_of: Mapping[int, str]) -> list[set[str]]:
    return [{ref_of[each] for each in seen if each in ref_of} for seen in alert.solo]


def _delay(label: _Label, finders: Sequence[_Alert]) -> float:
    first = min(alert.trigger for alert in finders if alert.trigger is not None)
    return (first - label.last_event) / timedelta(seconds=1)


def _known_after(label: _Label, times: Sequence[datetime]) -> float:
    return (min(times) - label.last_event) / timedelta(seconds=1)


def _variants(known: Sequence[_Label], hit: set[str]) -> dict[str, tuple[str, int, int]]:
    result: dict[str, tuple[str, int, int]] = {}
    for label in sorted(known, key=lambda each: (each.kind != "scheme", each.variant)):
        kind, n, hits = result.get(label.variant, (label.kind, 0, 0))
        result[label.variant] = (kind, n + 1, hits + (label.scheme_id in hit))
    return result


def _sum(scores: Sequence[RuleScore]) -> RuleScore:
    def total(name: str) -> int:
        return sum(getattr(each, name) for each in scores)

    return RuleScore(
        rule=ALL,
        planted=total("planted"),
        found=total("found"),
        alerts=total("alerts"),
        true_alerts=total("true_alerts"),
        false_on_innocents=total("false_on_innocents"),
        transfers_true=total("transfers_true"),
        transfers_raised=total("transfers_raised"),
        transfers_labelled=total("transfers_labelled"),
        delays_s=tuple(sorted(delay for each in scores for delay in each.delays_s)),
        known_after_s=tuple(sorted(one for each in scores for one in each.known_after_s)),
        solo_found=tuple(sum(each.solo_found[v] for each in scores) for v in range(len(REGIONS))),
        solo_union=total("solo_union"),
        solo_touched=total("solo_touched"),
        innocents=total("innocents"),
        innocents_raised=total("innocents_raised"),
        hidden_planted=total("hidden_planted"),
        hidden_found=total("hidden_found"),
        not_raised_jointly=total("not_raised_jointly"),
        by_variant={},
        missed_ids=tuple(each for score in scores for each in score.missed_ids),
    )
