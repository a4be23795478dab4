"""What the spec of receivables cannot say: whose area the other side's is.

The other side of an act is the financier where it names one, else the debtor; the area must be
that of the same party.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.convert import unmatched


def other_area(
    columns: list[pa.Array], options: Mapping[str, Any]
) -> tuple[pa.Array, NDArray[np.bool_]]:
    """The financier's area in records that name a financier, the debtor's in the others.

    Args:
        columns: Text of the financier's code, the financier's area and the debtor's area.
        options: Of the spec line; not used.

    Returns:
        (text column, mask of areas that are no six digits).
    """
    del options
    financier, its_area, debtor_area = columns
    area = pc.if_else(financier.is_valid(), its_area, debtor_area)
    return area, unmatched(area, "[0-9]{6}")
