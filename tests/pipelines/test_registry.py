"""Rules as declared: loaded whole, explained on a page, and refused with a cure when wrong."""

import shutil
from datetime import date
from importlib import import_module
from pathlib import Path

import pytest

from pipelines.rules.registry import (
    FOLDER,
    load_parameters,
    load_rules,
    parameters_on,
    read_rule,
)
from schemas.errors import ConfigurationError

RULES = list(load_rules().values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_parameter_and_variant_is_explained_on_the_rules_page(rule) -> None:  # noqa: ANN001
    page = Path(f"docs/rules/{rule.name}.md").read_text(encoding="utf-8")
    for name in (*rule.parameters, *(v.name for v in rule.variants)):
        assert name in page, f"docs/rules/{rule.name}.md does not speak of {name}"
    assert "## " in Path("docs/rules/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_only_numbers_with_a_citation_of_law_are_marked_l(rule) -> None:  # noqa: ANN001
    for parameter in rule.parameters.values():
        name, ours = parameter.name, parameter.citation.startswith("ours")
        if parameter.status_of_number in {"L", "L-"}:
            assert any(
                law in parameter.citation for law in ("Law", "Order", "汇发", "interpretation")
            )
            assert "Art" in parameter.citation or "not read" in parameter.citation, name
        if parameter.status_of_number == "A":
            assert any(data in parameter.citation for data in ("AMLSim", "AMLGentex")), name
        if ours:
            assert parameter.status_of_number in {"I", "A"}, name
            assert parameter.status_of_use != "as written", name
        assert "ours" not in parameter.citation.partition(":")[2], f"{name}: ours, or published"
        assert parameter.citation_zh or parameter.citation == "ours", name
        assert not ours or parameter.cited(zh=True).startswith("自设"), name
        if parameter.status_of_number in {"L", "L-", "E"}:
            assert any(text in parameter.citation_zh for text in ("《", "标准")), parameter.name
        assert parameter.citation
    assert rule.variants[0].zh


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_kernel_names_its_variants_in_the_declared_order(rule) -> None:  # noqa: ANN001
    if rule.lane == "stream":
        kernel = import_module(f"pipelines.rules.{rule.name}.kernel")
        own = len(kernel.VARIANTS)  # those that look through to controllers come after
        assert tuple(v.name for v in rule.variants[:own]) == kernel.VARIANTS
        assert all(v.of in kernel.VARIANTS for v in rule.variants[own:])
    assert (rule.folder / "kernel.py").exists() == (rule.lane == "stream")


def test_a_parameter_set_overrides_defaults_and_nothing_else() -> None:
    rule = load_rules()["structuring"]
    agreed = parameters_on().changed("structuring", times_a_day=7)
    assert agreed.of(rule)["times_a_day"] == 7
    assert agreed.of(rule)["window_days"] == rule.parameters["window_days"].default
    held = rule.at(agreed.of(rule)).parameters
    assert held["times_a_day"].status_of_number == "I"  # seven is in no text
    assert held["times_a_day"].citation.startswith("ours, by the parameter set instead of 3: PBC")
    assert held["window_days"] is rule.parameters["window_days"]
    assert agreed.version.endswith("+trial")


def test_a_set_is_in_force_from_its_day() -> None:
    first = load_parameters()[0]
    assert parameters_on(first.valid_from) is first
    with pytest.raises(ConfigurationError, match="a set in force on 1999-01-01"):
        parameters_on(date(1999, 1, 1))


WRONG = [
    ('lane = "stream"', 'lane = "strem"', "lane: expected one of stream, ledger"),
    ('purpose = "aml"\n', "", "purpose: expected one of aml"),
    ('reads = ["PAYM"]', 'reads = ["PAYX"]', "reads: expected event codes"),
    ('name = "structuring"', 'name = "other"', "name: expected the folder's name"),
    ("default = 8_000", "default = 0.8", "parameters.near_low_bp: default: expected a whole"),
    ("business_days = 10", "", "horizon: expected business_days or microseconds"),
    ("default = 8_000", "default = 8_000\nvalue = 1", "near_low_bp: value: expected no such field"),
    ('group = "party" ', 'gruop = "party" ', "gruop: expected no such field"),
    ('status_of_number = "I"', 'status_of_number = "X"', "status_of_number: expected one of L"),
    ("[[variants]]", "[[variants", "structuring/rule.toml: "),
    ('group = "party" ', 'group = "bank" ', "group: expected a key group for the stream lane, one"),
    ('group = "party" ', 'group = "pair" ', "same_customer: subject: expected one of pair in the"),
]


@pytest.mark.parametrize(("good", "bad", "says"), WRONG)
def test_a_wrong_declaration_is_refused_by_file_and_field(
    tmp_path: Path, good: str, bad: str, says: str
) -> None:
    folder = tmp_path / "structuring"
    shutil.copytree(FOLDER / "structuring", folder)
    text = (folder / "rule.toml").read_text(encoding="utf-8")
    assert good in text
    (folder / "rule.toml").write_text(text.replace(good, bad), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read_rule(folder)
    assert "structuring/rule.toml" in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[values.other]\na = 1", "values.other: expected a rule's name"),
        ("[values.structuring]\nnear = 1", "values.structuring.near: expected a whole number"),
    ],
)
def test_a_wrong_parameter_set_is_refused(tmp_path: Path, line: str, says: str) -> None:
    text = f'version = "x"\nnot_agreed = "nobody"\nvalid_from = 2026-01-01\n{line}\n'
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=says):
        load_parameters(tmp_path)
    (tmp_path / "x.toml").unlink()
    load_parameters.cache_clear()
    with pytest.raises(ConfigurationError, match="at least one set"):
        load_parameters(tmp_path)
