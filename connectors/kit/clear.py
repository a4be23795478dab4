"""Is anybody in clear?

Every value a spec reads as a person's document, an account, a business number or a name that must
go is searched in everything that comes out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.engine.cells import Cells
from connectors.engine.spec import Column, Feed, Party
from connectors.engine.specwords import PERSON_DOCUMENTS

_RUNS = re.compile(r"[0-9A-Za-z*㐀-鿿]+")
_SHORTEST = 6  # characters of a number: a shorter one is in every text
_SHORTEST_NAME = 2
_SEARCHED = 400  # values searched as parts of texts; all are searched as whole texts and words


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must not come out: source path -> its distinct values in the sample."""

    by_path: Mapping[str, tuple[str, ...]]

    @property
    def count(self) -> int:
        """How many distinct values are searched."""
        return sum(map(len, self.by_path.values()))


def secrets(feed: Feed, cells: Cells, natural: Mapping[str, pa.Array]) -> Secrets:
    """The values of a sample that must leave the engine as tokens or hashes, or not at all.

    Args:
        feed: The spec.
        cells: The scanned sample.
        natural: Party prefix -> for each record whether its name may stay (a firm's).
    """
    found: dict[str, tuple[str, ...]] = {}
    for column in (*feed.columns, *feed.locals):
        if {"keyed", "token"} & set(column.options) or _token(column):
            for path in column.paths:
                _add(found, cells, path)
    for party in feed.parties:
        for path in party.account:
            _add(found, cells, path)
        for entry in party.ids:
            if entry.type_path:
                codes = [code for code, scheme in entry.types.items() if scheme in PERSON_DOCUMENTS]
                kinds, _, _ = cells.column(entry.type_path)
                of = pc.fill_null(pc.is_in(kinds, value_set=pa.array(codes, pa.string())), False)
                _add(found, cells, entry.path, of)
            elif set(entry.schemes) & set(PERSON_DOCUMENTS):
                _add(found, cells, entry.path)
        _names(found, cells, party, natural)
    return Secrets(found)


def _token(column: Column) -> bool:
    return column.name.endswith(("_token", "_hash"))


def _names(
    found: dict[str, tuple[str, ...]], cells: Cells, party: Party, natural: Mapping[str, pa.Array]
) -> None:
    """Names that may not stay: of persons, and where no identifier says that it is a firm."""
    if party.name and party.prefix in natural:
        gone = pc.invert(natural[party.prefix])
        kept, _, _ = cells.column(party.name)
        firms = set(pc.unique(kept.filter(natural[party.prefix])).drop_null().to_pylist())
        _add(found, cells, party.name, gone, _SHORTEST_NAME, firms)


def _add(
    found: dict[str, tuple[str, ...]],
    cells: Cells,
    path: str,
    of: pa.Array | None = None,
    shortest: int = _SHORTEST,
    allowed: Iterable[str] = (),
) -> None:
    values, _, _ = cells.column(path)
    if of is not None:
        values = values.filter(of)
    unique = set(pc.unique(values).drop_null().to_pylist()) - set(allowed)
    kept = tuple(sorted(one for one in unique if len(one) >= shortest and "*" not in one))
    if kept:
        found[path] = tuple(sorted({*found.get(path, ()), *kept}))


def leaks(known: Secrets, outputs: Mapping[str, pa.Table], texts: Sequence[str]) -> list[str]:
    """Where a secret stands in clear: `output column: source path`, never the value.

    Args:
        known: What must not be there.
        outputs: Tables by name.
        texts: Anything else that is written, such as log lines.
    """
    if not known.count:
        return []
    out = []
    for place, words in _places(outputs, texts):
        runs = {run for text in words for run in _RUNS.findall(text)} | words
        joined = "\n".join(sorted(words))
        for path, values in known.by_path.items():
            step = max(1, len(values) // _SEARCHED)
            if any(one in runs for one in values) or any(one in joined for one in values[::step]):
                out.append(f"{place}: {path}")
    return out


def _places(
    outputs: Mapping[str, pa.Table], texts: Sequence[str]
) -> Iterable[tuple[str, set[str]]]:
    for name, table in outputs.items():
        for column in table.schema.names:
            yield f"{name}.{column}", _texts(table[column])
    yield "log", set(texts)


def _texts(column: pa.ChunkedArray | pa.Array) -> set[str]:
    """Distinct texts of a column; of a list or map, of what is in it; numbers as they are shown."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _texts(column.cast(kind.value_type))
    if pa.types.is_list(kind) or pa.types.is_map(kind):
        return {str(one) for value in column.to_pylist() if value for one in np.ravel(value)}
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        values = pc.unique(column).drop_null().to_pylist()
        return {one.hex() for one in values} | {one.decode("latin-1") for one in values}
    return {str(one) for one in pc.unique(column).drop_null().to_pylist()}
