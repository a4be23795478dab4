"""Rows of a tape segment are taken as a plan names them, whatever overtook what."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.intake.group import _kept
from pipelines.intake.intake import _rows


@given(st.permutations(range(12)).flatmap(lambda p: st.integers(1, 12).map(lambda n: p[:n])))
def test_the_rows_named_are_the_rows_taken_in_that_order(rows: list[int]) -> None:
    table = pa.table({"number": range(12)})
    assert _rows(table, rows)["number"].to_pylist() == rows


def test_overtaking_inside_a_run_neither_drops_nor_doubles_a_row() -> None:
    table = pa.table({"number": range(12)})
    for rows in ([5, 9, 6, 8], [3, 5, 4, 6], [2, 3, 4, 5]):
        assert _rows(table, rows)["number"].to_pylist() == rows


@given(st.lists(st.booleans(), min_size=3, max_size=3))
def test_rows_are_kept_with_all_their_columns(wanted: list[bool]) -> None:
    batch = pa.RecordBatch.from_pydict(
        {
            "name": pa.array(["a", None, "c"]),
            "code": pa.array(["x", "y", "x"]).dictionary_encode(),
            "never": pa.nulls(3, pa.decimal128(25, 2)),
            "nor_this": pa.nulls(3, pa.decimal128(25, 2)),
            "no_code": pa.array([None] * 3, pa.dictionary(pa.int8(), pa.string())),
        }
    )
    kept = _kept(batch, np.array(wanted))
    assert kept.equals(batch.filter(pa.array(wanted)))
