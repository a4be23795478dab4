"""At which level a rule's question is answered: an account, its holder, or who controls the holder.

A rule that asks at several levels raises an alert of its own at each. Of one alert it is told which
other levels raise what shares its evidence: the lowest that does is the one that made the
difference, and where that is a group, nobody shows it by himself.
"""

from collections.abc import Mapping, Sequence

from ledger.duck import Connection
from pipelines.rules.registry import Rule, Variant
from serving.answers.evidence import Row
from serving.answers.model import Level
from serving.answers.words import Lang

ORDER = ("account", "party", "group")  # the lowest first
_NAMES: Mapping[str, tuple[str, str]] = {
    "account": ("单个账户", "one account"),
    "party": ("同一客户", "one customer"),
    "group": ("同一实际控制人", "one controller"),
}
_MADE: Mapping[str, tuple[str, str]] = {
    "account": ("单看该账户即可看出", "the account shows it by itself"),
    "party": (
        "合看该客户的各账户才看得出",
        "only the customer's accounts together show it",
    ),
    "group": (
        "穿透到同一实际控制人才看得出，其下任何一个客户单看都不报",
        "only looking through to the controller shows it: no customer is raised by itself",
    ),
}


def levels(connection: Connection, rule: Rule, row: Row) -> tuple[Level, ...]:
    """The levels at which the rule asks an alert's question, and which of them raise it.

    Args:
        connection: a session on a published version.
        rule: the alert's.
        row: the alert's row.

    Returns:
        The lowest first; empty where the rule asks at one level only.
    """
    mine = rule.variant(row["variant"])
    family = [one for one in rule.variants if one.subject in ORDER and _akin(one, mine)]
    kinds = [kind for kind in ORDER if any(one.subject == kind for one in family)]
    if len(kinds) < 2 or mine.subject not in kinds:
        return ()
    found = connection.rows(
        "SELECT DISTINCT subject_kind FROM alert WHERE rule = $rule AND known_to IS NULL "
        "AND NOT withdrawn AND list_contains($variants, variant) "
        "AND list_has_any(evidence, $evidence)",
        {
            "rule": rule.name,
            "variants": [one.name for one in family],
            "evidence": row["evidence"],
        },
    )
    raised = {str(kind) for (kind,) in found} | {mine.subject}
    if "party" in raised and any(one.of for one in family):
        return ()  # a group is not asked about what a member shows
    return tuple(Level(kind, kind in raised) for kind in kinds)


def _akin(one: Variant, other: Variant) -> bool:
    """Whether two variants ask the same at different levels: one says so, or their names do."""
    if one.of or other.of:
        return (one.of or one.name) == (other.of or other.name)
    stems = {variant.name.replace(variant.subject, "").strip("_") for variant in (one, other)}
    return len(stems) == 1 or "" in stems


def sentence(found: Sequence[Level], lang: Lang) -> tuple[str, ...]:
    """Which level made the difference, in one sentence; none where there is one level only."""
    if not found:
        return ()
    number = 0 if lang == "zh" else 1
    lowest = next(one.kind for one in found if one.raised)
    said = [
        f"{_NAMES[one.kind][number]}"
        + (
            ("报出" if one.raised else "未报")
            if lang == "zh"
            else (": raised" if one.raised else ": not raised")
        )
        for one in found
    ]
    if lang == "zh":
        return (f"按层级看：{'，'.join(said)}；{_MADE[lowest][number]}。",)
    return (f"By level - {', '.join(said)}; {_MADE[lowest][number]}.",)
