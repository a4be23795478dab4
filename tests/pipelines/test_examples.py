"""Every rule's examples, through kernel and definition; and that they notice an off-by-one."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache

import pyarrow as pa
import pytest

from ledger import duck
from pipelines.lanes.ledger import evaluate
from pipelines.lanes.stream import run_plain
from pipelines.rules.examples import Crossing, Example, load_examples
from pipelines.rules.registry import ParameterSet, Rule, load_rules, parameters_on
from tests.pipelines.streams import define_tx

EXAMPLES = {name: load_examples(rule) for name, rule in load_rules().items()}
CASES = [(rule, e) for rule in load_rules().values() for e in EXAMPLES[rule.name]]
IDS = [f"{rule.name}-{example.name}" for rule, example in CASES]
OPEN = ExitStack()
ASKED = {"below", "at", "bands", "must_not_fire", "another_region"}


def crossings(rule: str, table: pa.Table) -> tuple[Crossing, ...]:
    mine = [row for row in table.to_pylist() if row["rule"] == rule]
    names = ("variant", "vantage", "subject", "instant", "measure", "band")
    return tuple(sorted((*(row[n] for n in names), len(row["evidence"])) for row in mine))


def by_kernel(rule: str, example: Example, agreed: ParameterSet) -> tuple[Crossing, ...]:
    return crossings(rule, run_plain([example.reports], [0], agreed))


@pytest.fixture(scope="module", autouse=True)
def at_hand() -> Iterator[None]:
    """One connection for all examples: each registers every relation it could read."""
    yield
    OPEN.close()
    connection.cache_clear()


@cache
def connection() -> duck.Connection:
    return OPEN.enter_context(duck.memory())


def by_definition(rule: str, example: Example, agreed: ParameterSet) -> tuple[Crossing, ...]:
    declared = load_rules()[rule]
    if not example.relations:
        with duck.memory() as own:
            define_tx(own, example.reports)
            return evaluated(own, declared, agreed)
    for name, table in example.relations.items():
        if name in declared.needs or name in declared.definition:
            connection().register(name, table)
    return evaluated(connection(), declared, agreed)


def evaluated(relations: duck.Connection, rule: Rule, agreed: ParameterSet) -> tuple[Crossing, ...]:
    evaluation = evaluate(relations, rule, agreed)
    assert evaluation.not_evaluated == ""
    return crossings(rule.name, evaluation.crossings)


@pytest.mark.parametrize(("rule", "example"), CASES, ids=IDS)
def test_an_example_gives_exactly_its_expected_crossings(rule, example: Example) -> None:  # noqa: ANN001
    agreed = parameters_on().changed(rule.name, **example.parameters)
    assert by_definition(rule.name, example, agreed) == example.expected
    if rule.lane == "stream":
        assert by_kernel(rule.name, example, agreed) == example.expected


@pytest.mark.parametrize("rule", load_rules())
def test_every_rule_has_the_examples_asked_for(rule: str) -> None:
    assert {e.name for e in EXAMPLES[rule]} >= ASKED
    names = {e.name for e in EXAMPLES[rule]}
    assert names & {"day_boundary", "window"}
    assert names & {"correction", "released_first"}


@cache
def outcome(rule: str, name: str, parameter: str, value: int) -> tuple[Crossing, ...]:
    (example,) = [e for e in EXAMPLES[rule] if e.name == name]
    agreed = parameters_on().changed(rule, **{**example.parameters, parameter: value})
    run = by_kernel if load_rules()[rule].lane == "stream" else by_definition
    return run(rule, example, agreed)


PARAMETERS = [
    (rule.name, name, step)
    for rule in load_rules().values()
    for name in rule.parameters
    for step in (-1, 1)
    if not (name == "in_before_out" and step == 1)  # a switch: 2 is no other answer than 1
]


@pytest.mark.parametrize(("rule", "parameter", "step"), PARAMETERS)
def test_an_off_by_one_in_any_parameter_breaks_an_example(
    rule: str, parameter: str, step: int
) -> None:
    declared = load_rules()[rule]
    agreed = parameters_on().of(declared)
    decides = declared.parameters[parameter].variants or [v.name for v in declared.variants]

    def breaks(e: Example) -> bool:
        value = e.parameters.get(parameter, agreed[parameter]) + step
        different = Counter(outcome(rule, e.name, parameter, value))
        different.subtract(e.expected)
        changed = {crossing[0] for crossing, times in different.items() if times}
        assert changed <= set(decides), f"{parameter} decides about {changed} as well"
        return bool(changed)

    assert any(breaks(e) for e in EXAMPLES[rule])
