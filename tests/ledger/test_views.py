"""Every named relation: its header, its grain, and that `tx` is what pairing says."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ledger import asof, ddl, duck
from ledger.ids import row_ids
from ledger.loader import Loader
from ledger.views import AUDIENCES, KEYS, load_views, read_view
from pipelines.intake.narrow import narrow_rows
from pipelines.pairing.pairing import PAIR_MEMORY_US, Closed, merge
from schemas.errors import ConfigurationError
from schemas.hashing import from_binary16, hash128, id63
from schemas.narrow import RULE_COLUMNS
from schemas.visibility import markets
from tests.ledger.made import DAY, HANGZHOU, HEFEI, NANJING, SHANGHAI, START, report, short, wide

SECOND = 1_000_000
WAIT = markets()["PYMT"].pair_wait_s * SECOND


@pytest.fixture(scope="module")
def ledger(small_ledger: Path) -> Iterator[duck.Connection]:
    with duck.open(small_ledger, read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("name", load_views())
class TestEveryView:
    def test_the_header_says_what_it_is(self, name: str) -> None:
        view = load_views()[name]
        assert tuple(view.header) == KEYS
        assert view.header["question"].endswith("?")
        assert view.header["shown to"] in AUDIENCES

    def test_it_reads_what_it_says_and_works_on_empty_tables(self, name: str) -> None:
        view = load_views()[name]
        with duck.memory() as connection:
            ddl.create(connection, "SIMULATED")
            for other in view.reads:
                assert f" {other}" in view.sql
                assert other in connection.tables()
            assert connection.sql(f"SELECT * FROM {name}").num_rows == 0

    def test_its_grain_is_unique_and_there_is_something_in_it(
        self, name: str, ledger: duck.Connection
    ) -> None:
        grain = ", ".join(load_views()[name].grain)
        rows, distinct = ledger.rows(f"SELECT count(*), count(DISTINCT ({grain})) FROM {name}")[0]
        assert rows == distinct > 0


def test_a_corrected_deal_counts_once_and_a_cancelled_one_not_at_all(
    ledger: duck.Connection,
) -> None:
    found = ledger.sql("SELECT vantage, act, usd_cents, amount_fen FROM fx_deal ORDER BY vantage")
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        (vantage, "PURC", 100_000, 700_000) for vantage in (3, 4)
    ]


def test_an_act_on_a_receipt_is_as_last_corrected_and_says_which_goods_lie_where(
    ledger: duck.Connection,
) -> None:
    told = "SELECT act, secured_fen, grams, min(goods <> batch) FROM receipt_act WHERE vantage = {}"
    rows = [("ISSU", None, 1_500_000, True), ("PLDG", 50_000, 1_500_000, True)]
    for vantage in (3, 4):
        assert sorted(ledger.rows(told.format(vantage) + " GROUP BY 1, 2, 3")) == rows
    assert ledger.rows("SELECT grams FROM stock WHERE vantage = 3") == [(500_000,)]


def test_who_acted_for_a_client_has_the_id_it_would_have_as_a_client(
    ledger: duck.Connection,
) -> None:
    key = hash128([pa.array(["ab" * 32])], "party")
    assert ledger.rows("SELECT DISTINCT representative FROM fx_deal") == [(int(id63(key)[0]),)]


def test_contacts_are_those_of_all_entries_and_an_account_has_the_id_of_payments(
    ledger: duck.Connection,
) -> None:
    counted = (
        "SELECT kind, count(*), count(DISTINCT party) FROM contact WHERE vantage = 3 GROUP BY 1"
    )
    assert sorted(ledger.rows(counted)) == [("address", 1, 1), ("phone", 2, 1)]
    account = int(id63(hash128([pa.array(["ef" * 32])], "account"))[0])
    assert ledger.rows("SELECT DISTINCT account FROM account") == [(account,)]
    assert ledger.rows("SELECT vantage, role, share_bp FROM edge ORDER BY 1") == [
        (3, "SHAREHOLDER", 6000),
        (4, "SHAREHOLDER", 6000),
    ]


def test_both_sides_of_a_trade_have_its_number_and_a_cancelled_one_is_none(
    ledger: duck.Connection,
) -> None:
    found = "SELECT vantage, market_segment, side, trade, quantity FROM trade_side ORDER BY ALL"
    futures = [
        (vantage, "FUTR", side, "XSGE/V1", 4.0)
        for vantage, sides in ((0, (1,)), (3, (2,)), (4, (1, 2)))
        for side in sides
    ]
    bonds = [(vantage, "BOND", side, "X4", 4.0) for vantage in (3, 4) for side in (1, 2)]
    assert ledger.rows(found) == sorted([*futures, *bonds])
    shown = "SELECT vantage, contract, quantity FROM market_total ORDER BY vantage"
    assert ledger.rows(shown) == [(vantage, "cu2607", 12345.0) for vantage in range(5)]


def test_the_last_state_of_a_complaint_is_its_newest(ledger: duck.Connection) -> None:
    found = "SELECT state, is_newest FROM complaint_state WHERE vantage = 4 ORDER BY event_time"
    assert ledger.rows(found) == [("RECEIVED", False), ("CLOSED", True)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("   units", "   unit"),
        ("shown to : joint cases only", "shown to : everybody"),
        ("/*", "--"),
    ],
)
def test_a_wrong_header_names_the_file(tmp_path: Path, old: str, new: str) -> None:
    text = (Path(ddl.__file__).parent / "views" / "alerts.sql").read_text(encoding="utf-8")
    path = tmp_path / "alerts.sql"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"alerts\.sql"):
        read_view(path)


def random_reports(seed: int) -> pa.Table:
    """Payments whose legs agree or not, come in time, after the wait, or after the memory."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(250):
        key = f"K{rng.integers(0, 110)}" if rng.random() < 0.9 else None
        offset = int(rng.choice([0, 0, 0, SECOND, WAIT, WAIT + 1, 40 * SECOND, DAY, 2 * DAY + 1]))
        base = START + int(rng.integers(0, 2)) * 3 * DAY
        fields = {
            "at": base + offset,
            "amount_cny": str(rng.choice(["1.00", "2.00"], p=[0.8, 0.2])),
            "payer": str(rng.choice(["p1", "p3"], p=[0.9, 0.1])),
            "counterparty_1_nature": rng.choice(["I", "F"], p=[0.9, 0.1]),
            "counterparty_2_id_basis": rng.choice(["ACCOUNT", "NAME"], p=[0.9, 0.1]),
            "asset_reference_id": rng.choice([None, "bill"]),
            "asset_range_start": int(rng.integers(0, 2)) or None,
            "event_type": str(rng.choice(["PAYM", "DISC"], p=[0.95, 0.05])),
            "transaction_key": short(key) if key else None,
        }
        bank = str(rng.choice([SHANGHAI, NANJING, HANGZHOU, HEFEI]))
        rows.append(report(number, bank, **fields))
    return wide(rows)


def paired(reports: pa.Table) -> set[tuple[int, ...]]:
    """What numba pairing gives: (vantage, key, rule columns...)."""
    rows = narrow_rows(reports.combine_chunks().to_batches()[0])
    merged = merge(rows, np.iinfo(np.int64).max // 2, WAIT, Closed())
    assert len(merged.rest) == 0
    return {
        (vantage, int(row["key"]), *(int(row[name]) for name in RULE_COLUMNS))
        for row in merged.ready
        for vantage in range(5)
        if row["mask"] >> vantage & 1
    }


def test_transactions_are_the_same_from_sql_and_from_the_kernel(tmp_path: Path) -> None:
    columns = ", ".join(RULE_COLUMNS)
    for seed in range(6):
        reports = random_reports(seed)
        with Loader(tmp_path / f"{seed}.duckdb", "SIMULATED") as loader:
            loader.load_segment("test", 0, {"event": reports})
            loader.flush()
            rows = loader.connection.rows(f"SELECT vantage, key, {columns} FROM tx")
            differing, late, again = loader.connection.rows(
                "SELECT count(DISTINCT key) FILTER (WHERE contents > 1), max(late), max(starts) "
                "FROM (SELECT key, count(DISTINCT amount_fen) AS contents, "
                "max(event_time - start) AS late, count(DISTINCT start) AS starts "
                "FROM tx GROUP BY key)"
            )[0]
        assert differing > 3
        assert late > WAIT
        assert again > 1
        assert set(rows) == paired(reports)
        assert len(rows) == len(set(rows))


def test_ids_of_the_ledger_are_those_of_the_narrow_row() -> None:
    reports = random_reports(99)
    ids = row_ids(reports, "event")
    narrow = narrow_rows(reports.combine_chunks().to_batches()[0])
    assert ids["transaction_id"].tolist() == narrow["key"].tolist()
    for name in ("report", "payer_account", "payee_account", "reporter", "asset", "instrument"):
        assert ids[name].tolist() == narrow[name].tolist(), name


def test_the_macro_names_a_hash_as_the_kernel_does() -> None:
    hashes = pa.array([bytes([255] * 16), bytes(16), b"\x80" + bytes(15), short("x"), None])
    with duck.memory() as connection:
        ddl.create(connection, "SIMULATED")
        connection.register("h", pa.table({"hash": hashes}))
        found = connection.sql("SELECT id63(hash) AS id FROM h")["id"].to_pylist()
    wanted = id63(from_binary16(hashes.cast(pa.binary(16)))).tolist()
    assert found == [*wanted[:4], 0]


def test_the_memory_of_pairing_is_the_same_in_both() -> None:
    assert ddl.PAIR_MEMORY_US == PAIR_MEMORY_US


def test_a_value_known_to_one_leg_only_stays_out_of_the_other_region(tmp_path: Path) -> None:
    reports = wide(
        [
            report(0, SHANGHAI, transaction_key="K", at=START, asset_reference_id="bill"),
            report(1, NANJING, transaction_key="K", at=START),
        ]
    )
    with Loader(tmp_path / "one.duckdb", "SIMULATED") as loader:
        loader.load_segment("test", 0, {"event": reports})
        loader.flush()
        known = dict(loader.connection.rows("SELECT vantage, asset <> 0 FROM tx"))
    assert known == {0: True, 1: False, 4: True}


def test_an_earlier_state_holds_nothing_that_came_later(small_ledger: Path) -> None:
    with duck.open(small_ledger, read_only=True) as connection:
        everything = connection.scalar("SELECT count(*) FROM tx WHERE vantage = 4")
        cut = datetime(2026, 3, 3, tzinfo=UTC)
        before = connection.scalar(
            "SELECT count(DISTINCT transaction_id) FROM event WHERE known_from <= $1", [cut]
        )
        asof.apply(connection, cut)
        assert connection.scalar("SELECT count(*) FROM tx WHERE vantage = 4") == before
        assert 0 < before < everything
        assert connection.scalar("SELECT count(*) FROM alerts") == 0
        assert connection.scalar("SELECT max(received_at) FROM feedback") <= cut


def test_an_alert_that_was_revised_shows_its_newest_row_and_its_former_one_then(
    tmp_path: Path, small_ledger: Path
) -> None:
    with duck.open(small_ledger, read_only=True) as connection:
        alert = connection.sql("SELECT * EXCLUDE (known_to) FROM alert LIMIT 1")
    row = alert.to_pylist()[0]
    later = datetime(2026, 5, 1, tzinfo=UTC)
    withdrawn = pa.Table.from_pylist([row | {"withdrawn": True, "known_from": later}], alert.schema)
    path = tmp_path / "one.duckdb"
    with Loader(path, "SIMULATED") as loader:
        loader.load_segment("job", 0, {"alert": alert})
        loader.flush()
        loader.load_segment("job", 1, {"alert": withdrawn})
    with duck.open(path, read_only=True) as connection:
        assert connection.scalar("SELECT count(*) FROM alerts") == 0
        asof.apply(connection, datetime(2026, 4, 30, tzinfo=UTC))
        assert connection.rows("SELECT alert_id FROM alerts") == [(row["alert_id"],)]
