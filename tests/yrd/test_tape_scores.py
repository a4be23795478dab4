"""A simulated tape is scored as the run that was made of it."""

from tests.yrd.conftest import Run
from yrd.processes.scoring import Options, score_file

# What firms of one controller do together shows only with the groups of the closings.
RULES = ("cancel_ratio", "volume_share")


def test_a_tape_has_the_score_of_its_run(demo: Run) -> None:
    options = Options(rules=RULES, quick=True)
    tape, run = (score_file(one, options)["by_rule"] for one in (demo.tape, demo.folder))
    assert run["cancel_ratio"]["by_variant"]["large_group"]["joint"]["alerts"] > 0
    for rule in RULES:
        for view in ("joint", "solo"):
            assert tape[rule][view] == run[rule][view]
