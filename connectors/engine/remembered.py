"""Results per unique text, remembered over submissions: the same parties come back all day."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from schemas.columns import by_code, encoded


class Remembered:
    """A bounded memory of one function of text.

    Args:
        compute: From unique texts to one result each, as a column of `kind`; null is a result.
        kind: Arrow type of the results.
        limit: When more are known, the memory starts afresh.
    """

    def __init__(
        self, compute: Callable[[pa.Array], pa.Array], kind: pa.DataType, limit: int = 1_000_000
    ) -> None:
        self._compute = compute
        self._kind = kind
        self._limit = limit
        self._known: dict[str, Any] = {}

    def column(self, texts: pa.Array) -> pa.Array:
        """The result for each row; null rows give null."""
        values, codes = encoded(texts)
        asked = values.to_pylist()
        known = self._known
        missing = [value for value in asked if value not in known]
        if missing:
            if len(known) + len(missing) > self._limit:
                known.clear()
                missing = asked
            found = self._compute(pa.array(missing, pa.string())).to_pylist()
            known.update(zip(missing, found, strict=True))
        return by_code(pa.array([known[value] for value in asked], self._kind), codes)
