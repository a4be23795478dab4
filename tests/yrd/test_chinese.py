"""What supervisors read in Chinese is Chinese: no English sentence is left in it."""

import json
import re
from types import ModuleType

import pytest
from typer.testing import CliRunner

from ledger.duck import Connection
from pipelines.rules.registry import load_rules
from tests.yrd.conftest import Run
from yrd.cli import build, quality, rule_try_told, score
from yrd.cli.expected_words import expected_in
from yrd.cli.rule_words import word

ENGLISH = re.compile(r"[A-Za-z][a-z']+(?: [a-z']{2,}){2,}")
COMMAND = re.compile(r"\byrd(?: [a-z-]+)+")


def sentences(text: str) -> list[str]:
    """Lines that hold three English words running, commands left out."""
    return [line for line in text.splitlines() if ENGLISH.search(COMMAND.sub("", line))]


def said(*words: object) -> str:
    ended = CliRunner().invoke(build(str(words[0])), [*map(str, words[1:]), "--lang", "zh"])
    assert ended.exit_code in (0, 1), ended.output
    assert re.search("[一-鿿]{2}", ended.output)
    return ended.output


def test_an_english_sentence_is_noticed_and_a_command_is_none() -> None:
    assert sentences("应为：a plain decimal of at most 5 digits") and sentences(
        "no alert was raised"
    )
    assert not sentences("下一步: yrd quarantine list --reason REASON；见 `yrd feed show`")


def test_rules_are_told_in_chinese() -> None:
    assert sentences(said("rule", "list")) == []
    for rule in load_rules().values():
        for one in rule.parameters.values():
            assert sentences(one.cited(zh=True)) == [], f"{rule.name}.{one.name}"
            assert sentences(word(one.unit, zh=True)) == [], f"{rule.name}: {one.unit}"
    shown = said("rule", "show", "dormant_wake").partition("定义原文")[0]
    assert "自设，参数集所定，原为365" in re.sub(r"\s", "", shown)
    assert sentences(shown) == []


def test_a_run_is_told_in_chinese(demo: Run, ledger: Connection) -> None:
    at = ("--ledger", demo.ledger)
    seen: dict[str, str] = {}
    for row in ledger.sql("SELECT rule, alert_id FROM alerts ORDER BY rule, alert_id").to_pylist():
        seen.setdefault(row["rule"], row["alert_id"])
    assert len(seen) > 20
    for rule, alert in list(seen.items())[::8]:
        assert sentences(said("alert", "explain", alert, *at)) == [], rule
    rule, alert = next(iter(seen.items()))
    why = said("alert", "why-not", alert, "--rule", rule, "--day", "2026-05-20", *at)
    assert sentences(why) == []
    assert sentences(said("ask", "SELECT 1", "--caveats", "all", *at)) == []
    assert sentences(said("score", demo.folder)) == []
    assert sentences(said("feed", "list")) == []


def test_what_came_in_is_told_in_chinese(demo: Run, ledger: Connection) -> None:
    at = ("--ledger", demo.ledger)
    assert sentences(said("quarantine", "list", *at)) == []
    first = json.loads(said("quarantine", "list", "--json", *at))[0]["first_id"]
    assert sentences(said("quarantine", "show", first, *at)) == []
    found = "SELECT DISTINCT rule_id, expected FROM feedback WHERE expected IS NOT NULL"
    rows = ledger.sql(found).to_pylist()
    assert len(rows) > 20
    for row in rows:
        assert sentences(expected_in(row["rule_id"], row["expected"], zh=True)) == [], row
    wrong = "SELECT lower(hex(submission_id)) AS id FROM feedback WHERE verdict = 'NACK' LIMIT 1"
    sent = ledger.sql(wrong).to_pylist()[0]["id"]
    assert sentences(said("submission", "status", sent, *at)) == []


@pytest.mark.parametrize("module", [quality, rule_try_told, score], ids=lambda one: one.__name__)
def test_every_phrase_has_its_chinese(module: ModuleType) -> None:
    assert set(module._EN) <= set(module._ZH)
    for name in module._EN:
        assert sentences(module._ZH[name]) == [], name
        names = [set(re.findall(r"{(\w+)", table[name])) for table in (module._EN, module._ZH)]
        assert names[0] == names[1], name
