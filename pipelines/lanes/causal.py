"""Causal rules of the ledger lane: one run for all closings, one more where something came behind.

A rule is causal if a crossing follows from what happened until its instant. What is received before
its day closes then changes no instant that an earlier closing spoke of, so one run over all such
rows says what every closing says. A row that comes behind (after the closing that speaks of its
instant), and one that ends or replaces another, makes its closing run the rule again over what was
known then, for the instants from the oldest of these rows on.

A rule that says `by_receipt` needs no second run: its crossings follow from what was received until
their instant, and whatever comes later changes none of them.

A rule that says `late_at_end` asks for one second run only, at the end: where much is read and late
reports are everywhere in it, a run at each closing would cost more than it tells. A day's own run
ends with the day, so there nothing is told later.

Each run reads only transactions the rule could need (`candidates.sql`), and of them only columns
that its texts name, so the work of a closing follows what is suspicious, not what was reported.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.duck import Connection
from ledger.views import load_views
from pipelines.lanes.closings import Closing
from pipelines.lanes.definitions import columns_of
from pipelines.lanes.judged import by_definition
from pipelines.lanes.lifetimes import CAUSES, CORRECTION, LATE, Replaced
from pipelines.rules.parameter_sets import InForce, judgements
from pipelines.rules.registry import Rule, in_force
from schemas.fields import IMPLEMENTED_KINDS

_EVER = 1 << 62
_FROM = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+)")
_LATE, _CORRECTION = CAUSES.index(LATE), CAUSES.index(CORRECTION)
# Which column of a kind a candidate names: a transaction, a statement, or a figure's report.
_NAMED: Mapping[str, str] = MappingProxyType(
    {"event": "transaction_id", "position": "transaction_id", "indicator": "report"}
)
_OWN = ("_known_at", "_ended_at", "_behind")
# What the texts below read of a row, whatever the rule reads of it.
_ALWAYS = {
    "event_timestamp",
    "is_duplicate",
    "known_from",
    "known_to",
    "report",
    "revision_number",
    "transaction_id",
}
_NAME = re.compile(r"[a-z_][a-z_0-9]*")
# Rows of one kind with the closings that first know them and first know that they hold no more.
# A closing speaks of instants before `until`; who is received after the first that does is behind.
_ROWS = """
WITH wanted AS MATERIALIZED (
    SELECT {columns} FROM main.{kind} AS r WHERE NOT r.is_duplicate AND {wanted}
),
time AS (
    SELECT report, epoch_us(known_from) AS known, epoch_us(event_timestamp) AS happened,
        epoch_us(known_to) AS ended
    FROM wanted
),
placed AS (
    SELECT t.report, k.slot AS known_at, coalesce(g.slot, {closings}) AS ended_at,
        k.slot > s.slot AS behind
    FROM time AS t
    ASOF JOIN _closing AS k ON t.known <= k.known
    ASOF JOIN _closing AS s ON t.happened < s.until
    ASOF LEFT JOIN _closing AS g ON t.ended <= g.known
)
SELECT r.*, p.known_at AS _known_at, p.ended_at AS _ended_at, p.behind OR {replaces} AS _behind
FROM wanted AS r JOIN placed AS p ON p.report = r.report
"""
# What changes what earlier closings said: the closing, and the first instant that it touches.
_CHANGED = """
SELECT slot, min(instant) AS low, bool_or(corrects) AS corrects
FROM (
    SELECT _known_at AS slot, {instant} AS instant, revision_number > 0 AS corrects
    FROM _rows_{kind} WHERE _behind
    UNION ALL
    SELECT _ended_at, {instant}, true FROM _rows_{kind} WHERE _ended_at < {closings}
)
GROUP BY slot
"""


def causal_lane(
    ledger: Connection, rule: Rule, closed: Sequence[Closing], parameters: InForce | None
) -> tuple[tuple[Replaced, ...], str]:
    """What a causal rule says at every closing, or why it was not evaluated.

    Args:
        ledger: holds everything that was accepted.
        rule: says `causal = true`.
        closed: the closings, in order.
        parameters: what is in force: one set, or several; None means those agreed.
    """
    sets = in_force(parameters)
    views, kinds = needed(rule)
    if reason := _lacks(ledger, rule):
        return (), reason
    if rule.by_receipt:
        return (_replaced(rule, 0, -_EVER, 0, by_definition(ledger, rule, sets)),), ""
    found = []
    texts = (rule.definition, *(load_views()[name].sql for name in views))
    with _closings(ledger, closed), _rows(ledger, rule, kinds, texts, sets, len(closed)):
        everything = by_definition(ledger, rule, sets, _as_known(views, kinds, -1))
        found.append(_replaced(rule, 0, -_EVER, 0, everything))
        changes = _changes(ledger, kinds, len(closed))
        if rule.late_at_end and changes:
            lows, corrected = zip(*changes.values(), strict=True)
            changes = {len(closed) - 1: (min(lows), any(corrected))}
        for slot, (low, corrects) in sorted(changes.items()):
            said = by_definition(ledger, rule, sets, _as_known(views, kinds, slot))
            cause = _CORRECTION if corrects else _LATE
            found.append(_replaced(rule, slot, low, cause, said))
    return tuple(found), ""


def needed(rule: Rule) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The views a rule's definition reads, each after those it reads, and the kinds behind them."""
    views = load_views()
    wanted: set[str] = set()
    kinds: set[str] = set()
    ahead = set(_FROM.findall(rule.definition))
    while ahead:
        name = ahead.pop()
        if name in IMPLEMENTED_KINDS:
            kinds.add(name)
        elif name in views and name not in wanted:
            wanted.add(name)
            ahead |= set(views[name].reads)
    order = tuple(name for name in views if name in wanted)
    return order, tuple(kind for kind in IMPLEMENTED_KINDS if kind in kinds)


def _lacks(ledger: Connection, rule: Rule) -> str:
    """Why the rule cannot be evaluated; empty if it can. `tx` is asked of its reports."""
    codes = ", ".join(f"'{code}'" for code in rule.reads)
    for relation in rule.needs:
        source = f"event WHERE event_type IN ({codes})" if relation == "tx" else relation
        if not ledger.sql(f"SELECT 1 FROM {source} LIMIT 1").num_rows:
            what = f" with {', '.join(rule.reads)}" if relation == "tx" else ""
            return f"{relation}: no rows{what}"
    return ""


def _replaced(rule: Rule, closing: int, low: int, cause: int, said: pa.Table) -> Replaced:
    """All of the rule's crossings from an instant on, as a closing knows them."""
    return Replaced(
        closing=closing,
        rule=rule.name,
        variants=tuple(variant.name for variant in rule.variants),
        lane="ledger",
        subjects=np.zeros(1, np.int64),
        low=np.array([low]),
        high=np.array([_EVER]),
        causes=np.array([cause], np.uint8),
        found=said.filter(pc.greater_equal(said["instant"], low)),
        everyone=True,
    )


@contextmanager
def _closings(ledger: Connection, closed: Sequence[Closing]) -> Iterator[None]:
    """Inside, `_closing` numbers the closings: what each knows, and of which instants it speaks."""
    times = {
        "slot": np.arange(len(closed)),
        "known": pa.array([one.known_us for one in closed], pa.int64()),
        "until": pa.array([one.until_us for one in closed], pa.int64()),
    }
    ledger.register("_closing", pa.table(times))
    try:
        yield
    finally:
        ledger.unregister("_closing")


@contextmanager
def _rows(
    ledger: Connection,
    rule: Rule,
    kinds: Sequence[str],
    texts: Sequence[str],
    sets: InForce,
    closings: int,
) -> Iterator[None]:
    """Inside, `_rows_<kind>` holds what the texts name of the rows that the rule could need."""
    made = []
    try:
        if rule.candidates:
            ledger.execute(f"CREATE TEMP TABLE _candidate AS {candidates(rule, sets)}")
            made.append("_candidate")
        for kind in kinds:
            text = _ROWS.format(
                kind=kind,
                columns=", ".join(_columns(ledger, kind, texts)),
                closings=closings,
                wanted=_wanted(rule, kind),
                replaces="false" if kind == "event" else "r.revision_number > 0",
            )
            ledger.execute(f"CREATE TEMP TABLE _rows_{kind} AS {text}")
            made.append(f"_rows_{kind}")
        yield
    finally:
        for name in reversed(made):
            ledger.execute(f"DROP TABLE temp.main.{name}")


def candidates(rule: Rule, sets: InForce) -> str:
    """The statement that gives the keys of all that could matter, whatever numbers judge it."""
    return " UNION ".join(
        f"SELECT key FROM (WITH params AS (SELECT {columns_of(one.values)}), "
        f"candidate AS ({rule.candidates}) SELECT key FROM candidate)"
        for one in judgements(rule, sets)
    )


def _columns(ledger: Connection, kind: str, texts: Sequence[str]) -> list[str]:
    """The columns of a kind that are named in texts; a word that is no column's changes nothing."""
    named = _ALWAYS.union(*(_NAME.findall(text) for text in texts))
    return [name for name in ledger.sql(f"FROM main.{kind} LIMIT 0").column_names if name in named]


def _wanted(rule: Rule, kind: str) -> str:
    """Which rows of a kind matter: candidates are of the kinds that they read."""
    if kind in _NAMED and kind in _FROM.findall(rule.candidates):
        return f"r.{_NAMED[kind]} IN (SELECT key FROM _candidate)"
    if kind != "event":
        return "true"
    codes = ", ".join(f"'{code}'" for code in rule.reads)
    return f"r.event_type IN ({codes})"


def _changes(
    ledger: Connection, kinds: Sequence[str], closings: int
) -> Mapping[int, tuple[int, bool]]:
    """Closing -> (the first instant it says something new of, whether something was corrected)."""
    found: dict[int, tuple[int, bool]] = {}
    for kind in kinds:
        instant = "epoch_us(event_timestamp)"
        if kind == "event":  # a leg changes what is known of its transaction, from its first leg on
            instant = (
                f"(SELECT min({instant}) FROM _rows_event AS o "
                "WHERE o.transaction_id = _rows_event.transaction_id)"
            )
        text = _CHANGED.format(kind=kind, closings=closings, instant=instant)
        for slot, low, corrects in ledger.rows(text):
            before, corrected = found.get(slot, (_EVER, False))
            found[slot] = min(before, low), corrected or corrects
    return MappingProxyType(found)


def _as_known(views: Sequence[str], kinds: Sequence[str], slot: int) -> str:
    """The relations as a closing knows them; those of -1 hold what never came behind."""
    known = f"NOT _behind OR _known_at <= {slot}"
    texts = [
        f"{kind} AS (SELECT * EXCLUDE ({', '.join(_OWN)}) REPLACE (NULL::TIMESTAMPTZ AS known_to) "
        f"FROM temp.main._rows_{kind} WHERE ({known}) AND _ended_at > {slot}), "
        for kind in kinds
    ]
    texts += [f"{name} AS ({load_views()[name].sql}), " for name in views]
    return "".join(texts)
