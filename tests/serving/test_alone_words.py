"""Why only a region raises an alert, in both languages, from the figures alone."""

from types import MappingProxyType

import pytest

from pipelines.rules.registry import load_rules, parameters_on
from serving.answers.alone_words import explains, sentences
from serving.answers.model import Alone


def of(kind: str, ways: tuple[str, ...] = (), **figures: int) -> Alone:
    return Alone("310000", 0, 1, kind, MappingProxyType(figures), ("330000", "340000"), ways)


RESTED = of("rested", rested_days=41, uses=3, last_use_days=2)
TRADES = of("trades", parties=1, solo_others=3, joint_others=31)
MOVED = of(
    "moved", ("ratio_low_bp", "most_counterparties"), window_us=7_200_000_000,
    solo_coming_fen=100_000_000, solo_going_fen=95_000_000, solo_transfers=2, solo_others=2,
    joint_coming_fen=250_000_000, joint_going_fen=95_000_000, joint_transfers=3, joint_others=3,
)  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "apart", "zh", "en"),
    [
        (
            "dormant_wake",
            RESTED,
            ["只看上海", "闲置了 41 天", "在浙江、安徽的账户用了 3 次", "启用前 2 天", "35 天"],
            ["rested for 41 days", "3 times at Zhejiang, Anhui", "the last 2 days before"],
        ),
        (
            "fan_in",
            TRADES,
            ["另外 1 方", "3 个其他对手", "四地合看是 31 个"],
            ["the 1 other party of the evidence", "all four see 31"],
        ),
        (
            "pass_through",
            MOVED,
            ["2 小时内转入 100.00 万元", "占转入的 95.0%", "另转入 150.00 万元", "占转入的 38.0%",
             "规则只看转出占转入 90% 至 100% 的", "较大往来的对手方多于 8 方"],
            ["CNY 1,500,000 more came in (reported to Zhejiang, Anhui)", "38.0 % of what came in",
             "the rule asks for 90 to 100 % of it", "more than 8 other parties"],
        ),
    ],
)  # fmt: skip
def test_what_all_four_hold_is_told_in_both_languages(
    rule: str, apart: Alone, zh: list[str], en: list[str]
) -> None:
    assert explains(apart)
    told = sentences(apart, load_rules()[rule], parameters_on())
    for words, text in zip((zh, en), ("".join(told[0]), " ".join(told[1])), strict=True):
        assert [one for one in words if one not in text] == []


@pytest.mark.parametrize(
    "apart",
    [
        of("rested", rested_days=41, uses=0),
        of("rested"),
        of("trades", parties=2, solo_others=5, joint_others=5),
        of("moved", (), **MOVED.figures),
        of("moved", MOVED.in_the_way, **MOVED.figures | {
            "joint_coming_fen": 100_000_000, "joint_transfers": 2}),
    ],
)  # fmt: skip
def test_nothing_is_said_where_the_figures_do_not_differ(apart: Alone) -> None:
    assert not explains(apart)
    assert sentences(apart, load_rules()["pass_through"], parameters_on()) == ((), ())
