"""Where each number of a variant stands: in law, in an exchange's rules, with others, with us.

A number written for something narrower is no official number of a wider question: its use within
a variant is the weaker one of its own and the variant's.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipelines.rules.declared import Parameter, Rule

STATUS_OF_NUMBER = ("L", "L-", "E", "I", "A")
STATUS_OF_USE = ("as written", "extended", "analogy")
_OF_A_TEXT = ("L", "L-", "E")  # its use can be compared with what the text says
OURS = "ours"  # what a citation of a number of our own begins with


class Standing(NamedTuple):
    """Numbers of one status.

    `basis` is how they are used (`as written`, `extended`, `analogy`) where a law or an exchange
    gives them, else whose they are: `ours`, or `published` by others.
    """

    number: str
    basis: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        """As an alert says it."""
        return f"{self.number} {self.basis} ({', '.join(self.names)})"


def standings(rule: "Rule", variant: str) -> tuple[Standing, ...]:
    """The numbers a variant rests on, by where they stand: law first, our own last.

    Example:
        >>> from pipelines.rules.registry import load_rules
        >>> standings(load_rules()["exposure_concentration"], "same_borrower")[0]
        Standing(number='L', basis='as written', names=('line_bp',))
    """
    use = rule.variant(variant).status_of_use
    found: dict[tuple[str, str], list[str]] = {}
    for parameter in rule.parameters.values():
        if variant in parameter.variants or not parameter.variants:
            found.setdefault((parameter.status_of_number, basis(parameter, use)), []).append(
                parameter.name
            )
    order = (*STATUS_OF_USE, "published", OURS)
    ranked = sorted(found, key=lambda k: (STATUS_OF_NUMBER.index(k[0]), order.index(k[1])))
    return tuple(Standing(*key, tuple(found[key])) for key in ranked)


def basis(parameter: "Parameter", use: str) -> str:
    """How a number is used in a variant of this use, or whose it is."""
    if parameter.status_of_number in _OF_A_TEXT:
        return max(use, parameter.status_of_use, key=STATUS_OF_USE.index)
    return OURS if parameter.citation.startswith(OURS) else "published"


def told(use: str, numbers: Iterable[Standing]) -> str:
    """A variant's legal status in one line: its use of the text, then its numbers."""
    return f"{use}; numbers: {', '.join(map(str, numbers))}"
