"""Which level made the difference, in words."""

import pytest

from serving.answers.levels import sentence
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
