"""The rules' pages: made from their folders, current, and no hand-written sentence lost."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.rules import pages, scores
from pipelines.rules.registry import Rule, load_rules
from schemas.errors import ConfigurationError

DOCS = Path(__file__).parents[2] / "docs" / "rules"
RULES = list(load_rules().values())
HOW = "run `python -m pipelines.rules.pages docs/rules`"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_page_of_a_rule_is_the_one_its_folder_makes(rule: Rule) -> None:
    found = (DOCS / f"{rule.name}.md").read_text(encoding="utf-8")
    assert found == pages.page(rule), HOW


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_page_says_all_that_is_promised_of_it(rule: Rule) -> None:
    page = pages.page(rule)
    for word in (*rule.question, *rule.parameters, *(v.name for v in rule.variants)):
        assert word in page
    for heading in ("Law", "Parameters", "Examples", "Measured", "Joining", "Definition in"):
        assert re.search(rf"^## {heading}", page, re.MULTILINE), heading
    assert rule.definition.strip() in page
    assert pages.written(rule).get("Blind spots"), f"{rule.name}/page.md: no blind spots"


HAND = """# structuring

Does a payer keep paying amounts just under the large-value reporting line?

A first paragraph.

## A heading

| a | b |
|---|---|
| 1 | 2 |

Joining can lower it.

More of the definition.

Limits: not this,
nor that.

A last word.
"""


def test_a_page_written_by_hand_is_taken_over_without_losing_a_sentence(tmp_path: Path) -> None:
    rule = load_rules()["structuring"]
    text = pages.taken_over(HAND, rule.question[1])
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    said = pages.written(replace(rule, folder=tmp_path))
    assert list(said) == ["Definition", "Joining", "Blind spots"]
    assert said["Joining"] == "Joining can lower it."
    assert said["Blind spots"] == "Not this,\nnor that.\n\nA last word."
    assert "### A heading" in said["Definition"] and "More of the definition." in text
    words = set(re.findall(r"\w+", HAND.lower())) - set(re.findall(r"\w+", text.lower()))
    assert words <= set(re.findall(r"\w+", f"structuring limits {rule.question[1]}".lower()))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no heading", "expected to begin with a heading"),
        ("## Something\n\nelse\n", "Something: expected one of Definition"),
        ("## Blind spots\n\nall\n", "Definition: expected a text"),
    ],
)
def test_words_that_have_no_place_on_the_page_are_refused(
    tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    rule = replace(load_rules()["structuring"], folder=tmp_path)
    with pytest.raises(ConfigurationError, match=says):
        pages.written(rule)
    (tmp_path / "page.md").unlink()
    with pytest.raises(ConfigurationError, match=r"page\.md: expected the definition in words"):
        pages.written(rule)


SHARE = {"hits": 8, "n": 11, "value": 0.7273, "low": 0.4344, "high": 0.9025}
ROW = {"recall": SHARE, "precision": SHARE}


def test_results_are_taken_over_from_either_command_and_newer_ones_replace(
    tmp_path: Path,
) -> None:
    of_run = {"structuring": {**ROW, "hidden": {"found": 3}}, "all": ROW, "data_origin": "x"}
    of_file = {"by_rule": {"fan_in": {"joint": ROW, "hidden_by_split": 2}}}
    first = scores.taken_over(of_run, "a tape", "yrd score x", "2026-06-01")
    second = scores.taken_over(of_file, "a table", "yrd rule score y", "2026-06-02")
    assert first["structuring"].hidden_by_split == 3
    assert second["fan_in"].hidden_by_split == 2
    assert set(first) == {"structuring"}
    both = scores.merged(scores.merged({}, first), second)
    again = scores.merged(both, scores.taken_over(of_run, "a tape", "other", "2026-06-03"))
    assert [one.measured for one in again["structuring"]] == ["2026-06-03"]
    assert len(again["fan_in"]) == 1
    with pytest.raises(ConfigurationError, match="expected the output"):
        scores.taken_over({"data_origin": "x"}, "a", "b", "c")
    (tmp_path / "scores.json").write_text(json.dumps({"structuring": [{"on": "x"}]}))
    with pytest.raises(ConfigurationError, match="write it again"):
        scores.load_scores(tmp_path / "scores.json")
    assert scores.load_scores(tmp_path / "none.json") == {}


def test_a_measured_result_stands_on_the_page_with_its_command() -> None:
    told = scores.Measured("a tape", "yrd score x", "2026-06-01", SHARE, {**SHARE, "n": 0}, None)
    shown = "\n".join(pages._measured([told]))
    assert "8/11 = 0.73 (0.43-0.90)" in shown
    assert "n = 0" in shown
    assert "    yrd score x" in shown
    assert "Not scored yet" in "\n".join(pages._measured([]))
