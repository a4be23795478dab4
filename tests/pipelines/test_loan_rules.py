"""Rules on loans: a search that was cut says so."""

import pytest

from ledger import duck
from pipelines.lanes.ledger import evaluate
from pipelines.rules.examples import load_examples
from pipelines.rules.registry import load_rules, parameters_on

ROUND_TRIP = load_rules()["loan_round_trip"]
BOUNDED = next(one for one in load_examples(ROUND_TRIP) if one.name == "bounded")


@pytest.mark.parametrize(("most_ways", "cut"), [(2, True), (3, False)])
def test_a_search_that_left_ways_out_says_so(most_ways: int, cut: bool) -> None:
    agreed = parameters_on().changed(ROUND_TRIP.name, most_ways=most_ways)
    with duck.memory() as connection:
        for name, table in BOUNDED.relations.items():
            connection.register(name, table)
        found = evaluate(connection, ROUND_TRIP, agreed).crossings
    assert set(found["search_cut"].to_pylist()) == {cut}
    assert max(found["measure"].to_pylist()) == (60_000_000 if cut else 90_000_000)
