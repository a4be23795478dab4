"""The number of the bank that keeps a side's account: legal person and region in 16 bits.

A large-value report is due per customer and reporting institution, and an institution is a legal
person, not a branch. The legal persons of the institution register are numbered 1, 2, ... in the
order in which they appear there, so rows may be added at the end and never taken away or moved.
`number << 3 | region`: region 1 to 4 are the four regions in order, 0 is anywhere else; 0 as a
whole: the agent is not in the register, and no rule may say whose customer it is.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import encoded
from schemas.errors import ConfigurationError
from schemas.reference_data import SCHEMES, institutions
from schemas.regions import REGIONS, region_of_area

REGION_BITS = 3
REGION_MASK = (1 << REGION_BITS) - 1
MOST = (1 << 16 - REGION_BITS) - 1  # legal persons that fit
Numbers = npt.NDArray[np.uint16]


@cache
def _numbers() -> tuple[pa.Array, pa.Array]:
    """Every identifier of an institution and the number of its legal person."""
    table = institutions().table
    legal = table["legal_person_id"].to_pylist()
    of = {person: number for number, person in enumerate(dict.fromkeys(legal), start=1)}
    if len(of) > MOST:
        raise ConfigurationError(
            f"institutions.csv: legal_person_id: expected at most {MOST:,} legal persons; "
            "widen payer_agent and payee_agent in schemas/narrow.py"
        )
    found = {
        name: of[person]
        for scheme in SCHEMES
        for name, person in zip(table[scheme].to_pylist(), legal, strict=True)
        if name is not None
    }
    return pa.array(list(found), pa.string()), pa.array(list(found.values()), pa.uint16())


def agent_numbers(agents: pa.Array, areas: pa.Array) -> Numbers:
    """The numbers of agents.

    Args:
        agents: identifiers of institutions in any scheme of the register; null where none is
            stated.
        areas: beside them, the supervisory areas of their branches.

    Returns:
        uint16 beside them; 0 where the register does not know the agent.

    Example:
        >>> branch = pa.array(["381290000019", "381301000013", "nobody", None])
        >>> numbers = agent_numbers(branch, pa.array(["310000", "320000", "OUT", "OUT"]))
        >>> numbers.tolist(), (numbers >> REGION_BITS).tolist()
        ([9, 10, 0, 0], [1, 1, 0, 0])
    """
    size = len(agents)
    if agents.null_count == size:
        return np.zeros(size, np.uint16)
    keys, numbers = _numbers()
    values, codes = encoded(agents)
    at = pc.index_in(values, value_set=keys, skip_nulls=True)
    table = pc.fill_null(numbers.take(at), 0).to_numpy(zero_copy_only=False).astype(np.uint16)
    legal = np.append(table, np.uint16(0))[codes]  # code -1 is the last one
    places, where = encoded(areas)
    regions = [region_of_area(area) for area in places.to_pylist()]
    nibble = np.array([REGIONS.index(r) + 1 if r in REGIONS else 0 for r in regions] + [0])
    packed = legal << REGION_BITS | nibble.astype(np.uint16)[where]
    return np.where(legal == 0, 0, packed).astype(np.uint16)
