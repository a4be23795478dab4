"""Trades labelled by others with the rule they break: what checks of one record catch of them."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.trials.__main__ import ESMA_FILES
from benchmarks.trials.__main__ import trades as table
from benchmarks.trials.labelled import Labelled, labelled

SPEC = Path(__file__).parent / "specs/esma_trades.toml"
# rules of the first list that need another record, a register of products or of parties
BEYOND_ONE_RECORD = {"R021", "R022", "R023", "R024", "R029", "R030", "R031", "R032", "R033"}
NOT_CHECKED = {"R034", "R037", "R038"}  # of one record, but no check of ours reads them


@pytest.fixture(scope="module")
def trades(trial_data: Path) -> list[Labelled]:
    return list(labelled(SPEC, [trial_data / "esma" / name for name in ESMA_FILES]))


def test_wrong_trades_are_refused_and_right_ones_pass(trades: list[Labelled]) -> None:
    counts = Counter((one.label, one.outcome in ("rejected", "quarantined")) for one in trades)
    assert counts["FAIL", True] == 44
    assert counts["FAIL", False] == 20
    assert counts["BASE", True] == 0
    assert counts["PASS", True] == 3  # break another rule than the one in their label


def test_what_is_missed_needs_more_than_one_record(trades: list[Labelled]) -> None:
    first = [one for one in trades if one.trade.startswith("TRD-") and one.label == "FAIL"]
    missed = {one.rule for one in first if one.outcome in ("accepted", "warning")}
    assert missed <= BEYOND_ONE_RECORD | NOT_CHECKED
    caught = {one.rule for one in first} - missed
    assert len(caught) >= 26


def test_each_rule_of_form_is_caught_by_the_check_that_is_about_it(trades: list[Labelled]) -> None:
    found = {
        one.rule: one.found
        for one in trades
        if one.trade.startswith("TRD-R0") and one.label == "FAIL"
    }
    expected = {
        "R001": "ENG-FORMAT", "R003": "ENG-IDENTIFIER", "R004": "ENG-IDENTIFIER",
        "R005": "ENG-RANGE", "R006": "ENG-FORMAT", "R007": "ENG-TIME", "R008": "ENG-TIME",
        "R009": "ENG-UNKNOWN-CODE", "R010": "ENG-UNKNOWN-CODE", "R011": "ENG-REQUIRED",
        "R026": "ENG-UNKNOWN-CODE", "R027": "dates in order", "R028": "dates in order",
    }  # fmt: skip
    assert {rule: rule_id in found[rule] for rule, rule_id in expected.items()} == dict.fromkeys(
        expected, True
    )


def test_the_page_of_trials_has_these_figures(trades: list[Labelled]) -> None:
    assert table(trades) in Path("docs/feeds/trials.md").read_text(encoding="utf-8")
