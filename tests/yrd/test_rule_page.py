"""The guide to a rule of one's own works: what it says is done, in its order, on a demo run."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledger.loader import Loader
from pipelines.lanes import known
from pipelines.lanes.closings import END_OF_TIME, Closing
from pipelines.rules.drafting import draft
from pipelines.rules.registry import drafts, load_parameters, load_rules, use_folders
from schemas.errors import ConfigurationError, InputError
from tests.ledger.filled import fill
from tests.yrd.conftest import Run
from tests.yrd.test_feed_pages import BLOCK, DOCS, Shell
from yrd.cli import build


def follow(page: str, shell: Shell) -> None:
    """Do what the page says, block by block."""
    last = ""
    for language, about, text in BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
        if language in ("toml", "sql"):
            assert Path(about).parent.is_dir(), about
            Path(about).write_text(text, encoding="utf-8")
        elif language == "text":  # what the last command said, line by line
            for line in text.splitlines():
                assert line in shell.said[last], line
        elif language == "sh" and about != "live":
            for line in text.splitlines():
                shell.run(line, {"refused": 2, "fails": 1}.get(about, 0))
                last = line


@pytest.fixture(scope="module")
def shell(demo: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    kept = {name: os.environ.get(name) for name in ("YRD_RULES", "YRD_VAR", "COLUMNS")}
    before = Path.cwd()
    folder = tmp_path_factory.mktemp("analyst")
    (folder / "var").mkdir()
    (folder / "var" / "demo").symlink_to(demo.folder)
    os.chdir(folder)
    os.environ |= {"YRD_VAR": "var", "COLUMNS": "250"}
    made = Shell({})
    try:
        follow("add-a-rule.md", made)
        yield made
    finally:
        os.chdir(before)
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        use_folders(())


def test_the_guide_leads_from_a_question_to_a_rule_that_was_tried(shell: Shell) -> None:
    tries = [text for line, text in shell.said.items() if line.startswith("yrd rule try")]
    assert len(tries) == 2
    for number, text in enumerate(tries, start=1):
        assert f"try {number} on this tape" in text
        assert "nothing was published" in text
    heads = [text.split("alerts", 1)[1].split("\n", 1)[0] for text in tries]
    assert any(" 0 gained" not in head for head in heads), "lower numbers must raise more"
    assert all(" 0 lost" in head for head in heads)
    assert Path("many_payees.html").read_text(encoding="utf-8").count("<svg") > 1


def test_a_draft_is_named_with_what_is_open_and_does_not_run(shell: Shell) -> None:
    listed = shell.said["yrd rule list"]
    assert "many_payees  a draft" in listed
    assert "parameters.window_us.citation" in " ".join(listed.split())
    refused = [t for line, t in shell.said.items() if line == "yrd rule check many_payees"]
    assert refused, "the page asks for it three times; the last one stands"
    shown = shell.said["yrd rule show many_payees"]
    assert "Does somebody pay many different parties" in shown
    assert "not scored" in shown


def test_the_rule_runs_in_the_ledger_lane_at_every_closing(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_folders((Path("rules").resolve(),))
    try:
        own = {"many_payees": load_rules()["many_payees"]}
        monkeypatch.setattr(known, "load_rules", lambda: own)  # the others have tests of their own
        assert load_parameters()[0].of(load_rules()["many_payees"])["least_payees"] == 4
        with Loader(tmp_path / "writer.duckdb", "SIMULATED") as loader:
            fill(loader)
            loader.flush()
            first = datetime(2026, 3, 1, tzinfo=UTC)
            end = datetime(2027, 1, 1, tzinfo=UTC)
            whole = Closing(first.date(), end.date(), END_OF_TIME, end)
            said = {lane.rule: lane for lane in known.ledger_lane(loader.connection, [whole], None)}
        mine = said["many_payees"]
        assert mine.not_evaluated == ""
        measures = [m for one in mine.replaced for m in one.found["measure"].to_pylist()]
        # nine parties of one payer over three days, 450,000 each: never four within a day
        assert measures == [] and len(mine.replaced) > 0
    finally:
        use_folders(())
    assert "many_payees" not in load_rules()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "rules"
    monkeypatch.setenv("YRD_RULES", str(folder))
    draft("my_rule", folder, "party", "PAYM")
    path = folder / "my_rule" / "rule.toml"
    text = path.read_text(encoding="utf-8")
    for marked, decided in (
        ('"? payments, credit, markets or institutions"', '"payments"'),
        ('"? aml, anti_fraud, prudential, conduct, fundraising or statistics"', '"aml"'),
        ('"? as written, extended or analogy"', '"analogy"'),
        ('"? L law, L- superseded, E exchange, I practice or ours, A academic"', '"I"'),
        ('status_of_number = "?"', 'status_of_number = "I"'),
        ('status_of_use = "?"', 'status_of_use = "analogy"'),
        ('"?', '"decided'),
    ):
        assert marked in text, marked
        text = text.replace(marked, decided)
    path.write_text(text, encoding="utf-8")
    yield folder
    use_folders(())


def test_a_draft_runs_as_soon_as_everything_is_decided(own: Path) -> None:
    use_folders((own,))
    assert drafts() == {}
    assert load_rules()["my_rule"].below == {"least_transfers": 1}
    ended = CliRunner().invoke(build("rule"), ["check", "my_rule"])
    assert ended.exit_code == 0, ended.output
    assert "1 of 1 examples hold" in ended.output
    assert "no example notices window_us" in ended.output


def test_a_wrong_example_and_a_definition_that_counts_vantages_are_told(own: Path) -> None:
    example = own / "my_rule" / "examples" / "first.toml"
    text = example.read_text(encoding="utf-8")
    example.write_text(text.replace("12:00  3 ", "12:00  4 "), encoding="utf-8")
    definition = own / "my_rule" / "definition.sql"
    sql = definition.read_text(encoding="utf-8")
    definition.write_text(sql.replace("AND tx.payer_party <> 0", "AND tx.vantage <> 9"), "utf-8")
    ended = CliRunner().invoke(build("rule"), ["check", "my_rule"])
    assert ended.exit_code == 1
    said = " ".join(ended.output.split())
    assert "expected, not found: my_rule joint A 2026-01-12T12:00 measure 4" in said
    assert "found, not expected: my_rule joint A 2026-01-12T12:00 measure 3" in said
    assert "never compared with a number" in said


def test_a_rule_of_ones_own_takes_no_name_and_no_lane_of_the_built_in_ones(own: Path) -> None:
    path = own / "my_rule" / "rule.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('lane = "ledger"', 'lane = "stream"\ngroup = "party"'), "utf-8")
    use_folders((own,))
    with pytest.raises(ConfigurationError, match="lane: expected ledger"):
        load_rules()
    path.write_text(text, encoding="utf-8")
    (own / "my_rule").rename(own / "structuring")
    path = own / "structuring" / "rule.toml"
    path.write_text(text.replace('name = "my_rule"', 'name = "structuring"'), encoding="utf-8")
    use_folders(())
    use_folders((own,))
    with pytest.raises(ConfigurationError, match="expected one that no other rule has"):
        load_rules()


@pytest.mark.parametrize(
    ("name", "subject", "reads", "says"),
    [
        ("No", "party", "PAYM", "small letters"),
        ("structuring", "party", "PAYM", "a name no rule has"),
        ("fine", "ring", "PAYM", "--subject: expected one of party"),
        ("fine", "party", "PAYX", "--reads: expected one of"),
        ("taken", "party", "PAYM", "not there yet"),
    ],
)
def test_a_draft_that_cannot_be_made_is_refused(
    tmp_path: Path, name: str, subject: str, reads: str, says: str
) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match=says):
        draft(name, tmp_path, subject, reads)
    assert not (tmp_path / "fine").exists()
