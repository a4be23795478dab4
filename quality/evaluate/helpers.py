"""Columns registered beside a batch for what SQL cannot say.

- `_ok_<id column>` (bool): check digits and code list of its scheme hold; null where the id is
  absent or its scheme has no check.
- `_area_<id column>` (text): the area of that institution in the register; null where unknown or
  where one identifier stands for offices in several areas.
- `_known_<id column>` (bool): the register knows the id; null where it is absent.
- `_day_<time column>` (date): the Beijing day of an instant.

All work on the unique values of a column: a check costs microseconds, an index lookup nothing.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import ConfigurationError

# scheme, unique text values -> bool per value; null where the scheme has no check.
Validator = Callable[[str, pa.Array], pa.Array]

_SCHEME_COLUMN = {
    "counterparty_1_id": "counterparty_1_id_scheme",
    "counterparty_2_id": "counterparty_2_id_scheme",
}
_FIXED_SCHEME = {
    "uetr": "UUID4",
    "isin": "ISIN",
    "venue_of_execution": "MIC",
    "central_counterparty_id": "LEI",
    "settlement_currency": "CURRENCY",
    "notional_currency_1": "CURRENCY",
    "notional_currency_2": "CURRENCY",
    "price_currency": "CURRENCY",
    "valuation_currency": "CURRENCY",
}
_BEIJING_US = 8 * 3600 * 1_000_000  # China has kept UTC+8 without summer time since 1992
_DAY_US = 24 * 3600 * 1_000_000


def sources(helper: str) -> tuple[str, ...]:
    """The canonical columns a helper column is made from.

    Example:
        >>> sources("_ok_counterparty_1_id"), sources("_day_received_at")
        (('counterparty_1_id', 'counterparty_1_id_scheme'), ('received_at',))
    """
    prefix, base = _split(helper)
    if prefix == "ok" and base in _SCHEME_COLUMN:
        return base, _SCHEME_COLUMN[base]
    return (base,)


def _split(helper: str) -> tuple[str, str]:
    prefix, _, base = helper[1:].partition("_")
    return prefix, base


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _checked(column: pa.Array, scheme: str, validator: Validator) -> pa.Array:
    encoded = column.dictionary_encode()
    return validator(scheme, encoded.dictionary).take(encoded.indices)


def _checked_by_scheme(ids: pa.Array, schemes: pa.Array, validator: Validator) -> pa.Array:
    """Check each id by the scheme its own record names."""
    coded = schemes if pa.types.is_dictionary(schemes.type) else schemes.dictionary_encode()
    scheme_of = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
    given = ids.is_valid().to_numpy(zero_copy_only=False)
    result = np.zeros(len(ids), dtype=bool)
    absent = np.ones(len(ids), dtype=bool)
    for code, scheme in enumerate(coded.dictionary.to_pylist()):
        rows = np.flatnonzero((scheme_of == code) & given)
        if not len(rows):
            continue
        checked = _checked(ids.take(pa.array(rows)), scheme, validator)
        if checked.null_count == len(checked):  # a scheme without a check
            continue
        result[rows] = pc.fill_null(checked, False).to_numpy(zero_copy_only=False)
        absent[rows] = checked.is_null().to_numpy(zero_copy_only=False)
    return pa.array(result, mask=absent)


def _day(column: pa.Array) -> pa.Array:
    micros = np.asarray(pc.fill_null(column.cast(pa.int64()), 0))
    days = ((micros + _BEIJING_US) // _DAY_US).astype(np.int32)
    absent = column.is_null().to_numpy(zero_copy_only=False)
    return pa.array(days, mask=absent).cast(pa.date32())


def build(
    helper: str,
    columns: Mapping[str, pa.Array],
    validator: Validator,
    areas: Mapping[str, str],
) -> pa.Array:
    """One helper column from the canonical columns `sources(helper)` names.

    Raises:
        ConfigurationError: the catalogue names a helper that does not exist.
    """
    prefix, base = _split(helper)
    column = _plain(columns[base])
    if prefix == "day":
        return _day(column)
    if prefix == "ok" and base in _SCHEME_COLUMN:
        return _checked_by_scheme(column, columns[_SCHEME_COLUMN[base]], validator)
    if prefix == "ok" and base in _FIXED_SCHEME:
        return _checked(column, _FIXED_SCHEME[base], validator)
    if prefix in ("area", "known"):
        encoded = column.dictionary_encode()
        found = [areas.get(value) for value in encoded.dictionary.to_pylist()]
        if prefix == "area":
            return pa.array([area or None for area in found], pa.string()).take(encoded.indices)
        return pa.array([area is not None for area in found], pa.bool_()).take(encoded.indices)
    raise ConfigurationError(
        f"quality catalogue: {helper}: expected a helper column that exists, such as '_ok_uetr'"
    )


def area_index(rows: Sequence[Mapping[str, str | None]]) -> dict[str, str]:
    """Areas by every identifier of the institution register.

    Args:
        rows: the register; of each row `area` and the identifiers are read.

    Returns:
        identifier -> area. An identifier shared by offices of different areas (a legal person's
        LEI, say) maps to the empty text: known, but no evidence of a place.
    """
    index: dict[str, str] = {}
    for row in rows:
        area = row["area"] or ""
        for name in ("institution_id", "cnaps12", "fin14", "bic", "lei", "uscc", "cfets6"):
            identifier = row.get(name)
            if identifier:
                index[identifier] = area if index.get(identifier, area) == area else ""
    return index
