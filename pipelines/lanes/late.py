"""The late path: subjects and windows that late reports concern, run through the stream lane again.

A late report changes what is known of its transaction. Every crossing it can move speaks of a
subject of that transaction, at an instant between its first leg and the rule's horizon after its
last one; only those are evaluated again, from the reports of their subjects within that reach, and
only by rules that claim the transaction as it was known or as it is known with the late report. A
closing knows what came late until then; reports on time are complete for every instant it speaks
of (`closings`), so each late report is looked at once, however many closings follow. Rules on the
graph have no such subjects: `late_graph`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ledger.duck import Connection
from ledger.views import load_views
from pipelines.lanes.closings import Closing, known_from
from pipelines.lanes.entry import OF_ORDERS, WHOLE
from pipelines.lanes.grouped import group_variants
from pipelines.lanes.late_graph import LateTransactions, graph_path
from pipelines.lanes.lifetimes import CAUSES, CORRECTION, LATE, Ids, Replaced
from pipelines.lanes.reach import after, before
from pipelines.lanes.routing import stream_rules
from pipelines.lanes.stream import needed, run_once
from pipelines.rules.kernels.table import pair_ids
from pipelines.rules.registry import InForce, Rule
from schemas.narrow import EVENT_CODES, NARROW, rows_of

# Subject kind -> columns of a report that name such a subject.
_NAMED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "party": ("payer_party", "payee_party"),
        "account": ("payer_account", "payee_account"),
        "asset": ("asset",),
        "instrument": ("instrument",),
    }
)
# No rule reads the first; what groups say is judged by itself (`grouped`).
_LEFT_OUT = ("regions", "payer_group", "payee_group")
# Late transactions: (key, closing that first knows a late leg of it, cause), distinct.
_Pairs = tuple[Ids, Ids, npt.NDArray[np.uint8]]
_LATE, _CORRECTION = CAUSES.index(LATE), CAUSES.index(CORRECTION)


@dataclass(frozen=True, slots=True)
class _Windows:
    """Subjects of one kind by closing, sorted and distinct; `low`, `high`: us, both included."""

    closing: Ids
    subject: Ids
    low: Ids
    high: Ids
    cause: npt.NDArray[np.uint8]

    def at(self, closing: int) -> "_Windows":
        rows = slice(*np.searchsorted(self.closing, [closing, closing + 1]))
        return _Windows(
            self.closing[rows],
            self.subject[rows],
            self.low[rows],
            self.high[rows],
            self.cause[rows],
        )


def late_path(
    ledger: Connection, closed: Sequence[Closing], parameters: InForce | None
) -> list[Replaced]:
    """What late reports change of the stream lane's crossings, closing by closing.

    Args:
        ledger: holds all accepted reports, late ones included.
        closed: the closings, in order.
        parameters: what is in force: one set, or several; None means those agreed.
    """
    found = group_variants(ledger, closed, parameters)
    # Withdrawn orders and payments have no rule, subject or report in common: each on its own.
    for orders in (False, True):
        rules = tuple(rule for rule in stream_rules() if (rule.group in OF_ORDERS) == orders)
        if rules:
            found += _again(ledger, closed, parameters, rules)
    return found


def _again(
    ledger: Connection, closed: Sequence[Closing], parameters: InForce | None, every: Sequence[Rule]
) -> list[Replaced]:
    legs = _late_legs(ledger, every)
    if not legs.num_rows:
        return []
    pairs = _late_transactions(legs, closed)
    rules = tuple(rule for rule in every if rule.group not in WHOLE)
    whole = tuple(rule for rule in every if rule.group in WHOLE)
    found = graph_path(ledger, closed, parameters, whole, _of_graph(legs, *pairs, whole))
    windows = _of_rules(rules, legs, pairs, closed, parameters)
    if not windows:
        return found
    history, of = _history(ledger, windows, closed)
    for closing in sorted({int(k) for *_, one in windows for k in one.closing}):
        crossings = run_once(history[of == closing], parameters, rules=rules)
        for rule, kind, mine in windows:
            found += _replaced(rule, kind, mine.at(closing), closing, crossings)
    return found


def _of_rules(
    rules: Sequence[Rule],
    legs: pa.Table,
    pairs: _Pairs,
    closed: Sequence[Closing],
    parameters: InForce | None,
) -> list[tuple[Rule, str, _Windows]]:
    """For each rule and kind of its subjects, what the late transactions that it claims concern."""
    claimed = _claimed(rules, legs, pairs, closed, parameters)
    found = []
    for rule in rules:
        kinds = {variant.subject for variant in rule.variants} - {"group"}
        if "pair" in kinds:  # a pair's transfers are among its parties'
            kinds.add("party")
        mine = np.isin(pairs[0], claimed[rule.name])
        of_rule = pairs[0][mine], pairs[1][mine], pairs[2][mine]
        found += [(rule, kind, _windows(kind, legs, *of_rule)) for kind in sorted(kinds)]
    return found


def _claimed(
    rules: Sequence[Rule],
    legs: pa.Table,
    pairs: _Pairs,
    closed: Sequence[Closing],
    parameters: InForce | None,
) -> Mapping[str, Ids]:
    """The late transactions that each rule claims: without what came late, or as of a closing."""
    rows = rows_of(legs)
    late = legs["is_late"].to_numpy(zero_copy_only=False)
    known = np.where(late, known_from(legs["known"].to_numpy(), closed), -1)
    found: dict[str, set[int]] = {rule.name: set() for rule in rules}
    for closing in (-1, *np.unique(pairs[1]).tolist()):
        keys = pairs[0] if closing < 0 else pairs[0][pairs[1] == closing]
        there = rows[(known <= closing) & np.isin(rows["key"], keys)]
        for name, claimed in needed(there, rules, parameters).items():
            found[name].update(claimed.tolist())
    return {name: np.array(sorted(keys), np.int64) for name, keys in found.items()}


def _replaced(
    rule: Rule, kind: str, mine: _Windows, closing: int, crossings: pa.Table
) -> list[Replaced]:
    variants = tuple(variant.name for variant in rule.variants if variant.subject == kind)
    if not variants or not len(mine.subject):
        return []
    bare = Replaced(
        closing=closing,
        rule=rule.name,
        variants=variants,
        lane="late",
        subjects=mine.subject,
        low=mine.low,
        high=after(rule, mine.high),
        causes=mine.cause,
        found=crossings.slice(0, 0),
        everyone=kind not in _NAMED and kind != "pair",
    )
    return [replace(bare, found=bare.of(crossings))]


def _late_legs(ledger: Connection, rules: Sequence[Rule]) -> pa.Table:
    """All legs of the transactions that have a late one, if a stream rule reads them."""
    types = ", ".join(sorted({f"'{code}'" for rule in rules for code in rule.reads}))
    return ledger.sql(
        "WITH event AS MATERIALIZED (SELECT * FROM main.event WHERE transaction_id IN ("
        "SELECT transaction_id FROM main.event WHERE is_late AND NOT is_duplicate)), "
        f"leg AS ({load_views()['leg'].sql}) "
        "SELECT leg.*, e.is_late, e.revision_number > 0 AS corrects, "
        "epoch_us(e.known_from) AS known "
        "FROM leg JOIN event AS e ON e.transaction_id = leg.key AND e.report = leg.report "
        f"WHERE NOT e.is_duplicate AND leg.key IN ("
        f"SELECT transaction_id FROM event WHERE event_type IN ({types})) "
        "ORDER BY leg.key, leg.report"
    )


def _late_transactions(legs: pa.Table, closed: Sequence[Closing]) -> _Pairs:
    late = legs.filter(legs["is_late"])
    closing = known_from(late["known"].to_numpy(), closed)
    corrects = late["corrects"].to_numpy(zero_copy_only=False)
    key = late["key"].to_numpy()
    by = np.lexsort((corrects, closing, key))
    key, closing, corrects = key[by], closing[by], corrects[by]
    last = np.append((np.diff(key) != 0) | (np.diff(closing) != 0), True)
    last &= closing < len(closed)
    cause = np.where(corrects, _CORRECTION, _LATE).astype(np.uint8)
    return key[last], closing[last], cause[last]


def _of_graph(
    legs: pa.Table,
    keys: Ids,
    closing: Ids,
    cause: npt.NDArray[np.uint8],
    rules: Sequence[Rule],
) -> LateTransactions:
    """The late transactions that the rules on the graph read."""
    of, time = legs["key"].to_numpy(), legs["event_time"].to_numpy()
    codes = [EVENT_CODES[code] for rule in rules for code in rule.reads]
    read = np.isin(keys, of[np.isin(legs["event_code"].to_numpy(), codes)])
    distinct, begins = np.unique(of, return_index=True)  # legs come by key
    first = np.minimum.reduceat(time, begins)[np.searchsorted(distinct, keys)]
    return LateTransactions(keys[read], closing[read], cause[read], first[read])


def _windows(
    kind: str, legs: pa.Table, keys: Ids, closing: Ids, cause: npt.NDArray[np.uint8]
) -> _Windows:
    """Subjects of a kind that late transactions concern, from their first leg to their last."""
    of = legs["key"].to_numpy()
    start, end = np.searchsorted(of, keys, "left"), np.searchsorted(of, keys, "right")
    begins = np.searchsorted(of, np.unique(of))
    time = legs["event_time"].to_numpy()
    at = np.searchsorted(np.unique(of), keys)
    low = np.minimum.reduceat(time, begins)[at]
    high = np.maximum.reduceat(time, begins)[at]
    pair, leg = _each(start, end)
    if kind == "pair":  # legs fill each other: a payer of one may have met a payee of another
        again, other = _each(start[pair], end[pair])
        payer = legs["payer_party"].to_numpy()[leg[again]]
        payee = legs["payee_party"].to_numpy()[other]
        subject = pair_ids(payer, payee)
        pair = pair[again]
    elif kind in _NAMED:
        columns = [legs[name].to_numpy() for name in _NAMED[kind]]
        subject = np.concatenate([column[leg] for column in columns])
        pair = np.tile(pair, len(columns))
    else:  # no report names a ring: whoever there is
        subject = np.ones(len(pair), np.int64)
    return _hulls(closing[pair], subject, low[pair], high[pair], cause[pair])


def _hulls(
    closing: Ids, subject: Ids, low: Ids, high: Ids, cause: npt.NDArray[np.uint8]
) -> _Windows:
    known = subject != 0
    closing, subject, low, high, cause = (
        part[known] for part in (closing, subject, low, high, cause)
    )
    by = np.lexsort((subject, closing))
    closing, subject, low, high, cause = (part[by] for part in (closing, subject, low, high, cause))
    if not len(subject):
        return _Windows(closing, subject, low, high, cause)
    first = np.flatnonzero(np.append(True, (np.diff(subject) != 0) | (np.diff(closing) != 0)))
    return _Windows(
        closing[first],
        subject[first],
        np.minimum.reduceat(low, first),
        np.maximum.reduceat(high, first),
        np.maximum.reduceat(cause, first),
    )


def _history(
    ledger: Connection,
    windows: Sequence[tuple[Rule, str, _Windows]],
    closed: Sequence[Closing],
) -> tuple[npt.NDArray[Any], Ids]:
    """Reports (NARROW) of the subjects as far as their windows reach, by closing that knows them.

    A transaction comes with all of its legs, late ones as soon as they are known.
    """
    types = ", ".join(sorted({f"'{code}'" for rule, *_ in windows for code in rule.reads}))
    keys = []
    kinds = sorted({kind for _, kind, _ in windows} - {"pair"})  # a pair's parties are there
    for kind in kinds:
        ledger.register(f"_of_{kind}", _reached([one for one in windows if one[1] == kind]))
        keys += [
            f"SELECT w.closing, e.transaction_id AS key FROM main.event AS e JOIN _of_{kind} AS w "
            f"ON {column} = w.id AND epoch_us(e.event_timestamp) BETWEEN w.low AND w.high "
            f"WHERE NOT e.is_duplicate AND e.event_type IN ({types})"
            for column in [f"e.{name}" for name in _NAMED.get(kind, ())] or ["1"]
        ]
    known = pa.array([one.known_us for one in closed], pa.int64())
    ledger.register("_closing", pa.table({"closing": np.arange(len(closed)), "known": known}))
    names = ", ".join(f"leg.{name}" for name in NARROW.names or () if name not in _LEFT_OUT)
    try:
        rows = ledger.sql(
            f"WITH again AS MATERIALIZED ({' UNION '.join(keys)}), "
            "event AS (SELECT * FROM main.event WHERE transaction_id IN (SELECT key FROM again)), "
            f"leg AS ({load_views()['leg'].sql}) "
            f"SELECT again.closing, {names} FROM again JOIN leg USING (key) "
            "JOIN _closing AS c USING (closing) "
            "LEFT JOIN ("
            "SELECT report, epoch_us(known_from) AS known FROM main.event "
            "WHERE is_late AND NOT is_duplicate) AS late ON late.report = leg.report "
            "WHERE late.known IS NULL OR late.known <= c.known "
            "ORDER BY again.closing, leg.event_time, leg.key, leg.report"
        )
    finally:
        for name in ("_closing", *(f"_of_{kind}" for kind in kinds)):
            ledger.unregister(name)
    return rows_of(rows), rows["closing"].to_numpy()


def _reached(windows: Sequence[tuple[Rule, str, _Windows]]) -> pa.Table:
    """How far the rules look from their windows: closing, id of the subject, low, high (us)."""
    hull = _hulls(
        np.concatenate([mine.closing for *_, mine in windows]),
        np.concatenate([mine.subject for *_, mine in windows]),
        np.concatenate([before(rule, mine.low) for rule, _, mine in windows]),
        np.concatenate([after(rule, mine.high) for rule, _, mine in windows]),
        np.concatenate([mine.cause for *_, mine in windows]),
    )
    return pa.table(
        {"closing": hull.closing, "id": hull.subject, "low": hull.low, "high": hull.high}
    )


def _each(start: Ids, end: Ids) -> tuple[Ids, Ids]:
    """Every (number of the run, row) of runs of rows."""
    size = end - start
    run = np.repeat(np.arange(len(start)), size)
    row = np.arange(len(run)) - np.repeat(np.cumsum(size) - size, size) + start[run]
    return run, row
