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


# How the names of numbers begin that decide how easily a rule speaks, the finer ones first.
_THRESHOLDS = (
    *(
        "chance",
        "margin",
        "quiet_milli",
        "quiet_degree",
        "mean_most",
        "edge_most",
        "against_percent",
    ),
    *("hop_", "amount_factor", "quiet_middles", "conserving_middles", "keeps_low"),
    *("shared_", "side_most", "ratio_low", "least"),
)
_MOVED = 4  # numbers of one rule, at most


def thresholds_of(parameters: Sequence[str]) -> tuple[str, ...]:
    """The parameters of a rule that are moved to make it raise more or less, in that order.

    Example:
        >>> thresholds_of(("window_days", "least_payers", "chance_milli"))
        ('chance_milli', 'least_payers')
    """
    found = [name for begin in _THRESHOLDS for name in parameters if name.startswith(begin)]
    return tuple(dict.fromkeys(found))[:_MOVED]
