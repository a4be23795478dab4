"""What a definition in Python reads and returns: plain rows, so that it stays plain itself.

Where SQL cannot say a rule (rings, merged components), its folder has `definition.py` instead of
`definition.sql`, with one function

    def crossings(tx: Sequence[Tx], params: Mapping[str, int]) -> Iterator[Found]

`tx` holds all vantages' transactions in (event time, key) order. A definition is slow and obvious,
knows nothing of the kernel, and keeps vantages apart without looking into their numbers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from schemas.errors import ConfigurationError
from schemas.records import CROSSING


class Tx(NamedTuple):
    """A transaction as one vantage knows it; ids are 63-bit, 0 is absent (`tx`, its columns)."""

    vantage: int
    key: int
    event_time: int
    amount_fen: int
    payer_party: int
    payee_party: int
    event_code: int
    flags: int  # FLAG_* of schemas.narrow


class Found(NamedTuple):
    """A crossing without its rule's name; `evidence` in any order."""

    variant: str
    vantage: int
    subject: int
    instant: int
    measure: int
    band: int
    evidence: Iterable[int]
    search_cut: bool = False  # the search reached its bound of steps


Definition = Callable[[Sequence[Tx], Mapping[str, int]], Iterator[Found]]


def as_rows(table: pa.Table) -> list[Tx]:
    """The columns of `Tx` as rows, in (event time, key, vantage) order."""
    columns = [table[name].to_pylist() for name in Tx._fields]
    rows = (Tx(*row) for row in zip(*columns, strict=True))
    return sorted(rows, key=lambda row: (row.event_time, row.key, row.vantage))


def crossings(folder: Path, tx: Sequence[Tx], params: Mapping[str, int]) -> pa.Table:
    """What the definition in a rule's folder says, as CROSSING rows."""
    rows = [
        one._asdict() | {"rule": folder.name, "evidence": sorted(set(one.evidence))}
        for one in load(folder)(tx, params)
    ]
    return pa.Table.from_pylist(rows, schema=CROSSING)


@cache
def load(folder: Path) -> Definition:
    """`crossings` of a rule folder's `definition.py`.

    Raises:
        ConfigurationError: the file is not there or has no such function.
    """
    path = folder / "definition.py"
    spec = spec_from_file_location(f"definition_of_{folder.name}", path)
    if not path.exists() or spec is None or spec.loader is None:
        raise ConfigurationError(
            f"{folder.name}: expected definition.sql or definition.py; add one"
        )
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        found: Definition = module.crossings
    except AttributeError as error:
        raise ConfigurationError(
            f"{folder.name}/definition.py: crossings: expected a function (tx, params); add it"
        ) from error
    return found


_64 = (1 << 64) - 1


def set_id(members: Iterable[int]) -> int:
    """The id of a set of parties: its members, lowest first, mixed one after the other.

    63 bits, never 0; the order of `members` and repeats do not matter. Mixing steps are those of
    splitmix64 (Steele, Lea and Flood 2014).
    """
    state = 0
    for member in sorted(set(members)):
        state = ((state ^ member) + 0x9E3779B97F4A7C15) & _64
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _64
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _64
        state ^= state >> 31
    return (state & (_64 >> 1)) or 1
