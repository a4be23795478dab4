"""Scoring a run: references become the ids that evidence uses, the command tells the result."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from ledger import duck
from ledger.loader import Loader
from replay.ledger_scores import references, score_ledger
from replay.schemes.plans import LABELS
from schemas.errors import InputError
from serving.publish import publish
from tests.ledger.filled import HOUR, loans, results
from tests.ledger.made import DAY, HANGZHOU, HEFEI, NANJING, SHANGHAI, START, report, short, wide
from yrd.cli import build

BANKS = (SHANGHAI, NANJING, HANGZHOU, SHANGHAI, NANJING, HEFEI, HANGZHOU, HEFEI, HEFEI)
UETRS = [str(uuid.UUID(int=number, version=4)) for number in range(9)]


def payments() -> pa.Table:
    """One payer's nine transfers near the line over three days, never three days in one region."""
    return wide(
        [
            report(
                number,
                BANKS[number],
                at=START + (number // 3) * DAY + (number % 3) * HOUR,
                business_ordinal=280 + number // 3,
                amount_cny="450000.00",
                counterparty_1_nature="I",
                transaction_key=f"S{number}",
                uetr=UETRS[number],
                payer=f"acct {BANKS[number]}",
                counterparty_1_party_key=short("the payer"),
                payee=f"payee {number}",
            )
            for number in range(9)
        ]
    )


def label(name: str, rule: str, refs: list[str], **extra: Any) -> dict[str, Any]:
    return {
        "scheme_id": name,
        "rule": rule,
        "variant": "plain",
        "kind": "scheme",
        "planned_regions": ["310000", "320000"],
        "split": True,
        "refs": refs,
        "first_event": datetime(2026, 3, 2, tzinfo=UTC),
        "last_event": datetime(2026, 3, 4, 10, tzinfo=UTC),
    } | extra


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder: a published ledger with a scheme's alert, and the tape's labels."""
    root = tmp_path_factory.mktemp("run")
    (root / "ledger").mkdir()
    (root / "tape").mkdir()
    with Loader(root / "ledger" / "ledger.duckdb", "SIMULATED") as loader:
        loader.load_segment("tape:test", 0, {"event": payments()})
        loader.load_segment("tape:test", 1, {"position": loans()})
        loader.flush()
        crossings, alerts = results(loader)
        known = pa.array(
            [datetime(2026, 4, 10, tzinfo=UTC)] * crossings.num_rows, pa.timestamp("us", "UTC")
        )
        lane = pa.array(["stream"] * crossings.num_rows)
        crossings = crossings.append_column("lane", lane).append_column("known_from", known)
        loader.load_segment("job:test", 0, {"alert": alerts, "crossing": crossings})
        loader.flush()
        publish(loader, root / "ledger")
    rows = [
        label("s-1", "structuring", [f"pacs008:{each}" for each in UETRS]),
        label("d-1", "invoice_double_financing", [f"loan_register:{HEFEI}:L1", "bill_exchange:X"]),
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=LABELS), root / "tape" / "labels.parquet")
    return root


@pytest.fixture(scope="module")
def connection(run: Path) -> duck.Connection:
    return duck.open(run / "ledger" / "ledger.duckdb", read_only=True)


def test_payments_and_loans_are_found_by_their_source_references(
    run: Path, connection: duck.Connection
) -> None:
    labels = pq.read_table(run / "tape" / "labels.parquet")
    found = references(connection, labels).to_pydict()
    by_ref = {ref: found["ref"].count(ref) for ref in found["ref"]}
    assert {f"pacs008:{each}" for each in UETRS} < set(by_ref)
    assert by_ref[f"pacs008:{UETRS[0]}"] == 1
    assert by_ref[f"loan_register:{HEFEI}:L1"] >= 2  # it stands in two registers
    assert "bill_exchange:X" not in by_ref  # never reported: not covered, and no failure


def test_a_hidden_scheme_in_a_ledger_is_scored_as_found_and_hidden(
    run: Path, connection: duck.Connection
) -> None:
    result = score_ledger(connection, run / "tape" / "labels.parquet")
    found = result.rules["structuring"]
    assert (found.planted, found.found, found.false) == (1, 1, 0)
    assert (found.hidden_planted, found.hidden_found) == (1, 1)
    assert found.solo_union == 0
    missed = result.rules["invoice_double_financing"]
    assert (missed.planted, missed.found, missed.missed_ids) == (1, 0, ("d-1",))


def test_the_command_prints_the_score_of_a_run(run: Path) -> None:
    told = CliRunner().invoke(build("score"), [str(run), "--json"])
    assert told.exit_code == 0, told.output
    result = json.loads(told.stdout)
    assert result["data_origin"] == "SIMULATED"
    assert (result["all"]["planted"], result["all"]["found"]) == (2, 1)
    assert result["structuring"]["recall"]["n"] == 1
    assert result["structuring"]["recall"]["low"] > 0.2
    assert set(result["baselines"]) == {"crosses_a_region", "crosses_a_region_and_is_a_new_pair"}
    table = CliRunner().invoke(build("score"), [str(run)])
    assert "what is planted is an input, not a finding" in table.stdout
    assert "for comparison" in table.stdout


def test_missing_labels_are_named(connection: duck.Connection, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the labels of a simulated tape"):
        score_ledger(connection, tmp_path / "labels.parquet")
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), other)
    with pytest.raises(InputError, match="columns: expected scheme_id"):
        score_ledger(connection, other)


def test_simulate_refuses_a_wrong_day_with_exit_code_two(tmp_path: Path) -> None:
    told = CliRunner().invoke(
        build("simulate"), ["--out", str(tmp_path / "t"), "--start", "tomorrow"]
    )
    assert told.exit_code == 2


def test_simulate_writes_a_tape_and_says_what_to_type_next(tmp_path: Path) -> None:
    folder = tmp_path / "tape"
    told = CliRunner().invoke(build("simulate"), ["--out", str(folder), "--reports", "8000"])
    assert told.exit_code == 0, told.output
    assert (folder / "manifest.json").is_file()
    assert "Simulated data" in told.stdout
    assert "yrd replay" in told.stdout
