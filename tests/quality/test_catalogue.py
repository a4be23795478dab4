"""One conformance suite over every rule of the catalogue: a rule adds examples, not tests."""

import datetime
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from ledger import duck
from quality import examples
from quality.evaluate import Evaluator
from quality.rules import Row, Rule, catalogue, load, parse
from quality.sets import broken_rows, set_rules
from schemas.errors import ConfigurationError
from schemas.fields import fields

# Names of base records: a market, or `market/kind` where a market has records of two kinds.
MARKETS = (
    *("PYMT", "LOAN", "BILL", "PAYI", "CMPL", "ENTR", "BOND", "MM", "EQTY", "FUTR"),
    *("FX", "RCVB", "WRCT", "WRCT/position", "LOAN/event"),
    *("LNDR", "EQTY/indicator", "FUTR/indicator"),
)
CASES = [
    pytest.param(rule, market, id=f"{rule.id}-{market}")
    for rule in catalogue()
    for market in MARKETS
    if rule.applies(examples.kind_of(market), examples.market_of(market))
]

RULE = """
[[rule]]
id = "{id}"
version = {version}
severity = "{severity}"
stage = "format"
kinds = ["event"]
markets = ["PYMT"]
field = "uetr"
standard = "RFC 9562"
zh = "应有，例如 1"
en = "a value, such as 1"
expression = "{expression}"
valid_from = {valid_from}
{valid_to}
[rule.examples]
pass = {{}}
fail = {{}}
"""


def written(**parts: object) -> str:
    usual: dict[str, object] = {
        "id": "PYMT-901",
        "version": 1,
        "severity": "warning",
        "expression": "uetr IS NOT NULL",
        "valid_from": "2020-01-01",
        "valid_to": "",
    }
    return RULE.format(**(usual | parts))


def over_sets(within: str, query: str, severity: str = "warning") -> str:
    text = written(expression=query, severity=severity).replace("expression =", "query =")
    return text.replace('stage = "format"', f'stage = "set"\nscope = "ledger"\n{within}')


Found = dict[tuple[str, str], list[dict[str, str]]]


def evaluated(evaluator: Evaluator, market: str, rows: Sequence[Row]) -> list[dict[str, str]]:
    batch = examples.batch(market, rows)
    found: list[dict[str, str]] = evaluator.evaluate(
        batch, examples.kind_of(market), examples.market_of(market)
    ).to_pylist()
    return found


@pytest.fixture(scope="module")
def findings(evaluator: Evaluator) -> Found:
    """What every example breaks. Examples of one record share a batch for speed: record rules look
    at one record only (proved in test_evaluate)."""
    found: Found = {}
    for market in MARKETS:
        together: list[tuple[str, Row]] = []
        for rule, its_market in (case.values for case in CASES):
            for part, rows in (("pass", rule.passing), ("fail", rule.failing)):
                if its_market == market:
                    found[f"{rule.id} {part}", market] = []
                    together += [(f"{rule.id} {part}", row) for row in rows]
        for finding in evaluated(evaluator, market, [row for _, row in together]):
            found[together[int(finding["row"])][0], market].append(finding)
    return found


@pytest.mark.parametrize("market", MARKETS)
def test_the_base_record_breaks_no_rule(evaluator: Evaluator, market: str) -> None:
    assert evaluated(evaluator, market, [{}]) == []


@pytest.mark.parametrize(("rule", "market"), CASES)
def test_every_rule_is_broken_by_its_failing_example_only_and_by_nothing_else(
    findings: Found, rule: Rule, market: str
) -> None:
    assert findings[f"{rule.id} pass", market] == []
    if rule.scope == "ledger":
        assert findings[f"{rule.id} fail", market] == [], "the fault is in the set, in no record"
        return
    broken = findings[f"{rule.id} fail", market]
    assert {finding["rule_id"] for finding in broken} == {rule.id}
    for finding in broken:
        assert finding["outcome"] == rule.outcome
        assert finding["field"] == rule.field
        assert finding["expected"] == rule.en, "a finding speaks the catalogue's words only"


@pytest.mark.parametrize("rule", set_rules(), ids=lambda rule: rule.id)
def test_every_rule_over_sets_finds_its_failing_example_and_no_passing_one(rule: Rule) -> None:
    for market in MARKETS:
        if not rule.applies(examples.kind_of(market), examples.market_of(market)):
            continue
        with duck.memory() as connection:
            for other in set_rules():
                passing = pa.Table.from_batches([examples.batch(market, rule.passing)])
                failing = pa.Table.from_batches([examples.batch(market, rule.failing)])
                if other.applies(examples.kind_of(market), examples.market_of(market)):
                    assert not len(broken_rows(connection, other, passing))
                    found = broken_rows(connection, other, failing).tolist()
                    assert bool(found) == (other == rule)


@pytest.mark.parametrize("rule", catalogue(), ids=lambda rule: rule.id)
def test_every_rule_says_what_it_expected_with_an_example_in_both_languages(rule: Rule) -> None:
    assert "例如" in rule.zh
    assert "such as" in rule.en
    assert not rule.zh.isascii()
    assert rule.standard
    assert rule.field in fields()


def test_the_catalogue_covers_every_market_with_a_feed_and_every_stage() -> None:
    rules = catalogue()
    assert len({rule.id for rule in rules}) == len(rules) >= 30
    for market in MARKETS:
        kind, segment = examples.kind_of(market), examples.market_of(market)
        own = [rule for rule in rules if rule.applies(kind, segment)]
        assert len(own) >= (20 if market in ("PYMT", "LOAN", "BILL") else 12)
        assert {rule.severity for rule in own} == {"fatal", "warning"}
        assert {rule.scope for rule in own} == {"record", "ledger"}
    assert {rule.stage for rule in rules} == {
        "identity", "format", "code", "required", "cross_field", "plausibility", "set",
    }  # fmt: skip


def test_fatal_rejects_and_warning_marks() -> None:
    assert [parse("x", written(severity=s))[0].outcome for s in ("fatal", "warning")] == [
        "rejected",
        "warning",
    ]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (written(id="payment-1"), "id: expected"),
        (written(severity="error"), "severity: expected one of fatal, warning"),
        (written(expression="outstanding IS NOT NULL").replace('"uetr"', '"utr"'), "field"),
        (written().replace('"format"', '"shape"'), "stage: expected one of"),
        (written() .replace("[rule.examples]", "colour = 1\n[rule.examples]"), "colour"),
        (written().replace('standard = "RFC 9562"\n', ""), "standard: expected a value"),
        (written(valid_to="valid_to = 2019-01-01"), "valid_to: expected a date after"),
        (written().replace('["event"]', '["position"]'), "field: expected a canonical field"),
        ("[[rule]", "expected valid TOML"),
        (written().replace('"format"', '"format"\nwithin = ["uetr"]'), "within: expected nothing"),
        (over_sets("", "SELECT _row FROM reports"), "within: expected canonical fields"),
        (over_sets('within = ["utr"]', "SELECT _row FROM reports"), "within: expected canonical"),
        (over_sets('within = ["uetr"]', "SELECT _row FROM reports WHERE _ok_uetr"), "query: exp"),
        (over_sets('within = ["uetr"]', "SELECT 1", severity="fatal"), "severity: expected warn"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_refused_with_file_rule_and_part(text: str, part: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(part)) as caught:
        parse("catalogue/x.toml", text)
    assert str(caught.value).startswith("catalogue/x.toml")


def test_rules_of_one_id_follow_each_other_and_are_never_in_force_together(tmp_path: Path) -> None:
    second = written(version=2, valid_from="2026-03-10")
    (tmp_path / "a.toml").write_text(written(valid_to="valid_to = 2026-03-10"), "utf-8")
    (tmp_path / "b.toml").write_text(second, "utf-8")
    assert [rule.version for rule in load(tmp_path)] == [1, 2]
    (tmp_path / "a.toml").write_text(written(valid_to="valid_to = 2026-03-11"), "utf-8")
    with pytest.raises(ConfigurationError, match="an id no other rule in force has"):
        load(tmp_path)
    (tmp_path / "a.toml").write_text(written(), "utf-8")
    with pytest.raises(ConfigurationError, match="an id no other rule in force has"):
        load(tmp_path)


def test_valid_from_is_a_date_and_every_rule_is_in_force_today() -> None:
    day = datetime.date(2026, 3, 10)
    for rule in catalogue():
        assert isinstance(rule.valid_from, datetime.date)
        assert rule.valid_from <= day
