"""Lines of rules whose numbers depend on what an alert is about."""

import pytest

from pipelines.rules.checking import _run
from pipelines.rules.examples import load_examples
from pipelines.rules.registry import Rule, load_rules, parameters_on
from schemas.contracts import CONTRACT_CLASSES
from schemas.regions import REGIONS
from serving.answers.below import declared, open_values
from serving.answers.lines import lines
from serving.answers.words import counted, measure

RULE = load_rules()["cancel_ratio"]


@pytest.mark.parametrize(
    ("exchange", "frequent", "large"),
    [("SHFE", 500, "large_times_shfe"), ("INE", 500, "large_times_shfe"),
     ("DCE", 500, "large_times_dce"), ("CZCE", 500, "large_times_czce"),
     ("CFFX", 500, "large_times_cffex"), ("CFFI", 400, "large_times_cffex"),
     ("", 500, "large_times_shfe")],
)  # fmt: skip
def test_the_line_of_cancels_is_that_of_the_exchange(
    exchange: str, frequent: int, large: str
) -> None:
    number = CONTRACT_CLASSES.index(exchange) + 1 if exchange else 0
    values = parameters_on().of(RULE)
    one, two = lines(RULE, values, False, "frequent_party", contract_class=number)
    assert (one.band, one.value, two.band, two.value) == (1, frequent, 2, 2 * frequent)
    one, _ = lines(RULE, values, False, "large_group", contract_class=number)
    assert (one.value, one.citation) == (values[large], RULE.parameters[large].citation)


@pytest.mark.parametrize(
    ("rule", "person", "abroad", "yuan"),
    [
        ("large_value", False, False, [2_000_000, 4_000_000, 6_000_000]),
        ("large_value", True, False, [500_000, 1_000_000, 1_500_000]),
        ("large_value", True, True, [200_000, 400_000, 600_000]),
        ("dormant_wake", False, False, [1_600_000, 4_000_000, 10_000_000]),
        ("public_to_private", False, False, [150_000, 200_000, 400_000]),
        ("dormant_wake", True, True, [400_000, 1_000_000, 2_500_000]),
    ],
)
def test_persons_and_firms_have_their_own_large_value_line(
    rule: str, person: bool, abroad: bool, yuan: list[int]
) -> None:
    declared = load_rules()[rule]
    found = lines(declared, parameters_on().of(declared), person, abroad=abroad)
    assert [line.value // 100 for line in found] == yuan


@pytest.mark.parametrize("rule", load_rules().values(), ids=load_rules())
def test_what_a_measure_counts_has_words_in_both_languages(rule: Rule) -> None:
    zh, en = counted(rule.unit)
    assert not zh.isascii() and en.isascii()
    assert rule.unit not in measure(2, rule.unit, "zh")
    assert "basis points" not in en


@pytest.mark.parametrize(
    ("name", "measures"),
    [
        ("second_clearing", {"one_party": [195_000, 190_000, 379_999, 380_000, 380_000]}),
        ("reporting_gap", {"missing_legs": [1, 2, 1], "late_reports": [2, 1],
                           "mismatched_legs": [2]}),
    ],
)  # fmt: skip
def test_what_lies_under_the_line_is_measured(name: str, measures: dict[str, list[int]]) -> None:
    rule = load_rules()[name]
    (below,) = [one for one in load_examples(rule) if one.name == "below"]
    assert declared(rule) and below.expected == ()
    asked = parameters_on().changed(name, **{**below.parameters, **open_values(rule)})
    found: dict[tuple[str, int], int] = {}
    for variant, vantage, subject, _, reached, *_ in _run(rule, below, asked):
        if vantage == len(REGIONS):
            found[variant, subject] = max(reached, found.get((variant, subject), 0))
    told = {
        variant: sorted(m for (of, _), m in found.items() if of == variant) for variant in measures
    }
    assert told == {variant: sorted(of) for variant, of in measures.items()}
    assert {variant for variant, _ in found} == set(measures)
