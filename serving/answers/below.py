"""A rule's measure where it stays below every band: its own definition, asked to let all through.

A rule says in `[below]` of its rule.toml with which parameters its definition reports the measure
everywhere. One that says nothing is asked with its own words: what it wants at least is lowered to
nothing, what it wants at most is lifted; then the measure is the definition's, but other conditions
of the rule may still keep it silent.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pipelines.rules.registry import ParameterSet, Rule
from schemas.regions import REGIONS
from serving.answers.lines import OPEN

HUGE = 1 << 40


def open_values(rule: Rule) -> Mapping[str, int]:
    """The parameters with which the definition reports its measure wherever there is one."""
    if rule.below:
        return rule.below
    if rule.name in OPEN:
        return OPEN[rule.name]
    found = {}
    for name, parameter in rule.parameters.items():
        if name.startswith("least_"):
            found[name] = 0 if parameter.unit == "CNY fen" else 1
        elif name.startswith("most_"):
            found[name] = HUGE
    return MappingProxyType(found)


def declared(rule: Rule) -> bool:
    """Whether somebody said how this rule's measure below its bands is had."""
    return bool(rule.below) or rule.name in OPEN


def openly_asked(agreed: ParameterSet, rule: Rule) -> ParameterSet:
    """A set with which the rule's definition reports its measure, on every vantage."""
    values = open_values(rule)
    asked = agreed.changed(rule.name, **values)
    for region in REGIONS:
        if region in asked.regional:
            asked = asked.changed_in(region, rule.name, **values)
    return asked
