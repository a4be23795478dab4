"""Lines of rules whose numbers depend on what an alert is about."""

import pytest

from pipelines.rules.registry import load_rules, parameters_on
from schemas.contracts import CONTRACT_CLASSES
from serving.answers.lines import lines

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
    (one,) = lines(RULE, values, False, "frequent_party", contract_class=number)
    assert (one.band, one.value) == (1, frequent)
    (one,) = lines(RULE, values, False, "large_group", contract_class=number)
    assert (one.value, one.citation) == (values[large], RULE.parameters[large].citation)
