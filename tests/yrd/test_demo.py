"""The whole path, once, small and real: counts, broken input, what splitting hides, the page."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from connectors.feeds.registry import load_feeds
from ledger.duck import Connection
from pipelines.episodes.matching import matched
from pipelines.rules.registry import load_rules
from schemas.fields import IMPLEMENTED_KINDS
from schemas.regions import JOINT_BIT, REGIONS
from serving.answers.alone_words import explains
from serving.answers.explain import explanation
from tests.yrd.conftest import PARTS, Run
from yrd.cli.demo import KINDS

SUMMARY_KEYS = {
    "data_origin", "submitted", "accepted", "rejected", "quarantined", "duplicates", "pending",
    "transactions", "alerts", "hidden_by_split", "hidden_also_from_operators", "not_raised_jointly",
    "late", "output_sha256", "elapsed_s", "cpu_s", "by_feed", "by_rule", "score",
}  # fmt: skip

# What each planted fault must come to: (rule, verdict).
NUMBER, VALUE = ("ENG-NUMBER", "NACK"), ("ENG-VALUE", "NACK")
CODE, FIELD = ("ENG-UNKNOWN-CODE", "QUARANTINED"), ("ENG-UNKNOWN-FIELD", "QUARANTINED")
UNREADABLE, ENCODING = ("ENG-UNREADABLE", "QUARANTINED"), ("ENG-ENCODING", "QUARANTINED")
RANGE, TIME = ("ENG-RANGE", "NACK"), ("ENG-TIME", "NACK")
OF_RECORDS = {
    "pacs008": {
        "exponent": NUMBER,
        "underscore": NUMBER,
        "not_a_number": NUMBER,
        "full_width_digits": NUMBER,
        "negative_amount": RANGE,
        "month_13": TIME,
        "unknown_agent": ("ENG-FORMAT", "NACK"),
        "unknown_currency": CODE,
        "bad_uuid": ("ENG-IDENTIFIER", "NACK"),
        "unknown_field": FIELD,
        "missing_account": ("PYMT-113", "ACK"),  # a warning: allowed, and marked
    },
    "bill_exchange": {
        "exponent": VALUE,
        "underscore": VALUE,
        "not_a_number": UNREADABLE,
        "full_width_digits": VALUE,
        "negative_amount": VALUE,
        "month_13": TIME,
        "unknown_code": CODE,
        "duplicate_key": ("ENG-REPEATED", "NACK"),
        "unknown_field": FIELD,
    },
    "loan_register": {
        "exponent": NUMBER,
        "underscore": NUMBER,
        "full_width_digits": NUMBER,
        "negative_amount": RANGE,
        "month_13": TIME,
        "unknown_region": CODE,
        "wrong_encoding_one_byte": ENCODING,
    },
}
OF_SUBMISSIONS = {
    "pacs008:wrong_encoding_file": {"ENG-ENCODING", "ENG-NAMESPACE"},
    "pacs008:truncated_file": {"ENG-UNREADABLE"},
    "pacs008:doctype": {"ENG-DOCTYPE"},
    "pacs008:deep_nesting": {"ENG-DEPTH"},
    "pacs008:gzip_bomb": {"ENG-SIZE"},
    "pacs008:empty_file": {"ENG-UNREADABLE"},
    "bill_exchange:wrong_encoding_file": {"ENG-ENCODING"},
    "bill_exchange:truncated_file": {"ENG-UNREADABLE"},
    "bill_exchange_json:truncated_file": {"ENG-UNREADABLE"},
    "bill_exchange_json:deep_nesting": {"ENG-DEPTH"},
    "loan_register:wrong_encoding_file": {"ENG-ENCODING"},
    "loan_register:truncated_file": {"ENG-COLUMNS", "ENG-UNREADABLE"},
}


class TestCounts:
    def test_the_summary_on_disk_is_the_one_printed_and_has_every_key(self, demo: Run) -> None:
        stored = json.loads((demo.folder / "summary.json").read_text(encoding="utf-8"))
        assert set(stored) >= SUMMARY_KEYS
        assert demo.result == {"run": str(demo.folder)} | stored
        assert stored["data_origin"] == "SIMULATED"
        assert {"planted", "found", "missed", "false"} <= set(stored["score"])

    def test_every_submission_adds_up_and_so_does_the_whole(
        self, demo: Run, ledger: Connection
    ) -> None:
        rows = ledger.sql("SELECT * FROM submission").to_pylist()
        assert len(rows) == demo.result["submissions"]
        for row in rows:
            assert row["submitted"] == sum(row[part] for part in PARTS), row["submission_id"].hex()
        for name in ("submitted", *PARTS, "late"):
            assert sum(row[name] for row in rows) == demo.result[name]
        counted = sum(demo.result[part] for part in (*PARTS, "pending"))
        assert counted == demo.result["submitted"]

    def test_every_feed_is_there_and_each_adds_up(self, demo: Run) -> None:
        by_feed = demo.result["by_feed"]
        assert set(by_feed) == set(load_feeds())
        for feed, row in by_feed.items():
            assert row["kind"] == load_feeds()[feed].kind
            assert row["submitted"] == sum(row[part] for part in PARTS) > 0, feed
            # A broker's whole session may come late, which is much of so small a market.
            assert row["late"] <= max(0.06 * row["accepted"], 4), feed
        for name in ("submitted", *PARTS, "late"):
            assert sum(row[name] for row in by_feed.values()) == demo.result[name]

    def test_what_was_submitted_is_what_the_simulator_wrote(
        self, manifest: dict[str, Any], raw: list[dict[str, Any]], ledger: Connection
    ) -> None:
        """Whole broken submissions count as one record there and as what is readable here."""
        broken = {row["sha256"]: row["feed"] for row in raw if _is_broken(row)}
        assert len(broken) == sum(manifest["planted_broken"]["whole_submissions"].values())
        counted: Counter[str] = Counter()
        for row in ledger.sql("SELECT * FROM submission").to_pylist():
            if row["submission_id"] not in broken:
                counted[row["feed"]] += row["submitted"]
        counted.update(broken.values())
        assert counted == manifest["simulation"]["records"]

    def test_accepted_reports_are_in_the_ledger_once(self, demo: Run, ledger: Connection) -> None:
        each = " UNION ALL ".join(
            f"SELECT report_id, '{kind}' AS kind FROM {kind} WHERE NOT is_duplicate"
            for kind in IMPLEMENTED_KINDS
        )
        kept, ids, kinds = ledger.rows(
            f"SELECT count(*), count(DISTINCT report_id), count(DISTINCT kind) FROM ({each})"
        )[0]
        assert kept == ids == demo.result["accepted"]
        assert kinds == len(IMPLEMENTED_KINDS)

    def test_files_sent_twice_and_records_sent_twice_count_as_duplicates(
        self, manifest: dict[str, Any], ledger: Connection
    ) -> None:
        twice = ledger.scalar("SELECT count(*) FROM submission WHERE status = 'duplicate'")
        assert twice == manifest["simulation"]["files_sent_twice"]
        again = ledger.scalar("SELECT count(*) FROM feedback WHERE verdict = 'DUPLICATE'")
        assert again >= twice + manifest["simulation"]["repeated_records"]


class TestBrokenInput:
    @pytest.mark.parametrize("feed", OF_RECORDS)
    def test_every_planted_fault_of_a_record_is_found_with_its_place(
        self, feed: str, manifest: dict[str, Any], raw: list[dict[str, Any]], ledger: Connection
    ) -> None:
        planted = manifest["planted_broken"][feed]
        assert set(planted) == set(OF_RECORDS[feed])
        expected: Counter[tuple[str, str]] = Counter()
        for kind, number in planted.items():
            expected[OF_RECORDS[feed][kind]] += number
        broken = {row["sha256"] for row in raw if _is_broken(row)}
        found: Counter[tuple[str, str]] = Counter()
        for row in ledger.sql(
            "SELECT DISTINCT submission_id, submitter, record, locator, rule_id, verdict "
            "FROM feedback WHERE feed = $feed AND rule_id IS NOT NULL",
            {"feed": feed},
        ).to_pylist():
            if row["submission_id"] not in broken:
                assert row["locator"]
                found[row["rule_id"], row["verdict"]] += 1
        assert {pair: found[pair] for pair in expected} == expected

    def test_of_the_other_feeds_as_many_records_are_refused_as_were_broken(
        self, demo: Run, manifest: dict[str, Any]
    ) -> None:
        others = set(manifest["planted_broken"]) - set(OF_RECORDS) - {"whole_submissions"}
        assert len(others) >= 12
        for feed in others:
            row = demo.result["by_feed"][feed]
            planted = sum(manifest["planted_broken"][feed].values())
            assert row["rejected"] + row["quarantined"] == planted, feed

    def test_every_planted_broken_submission_is_found_whole_or_at_its_broken_line(
        self, manifest: dict[str, Any], raw: list[dict[str, Any]], ledger: Connection
    ) -> None:
        kinds = list(manifest["planted_broken"]["whole_submissions"])
        assert set(kinds) == set(OF_SUBMISSIONS)
        waiting: dict[tuple[bytes, str], set[str]] = {}
        for row in ledger.sql("SELECT * FROM quarantine").to_pylist():
            assert 0 <= row["byte_start"] <= row["byte_end"]
            waiting.setdefault((row["submission_id"], row["feed"]), set()).add(row["reason"])
        sent = sorted((row for row in raw if _is_broken(row)), key=lambda row: row["file_name"])
        by_feed: dict[str, list[set[str]]] = {}
        for row in sent:
            by_feed.setdefault(row["feed"], []).append(waiting[row["sha256"], row["feed"]])
        for feed, reasons in by_feed.items():  # each kind at least once among its feed's
            for kind in (one for one in kinds if one.split(":")[0] == feed):
                assert any(OF_SUBMISSIONS[kind] & one for one in reasons), kind


class TestAlerts:
    def test_solo_statuses_follow_from_the_crossings(self, ledger: Connection) -> None:
        alerts = ledger.sql(
            "SELECT *, epoch_us(first_crossing) AS a, epoch_us(last_crossing) AS z FROM alert "
            "WHERE NOT withdrawn AND known_to IS NULL"
        ).to_pylist()
        crossed: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
        crossings = ledger.sql("SELECT * FROM crossing WHERE known_to IS NULL")
        # a rule that matches by evidence names its crossings by the subject of their alert
        for row in matched(crossings, load_rules()).to_pylist():
            crossed.setdefault((row["rule"], row["variant"], row["subject"]), []).append(row)
        assert {status for one in alerts for status in one["solo_status"]} >= {"none", "seen"}
        for alert in alerts:
            own = [
                row
                for row in crossed[alert["rule"], alert["variant"], alert["subject"]]
                if alert["a"] <= row["instant"] <= alert["z"]
            ]
            seen: dict[int, set[int]] = {}
            for row in own:
                seen.setdefault(row["vantage"], set()).update(row["evidence"])
            evidence = set(alert["evidence"])
            assert evidence == seen.get(JOINT_BIT, set().union(*seen.values()))
            for bit in range(len(REGIONS)):
                share = len(seen.get(bit, set()) & evidence) / len(evidence)
                wanted = "none" if bit not in seen else "partial" if share < 0.5 else "seen"
                assert alert["solo_status"][bit] == wanted
            raised_alone = bool(set(seen) - {JOINT_BIT})
            assert alert["hidden_by_split"] == (JOINT_BIT in seen and not raised_alone)
            assert alert["not_raised_jointly"] == (JOINT_BIT not in seen)

    def test_counts_of_alerts_are_those_of_the_views(self, demo: Run, ledger: Connection) -> None:
        counted = ledger.sql(
            "SELECT rule, count(*) AS alerts, "
            "count(*) FILTER (WHERE hidden_by_split) AS hidden_by_split, "
            "count(*) FILTER (WHERE hidden_also_from_operators) AS hidden_also_from_operators, "
            "count(*) FILTER (WHERE not_raised_jointly) AS not_raised_jointly "
            "FROM alerts GROUP BY rule"
        ).to_pylist()
        by_rule = {row.pop("rule"): row for row in counted}
        told = {rule: dict(row) for rule, row in demo.result["by_rule"].items()}
        cut = [row.pop("searches_cut") for row in told.values()]
        assert sum(cut) == demo.result["searches_cut"] >= demo.result["search_cut"]
        assert by_rule == {rule: row for rule, row in told.items() if row["alerts"]}
        hidden = ledger.scalar("SELECT count(*) FROM hidden_by_split")
        assert hidden == demo.result["hidden_by_split"] > 0
        also = ledger.scalar("SELECT count(*) FROM hidden_by_split WHERE operator_sees IS NULL")
        assert also == demo.result["hidden_also_from_operators"] > 0

    def test_the_planted_is_mostly_found_and_mostly_right(self, demo: Run) -> None:
        score = demo.result["score"]
        assert score["planted"] == score["found"] + score["missed"]
        assert score["found"] > score["missed"]
        assert score["hidden"]["found"] > 0
        for rule, row in score["by_rule"].items():
            assert row["found"] > 0, rule


class TestPage:
    def test_the_report_is_one_page_without_script_or_outside_parts(self, demo: Run) -> None:
        page = (demo.folder / "report.html").read_text(encoding="utf-8")
        assert page.lower().startswith("<!doctype html>")
        assert "SIMULATED" in page and "<svg" in page
        assert "<script" not in page
        assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", page)
        assert f"{demo.result['submitted']:,}" in page

    def test_three_alerts_of_different_kinds_that_nobody_could_see_are_told(
        self, demo: Run, ledger: Connection
    ) -> None:
        page = (demo.folder / "report.html").read_text(encoding="utf-8")
        told = [one for (one,) in ledger.rows("SELECT alert_id FROM alerts") if one in page]
        rows = ledger.rows(
            "SELECT rule, hidden_by_split, operator_sees IS NULL FROM alerts "
            "WHERE list_contains($told, alert_id) AND NOT not_raised_jointly",
            {"told": told},
        )
        assert len(rows) == len(KINDS) == 3
        for kind in KINDS:
            assert [row[1:] for row in rows if row[0] in kind] == [(True, True)], kind

    def test_one_alert_of_a_region_alone_is_told_with_what_all_four_hold_instead(
        self, demo: Run, ledger: Connection
    ) -> None:
        page = (demo.folder / "report.html").read_text(encoding="utf-8")
        only = ledger.rows("SELECT alert_id FROM alerts WHERE not_raised_jointly")
        (told,) = [one for (one,) in only if one in page]
        of = explanation(ledger, told)
        assert of.alone is not None and explains(of.alone)
        assert (of.rule.name, of.alone.kind) == ("pass_through", "moved")
        assert "ratio_low_bp" in of.alone.in_the_way
        assert of.alone.region not in of.alone.held_by
        solo, joint = (
            of.alone.figures[f"{side}_going_fen"] / of.alone.figures[f"{side}_coming_fen"]
            for side in ("solo", "joint")
        )
        assert solo >= 0.9 > joint
        for sentence in ("四地合看", "all four see", "rule asks for 90 to 100 % of it"):
            assert sentence in page

    def test_an_alert_of_a_controller_says_that_no_customer_shows_it_alone(
        self, ledger: Connection
    ) -> None:
        found = ledger.rows(
            "SELECT alert_id FROM alerts WHERE rule = 'fundraising' AND variant = 'one_group' "
            "AND subject NOT IN (SELECT subject FROM alerts WHERE variant = 'one_party') LIMIT 1"
        )
        of = explanation(ledger, str(found[0][0]))
        assert [(one.kind, one.raised) for one in of.levels] == [("party", False), ("group", True)]
        assert any("同一客户未报，同一实际控制人报出" in one for one in of.sentences_zh)
        assert any("only looking through to the controller" in one for one in of.sentences_en)


def _is_broken(row: dict[str, Any]) -> bool:
    return bool(re.fullmatch(r"broken-\d\d", row["file_name"] or ""))
