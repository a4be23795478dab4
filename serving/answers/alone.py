"""Why a region alone raised what all four together do not: what it did not hold.

An alert that the joint vantage does not raise rests on what is missing in one region. Here that is
looked for: at the instant of the region's strongest crossing, the same sums and gaps are taken on
the region's rows and on those of all four, and the rule's definition is asked once more for each of
its numbers, with that number lifted, which of them keeps the joint vantage silent.

It says why the two differ. It never says that the alert is settled.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import pyarrow.compute as pc

from ledger.duck import Connection
from pipelines.lanes.judged import by_definition
from pipelines.rules.registry import ParameterSet, Rule, load_parameters
from schemas.regions import JOINT_BIT, REGIONS, VANTAGES
from serving.answers.below import open_values
from serving.answers.evidence import OfSubject
from serving.answers.model import Alone

Row = dict[str, Any]
_DAY_US = 86_400_000_000
_MEMORY_US = 90 * _DAY_US  # how far back the rules on the graph look


def alone(
    connection: Connection, ledger: OfSubject, rule: Rule, agreed: ParameterSet, row: Row,
    fired: Sequence[Row],
) -> Alone | None:  # fmt: skip
    """What a region held and what all four hold, where only the region raised an alert.

    Args:
        connection: a session in which `_of_subject` is kept (`evidence.narrowed`).
        ledger: that session, for definitions.
        rule: the alert's.
        agreed: the parameter set the alert names.
        row: the alert's row.
        fired: its crossings.

    Returns:
        None where the joint vantage raised the alert itself, or nothing is known of its crossings.
    """
    crossed = [one for one in fired if one["vantage"] < JOINT_BIT]
    if not row["not_raised_jointly"] or not crossed:
        return None
    peak = max(crossed, key=lambda one: (one["band"], one["measure"], -one["instant"]))
    values = agreed.of(rule, peak["vantage"])
    facts = _FACTS.get(rule.name, _trades if rule.group == "graph" else _moved)
    found = facts(connection, row, peak, values)
    ways = [] if rule.group == "graph" else _in_the_way(ledger, rule, row, peak["instant"])
    return Alone(
        region=REGIONS[peak["vantage"]],
        instant=peak["instant"],
        measure=peak["measure"],
        kind=facts.__name__.removeprefix("_"),
        figures=found.figures,
        held_by=tuple(VANTAGES[bit] for bit in sorted(found.bits) if bit < JOINT_BIT),
        in_the_way=tuple(ways),
    )


class _Found:
    """Figures by name, and the regions (bits) that hold what the one did not."""

    def __init__(self, figures: Mapping[str, int], bits: Sequence[int]) -> None:
        self.figures, self.bits = dict(figures), set(bits)


def _in_the_way(ledger: OfSubject, rule: Rule, alert: Row, instant: int) -> list[str]:
    """Parameters each of which alone, lifted, makes the joint vantage cross at that instant."""
    ways = []
    for name, value in open_values(rule).items():
        sets = [one.changed(rule.name, **{name: value}) for one in load_parameters()]
        found = by_definition(ledger, rule, sets)
        mine = pc.and_(
            pc.and_(
                pc.equal(found["subject"], alert["subject"]),
                pc.equal(found["vantage"], JOINT_BIT),
            ),
            pc.and_(
                pc.equal(found["variant"], alert["variant"]), pc.equal(found["instant"], instant)
            ),
        )
        if pc.any(mine).as_py():
            ways.append(name)
    return ways


def _moved(connection: Connection, alert: Row, peak: Row, values: Mapping[str, int]) -> _Found:
    """What the subject was paid and paid, in the window that ends with the crossing.

    Without a window of its own a rule is asked from the first of the evidence on.
    """
    instant = peak["instant"]
    low = instant - values["window_us"] if "window_us" in values else alert["first_crossing"] - 1
    rows = connection.rows(
        f"""
        SELECT vantage,
            coalesce(sum(amount_fen) FILTER (WHERE payee_party = $subject), 0)::BIGINT,
            coalesce(sum(amount_fen) FILTER (WHERE payer_party = $subject), 0)::BIGINT,
            count(*)::BIGINT,
            count(DISTINCT CASE WHEN payer_party = $subject THEN payee_party
                ELSE payer_party END)::BIGINT
        FROM temp.main._of_subject
        WHERE vantage IN ($vantage, {JOINT_BIT}) AND payer_party <> payee_party
            AND $subject IN (payer_party, payee_party)
            AND event_time > $low AND event_time <= $high
        GROUP BY vantage
        """,
        _bounds(alert, peak, low),
    )
    figures = {"window_us": instant - low}
    for vantage, coming, going, transfers, others in rows:
        side = "joint" if vantage == JOINT_BIT else "solo"
        figures |= {
            f"{side}_coming_fen": coming,
            f"{side}_going_fen": going,
            f"{side}_transfers": transfers,
            f"{side}_others": others,
        }
    return _Found(figures, _holders(connection, _bounds(alert, peak, low)))


def _rested(connection: Connection, alert: Row, peak: Row, values: Mapping[str, int]) -> _Found:
    """How long the subject had rested for the region, and how it was used elsewhere meanwhile."""
    column = "account" if alert["subject_kind"] == "account" else "party"
    uses = connection.rows(
        f"""
        SELECT (event_time + 28800000000) // {_DAY_US} AS day, home, vantage = {JOINT_BIT}
        FROM (
            SELECT *, payer_agent & 7 AS home FROM temp.main._of_subject
            WHERE payer_{column} = $subject
            UNION ALL
            SELECT *, payee_agent & 7 AS home FROM temp.main._of_subject
            WHERE payee_{column} = $subject
        )
        WHERE home <> 0 AND event_time <= $high AND (
            vantage = {JOINT_BIT} OR (vantage = $vantage AND home - 1 = $vantage)
        )
        ORDER BY event_time, key
        """,
        {name: one for name, one in _bounds(alert, peak, 0).items() if name != "low"},
    )
    here = [day for day, _, joint in uses if not joint]
    gaps = [
        (before, day) for before, day in pairwise(here) if day - before >= values["dormant_days"]
    ]
    if not gaps:
        return _Found({}, ())
    before, woke = gaps[-1]
    between = [(day, home) for day, home, joint in uses if joint and before < day < woke]
    figures = {"rested_days": woke - before, "uses": len(between)}
    if between:
        figures["last_use_days"] = woke - max(day for day, _ in between)
    return _Found(figures, [home - 1 for _, home in between])


def _trades(connection: Connection, alert: Row, peak: Row, values: Mapping[str, int]) -> _Found:
    """With how many other parties those of the evidence begin to deal: the region's, and all."""
    del values
    low = peak["instant"] - _MEMORY_US
    bounds = _bounds(alert, peak, low)
    rows = connection.rows(
        f"""
        WITH named AS (
            SELECT DISTINCT unnest([payer_party, payee_party]) AS party
            FROM temp.main._of_subject
            WHERE list_contains($evidence, key) AND vantage = {JOINT_BIT}
        ),
        dealt AS (
            SELECT vantage, payer_party AS one, payee_party AS other FROM temp.main._of_subject
            WHERE event_time > $low AND event_time <= $high AND event_code = 1
            UNION
            SELECT vantage, payee_party, payer_party FROM temp.main._of_subject
            WHERE event_time > $low AND event_time <= $high AND event_code = 1
        )
        SELECT vantage, count(*)::BIGINT FROM dealt
        WHERE one IN (SELECT party FROM named) AND one <> $subject AND one <> 0
            AND other <> $subject AND other <> 0 AND one <> other
            AND vantage IN ($vantage, {JOINT_BIT})
        GROUP BY vantage
        """,
        bounds | {"evidence": alert["evidence"]},
    )
    counts = dict(rows)
    figures = {
        "solo_others": counts.get(peak["vantage"], 0),
        "joint_others": counts.get(JOINT_BIT, 0),
        "parties": 0,
    }
    figures["parties"] = int(
        connection.scalar(
            f"SELECT count(DISTINCT p) FROM (SELECT unnest([payer_party, payee_party]) AS p "
            f"FROM temp.main._of_subject WHERE list_contains($evidence, key) "
            f"AND vantage = {JOINT_BIT}) WHERE p NOT IN (0, $subject)",
            {"evidence": alert["evidence"], "subject": alert["subject"]},
        )
        or 0
    )
    return _Found(figures, ())


def _bounds(alert: Row, peak: Row, low: int) -> dict[str, int]:
    return {
        "subject": alert["subject"],
        "vantage": peak["vantage"],
        "low": low,
        "high": peak["instant"],
    }


def _holders(connection: Connection, bounds: Mapping[str, int]) -> list[int]:
    """Regions that hold a transaction of the subject which the one does not."""
    rows = connection.rows(
        """
        SELECT DISTINCT vantage FROM temp.main._of_subject
        WHERE $subject IN (payer_party, payee_party) AND payer_party <> payee_party
            AND event_time > $low AND event_time <= $high
            AND key NOT IN (SELECT key FROM temp.main._of_subject WHERE vantage = $vantage)
        """,
        dict(bounds),
    )
    return [int(row[0]) for row in rows]


_FACTS: Mapping[str, Callable[[Connection, Row, Row, Mapping[str, int]], _Found]] = (
    MappingProxyType({"dormant_wake": _rested})
)
