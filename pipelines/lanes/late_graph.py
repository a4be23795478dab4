"""The late path of rules on the graph: any late report may change what is said of anybody.

A late transaction moves degrees, and with them whom a rule takes for quiet, so no subject can be
left out. But it changes nothing before its own time, and a closing speaks of no instant after its
day. So the graph is kept as it stood at closings before; where late reports become known, it goes
back to one before the oldest of their transactions and runs on to the closing, over what is known
then. From there each closing goes on with its own day: the stream, which never saw a late report,
no longer speaks for these rules as long as a late transaction is remembered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ledger.duck import Connection
from ledger.views import load_views
from pipelines.lanes.closings import END_OF_TIME, Closing
from pipelines.lanes.entry import ENTRY
from pipelines.lanes.host import as_crossings
from pipelines.lanes.kernel import take_ready
from pipelines.lanes.lifetimes import Ids, Replaced, content
from pipelines.lanes.routing import route
from pipelines.pairing.pairing import PAIR_MEMORY_US, Closed, merge
from pipelines.rules.kernels.graph import BEIJING_US, DAY_US, LOOKS_BACK_US, Graph, day_of
from pipelines.rules.kernels.graph_state import GraphState
from pipelines.rules.parameter_sets import judgements
from pipelines.rules.registry import InForce, Rule, in_force
from schemas.narrow import NARROW, rows_of
from schemas.records import CROSSING
from schemas.visibility import pair_wait_us

_NOT_OF_A_LEG = ("regions", "spare")  # columns no rule reads
_ON_TIME = -(1 << 62)
_LANE = "late"
Entries = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class LateTransactions:
    """Late transactions, one row for each closing that first knows a late leg of one.

    `first_us` is the time of its first leg; `cause` an index into CAUSES.
    """

    key: Ids
    closing: Ids
    cause: npt.NDArray[np.uint8]
    first_us: Ids


def graph_path(
    ledger: Connection,
    closed: Sequence[Closing],
    parameters: InForce | None,
    rules: tuple[Rule, ...],
    late: LateTransactions,
) -> list[Replaced]:
    """What late reports change of the crossings of rules on the graph, closing by closing.

    Args:
        ledger: holds all accepted reports, late ones included.
        closed: the closings, in order.
        parameters: what is in force; None means the agreed sets.
        rules: all of the group `graph`.
        late: of transactions these rules read.

    Returns:
        For each closing from the first with late reports on: what changed of instants that were
        spoken of before, by subject; and its own day, for everyone.
    """
    if not rules or not len(late.key):
        return []
    since = int(late.first_us.min()) - LOOKS_BACK_US
    rows, known = _reports(ledger, rules, since)
    begin = max(int(late.closing.min()), _speaks(rules, parameters, rows, closed))
    of_late = np.isin(rows["key"], late.key)
    run = _Run(rules, parameters, closed, _entries(rows[~of_late], rules))
    rows, known = rows[of_late], known[of_late]
    found: list[Replaced] = []
    # what came late while the rules learned is there when they first speak
    start = closed[begin - 1].known_us if begin else _ON_TIME
    run.others = _entries(rows[known <= start], rules)
    run.until(begin - 1)
    for number in range(begin, len(closed)):
        mine = late.closing == number
        if mine.any():
            run.others = _entries(rows[known <= closed[number].known_us], rules)
            low = int(late.first_us[mine].min())
            before = run.back(low)
            run.until(number - 1)
            found += run.changed(before, number, low, int(late.cause[mine].max()))
        run.until(number)
        found += run.day(number)
    return found


def _speaks(
    rules: Sequence[Rule],
    parameters: InForce | None,
    rows: npt.NDArray[np.void],
    closed: Sequence[Closing],
) -> int:
    """The first closing of which a rule may say anything: before, all of them learn."""
    if not len(rows):
        return 0
    learning = min(
        run.values.get("learning_days", 0)
        for rule in rules
        for run in judgements(rule, in_force(parameters))
    )
    first = int(day_of.py_func(int(rows["event_time"].min())))
    learned_us = (first + learning) * DAY_US - BEIJING_US
    return sum(one.until_us <= learned_us for one in closed)


@dataclass(slots=True)
class _Run:
    """The graph rules over what is known, day by day, with the graph kept at earlier closings."""

    rules: tuple[Rule, ...]
    parameters: InForce | None
    closed: Sequence[Closing]
    entries: Entries  # of transactions without a late leg, in order of time
    others: Entries = field(default_factory=lambda: np.empty(0, ENTRY))
    found: list[pa.Table] = field(default_factory=list)  # by closing: crossings of its day
    kept: dict[int, list[Graph]] = field(default_factory=dict)  # as of the end of a closing's day
    state: GraphState = field(init=False)

    def __post_init__(self) -> None:
        self.state = GraphState(self.rules, in_force(self.parameters))

    def until(self, last: int) -> None:
        """Go on to the end of the day of a closing."""
        while len(self.found) <= last:
            number = len(self.found)
            low, high = self._span(number)
            some = np.concatenate(
                [_between(part, low, high) for part in (self.entries, self.others)]
            )
            ready, _, _ = take_ready(some, END_OF_TIME)
            hits = zip(self.rules, self.state.run(ready), strict=True)
            crossings = as_crossings([(rule, *one) for rule, one in hits if len(one[0])])
            self.found.append(pa.Table.from_batches([crossings], CROSSING))
            self.kept[number] = [_copied(graph) for graph in self.state.graphs]
            for old in [old for old in self.kept if not keeps(old, number)]:
                del self.kept[old]

    def back(self, low: int) -> list[pa.Table]:
        """Go back to a graph before `low`; return the crossings of the days that are run again."""
        known = [number for number in self.kept if self.closed[number].until_us <= low]
        last = max(known, default=-1)
        self.state = GraphState(self.rules, in_force(self.parameters))
        if known:
            self.state.graphs = [_copied(graph) for graph in self.kept[last]]
        before, self.found = self.found, self.found[: last + 1]
        self.kept = {number: graphs for number, graphs in self.kept.items() if number <= last}
        return before

    def changed(
        self, before: Sequence[pa.Table], closing: int, low: int, cause: int
    ) -> list[Replaced]:
        """Subjects whose crossings of days spoken of before are others now, rule by rule."""
        again = []
        old, new = (pa.concat_tables([_EMPTY, *tables]) for tables in (before, self.found))
        for rule in self.rules:
            mine = [_of_rule(table, rule, low) for table in (old, new)]
            subjects = np.array(sorted(_different(*mine)), np.int64)
            if len(subjects):
                kept = pc.is_in(mine[1]["subject"], value_set=pa.array(subjects))
                again.append(
                    Replaced(
                        closing=closing,
                        rule=rule.name,
                        variants=tuple(variant.name for variant in rule.variants),
                        lane=_LANE,
                        subjects=subjects,
                        low=np.full(len(subjects), low),
                        high=np.full(len(subjects), self.closed[closing - 1].until_us - 1),
                        causes=np.full(len(subjects), cause, np.uint8),
                        found=mine[1].filter(kept),
                    )
                )
        return again

    def day(self, closing: int) -> list[Replaced]:
        """The day of a closing, everyone."""
        low, high = self._span(closing)
        return [
            Replaced(
                closing=closing,
                rule=rule.name,
                variants=tuple(variant.name for variant in rule.variants),
                lane=_LANE,
                subjects=np.ones(1, np.int64),
                low=np.full(1, low),
                high=np.full(1, high - 1),
                causes=np.zeros(1, np.uint8),
                found=_of_rule(self.found[closing], rule, low),
                everyone=True,
            )
            for rule in self.rules
        ]

    def _span(self, closing: int) -> tuple[int, int]:
        """The instants a closing is the first to speak of, the end not included."""
        low = self.closed[closing - 1].until_us if closing else -END_OF_TIME
        return low, self.closed[closing].until_us


_EMPTY = CROSSING.empty_table()


def keeps(old: int, newest: int) -> bool:
    """Whether the graph of a closing is kept: the last ones all, older ones here and there."""
    age = newest - old
    return age < 4 or (age < 16 and old % 4 == 0) or old % 16 == 0


def _copied(graph: Graph) -> Graph:
    return Graph._make(part.copy() for part in graph)


def _of_rule(table: pa.Table, rule: Rule, low: int) -> pa.Table:
    return table.filter(
        pc.and_(pc.equal(table["rule"], rule.name), pc.greater_equal(table["instant"], low))
    )


def _different(old: pa.Table, new: pa.Table) -> set[int]:
    """Subjects whose crossings differ."""
    sets = [{content(row): row["subject"] for row in table.to_pylist()} for table in (old, new)]
    return {sets[0][row] for row in sets[0].keys() - sets[1].keys()} | {
        sets[1][row] for row in sets[1].keys() - sets[0].keys()
    }


def _entries(rows: npt.NDArray[np.void], rules: tuple[Rule, ...]) -> Entries:
    """Reports as entries of the graph, in order of time."""
    merged = merge(rows, END_OF_TIME, pair_wait_us("PYMT"), Closed(PAIR_MEMORY_US))
    payloads = [np.frombuffer(payload, ENTRY) for _, payload in route(merged.ready, rules)]
    if not payloads:
        return np.empty(0, ENTRY)
    entries: Entries
    entries, _, _ = take_ready(np.concatenate(payloads), END_OF_TIME)
    return entries


def _between(entries: Entries, low: int, high: int) -> Entries:
    first, last = np.searchsorted(entries["event_time"], [low, high])
    return entries[first:last]


def _reports(
    ledger: Connection, rules: Sequence[Rule], since: int
) -> tuple[npt.NDArray[np.void], Ids]:
    """Reports (NARROW) of what the rules read, and when late ones became known (us)."""
    types = ", ".join(sorted({f"'{code}'" for rule in rules for code in rule.reads}))
    names = ", ".join(f"leg.{name}" for name in NARROW.names or () if name not in _NOT_OF_A_LEG)
    rows = ledger.sql(
        "WITH event AS (SELECT * FROM main.event WHERE transaction_id IN ("
        "SELECT transaction_id FROM main.event WHERE NOT is_duplicate "
        f"AND event_type IN ({types}) AND epoch_us(event_timestamp) >= {since})), "
        f"leg AS ({load_views()['leg'].sql}) "
        f"SELECT {names}, coalesce(late.known, {_ON_TIME}) AS known FROM leg LEFT JOIN ("
        "SELECT report, epoch_us(known_from) AS known FROM main.event "
        "WHERE is_late AND NOT is_duplicate) AS late ON late.report = leg.report "
        "ORDER BY leg.event_time, leg.key, leg.report"
    )
    return rows_of(rows), rows["known"].to_numpy()
