"""Which types of patterns a rule is to find, by the names both generators and the simulator use.

A rule that is not named here is to find the patterns of its own name (the simulator's labels). A
pattern type nobody is to find still counts among labelled transfers: `random` (a walk over
accounts) has no rule.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "fan_in": ("fan_in",),
        "fan_out": ("fan_out",),
        "cycle": ("cycle",),
        "scatter_gather": ("scatter_gather",),
        "gather_scatter": ("gather_scatter",),
        "bipartite": ("bipartite",),
        "stack": ("stack",),
    }
)


def kinds_of(rule: str) -> tuple[str, ...]:
    """Pattern types that count for a rule.

    Example:
        >>> kinds_of("cycle"), kinds_of("structuring")
        (('cycle',), ('structuring',))
    """
    return KINDS.get(rule, (rule,))


# The number that decides how easily a rule speaks; where it has none of these it is not moved.
_THRESHOLDS = (
    "least_payers",
    "least_payees",
    "least_middles",
    "least_shared",
)


def threshold_of(rule: str, parameters: Sequence[str]) -> str | None:
    """The parameter of a rule that is moved to make it raise more or less."""
    del rule
    return next((name for name in _THRESHOLDS if name in parameters), None)
