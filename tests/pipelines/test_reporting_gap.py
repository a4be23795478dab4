"""Who owes a report: by the rules of visibility, by region, and as known at each closing."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ledger.ddl import TABLES
from ledger.duck import Connection
from ledger.views import load_views
from pipelines.lanes.closings import Closing
from pipelines.lanes.known import at_closings
from pipelines.lanes.lifetimes import lifetimes
from pipelines.rules.registry import load_rules, parameters_on
from schemas.narrow import EVENT_CODES, NARROW
from schemas.records import CROSSING
from schemas.reference_data import calendars
from schemas.visibility import markets
from tests.pipelines.known import closed_days, instant, ledger_of
from tests.pipelines.streams import AH, DAY, HOUR, JS, MONDAY, SH, tuples

RULE = load_rules()["reporting_gap"]
AGREED = parameters_on().changed(
    RULE.name, least_reports=3, missing_after_days=2, missing_share_bp=4_000, late_share_bp=4_000,
    silent_line_fen=10_000,
)  # fmt: skip
SHANGHAI, NANJING, HEFEI = "381290000019", "381301000013", "381361000019"
MASKS = {SHANGHAI: SH, NANJING: JS, HEFEI: AH}
Report = tuple[int, str, str, int, int]  # payment, whose report, the payee's bank, hour, received


def filled(reports: list[Report]) -> Connection:
    """Payments of Shanghai's branch to another; each row is one report of one of the two."""
    rows = np.zeros(len(reports), NARROW)
    more: list[dict[str, Any]] = []
    for at, (number, reporter, payee, hour, _) in enumerate(reports):
        time = MONDAY + hour * HOUR
        rows[at]["key"], rows[at]["report"], rows[at]["event_time"] = 900 + number, 1 + at, time
        rows[at]["amount_fen"], rows[at]["mask"] = 10_000, MASKS[reporter]
        rows[at]["event_code"] = EVENT_CODES["PAYM"]
        day, ordinal = calendars().business_date(pa.array([instant(time)]), "BANK")
        rows[at]["business_ordinal"] = ordinal[0].as_py()
        more.append(
            {
                "debtor_agent_id": SHANGHAI, "creditor_agent_id": payee,
                "report_submitting_entity_id": reporter, "business_date": day[0].as_py(),
            }
        )  # fmt: skip
    known = np.array([received for *_, received in reports], np.int64)
    connection = ledger_of(rows, known, (), more)
    ids = dict(connection.rows("SELECT institution_id, reporter FROM institution"))
    for reporter in MASKS:
        connection.execute(
            f"UPDATE event SET reporter = {ids[reporter]} "
            f"WHERE report_submitting_entity_id = '{reporter}'"
        )
    heard(connection, int(known.max()))
    return connection


def heard(connection: Connection, until: int) -> None:
    """The last submission of the ledger, received then."""
    values = {
        "string": "", "int64": 0, "int32": 0, "fixed_size_binary[32]": bytes(32),
        "timestamp[us, tz=UTC]": instant(until),
    }  # fmt: skip
    row = {field.name: values[str(field.type)] for field in TABLES["submission"]}
    connection.execute("DELETE FROM submission")
    connection.append("submission", pa.Table.from_pylist([row], TABLES["submission"]))


@pytest.fixture(autouse=True)
def _unheard() -> Iterator[None]:
    yield
    filled([(0, SHANGHAI, NANJING, 2, MONDAY + DAY)]).execute("DELETE FROM submission")


def of_day(first: int, hour: int, payee: str, late: int | None, others: int = 4) -> list[Report]:
    """Payments of one hour: Shanghai reports the first; of the others it says nothing, or late."""
    time = MONDAY + hour * HOUR
    out: list[Report] = []
    for number in range(first, first + others):
        out.append((number, payee, payee, hour, time + HOUR))
        if number == first:
            out.append((number, SHANGHAI, payee, hour, time + HOUR))
        elif late is not None:
            out.append((number, SHANGHAI, payee, hour, time + late * HOUR))
    return out


WEEK = [
    *of_day(0, 2, NANJING, None), *of_day(10, 26, NANJING, 60), *of_day(20, 50, HEFEI, 30),
    *of_day(30, 74, NANJING, 100), *of_day(40, 98, HEFEI, 1), *of_day(50, 170, NANJING, 1),
    *of_day(60, 194, NANJING, 1), *of_day(70, 218, NANJING, 1),
]  # fmt: skip


def standing(lives: pa.Table, number: int) -> list[tuple[Any, ...]]:
    begins, ends = lives["begins"].to_numpy(), lives["ends"].to_numpy()
    mine = lives.filter(pa.array((begins <= number) & (number < ends)))
    return sorted(tuples(mine.select(CROSSING.names)))


def as_known(closing: Closing) -> list[tuple[Any, ...]]:
    """What the rule says of the reports received until a closing, of what it speaks of."""
    known = [report for report in WEEK if report[-1] <= closing.known_us]
    connection = filled(known)
    heard(connection, closing.known_us)
    (said,) = at_closings(connection, RULE, (closing,), AGREED).replaced
    return sorted(
        tuples(said.found.filter(pa.compute.less(said.found["instant"], closing.until_us)))
    )


def test_one_run_says_what_every_closing_knew() -> None:
    closed = closed_days(np.array([report[-1] for report in WEEK]))
    lane = at_closings(filled(WEEK), RULE, closed, AGREED)
    assert [one.closing for one in lane.replaced] == [0]
    lives = lifetimes(CROSSING.empty_table(), lane.replaced, closed)
    said = [standing(lives, number) for number in range(len(closed))]
    assert {variant for _, variant, *_ in said[-1]} == {"missing_legs", "late_reports"}
    assert len({len(rows) for rows in said}) > 2
    for number, closing in enumerate(closed):
        assert said[number] == as_known(closing)


def test_only_the_other_sides_region_tells_and_the_own_one_holds_nothing_of_it() -> None:
    connection = filled(of_day(0, 2, NANJING, None))
    owed = "SELECT vantage, count(*), count(reported_us) FROM expected_report JOIN institution ON "
    mine = (
        owed + f"reporter = institution AND institution_id = '{SHANGHAI}' GROUP BY ALL ORDER BY 1"
    )
    assert connection.rows(mine) == [(0, 1, 1), (4, 4, 1)]


def test_a_branch_that_was_closed_owes_nothing_from_the_day_after() -> None:
    connection = filled([*of_day(0, 2, NANJING, None), *of_day(10, 26, NANJING, None)])
    owed = "SELECT count(*) FROM expected_report WHERE vantage = 4"
    assert connection.scalar(owed) == 16
    close = f"UPDATE institution SET valid_to = {{}} WHERE institution_id = '{SHANGHAI}'"
    connection.execute(close.format("DATE '2026-01-12'"))
    try:
        assert connection.scalar(owed) == 8
    finally:
        connection.execute(close.format("NULL"))


def test_the_view_expects_what_visibility_says() -> None:
    two_sided = {
        name for name, row in markets().items() if row.legs_both == 2
        and row.agents == ("debtor_agent_id", "creditor_agent_id")
    }  # fmt: skip
    assert two_sided == {"PYMT"}
    assert "market_segment = 'PYMT'" in load_views()["expected_report"].sql
