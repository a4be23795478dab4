"""What the statement spec cannot say: a balance whose sign is a word beside it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.convert import to_decimal
from schemas.fields import arrow_schema

BALANCE = arrow_schema("position").field("outstanding_amount").type


def balance(
    columns: list[pa.Array], options: Mapping[str, Any]
) -> tuple[pa.Array, NDArray[np.bool_]]:
    """The first balance that is there; what the account owes is negative.

    Args:
        columns: Text of an amount and of its indicator (`CRDT`, `DBIT`), for each kind of balance.
        options: Of the spec line; not used.

    Returns:
        (decimal column, mask of amounts that are no number or have no indicator).
    """
    del options
    found: pa.Array = pa.nulls(len(columns[0]), BALANCE)
    bad = np.zeros(len(columns[0]), np.bool_)
    for amount, indicator in zip(columns[::2], columns[1::2], strict=True):
        values, wrong = to_decimal(amount, BALANCE)
        known = pc.fill_null(pc.is_in(indicator, value_set=pa.array(["CRDT", "DBIT"])), False)
        wrong |= pc.and_(amount.is_valid(), pc.invert(known)).to_numpy(zero_copy_only=False)
        owed = pc.fill_null(pc.equal(indicator, "DBIT"), False)
        found = pc.coalesce(found, pc.if_else(owed, pc.negate(values), values))
        bad |= wrong
    return found, bad
