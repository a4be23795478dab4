"""What was held comes in later: new outcomes with their cause, and the alerts it changes."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from connectors.ends.tape import Tape, TapeWriter
from connectors.feeds.registry import SPEC, load_feeds
from ledger.checks import check
from ledger.duck import Connection
from ledger.loader import Loader
from serving.publish import open_version, publish
from yrd.cli import build
from yrd.processes.building import build_intake
from yrd.processes.loading import WRITTEN
from yrd.settings import Settings

FEED = "bill_exchange"
SENT = datetime.fromisoformat("2026-06-15T18:30:00+08:00")
INVOICE = "24312000000123456789"


def act(number: int, bank: str, **more: object) -> dict[str, object]:
    """A discount by a bank; each of another bill."""
    told: dict[str, object] = {
        "rptTm": "20260615180000", "busiType": "TX01", "dealNo": f"TX{bank[:3]}{number:06d}",
        "dealDt": "20260615", "dealTm": "170000",
        "billPackageNo": f"5381290000019202606010000{number:05d}", "billRangeStart": 1,
        "billRangeEnd": 500_000_000, "billMoney": "5000000.00", "dealRate": "1.85",
        "sttlAmt": "4953750.00", "sellOrgCode": "91340000MG9000013R", "sellOrgName": "某某贸易公司",
        "buyOrgCode": bank, "buyOrgName": "某某银行", "dueDt": "20261201",
        "invoiceNo": f"2431200000099999{number:04d}",
    }  # fmt: skip
    return told | more


def body(acts: list[dict[str, object]]) -> bytes:
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in acts).encode()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger with one submission taken and one held for a new field: the same invoice in both."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YRD_VAR", str(tmp_path / "var"))
    banks = "381290000019", "382305000014"  # of two legal persons
    good = body([act(1, banks[0], invoiceNo=INVOICE), act(2, banks[0])])
    odd = [act(n, banks[1], channel="APP") for n in range(10, 21)]
    odd[0]["invoiceNo"] = INVOICE
    loans = load_feeds()["loan_register"].folder / "examples/plain.csv"  # the rule reads loans too
    with TapeWriter(tmp_path / "tape", "SIMULATED") as writer:
        writer.add("loan_register", banks[0], SENT - timedelta(minutes=5), loans.read_bytes())
        writer.add(FEED, "OP-BILL", SENT, good)
        writer.add(FEED, "OP-BILL", SENT + timedelta(minutes=5), body(odd))
    raw = Tape(tmp_path / "tape").read(0)
    taken = build_intake(Settings(), "SIMULATED").process(raw, np.zeros(3, np.bool_), 0)
    with Loader(tmp_path / "ledger" / WRITTEN, "SIMULATED") as loader:
        tables = {"feedback": taken.feedback, "quarantine": taken.quarantine, **taken.reports}
        loader.load_segment("tape", 0, {**tables, "submission": taken.submissions})
        publish(loader, tmp_path / "ledger")
    return tmp_path


def call(*arguments: str) -> str:
    result = CliRunner().invoke(build("feed"), arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def again() -> dict[str, Any]:
    """What a rerun tells, behind what it logs."""
    said = call("rerun", FEED, "--ledger", "ledger", "--tape", "tape", "--json")
    told: dict[str, Any] = json.loads(said[said.index("{\n") :])
    return told


def adopted(run: Path) -> None:
    text = (load_feeds()[FEED].folder / SPEC).read_text(encoding="utf-8")
    new = run / "new" / SPEC
    new.parent.mkdir()
    new.write_text(
        text.replace("[constants]", '[ignored]\n"not asked" = ["channel"]\n\n[constants]', 1)
    )
    call("check", str(new), "--held", "--ledger", "ledger", "--tape", "tape")
    call("adopt", FEED, str(new))


def ledger(run: Path) -> Connection:
    return open_version(run / "ledger")[0]


def test_held_reports_come_in_with_their_cause_and_raise_what_they_reveal(run: Path) -> None:
    with ledger(run) as before:
        assert before.rows(
            f"SELECT status, accepted FROM submission WHERE feed = '{FEED}' ORDER BY received_at"
        ) == [
            ("decoded", 2),
            ("held", 0),
        ]
        assert before.scalar("SELECT count(*) FROM alert") == 0
    adopted(run)
    told = again()
    assert (told["submissions"], told["still_held"], told["counts"]["accepted"]) == (1, 0, 11)
    with ledger(run) as after:
        assert check(after) == []
        assert after.rows(
            "SELECT status, submitted, accepted FROM submission "
            f"WHERE feed = '{FEED}' ORDER BY received_at"
        ) == [
            ("decoded", 2, 2),
            ("decoded", 11, 11),
        ]
        causes = after.rows(
            "SELECT cause, count(*), bool_and(is_late), count(DISTINCT known_from), "
            "bool_and(known_from > received_at) FROM event GROUP BY cause ORDER BY cause"
        )
        assert causes == [("REPORT", 2, False, 1, False), ("SPEC", 11, True, 1, True)]
        assert after.rows("SELECT DISTINCT status FROM quarantine") == [("released",)]
        final = "SELECT DISTINCT verdict FROM feedback WHERE stage = 'final'"
        assert after.rows(final) == [("ACK",)]
        raised = after.rows("SELECT rule, hidden_by_split, known_from FROM alert")
        known = after.scalar("SELECT max(known_from) FROM event")
        assert [row[0] for row in raised] == ["invoice_double_financing"] * told["alerts"]
        assert raised
        assert all(row[2] == known for row in raised)


def test_a_second_rerun_changes_nothing(run: Path) -> None:
    adopted(run)
    call("rerun", FEED, "--ledger", "ledger", "--tape", "tape")
    told = again()
    assert told["submissions"] == told["alerts"] == 0
    with ledger(run) as after:
        assert after.scalar("SELECT count(*) FROM event") == 13


def test_what_is_still_held_stays_and_is_exit_one(run: Path) -> None:
    result = CliRunner().invoke(
        build("feed"), ["rerun", FEED, "--ledger", "ledger", "--tape", "tape"]
    )
    assert result.exit_code == 1
    assert "1 still held" in result.stdout
    with ledger(run) as after:
        assert after.scalar("SELECT count(*) FROM submission WHERE status = 'held'") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ["adopt", FEED, "none.toml"],
        ["adopt", "nope", "none.toml"],
        ["rerun", FEED, "--ledger", "nowhere"],
        ["diff", FEED, "--held"],
        ["check", "nope"],
        ["new", "1x", "--sample", "none"],
        ["send", FEED, "none", "--tape", "t", "--submitter", "x"],
    ],
    ids=" ".join,
)
def test_wrong_input_is_one_sentence_and_exit_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(build("feed"), wrong)
    assert result.exit_code == 2
    assert "expected" in result.stderr
    assert "Traceback" not in result.output
