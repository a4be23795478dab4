"""Amounts in CNY: decimal all the way, with dated rates."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.columns import encoded, flat
from schemas.errors import ConfigurationError

CNY = "CNY"
AMOUNT = pa.decimal128(25, 5)
RESULT = pa.decimal128(25, 2)
_RATE = pa.decimal128(12, 8)  # 25 + 12 + 1 digits: the widest exact product decimal128 holds
_RATE_LIMIT = 1000
_WANTED = (
    "fx_rates.csv: cny_per_unit: expected CNY per one unit, above 0 and below 1000, with at most "
    "8 decimals, such as 7.0475; correct the row"
)


class Rates:
    """CNY per one unit of a foreign currency, each rate valid between two days."""

    def __init__(self, table: pa.Table) -> None:
        """Read the rows of `fx_rates.csv`.

        Raises:
            ConfigurationError: two rates of one currency overlap, one ends before it begins, or
                one is not between 0 and 1000 (a larger one could overflow the widest amount).
        """
        table = table.sort_by([("currency", "ascending"), ("valid_from", "ascending")])
        try:
            values = table["cny_per_unit"].cast(_RATE).combine_chunks()
        except pa.ArrowInvalid as error:
            raise ConfigurationError(_WANTED) from error
        starts = table["valid_from"].cast(pa.int32()).to_numpy()
        ends = pc.fill_null(table["valid_to"].cast(pa.int32()), np.iinfo(np.int32).max).to_numpy()
        currencies = np.array(table["currency"].to_pylist())
        same = currencies[1:] == currencies[:-1]
        if (ends < starts).any() or (starts[1:][same] <= ends[:-1][same]).any():
            raise ConfigurationError(
                "fx_rates.csv: valid_from, valid_to: expected one rate a currency and day; "
                "end the older rate the day before the newer one begins"
            )
        low, high = pc.min(values).as_py(), pc.max(values).as_py()
        if values.null_count or low <= 0 or high >= _RATE_LIMIT:
            raise ConfigurationError(_WANTED)
        self._values = values
        self._rows = {str(code): np.flatnonzero(currencies == code) for code in set(currencies)}
        self._starts, self._ends = starts, ends

    def _row(self, currency: str, days: NDArray[np.int32]) -> NDArray[np.int64]:
        """Row of the rate in force on each day, -1 where there is none."""
        rows = self._rows.get(currency)
        if rows is None:
            return np.full(len(days), -1, np.int64)
        at = np.searchsorted(self._starts[rows], days, side="right") - 1
        row = rows[np.maximum(at, 0)]
        return np.where((at >= 0) & (days <= self._ends[row]), row, -1)

    def amount_cny(
        self, amount: pa.Array, currency: pa.Array, on: pa.Array
    ) -> tuple[pa.Array, NDArray[np.bool_]]:
        """Convert amounts to CNY at the rate of their day.

        Exact decimal product, then rounded to the fen, half a fen away from zero (so that a
        reversal mirrors the payment). CNY is rounded the same way and needs no rate.

        Args:
            amount: decimal128 column, at most 20 digits before and 5 after the point.
            currency: ISO 4217 codes, string or dictionary.
            on: date32 column.

        Returns:
            (decimal128(25, 2) array, bool mask of rows whose rate is missing). An amount is null
            where amount, currency or day is null, or where the rate is missing; only the last
            case is in the mask.
        """
        amounts = flat(amount)
        if amounts.type != AMOUNT:
            amounts = amounts.cast(AMOUNT)
        values, codes = encoded(currency)
        names = values.to_pylist()
        known = codes >= 0
        row = np.full(len(codes), -1, np.int64)
        home = known & (codes == (names.index(CNY) if CNY in names else -2))
        if not home.all():
            dates = flat(on)
            dated = dates.is_valid().to_numpy(zero_copy_only=False)
            days = dates.cast(pa.int32()).fill_null(0).to_numpy()
            for code, name in enumerate(names):
                if name != CNY:
                    mine = np.flatnonzero((codes == code) & dated)
                    row[mine] = self._row(name, days[mine])
            amount_there = amounts.is_valid().to_numpy(zero_copy_only=False)
            missing = known & ~home & dated & amount_there & (row < 0)
        else:
            missing = np.zeros(len(codes), bool)
        return self._product(amounts, home, row), missing

    def _product(
        self, amounts: pa.Array, home: NDArray[np.bool_], row: NDArray[np.int64]
    ) -> pa.Array:
        result = _to_fen(amounts)
        if home.all():
            return result
        foreign = row >= 0
        if foreign.any():
            mask = pa.array(foreign)
            product = pc.multiply(amounts.filter(mask), self._values.take(pa.array(row[foreign])))
            result = pc.replace_with_mask(result, mask, _to_fen(product))
        return pc.if_else(pa.array(home | foreign), result, pa.scalar(None, RESULT))


def _to_fen(amounts: pa.Array) -> pa.Array:
    # One digit of headroom: 99999.99999 of the widest type rounds to one digit more.
    roomy = amounts.cast(pa.decimal128(38, amounts.type.scale))
    rounded = pc.round(roomy, ndigits=2, round_mode="half_towards_infinity")
    return rounded.cast(RESULT)
