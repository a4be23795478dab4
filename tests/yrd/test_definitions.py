"""The job's crossings on a simulated tape are what the rules' SQL definitions say of its ledger."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest

from ledger.duck import Connection
from pipelines.lanes.judged import by_definition
from pipelines.rules.registry import Rule, in_force, load_rules
from schemas.records import CROSSING

STREAM = [rule for rule in load_rules().values() if rule.lane == "stream"]


def as_rows(crossings: pa.Table) -> list[tuple[object, ...]]:
    table = crossings.select(CROSSING.names).to_pylist()
    return sorted(tuple(str(row[name]) for name in CROSSING.names) for row in table)


@contextmanager
def not_followed() -> Iterator[None]:
    """Definitions in Python take seven times as long while their coverage is measured."""
    follower = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(follower)


@pytest.mark.parametrize("rule", STREAM, ids=lambda rule: rule.name)
def test_stream_and_late_path_equal_the_definition(rule: Rule, ledger: Connection) -> None:
    # The definition of rings is slow and says nothing of an instant that does not follow from
    # what was before: it is asked up to a day that has some rings behind it.
    day = ledger.scalar("SELECT quantile_disc(event_time, 0.86) FROM tx WHERE event_code = 1")
    until = day if rule.name == "cycle" else 2**62
    stored = ledger.sql(
        f"SELECT * FROM crossing WHERE rule = '{rule.name}' AND lane IN ('stream', 'late') "
        f"AND known_to IS NULL AND instant < {until}"
    )
    vantages = set(stored["vantage"].to_pylist())
    assert 4 in vantages and len(vantages) > 1, "the tape must hold joint and solo crossings"
    earlier = f"tx AS (SELECT * FROM main.tx WHERE event_time < {until}), "
    with not_followed():
        defined = by_definition(ledger, rule, in_force(), earlier)
    assert as_rows(stored) == as_rows(defined)
