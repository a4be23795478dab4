"""What a report of a market must state; reads `required.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from schemas.errors import ConfigurationError
from schemas.fields import IMPLEMENTED_KINDS, arrow_schema
from schemas.visibility import visibility


@dataclass(frozen=True, slots=True)
class Required:
    """The required columns of one market and kind, in schema order.

    `fields` always hold a value; of each group in `one_of` at least one column does; `by_event`
    adds columns for one event type.
    """

    fields: tuple[str, ...]
    one_of: tuple[tuple[str, ...], ...]
    by_event: Mapping[str, tuple[str, ...]]

    def of_event(self, event_type: str) -> tuple[str, ...]:
        """Every column a report with this event type must fill."""
        return (*self.fields, *self.by_event.get(event_type, ()))


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
        ConfigurationError: no such market or kind, or the table names an unknown field.

    Example:
        >>> "debtor_agent_id" in required("PYMT", "event").fields
        True
        >>> required("BILL", "event").of_event("PLDG")[-1]
        'counterparty_2_id'
    """
    visibility(market)  # refuses an unknown market
    if kind not in IMPLEMENTED_KINDS:
        raise ConfigurationError(
            f"required fields of {market}: kind {kind!r}: expected one of "
            f"{', '.join(IMPLEMENTED_KINDS)}; correct the feed spec"
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
    )
