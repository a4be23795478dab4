"""`yrd feed`, `yrd submission`, `yrd quarantine`: on a real run, as their users meet them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from connectors.feeds.registry import load_feeds
from ledger.duck import Connection
from tests.yrd.conftest import PARTS, Run, yrd
from yrd.cli import build


def call(command: str, *arguments: str | Path) -> Result:
    return CliRunner().invoke(build(command), [str(one) for one in arguments])


def told(command: str, *arguments: str | Path) -> Any:
    return json.loads(call(command, *arguments, "--json").stdout)


class TestFeeds:
    def test_every_feed_is_listed_with_what_it_is(self) -> None:
        rows = {row["name"]: row for row in told("feed", "list")}
        assert set(rows) == set(load_feeds())
        assert rows["pacs008"]["status"] == "public"
        assert rows["loan_register"]["kind"] == "position"
        assert all(row["examples"] >= 3 and row["title"]["zh"] for row in rows.values())

    @pytest.mark.parametrize("name", load_feeds())
    def test_a_feed_shows_every_field_it_fills_and_every_path_it_reads(self, name: str) -> None:
        feed = load_feeds()[name]
        shown = call("feed", "show", name).stdout
        flat = re.sub(r"\s+", "", shown)
        for column in feed.columns:
            assert column.name in shown
        for path in (*feed.paths, *feed.ignored):
            assert path.replace(" ", "") in flat, path
        assert feed.version in shown

    def test_required_says_what_a_record_without_the_field_is(self) -> None:
        fields = {row["name"]: row for row in told("feed", "show", "pacs008")["fields"]}
        assert fields["settlement_amount"]["required"]
        assert not fields["purpose_code"]["required"]

    def test_in_chinese_only_names_and_paths_stay_as_they_are(self) -> None:
        shown = call("feed", "show", "pacs008", "--lang", "zh").stdout
        for english in ("required", "late after", "transaction key", "ignored:", "certificate "):
            assert english not in shown, english
        shown = call("rule", "show", "second_clearing", "--lang", "zh").stdout
        for english in ("lane", "purpose", "analogy", "law in force", "next:", "parameter set"):
            assert english not in shown.partition("/*")[0], english
        assert "两高" in shown and "最高人民法院" in shown

    def test_an_unknown_feed_is_exit_two_and_names_the_known(self) -> None:
        result = call("feed", "show", "nope")
        assert result.exit_code == 2
        assert "pacs008" in result.stderr


class TestSubmissions:
    def test_a_submitters_counts_add_up_to_those_of_the_ledger(
        self, demo: Run, ledger: Connection
    ) -> None:
        rows = ledger.sql("SELECT * FROM submission WHERE submitter = 'OP-BILL'").to_pylist()
        shown = told("submission", "status", "--submitter", "OP-BILL", "--ledger", demo.ledger)
        assert len(shown["submissions"]) == len(rows)
        assert all(one["adds_up"] for one in (*shown["submissions"], shown["total"]))
        for part in ("submitted", *PARTS):
            assert shown["total"][part] == sum(row[part] for row in rows)

    def test_findings_of_a_submission_are_those_of_the_ledger_and_say_what_to_do(
        self, demo: Run, ledger: Connection
    ) -> None:
        row = ledger.sql(
            "SELECT lower(hex(submission_id)) AS id, rejected, quarantined FROM submission "
            "WHERE rejected + quarantined > 0 "
            "ORDER BY rejected > 0 AND quarantined > 0 DESC, submission_id LIMIT 1"
        ).to_pylist()[0]
        result = call("submission", "status", row["id"][:16], "--ledger", demo.ledger)
        assert result.exit_code == 1
        assert row["id"] in result.stdout
        zh = call("submission", "status", row["id"], "--ledger", demo.ledger, "--lang", "zh").stdout
        assert "北京时间" in zh and "处理  " in zh
        for english in ("received", "submitted", "rejected", "to do", "the reporter", "area"):
            assert english not in zh, english
        shown = told("submission", "status", row["id"][:16], "--ledger", demo.ledger)
        by_outcome = {"rejected": 0, "quarantined": 0}
        for finding in shown["findings"]:
            assert finding["meaning"]
            assert finding["to_do"]
            assert len(finding["locators"]) == finding["records"]
            if finding["outcome"] in by_outcome:
                by_outcome[finding["outcome"]] += finding["records"]
        assert by_outcome["rejected"] >= row["rejected"]
        assert by_outcome["quarantined"] >= row["quarantined"]

    def test_bytes_sent_twice_are_two_arrivals_of_one_submission(
        self, demo: Run, ledger: Connection
    ) -> None:
        found = ledger.scalar(
            "SELECT lower(hex(submission_id)) FROM submission WHERE status = 'duplicate' LIMIT 1"
        )
        shown = told("submission", "status", str(found), "--ledger", demo.ledger)
        first, second = shown["submissions"]
        assert (first["status"], second["status"]) == ("decoded", "duplicate")
        assert second["submitted"] == second["duplicates"] == first["submitted"]

    @pytest.mark.parametrize(
        "wrong",
        [[], ["zzzz"], ["12"], ["0" * 64], ["--submitter", "nobody"], ["abcd", "--submitter", "x"]],
        ids=str,
    )
    def test_wrong_input_is_one_sentence_and_exit_two(self, demo: Run, wrong: list[str]) -> None:
        result = call("submission", "status", *wrong, "--ledger", demo.ledger)
        assert result.exit_code == 2
        assert "expected" in result.stderr
        assert "Traceback" not in result.output


class TestQuarantine:
    def test_the_list_counts_every_waiting_record_once(self, demo: Run, ledger: Connection) -> None:
        rows = told("quarantine", "list", "--ledger", demo.ledger)
        assert sum(row["records"] for row in rows) == demo.result["quarantined"]
        for reason in {row["reason"] for row in rows}:
            items = told("quarantine", "list", "--reason", reason, "--ledger", demo.ledger)
            waiting = sum(row["records"] for row in rows if row["reason"] == reason)
            assert len(items) == waiting
        zh = call("quarantine", "list", "--ledger", demo.ledger, "--lang", "zh").stdout
        assert f"{demo.result['quarantined']:,} 条记录待处理" in zh
        assert not {"records", "since", "next"} & set(zh.split())

    def test_an_item_is_shown_without_its_bytes(self, demo: Run) -> None:
        item = self._item(demo)
        result = call("quarantine", "show", item, "--ledger", demo.ledger)
        assert result.exit_code == 0
        assert "a field nobody decided about" in result.stdout
        shown = told("quarantine", "show", item, "--ledger", demo.ledger)
        assert {"locator", "byte_start", "byte_end", "expected", "to_do"} <= set(shown)
        assert "dump" not in shown

    def test_bytes_are_read_for_a_purpose_that_is_logged_and_shown_only_on_demand(
        self, demo: Run
    ) -> None:
        item = self._item(demo)
        place = ("show", item, "--ledger", demo.ledger, "--bytes")
        assert call("quarantine", *place).exit_code == 2
        assert call("quarantine", *place[:-1], "--reveal").exit_code == 2
        quiet = call("quarantine", *place, "--purpose", "ask about the field")
        assert quiet.exit_code == 0
        assert "NewFld" not in quiet.stdout.partition("bytes read")[2]
        open_ = yrd("quarantine", *place, "--purpose", "ask about the field", "--reveal", "--json")
        assert "ask about the field" in open_.stderr
        assert item in open_.stderr
        shown = json.loads(open_.stdout)
        text = "".join(line.rpartition("  ")[2] for line in shown["dump"])
        assert "<NewFld>1</NewFld>" in text
        assert shown["bytes_read"] == shown["byte_end"] - shown["byte_start"]

    def test_a_reading_is_logged_whatever_the_log_level(
        self, demo: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("YRD_LOG_LEVEL", "error")
        item = self._item(demo)
        shown = yrd(
            "quarantine", "show", item, "--ledger", demo.ledger, "--bytes", "--purpose", "audit me"
        )
        assert "audit me" in shown.stderr

    @pytest.mark.parametrize("wrong", ["zz", "abcd", "abcd:x", "ffffffffffff:0", "abcd:-1"])
    def test_a_wrong_id_is_one_sentence_and_exit_two(self, demo: Run, wrong: str) -> None:
        result = call("quarantine", "show", wrong, "--ledger", demo.ledger)
        assert result.exit_code == 2
        assert "quarantine list" in result.stderr

    @staticmethod
    def _item(demo: Run) -> str:
        rows = told(
            "quarantine", "list", "--reason", "ENG-UNKNOWN-FIELD", "--feed", "pacs008",
            "--ledger", demo.ledger,
        )  # fmt: skip
        found: str = rows[0]["id"]
        return found
