"""Controller groups: which ties join whom, when, and that a payment is read as of its own day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.loader import Loader
from pipelines.groups import links
from pipelines.groups.groups import (
    LOOK_AHEAD,
    close_days,
    components,
    groups_of,
    known,
    today,
)
from pipelines.lanes.closings import Closing
from schemas.errors import InputError
from tests.ledger.made import DAY, HEFEI, START, report, short, wide

FIRST = date(2026, 3, 2)
PHONE, DEVICE = "ab" * 32, "cd" * 32


def closing(day: int) -> Closing:
    """The closing of a day after the first Monday, a little after four in the morning."""
    known = datetime(2026, 3, 2, 20, 10, tzinfo=UTC) + timedelta(days=day)
    last = FIRST + timedelta(days=day)
    return Closing(last, last, int(known.timestamp() * 1e6), known)


def entry(number: int, kind: str, party: str, day: int = 0, **more: Any) -> dict[str, Any]:
    own = {
        "market_segment": "ENTR", "event_type": "REGI", "register_type": kind, "entity_id": party,
        "entity_id_scheme": "USCC", "entity_id_basis": "DOC", "entity_party_key": short(party),
        "entity_region": "340000", "valid_from": 16_000, "at": START + day * DAY,
    }  # fmt: skip
    if behind := more.pop("behind", None):
        own |= {"related_party_key": short(behind), "related_id_basis": "DOC"}
    return report(number, HEFEI, kind="register", reference=f"E{number}", **own | more)


class Made:
    """A ledger on disk and what its closings said."""

    def __init__(
        self, folder: Path, *entries: dict[str, Any], events: pa.Table | None = None
    ) -> None:
        self.loader = Loader(folder / "ledger.duckdb", "SIMULATED")
        tables = {"register": wide(list(entries), "register")} if entries else {}
        if events is not None:
            tables["event"] = events
        self.loader.load_segment("test", 0, tables)
        self.loader.flush()

    def close(self, *days: int) -> dict[str, pa.Table]:
        tables = close_days(self.loader.connection, [closing(day) for day in days])
        self.loader.load_segment("groups", days[-1], tables)
        self.loader.flush()
        return tables

    def members(self) -> list[set[str]]:
        """The names of the parties of each group that stands."""
        rows = self.loader.connection.rows(
            "SELECT list(party) FROM group_member WHERE valid_to = 9223372036854775807 "
            "GROUP BY group_id"
        )
        return sorted(({NAMES[one] for one in row[0]} for row in rows), key=sorted)


def party_id(name: str) -> int:
    return max(int.from_bytes(short(name)[:8], "big") & ((1 << 63) - 1), 1)


NAMES = {party_id(name): name for name in "ABCDEFKP"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path


def test_firms_of_one_registered_controller_are_one_group_valid_from_the_next_midnight(
    folder: Path,
) -> None:
    made = Made(
        folder,
        *(
            entry(n, "EDGE", name, edge_role="CONTROLLER", behind="K")
            for n, name in enumerate("AB")
        ),
        entry(7, "EDGE", "C", edge_role="DIRECTOR", behind="K"),
    )
    said = made.close(0)
    assert made.members() == [{"A", "B", "K"}]
    assert set(said["controller_group"]["valid_from"].to_pylist()) == {
        datetime(2026, 3, 3, 16, tzinfo=UTC)
    }
    assert said["controller_link"]["test"].to_pylist() == ["controls", "controls"]
    assert set(said["controller_link"]["group_id"].to_pylist()) == {
        min(party_id(name) for name in "ABK")
    }


@pytest.mark.parametrize(("share", "joined"), [("0.49", False), ("0.50", True)])
def test_half_of_the_shares_decide(folder: Path, share: str, joined: bool) -> None:
    made = Made(
        folder, entry(1, "EDGE", "A", edge_role="SHAREHOLDER", edge_share=share, behind="B")
    )
    made.close(0)
    assert bool(made.members()) == joined


@pytest.mark.parametrize("joined", ["AB", "AC", "BC"])
def test_a_phone_alone_joins_nobody_and_with_a_device_it_does_whoever_they_are(
    folder: Path, joined: str
) -> None:
    made = Made(
        folder,
        *(entry(n, "ENTITY", name, phone_token=PHONE) for n, name in enumerate("ABC")),
        *(entry(10 + n, "ACCOUNT", name, device_token=DEVICE) for n, name in enumerate(joined)),
    )
    made.close(0)
    assert made.members() == [set(joined)]


def test_a_contact_of_a_crowd_joins_nobody() -> None:
    sure = links.CONFIDENCE_BP["phone"]
    rows = [
        {"test": test, "token": 1, "party": party, "entry": party, "valid_from": FIRST,
         "valid_to": None}
        for test in ("phone", "device") for party in range(1, links.MOST_ON_A_CONTACT + 2)
    ]  # fmt: skip
    assert links._shared(rows) == []
    few = links._shared([row for row in rows if row["party"] <= links.MOST_ON_A_CONTACT])
    assert len(few) == links.MOST_ON_A_CONTACT * (links.MOST_ON_A_CONTACT - 1)
    assert {row["confidence_bp"] for row in few} >= {sure}


def test_groups_change_when_an_entry_comes_and_an_older_day_keeps_its_own(folder: Path) -> None:
    pays = [
        report(100 + day, HEFEI, at=START + day * DAY, transaction_key=f"T{day}",
               counterparty_1_party_key=short("A"), counterparty_2_party_key=short("P"))
        for day in range(6)
    ]  # fmt: skip
    made = Made(
        folder,
        entry(1, "EDGE", "A", 0, edge_role="CONTROLLER", behind="K"),
        entry(2, "EDGE", "B", 2, edge_role="CONTROLLER", behind="K"),
        events=wide(pays),
    )
    made.close(0, 1, 2, 3, 4)
    connection = made.loader.connection
    asked = "SELECT key, payer_group FROM tx WHERE vantage = 4 ORDER BY event_time"
    found = [row[1] for row in connection.rows(asked)]
    first, all_three = min(map(party_id, "AK")), min(map(party_id, "ABK"))
    # An entry of day 0 is known when that day closes, at four on day 1, and read from day 2 on.
    assert found == [0, 0, first, first, all_three, all_three]
    with today(connection) as words:
        assert words == LOOK_AHEAD
        assert {row[1] for row in connection.rows(asked)} == {all_three}
    assert [row[1] for row in connection.rows(asked)] == found


def test_an_entry_that_ends_takes_the_party_out_of_its_group(folder: Path) -> None:
    made = Made(
        folder,
        entry(1, "EDGE", "A", edge_role="CONTROLLER", behind="K", valid_to=20_515),
        entry(2, "EDGE", "B", edge_role="CONTROLLER", behind="K"),
        entry(3, "EDGE", "C", edge_role="CONTROLLER", behind="K"),
    )
    assert date(1970, 1, 1) + timedelta(days=20_515) == FIRST + timedelta(days=1)
    made.close(0, 1)
    assert made.members() == [{"A", "B", "C", "K"}]
    made.close(2)
    assert made.members() == [{"B", "C", "K"}]


def test_days_closed_one_by_one_say_what_they_say_together(folder: Path, tmp_path: Path) -> None:
    entries = [
        entry(n, "EDGE", name, n, edge_role="CONTROLLER", behind="K")
        for n, name in enumerate("ABC")
    ]
    (tmp_path / "one").mkdir()
    together, single = Made(folder, *entries), Made(tmp_path / "one", *entries)
    said = together.close(0, 1, 2, 3)
    parts = [single.close(day) for day in range(4)]
    for name, table in said.items():
        assert pa.concat_tables([part[name] for part in parts]).equals(table)
        assert table.num_rows


@pytest.mark.parametrize(("back", "joined"), [(900, True), (700, False)])
def test_money_that_comes_from_one_and_goes_back_ties_but_joins_only_with_another_tie(
    folder: Path, back: int, joined: bool
) -> None:
    def pay(number: int, payer: str, payee: str, yuan: int) -> dict[str, Any]:
        keys = {"counterparty_1_party_key": short(payer), "counterparty_2_party_key": short(payee)}
        return report(number, HEFEI, amount_cny=f"{yuan}.00", transaction_key=f"F{number}", **keys)

    rows = [pay(100 + n, "B", "A", 1_000) for n in range(3)]
    rows += [pay(110 + n, "A", "B", back) for n in range(3)]
    rows += [pay(120, "A", "P", 3 * (1_000 - back))]
    rows += [pay(121, "P", "B", 50_000), pay(122, "B", "P", 50_000)]  # B has business of its own
    phones = [entry(n, "ENTITY", name, phone_token=PHONE) for n, name in enumerate("AB")]
    made = Made(folder, *phones, events=wide(rows))
    made.close(0)
    assert bool(made.members()) == joined


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=14))
def test_components_are_those_of_a_plain_search(pairs: list[tuple[int, int]]) -> None:
    found = components(np.array(pairs, np.int64), 12).tolist()
    least = list(range(12))
    for _ in range(12):
        for one, other in pairs:
            least[one] = least[other] = min(least[one], least[other])
    assert found == least


def test_two_ties_of_one_test_count_once() -> None:
    def ties(*tests: str) -> pa.Table:
        rows = [
            {"party": 1, "other": 2, "test": test, "confidence_bp": links.CONFIDENCE_BP[test],
             "evidence": [n], "holds_from": FIRST, "holds_to": None}
            for n, test in enumerate(tests)
        ]  # fmt: skip
        return pa.Table.from_pylist(rows, links.LINK)

    assert groups_of(ties("phone", "phone")) == {}
    assert groups_of(ties("phone", "manages")) == {1: 1, 2: 1}


def test_knowledge_is_of_then_or_of_today_and_nothing_else(folder: Path) -> None:
    made = Made(folder, entry(1, "controls", "A", day=1, behind="K"))
    with known(made.loader.connection, "as-of") as words:
        assert words == ""
    with known(made.loader.connection, "today") as words:
        assert words == LOOK_AHEAD
    with pytest.raises(InputError, match="--knowledge"), known(made.loader.connection, "later"):
        pass
