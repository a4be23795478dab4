"""Which rule a user means; drafts and typing errors are told with the list."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.rules.registry import Rule


def known_rule(name: str, rules: "Mapping[str, Rule]") -> "Rule":
    """The rule of that name.

    Raises:
        InputError: there is none, or it is a draft with undecided fields.
    """
    from pipelines.rules.registry import drafts
    from schemas.errors import InputError

    if name in rules:
        return rules[name]
    if name in (waiting := drafts()):
        raise InputError(
            f"rule {name!r}: expected every field decided; these of its rule.toml are not: "
            f"{', '.join(waiting[name])}"
        )
    raise InputError(f"rule {name!r}: expected one of {', '.join(rules)}")
