"""Which level made the difference, in words."""

import pytest

from pipelines.rules.registry import load_rules
from serving.answers.levels import _akin, sentence
from serving.answers.model import Level


@pytest.mark.parametrize(
    ("raised", "zh", "en"),
    [
        (
            (False, False, True),
            "按层级看：单个账户未报，同一客户未报，同一实际控制人报出；穿透到同一实际控制人才看得出",
            "one customer: not raised, one controller: raised; only looking through",
        ),
        ((False, True, False), "合看该客户的各账户才看得出。", "only the customer's accounts"),
        ((True, True, True), "单看该账户即可看出。", "the account shows it by itself."),
    ],
)
def test_the_lowest_level_that_raises_it_made_the_difference(
    raised: tuple[bool, ...], zh: str, en: str
) -> None:
    levels = [Level(*one) for one in zip(("account", "party", "group"), raised, strict=True)]
    assert zh in sentence(levels, "zh")[0]
    assert en in sentence(levels, "en")[0]
    assert sentence((), "zh") == ()


def test_a_group_stands_beside_the_customers_variant_it_looks_through_to() -> None:
    for rule, kin in (
        ("structuring", {"same_customer", "same_controller"}),
        ("large_value", {"over_institutions", "over_institutions_group"}),
    ):
        variants = load_rules()[rule].variants
        (through,) = [one for one in variants if one.of]
        assert {one.name for one in variants if _akin(one, through)} == kin
