"""The job's crossings on a simulated tape are what the rules' SQL definitions say of its ledger."""

import pyarrow as pa
import pytest

from ledger.duck import Connection
from pipelines.lanes.ledger import evaluate
from pipelines.rules.registry import Rule, load_rules
from schemas.records import CROSSING

STREAM = [rule for rule in load_rules().values() if rule.lane == "stream"]


def as_rows(crossings: pa.Table) -> list[tuple[object, ...]]:
    table = crossings.select(CROSSING.names).to_pylist()
    return sorted(tuple(str(row[name]) for name in CROSSING.names) for row in table)


@pytest.mark.parametrize("rule", STREAM, ids=lambda rule: rule.name)
def test_stream_and_late_path_equal_the_definition(rule: Rule, ledger: Connection) -> None:
    stored = ledger.sql(
        f"SELECT * FROM crossing WHERE rule = '{rule.name}' AND lane IN ('stream', 'late') "
        "AND known_to IS NULL"
    )
    vantages = set(stored["vantage"].to_pylist())
    assert 4 in vantages and len(vantages) > 1, "the tape must hold joint and solo crossings"
    defined = evaluate(ledger, rule)
    assert not defined.not_evaluated
    assert as_rows(stored) == as_rows(defined.crossings)
