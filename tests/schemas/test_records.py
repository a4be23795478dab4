"""Schemas of what is no report: they agree with the narrow row and with the ledger's relation."""

import numpy as np
import pyarrow as pa
import pytest

from ledger import ddl, duck
from schemas import records
from schemas.derive import duckdb_type
from schemas.narrow import EVENT_CODES, NARROW, RULE_COLUMNS
from schemas.records import ALERT, CROSSING, TRANSACTION
from schemas.regions import REGIONS


def test_a_transaction_has_every_rule_column_as_the_narrow_row_types_it() -> None:
    for name in RULE_COLUMNS:
        assert TRANSACTION.field(name).type == pa.from_numpy_dtype(NARROW[name]), name


def test_the_ledgers_transactions_have_the_declared_columns_and_types() -> None:
    with duck.memory() as connection:
        ddl.create(connection, "SIMULATED")
        rows = connection.rows("SELECT column_name, column_type FROM (DESCRIBE tx)")
    assert [row[0] for row in rows] == TRANSACTION.names
    assert [row[1] for row in rows] == [duckdb_type(field) for field in TRANSACTION]


def test_the_narrow_row_is_128_bytes_without_gaps() -> None:
    assert NARROW.itemsize == 128 == sum(NARROW[name].itemsize for name in NARROW.names or ())
    assert all(NARROW[name].newbyteorder("<") == NARROW[name] for name in NARROW.names or ())
    assert set(RULE_COLUMNS) < set(NARROW.names or ())
    assert len(set(EVENT_CODES.values())) == len(EVENT_CODES)
    assert 0 < min(EVENT_CODES.values()) <= max(EVENT_CODES.values()) <= np.iinfo(np.int16).max


@pytest.mark.parametrize(
    "name", [name for name, found in vars(records).items() if isinstance(found, pa.Schema)]
)
def test_no_record_schema_has_two_columns_of_one_name_or_local_times(name: str) -> None:
    schema: pa.Schema = getattr(records, name)
    assert len(set(schema.names)) == len(schema)
    for field in schema:
        if pa.types.is_timestamp(field.type):
            assert field.type == pa.timestamp("us", "UTC"), field.name


def test_an_alert_can_say_what_each_region_saw() -> None:
    solo = [name for name in ALERT.names if name.startswith("solo_")]
    assert len(REGIONS) == 4
    assert {"solo_status", "solo_first", "solo_peak", "solo_coverage"} == set(solo)
    assert all(pa.types.is_list(ALERT.field(name).type) for name in solo)
    assert CROSSING.field("vantage").type == pa.uint8()
