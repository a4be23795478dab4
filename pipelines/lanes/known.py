"""The ledger lane at many closings at once: every subject that was touched, as it was known then.

A definition is asked once for all closings: its relations hold, for each closing, the rows of the
subjects that reports received since the closing before concern, as known then. A closing takes the
place of a vantage: `vantage` is 5 x slot + vantage, which a definition never looks into. What
nobody touched is not read again, so the work follows what came, not how often a day closed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from ledger.duck import Connection
from ledger.views import load_views
from pipelines.lanes.causal import candidates, causal_lane
from pipelines.lanes.closings import Closing
from pipelines.lanes.judged import by_definition
from pipelines.lanes.ledger import evaluate
from pipelines.lanes.lifetimes import CAUSES, CORRECTION, LATE, Replaced
from pipelines.rules.kernels.table import pair_sql
from pipelines.rules.registry import InForce, Rule, in_force, load_rules
from schemas.records import CROSSING

SLOTS = 51  # closings in one statement: 5 x 51 vantages fit a byte
_VANTAGES = 5
_EVER = 1 << 62
_PAIR = pair_sql("payer_party", "payee_party")
# Subject kind -> what names such a subject in a row of `leg` and of `position`.
_NAMED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        "asset": (("asset", "invoice", "contract"), ("asset", "invoice", "contract")),
        "party": (("payer_party", "payee_party"), ("payer_party", "payee_party")),
        "group": (("payer_group", "payee_group"), ()),
        "account": (("payer_account", "payee_account"), ("payer_account", "payee_account")),
        "instrument": (("instrument",), ("instrument",)),
        "pair": (
            (f"CASE WHEN payer_party = 0 OR payee_party = 0 THEN 0 ELSE {_PAIR} END",),
            (),
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lane:
    """What one rule of the ledger lane said: closing by closing, or why it was not evaluated."""

    rule: str
    replaced: tuple[Replaced, ...]
    not_evaluated: str = ""


def ledger_lane(
    ledger: Connection, closed: Sequence[Closing], parameters: InForce | None
) -> list[Lane]:
    """Every rule of the lane at every closing, for the subjects touched since the one before.

    A rule that says it is causal is run once, and again where something came behind its closing
    (`causal`). Any other that reads more than transactions and statements, or whose subjects no
    report names by itself (sets, institutions), is evaluated whole, at the last closing only.
    """
    return [
        at_closings(ledger, rule, closed, parameters)
        for rule in load_rules().values()
        if rule.lane == "ledger"
    ]


def at_closings(
    ledger: Connection, rule: Rule, closed: Sequence[Closing], parameters: InForce | None
) -> Lane:
    """One rule of the lane at every closing, as `ledger_lane`."""
    kinds = {variant.subject for variant in rule.variants}
    if rule.causal or rule.by_receipt:
        return Lane(rule.name, *causal_lane(ledger, rule, closed, parameters))
    if kinds <= set(_NAMED) and set(rule.needs) <= {"tx", "holding"}:
        return _by_closing(ledger, rule, sorted(kinds), closed, parameters)
    return _whole(ledger, rule, len(closed) - 1, parameters)


def _whole(ledger: Connection, rule: Rule, closing: int, parameters: InForce | None) -> Lane:
    said = evaluate(ledger, rule, parameters)
    subjects = np.unique(said.crossings["subject"].to_numpy())
    return Lane(
        rule.name,
        (
            Replaced(
                closing=closing,
                rule=rule.name,
                variants=tuple(variant.name for variant in rule.variants),
                lane="ledger",
                subjects=subjects,
                low=np.full(len(subjects), -_EVER),
                high=np.full(len(subjects), _EVER),
                causes=np.zeros(len(subjects), np.uint8),
                found=said.crossings,
            ),
        ),
        said.not_evaluated,
    )


def _by_closing(
    ledger: Connection,
    rule: Rule,
    kinds: Sequence[str],
    closed: Sequence[Closing],
    parameters: InForce | None,
) -> Lane:
    if reason := _lacks(ledger, rule):
        return Lane(rule.name, (), reason)
    with _rows(ledger, rule, kinds, closed, in_force(parameters)):
        replaced: list[Replaced] = []
        for first in range(0, len(closed), SLOTS):
            replaced += _slots(ledger, rule, parameters, first)
    return Lane(rule.name, tuple(replaced))


def _slots(
    ledger: Connection, rule: Rule, parameters: InForce | None, first: int
) -> list[Replaced]:
    """The closings `first` to `first + SLOTS`, in one statement."""
    with _tables(ledger, _TOUCHED, first=first, last=first + SLOTS - 1):
        touched = ledger.sql("SELECT * FROM _subject ORDER BY slot, kind, subject")
        if not touched.num_rows:
            return []
        views = {name: load_views()[name].sql for name in ("tx", "holding")}
        with _tables(ledger, _RELATIONS, first=first, **views):
            known = "tx AS (SELECT * FROM _known_tx), holding AS (SELECT * FROM _known_holding), "
            rows = by_definition(ledger, rule, in_force(parameters), known, slots=True)
    vantage = rows["vantage"].to_numpy()
    slot = first + vantage // _VANTAGES
    at = rows.schema.get_field_index("vantage")
    rows = rows.set_column(at, CROSSING.field("vantage"), pa.array(vantage % _VANTAGES, pa.uint8()))
    found = []
    for closing, kind, subjects, causes in _by_slot(touched):
        variants = tuple(one.name for one in rule.variants if one.subject == kind)
        bare = Replaced(
            closing=closing,
            rule=rule.name,
            variants=variants,
            lane="ledger",
            subjects=subjects,
            low=np.full(len(subjects), -_EVER),
            high=np.full(len(subjects), _EVER),
            causes=causes,
            found=rows.slice(0, 0),
        )
        found.append(replace(bare, found=bare.of(rows.filter(pa.array(slot == closing)))))
    return found


def _by_slot(
    touched: pa.Table,
) -> Iterator[
    tuple[
        int,
        str,
        np.ndarray[tuple[int], np.dtype[np.int64]],
        np.ndarray[tuple[int], np.dtype[np.uint8]],
    ]
]:
    slots, kinds = touched["slot"].to_numpy(), touched["kind"].to_pylist()
    edges = [0]
    for row in range(1, len(slots)):
        if slots[row] != slots[row - 1] or kinds[row] != kinds[row - 1]:
            edges.append(row)
    subjects, causes = touched["subject"].to_numpy(), touched["cause"].to_numpy()
    for begin, end in zip(edges, [*edges[1:], len(slots)], strict=True):
        yield int(slots[begin]), kinds[begin], subjects[begin:end], causes[begin:end]


def _lacks(ledger: Connection, rule: Rule) -> str:
    """Why the rule cannot be evaluated at any closing; empty if it can."""
    codes = ", ".join(f"'{code}'" for code in rule.reads)
    for relation, kind, reads in (
        ("tx", "event", f"event_type IN ({codes})"),
        ("holding", "position", "true"),
    ):
        text = f"SELECT 1 FROM main.{kind} WHERE NOT is_duplicate AND {reads} LIMIT 1"
        if relation in rule.needs and not ledger.sql(text).num_rows:
            what = f" with {', '.join(rule.reads)}" if relation == "tx" else ""
            return f"{relation}: no rows{what}"
    return ""


@contextmanager
def _rows(
    ledger: Connection,
    rule: Rule,
    kinds: Sequence[str],
    closed: Sequence[Closing],
    sets: InForce,
) -> Iterator[None]:
    """Inside, `_leg` and `_stated` are the reports the rule reads, `_name` what they speak of."""
    slots = {
        "slot": np.arange(len(closed)),
        "known": pa.array([one.known_us for one in closed], pa.int64()),
    }
    ledger.register("_slot", pa.table(slots))
    # Assets are told apart by all their reports together: a release may not name the invoice.
    thing = "CASE WHEN {0} <> 0 THEN {0} ELSE {1} END" if "asset" in kinds else "{1}"
    places = {
        "types": ", ".join(f"'{code}'" for code in rule.reads) if "tx" in rule.needs else "''",
        "leg": load_views()["leg"].sql,
        "leg_thing": thing.format("leg.asset", "leg.key"),
        "stated_thing": thing.format("p.asset", "p.transaction_id"),
        "leg_names": _names(kinds, 0),
        "stated_names": _names(kinds, 1),
        "holding": str("holding" in rule.needs),
        "candidate": candidates(rule, sets) if rule.candidates else "SELECT NULL AS key",
        "any": str(not rule.candidates),
        "cause": f"CASE WHEN {{0}}.revision_number > 0 THEN {CAUSES.index(CORRECTION)} "
        f"WHEN {{0}}.is_late THEN {CAUSES.index(LATE)} ELSE 0 END::UTINYINT",
    }
    places |= {f"{one}_cause": places["cause"].format(one) for one in ("e", "p")}
    try:
        with _tables(ledger, _ROWS, **places):
            yield
    finally:
        ledger.unregister("_slot")


def _names(kinds: Sequence[str], side: int) -> str:
    """A list of (kind, subject) that a row names."""
    found = [
        f"{{'kind': '{kind}', 'subject': {name}}}" for kind in kinds for name in _NAMED[kind][side]
    ]
    return f"[{', '.join(found)}]" if found else "[]::STRUCT(kind VARCHAR, subject BIGINT)[]"


@contextmanager
def _tables(ledger: Connection, texts: Mapping[str, str], **places: object) -> Iterator[None]:
    """Temporary tables, each from its query, for as long as the block runs."""
    made = []
    try:
        for name, text in texts.items():
            ledger.execute(f"CREATE TEMP TABLE {name} AS {text.format(**places)}")
            made.append(name)
        yield
    finally:
        for name in reversed(made):
            ledger.execute(f"DROP TABLE temp.main.{name}")


# `slot`: the first closing that knows a report; `ended`: the first that knows it holds no more.
_ROWS: Mapping[str, str] = MappingProxyType(
    {
        "_candidate": "{candidate}",
        "_leg": """
WITH event AS (
    SELECT * FROM main.event
    WHERE transaction_id IN (SELECT transaction_id FROM main.event WHERE event_type IN ({types}))
    AND ({any} OR transaction_id IN (SELECT key FROM _candidate))
),
leg AS ({leg})
SELECT leg.*, {leg_thing} AS thing, s.slot, {e_cause} AS cause
FROM leg
JOIN event AS e ON e.transaction_id = leg.key AND e.report = leg.report
ASOF JOIN _slot AS s ON epoch_us(e.known_from) <= s.known
WHERE NOT e.is_duplicate
""",
        "_stated": """
SELECT p.report, p.reporter, {stated_thing} AS thing, {stated_names} AS names,
    s.slot, coalesce(g.slot, 1 << 30) AS ended, {p_cause} AS cause
FROM main.position AS p
ASOF JOIN _slot AS s ON epoch_us(p.known_from) <= s.known
ASOF LEFT JOIN _slot AS g ON epoch_us(p.known_to) <= g.known
WHERE NOT p.is_duplicate AND {holding}
AND ({any} OR p.transaction_id IN (SELECT key FROM _candidate))
""",
        "_name": """
SELECT thing, slot, unnest(names, recursive := true)
FROM (
    SELECT thing, slot, {leg_names} AS names FROM _leg
    UNION ALL SELECT thing, slot, names FROM _stated
)
""",
    }
)
_TOUCHED: Mapping[str, str] = MappingProxyType(
    {
        "_touched": """
SELECT slot, thing, max(cause) AS cause
FROM (
    SELECT slot, thing, cause FROM _leg
    UNION ALL SELECT slot, thing, cause FROM _stated
    UNION ALL SELECT ended, thing, cause FROM _stated
)
WHERE slot BETWEEN {first} AND {last}
GROUP BY ALL
""",
        # Whatever any report of a touched thing names, then or before.
        "_subject": """
SELECT t.slot, n.kind, n.subject, max(t.cause) AS cause
FROM _touched AS t JOIN _name AS n ON n.thing = t.thing AND n.slot <= t.slot
WHERE n.subject <> 0
GROUP BY ALL
""",
        "_thing": """
SELECT DISTINCT t.slot, n.thing
FROM _subject AS t
JOIN _name AS n ON n.kind = t.kind AND n.subject = t.subject AND n.slot <= t.slot
""",
    }
)
# What the definition reads. Transactions and reporters of different closings are kept apart by
# numbers of their own while legs are merged and statements compared, in the order of their ids.
_RELATIONS: Mapping[str, str] = MappingProxyType(
    {
        "_of_key": """
SELECT row_number() OVER (ORDER BY slot, key) AS id, slot, key
FROM (
    SELECT DISTINCT t.slot, l.key FROM _thing AS t
    JOIN _leg AS l ON l.thing = t.thing AND l.slot <= t.slot
)
""",
        "_known_tx": """
WITH leg AS (
    SELECT l.* EXCLUDE (thing, slot, cause) REPLACE (v.id AS key)
    FROM _leg AS l JOIN _of_key AS v ON v.key = l.key AND l.slot <= v.slot
),
merged AS ({tx})
SELECT m.* REPLACE (
    v.key AS key, v.key AS transaction_id, (m.vantage + 5 * (v.slot - {first}))::UTINYINT AS vantage
)
FROM merged AS m JOIN _of_key AS v ON v.id = m.key
""",
        "_of_reporter": """
SELECT row_number() OVER (ORDER BY slot, reporter) AS id, slot, reporter
FROM (
    SELECT DISTINCT t.slot, s.reporter FROM _thing AS t
    JOIN _stated AS s ON s.thing = t.thing AND s.slot <= t.slot AND s.ended > t.slot
)
""",
        "_known_holding": """
WITH position AS (
    SELECT p.* REPLACE (v.id AS reporter, NULL::TIMESTAMPTZ AS known_to)
    FROM _thing AS t
    JOIN _stated AS s ON s.thing = t.thing AND s.slot <= t.slot AND s.ended > t.slot
    JOIN _of_reporter AS v ON v.slot = t.slot AND v.reporter = s.reporter
    JOIN main.position AS p ON p.report = s.report AND NOT p.is_duplicate
),
held AS ({holding})
SELECT h.* REPLACE (
    v.reporter AS reporter, (h.vantage + 5 * (v.slot - {first}))::UTINYINT AS vantage
)
FROM held AS h JOIN _of_reporter AS v ON v.id = h.reporter
""",
    }
)
