"""Who may see a report, how many reports of a transaction to expect, who holds a market nationally.

Reads `visibility.toml`. The seat of a central operator never counts: a region sees a report because
of a branch, a warehouse or its own receipt of it, through the columns named in `entitled_by`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.columns import encoded
from schemas.errors import ConfigurationError
from schemas.fields import fields
from schemas.regions import (
    ALL_BITS,
    AREA_TO_REGION,
    JOINT,
    JOINT_BIT,
    NAMES,
    REGIONS,
    bit_of_region,
    region_of_area,
)

_JOINT_MASK = 1 << JOINT_BIT


@dataclass(frozen=True, slots=True)
class Holder:
    """Who sees a whole market; both names are empty where nobody does.

    `differ` names two columns: where they are equal, that transaction does not pass the holder.
    """

    zh: str
    en: str
    institution_kind: str
    differ: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.en)


@dataclass(frozen=True, slots=True)
class Visibility:
    """One market's row of `visibility.toml`; see the comments there."""

    market: str
    zh: str
    en: str
    kinds: tuple[str, ...]  # what its records are; a feed of another kind is refused
    reporters: str
    entitled_by: tuple[str, ...]
    legs_both: int
    sides: tuple[str, ...]
    agents: tuple[str, ...]
    pair_wait_s: int
    held_nationally_by: Holder
    status: str
    note: str


def _market(name: str, row: Mapping[str, Any]) -> Visibility:
    where = f"visibility.toml: {name}"
    try:
        legs, holder = row["expected_legs"], row["held_nationally_by"]
        found = Visibility(
            market=name,
            zh=row["zh"],
            en=row["en"],
            kinds=tuple(row.get("kinds", ("event", "position"))),
            reporters=row["reporters"],
            entitled_by=tuple(row["entitled_by"]),
            legs_both=legs["both"],
            sides=tuple(legs["sides"]),
            agents=tuple(legs["agents"]),
            pair_wait_s=row["pair_wait_s"],
            held_nationally_by=Holder(
                holder["zh"], holder["en"], holder["institution_kind"], tuple(holder["differ"])
            ),
            status=row["status"],
            note=row["note"],
        )
    except KeyError as error:
        raise ConfigurationError(
            f"{where}: {error.args[0]}: expected a value; copy the line from another market"
        ) from error
    named = (*found.entitled_by, *found.sides, *found.agents, *found.held_nationally_by.differ)
    for column in named:
        own = found.kinds if column in found.entitled_by else ()
        if column not in fields() or not set(own) <= set(fields()[column].kinds):
            raise ConfigurationError(
                f"{where}: {column}: expected a canonical field of kind "
                f"{' and '.join(found.kinds)}; see docs/schema/fields.md"
            )
    if not found.entitled_by:
        raise ConfigurationError(f"{where}: entitled_by: expected at least one column")
    return found


@cache
def markets() -> Mapping[str, Visibility]:
    """Every market by its segment code.

    Raises:
        ConfigurationError: `visibility.toml` lacks a line or names an unknown column.
    """
    with (Path(__file__).parent / "visibility.toml").open("rb") as file:
        table = tomllib.load(file)
    return MappingProxyType({name: _market(name, row) for name, row in table.items()})


def visibility(market: str) -> Visibility:
    """One market.

    Raises:
        ConfigurationError: no such market.

    Example:
        >>> visibility("LOAN").entitled_by
        ('counterparty_1_region',)
    """
    if market not in markets():
        raise ConfigurationError(
            f"market segment {market!r}: expected one of {', '.join(markets())}; "
            "correct the feed spec or add the market to schemas/visibility.toml"
        )
    return markets()[market]


def pair_wait_us(market: str) -> int:
    """How long the legs of a transaction of a market wait for each other, microseconds.

    The one source of it is `visibility.toml`; the stream job, the plain lanes and the ledger's
    table `market` ask here.

    Raises:
        ConfigurationError: no such market.

    Example:
        >>> pair_wait_us("PYMT")
        5000000
    """
    return visibility(market).pair_wait_s * 1_000_000


def region_bits(areas: pa.Array) -> NDArray[np.uint8]:
    """Vantage bits 0-3 of a column of area codes; 0 for OUT, an unknown area and null.

    Example:
        >>> region_bits(pa.array(["310000", "330200", "OUT", "110000", None])).tolist()
        [1, 4, 0, 0, 0]
    """
    values, codes = encoded(areas)
    bits = [bit_of_region(region_of_area(area)) for area in values.to_pylist()]
    return np.array([*bits, 0], np.uint8)[codes]  # code -1 reads the last entry


def vantage_mask(batch: pa.RecordBatch | pa.Table, market: str) -> pa.Array:
    """Which vantages hold each report.

    Args:
        batch: wide reports of one market with the columns its `entitled_by` names.
        market: market segment code.

    Returns:
        A uint8 array: bit 0-3 the regions in the order of `schemas.regions.REGIONS`, bit 4, the
        joint vantage, always set. Region bits 0 means that only the joint vantage holds it.

    Raises:
        ConfigurationError: unknown market, or the batch lacks a column.

    Example:
        >>> rows = {"counterparty_1_region": ["330200"], "counterparty_2_region": ["340000"]}
        >>> vantage_mask(pa.RecordBatch.from_pydict(rows), "BILL").to_pylist()
        [28]
    """
    mask = np.full(batch.num_rows, _JOINT_MASK, np.uint8)
    for name in visibility(market).entitled_by:
        mask |= region_bits(_column(batch, name, market))
    return pa.array(mask, pa.uint8())


def expected_legs(batch: pa.RecordBatch | pa.Table, market: str) -> pa.Array:
    """How many reports of each report's transaction should arrive.

    Two-sided markets expect `both` where both sides lie inside the four regions and the two
    reporters differ; a transfer inside one branch is one report. Where a reporter is not stated,
    the two are taken as different.

    Returns:
        An int8 array.
    """
    market_row = visibility(market)
    legs = np.ones(batch.num_rows, np.int8)
    if market_row.sides:
        inside = np.ones(batch.num_rows, bool)
        for name in market_row.sides:
            inside &= region_bits(_column(batch, name, market)) > 0
        legs[inside & _differ(batch, market_row.agents, market)] = market_row.legs_both
    return pa.array(legs, pa.int8())


def held_nationally(batch: pa.RecordBatch | pa.Table, market: str) -> pa.Array:
    """Whether the market's national holder sees each report; all false where there is none."""
    holder = visibility(market).held_nationally_by
    held = np.full(batch.num_rows, bool(holder))
    if holder and holder.differ:
        held &= _differ(batch, holder.differ, market)
    return pa.array(held, pa.bool_())


def vantages() -> pa.Table:
    """The areas of each vantage: columns vantage, bit, region, area, name_zh, name_en.

    Ningbo (330200) is listed under Zhejiang, and every area once more under the joint vantage.
    """
    rows = [(region, area) for area, region in AREA_TO_REGION.items()]
    rows += [(JOINT, area) for area in AREA_TO_REGION]
    return pa.table(
        {
            "vantage": [vantage for vantage, _ in rows],
            "bit": pa.array(
                [JOINT_BIT if v == JOINT else REGIONS.index(v) for v, _ in rows], pa.uint8()
            ),
            "region": [region_of_area(area) for _, area in rows],
            "area": [area for _, area in rows],
            "name_zh": [NAMES[area][0] for _, area in rows],
            "name_en": [NAMES[area][1] for _, area in rows],
        }
    )


def regions_of_mask(mask: int) -> tuple[str, ...]:
    """The vantages of a mask in bit order.

    Example:
        >>> regions_of_mask(0b10101)
        ('310000', '330000', 'joint')
    """
    names = (*REGIONS, JOINT)
    return tuple(name for bit, name in enumerate(names) if mask & ALL_BITS & (1 << bit))


def _differ(
    batch: pa.RecordBatch | pa.Table, pair: tuple[str, ...], market: str
) -> NDArray[np.bool_]:
    if len(pair) != 2:
        return np.ones(batch.num_rows, bool)
    left, right = (_column(batch, name, market).cast(pa.string()) for name in pair)
    same = pc.fill_null(pc.equal(left, right), False)
    return ~np.asarray(same)


def _column(batch: pa.RecordBatch | pa.Table, name: str, market: str) -> pa.Array:
    if name not in batch.schema.names:
        raise ConfigurationError(
            f"visibility of {market}: {name}: expected this column in the batch; "
            "let the feed spec fill it"
        )
    return batch.column(name)
