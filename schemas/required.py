"""What a report of a market must state; reads `required.toml`."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.errors import ConfigurationError
from schemas.fields import arrow_schema
from schemas.visibility import visibility


@dataclass(frozen=True, slots=True)
class Required:
    """The required columns of one market and kind, in schema order.

    `fields` always hold a value; of each group in `one_of` at least one column does; `by_event`
    adds columns for one event type, `without` names those it need not fill.
    """

    fields: tuple[str, ...]
    one_of: tuple[tuple[str, ...], ...]
    by_event: Mapping[str, tuple[str, ...]]
    without: Mapping[str, tuple[str, ...]]

    def spared(self, names: Iterable[str], events: Iterable[str]) -> bool:
        """Whether none of these event types needs any of these columns."""
        codes = list(events)
        return bool(codes) and all(set(names) <= set(self.without.get(c, ())) for c in codes)

    def of_event(self, event_type: str) -> tuple[str, ...]:
        """Every column a report with this event type must fill."""
        spared = self.without.get(event_type, ())
        own = (*self.fields, *self.by_event.get(event_type, ()))
        return tuple(name for name in own if name not in spared)


@cache
def _table() -> Mapping[str, Any]:
    with (Path(__file__).parent / "required.toml").open("rb") as file:
        return tomllib.load(file)


def _checked(names: list[str], kind: str, where: str) -> tuple[str, ...]:
    for name in names:
        if name not in arrow_schema(kind).names:
            raise ConfigurationError(
                f"required.toml: {where}: {name}: expected a field of kind {kind}; "
                "see docs/schema/fields.md"
            )
    return tuple(names)


@cache
def required(market: str, kind: str) -> Required:
    """What a report must state: the schema's own not-null fields and the market's.

    Raises:
        ConfigurationError: no such market, a kind it does not have, or an unknown field.

    Example:
        >>> "debtor_agent_id" in required("PYMT", "event").fields
        True
        >>> required("BILL", "event").of_event("PLDG")[-1]
        'counterparty_2_id'
    """
    kinds = visibility(market).kinds  # refuses an unknown market
    if kind not in kinds:
        raise ConfigurationError(
            f"required fields of {market}: kind {kind!r}: expected one of "
            f"{', '.join(kinds)}; correct the feed spec"
        )
    row = _table().get(market, {}).get(kind, {})
    where = f"{market}.{kind}"
    stated = set(_checked(row.get("fields", []), kind, where))
    names = [f.name for f in arrow_schema(kind) if not f.nullable or f.name in stated]
    return Required(
        fields=tuple(names),
        one_of=tuple(_checked(group, kind, where) for group in row.get("one_of", [])),
        by_event=MappingProxyType(
            {code: _checked(more, kind, where) for code, more in row.get("by_event", {}).items()}
        ),
        without=MappingProxyType(
            {code: _checked(less, kind, where) for code, less in row.get("without", {}).items()}
        ),
    )


def missing(
    batch: pa.RecordBatch | pa.Table, market: str, kind: str
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Rows that lack what their market requires; Arrow itself does not enforce not-null.

    Args:
        batch: reports of one market and kind; a column it does not have counts as empty.
        market: market segment code.
        kind: kind of record.

    Yields:
        (what is missing, row numbers): a column name, or the names of a group joined by ` or `;
        only what is missing somewhere.

    Example:
        >>> rows = pa.table({"event_type": ["PLDG", "ACPT"], "counterparty_2_id": [None, None]})
        >>> {name: at.tolist() for name, at in missing(rows, "BILL", "event")}["counterparty_2_id"]
        [0]
    """
    rule = required(market, kind)
    everywhere = np.ones(batch.num_rows, bool)
    wanted: list[tuple[str, tuple[str, ...], NDArray[np.bool_]]]
    wanted = [(name, (name,), everywhere) for name in rule.fields]
    wanted += [(" or ".join(group), group, everywhere) for group in rule.one_of]
    for code, names in rule.by_event.items():
        mine = _is_event(batch, code)
        wanted += [(name, (name,), mine) for name in names]
    for label, names, where in wanted:
        lacking = where.copy()
        for code in rule.without:
            if rule.spared(names, [code]):
                lacking &= ~_is_event(batch, code)
        for name in names:
            if name in batch.schema.names:
                lacking &= np.asarray(batch.column(name).is_null())
        if lacking.any():
            yield label, np.flatnonzero(lacking)


def _is_event(batch: pa.RecordBatch | pa.Table, code: str) -> NDArray[np.bool_]:
    if "event_type" not in batch.schema.names:
        return np.zeros(batch.num_rows, bool)
    events = batch.column("event_type").cast(pa.string())
    return np.asarray(pc.fill_null(pc.equal(events, code), False), bool)
