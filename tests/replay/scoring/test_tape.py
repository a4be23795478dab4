"""A tape's labels, scored through intake, ledger and rules in one process."""

from pathlib import Path

from replay.transfers import render_transfers
from tests.replay.scoring.tables import CYCLES, FANS, everyday, write
from yrd.processes.scoring import Options, score_table
from yrd.processes.scoring_ledger import score_folder
from yrd.settings import Settings

RULES = ("fan_in", "cycle", "pass_through")


def test_a_tape_has_the_score_of_the_table_it_was_made_of(tmp_path: Path) -> None:
    file = write(tmp_path, everyday())
    render_transfers(file, tmp_path / "tape")
    settings = Settings().model_copy(update={"workers": 1})
    options = Options(rules=RULES, quick=True, armed_days=45)
    # Late reports and banks that state another amount: labelled payments have neither.
    tape = score_folder(tmp_path / "tape", options, settings, lambda *_: None)
    table = score_table(file, options)
    for rule, n in (("fan_in", FANS), ("cycle", CYCLES)):
        assert tape["by_rule"][rule]["joint"]["n"] == n
        assert tape["by_rule"][rule] == table["by_rule"][rule]
    assert tape["accounts"] == table["accounts"]
    assert tape["baselines"]["crosses_a_region"] == table["baselines"]["crosses_a_region"]
