"""A rule held against its own examples, and the examples against the rule.

Every example must give exactly its expected crossings; and each parameter, one more or one less,
should make some example fail: else no example says what that number does.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ledger import duck
from pipelines.lanes.judged import by_definition
from pipelines.lanes.stream import run_once
from pipelines.rules.examples import Crossing, Example, load_examples
from pipelines.rules.registry import ParameterSet, Rule, parameters_on
from schemas.errors import InputError

_NAMES = ("variant", "vantage", "subject", "instant", "measure", "band")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_VANTAGE = re.compile(r"vantage\s*(=|<>|<|>|!|\b[Ii][Nn]\b|%|&)\S*\s*\(?\s*\d")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One example: what it lacks and what it has too much; both empty where it holds."""

    name: str
    about: str
    lacking: tuple[Crossing, ...]
    extra: tuple[Crossing, ...]
    fault: str = ""

    @property
    def holds(self) -> bool:
        """Whether exactly the expected crossings came out."""
        return not (self.lacking or self.extra or self.fault)


@dataclass(frozen=True, slots=True)
class Checked:
    """`unnoticed`: parameters, one more or one less, that break no example."""

    rule: str
    examples: tuple[Outcome, ...]
    unnoticed: tuple[str, ...]
    looks_into_vantage: bool

    @property
    def passes(self) -> bool:
        """Whether every example holds and the definition keeps to the vantages it is given."""
        return (
            bool(self.examples)
            and all(e.holds for e in self.examples)
            and not (self.looks_into_vantage)
        )


def check(rule: Rule) -> Checked:
    """Run a rule's examples, as they are and with every parameter one off.

    Args:
        rule: of either lane; a stream rule's examples run through its kernel.
    """
    examples = load_examples(rule)
    agreed = parameters_on()
    outcomes = [_outcome(rule, one, agreed) for one in examples]
    unnoticed = []
    if outcomes and all(one.holds for one in outcomes):
        for name in rule.parameters:
            values = agreed.of(rule)
            for step in (-1, 1):
                if not any(
                    _breaks(rule, one, agreed, name, one.parameters.get(name, values[name]) + step)
                    for one in examples
                ):
                    unnoticed.append(f"{name} {'+' if step > 0 else '-'} 1")
    text = _COMMENT.sub("", rule.definition) if rule.language == "sql" else ""
    return Checked(rule.name, tuple(outcomes), tuple(unnoticed), bool(_VANTAGE.search(text)))


def _outcome(rule: Rule, example: Example, agreed: ParameterSet) -> Outcome:
    try:
        found = Counter(_run(rule, example, agreed.changed(rule.name, **example.parameters)))
    except InputError as error:
        return Outcome(example.name, example.about, (), (), str(error))
    expected = Counter(example.expected)
    return Outcome(
        example.name,
        example.about,
        tuple(sorted((expected - found).elements())),
        tuple(sorted((found - expected).elements())),
    )


def _breaks(rule: Rule, example: Example, agreed: ParameterSet, name: str, value: int) -> bool:
    changed = agreed.changed(rule.name, **{**example.parameters, name: value})
    return tuple(sorted(_run(rule, example, changed))) != tuple(sorted(example.expected))


def _run(rule: Rule, example: Example, agreed: ParameterSet) -> Sequence[Crossing]:
    if rule.lane == "stream":
        rows = run_once(example.reports, agreed, rules=(rule,)).to_pylist()
    else:
        with duck.memory() as connection:
            for name, table in example.relations.items():
                connection.register(name, table)
            rows = by_definition(connection, rule, agreed).to_pylist()
    return [(*(row[name] for name in _NAMES), len(row["evidence"])) for row in rows]
