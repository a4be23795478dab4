"""The reference tables, loaded once and read by date.

Institutions, the identifier cross-reference, calendars and rates. Tables live as CSV under
`schemas/reference/`. A row holds from `valid_from` to `valid_to`, both days included; an empty
`valid_to` still holds.
"""

import csv
from bisect import bisect_right
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from schemas.calendars import Calendars
from schemas.columns import lookup
from schemas.errors import ConfigurationError
from schemas.rates import Rates
from schemas.regions import AREA_TO_REGION, OUT

FOLDER = Path(__file__).parent / "reference"
SCHEMES = ("institution_id", "cnaps12", "bic", "fin14", "uscc", "lei", "cfets6")
_DATES = ("valid_from", "valid_to", "first_day", "last_day", "day")


def read_table(name: str, folder: Path = FOLDER) -> pa.Table:
    """Read one reference CSV: every column text, an empty cell null, dates as date32.

    Raises:
        ConfigurationError: the file is missing, is no table, or a date is none.
    """
    path = folder / name
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        types = {column: pa.date32() if column in _DATES else pa.string() for column in header}
        return arrow_csv.read_csv(
            path,
            convert_options=arrow_csv.ConvertOptions(
                column_types=types, null_values=[""], strings_can_be_null=True
            ),
        )
    except (OSError, StopIteration, pa.ArrowInvalid) as error:
        raise ConfigurationError(
            f"{path.name}: expected a UTF-8 CSV with a header and dates such as 2026-01-04; "
            f"restore schemas/reference ({type(error).__name__})"
        ) from error


class _Dated:
    """Rows that hold between two days; `slice_on` gives the rows in force, cached per epoch."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        starts = {day for day in table["valid_from"].to_pylist() if day}
        ends = {day + timedelta(days=1) for day in table["valid_to"].to_pylist() if day}
        self._epochs = sorted(starts | ends)
        self._slices: dict[int, pa.Table] = {}

    def epoch(self, on: date) -> int:
        """Number of the stretch of days `on` lies in; rows change only between stretches."""
        return bisect_right(self._epochs, on)

    def slice_on(self, on: date) -> pa.Table:
        """The rows in force on a day."""
        epoch = self.epoch(on)
        if epoch not in self._slices:
            day = pa.scalar(on, pa.date32())
            begun = pc.less_equal(self.table["valid_from"], day)
            ended = pc.fill_null(pc.less(self.table["valid_to"], day), False)
            self._slices[epoch] = self.table.filter(pc.and_not(begun, ended)).combine_chunks()
        return self._slices[epoch]


class Institutions(_Dated):
    """Who reports and where: the dated institution register.

    The area of an institution comes from this register and never from digits of a code: CNAPS
    city codes are not GB/T 2260 codes (36 is Anhui there and Jiangxi here).
    """

    def __init__(self, table: pa.Table) -> None:
        super().__init__(table)
        self._indexes: dict[tuple[str, int], tuple[pa.Array, pa.Array]] = {}

    def _index(self, scheme: str, on: date) -> tuple[pa.Array, pa.Array]:
        at = (scheme, self.epoch(on))
        if at not in self._indexes:
            if scheme not in SCHEMES:
                raise ConfigurationError(
                    f"institution register: scheme {scheme!r}: expected one of {', '.join(SCHEMES)}"
                )
            rows = self.slice_on(on)
            known = rows.filter(pc.is_valid(rows[scheme]))
            counts = known.group_by(scheme).aggregate([("institution_id", "count")])
            single = counts.filter(pc.equal(counts["institution_id_count"], 1))[scheme]
            known = known.filter(pc.is_in(known[scheme], value_set=single.combine_chunks()))
            keys, ids = known[scheme], known["institution_id"]
            self._indexes[at] = (keys.combine_chunks(), ids.combine_chunks())
        return self._indexes[at]

    def resolve(self, scheme: str, values: pa.Array, on: date) -> pa.Array:
        """Institution ids for identifiers of one scheme.

        An identifier that several branches share (the LEI of their legal person) names no branch:
        null, as for an unknown one. `legal_person` answers for those.

        Args:
            scheme: one of `SCHEMES`.
            values: string or dictionary column.
            on: the day for which to ask.

        Returns:
            A string array of the same length.

        Raises:
            ConfigurationError: unknown scheme.
        """
        return lookup(values, *self._index(scheme, on))

    def attribute(self, column: str, ids: pa.Array, on: date) -> pa.Array:
        """Any column of the register for institution ids; null where the id is unknown."""
        rows = self.slice_on(on)
        return lookup(ids, rows["institution_id"].combine_chunks(), rows[column].combine_chunks())

    def area(self, ids: pa.Array, on: date) -> pa.Array:
        """Supervisory area of institutions: one of the five Delta areas, else `OUT`.

        An unknown or null id is `OUT` too: an institution outside is never an error.

        Example:
            >>> ids = pa.array(["381332000010", "381100000017", "000000000000", None])
            >>> institutions().area(ids, date(2026, 3, 2)).to_pylist()
            ['330200', 'OUT', 'OUT', 'OUT']
        """
        area = self.attribute("area", ids, on)
        inside = pc.is_in(area, value_set=pa.array(list(AREA_TO_REGION)), skip_nulls=True)
        return pc.if_else(inside, area, OUT)

    def area_of(self, scheme: str, values: pa.Array, on: date) -> pa.Array:
        """`area` of the institutions that identifiers of a scheme name."""
        return self.area(self.resolve(scheme, values, on), on)

    def legal_person(self, scheme: str, values: pa.Array, on: date) -> pa.Array:
        """Legal person ids for identifiers of one scheme, shared identifiers included."""
        if scheme == "lei":
            rows = self.slice_on(on)
            return lookup(
                values, rows["lei"].combine_chunks(), rows["legal_person_id"].combine_chunks()
            )
        return self.attribute("legal_person_id", self.resolve(scheme, values, on), on)


class CrossReference(_Dated):
    """Which identifiers name one party: LEI, USCC, FIN14, CNAPS12, CFETS6, dated.

    Holds the firms of `cross_reference.csv` and every institution under its legal person.
    """

    def __init__(self, table: pa.Table) -> None:
        super().__init__(table)
        self._indexes: dict[tuple[str, int], tuple[pa.Array, pa.Array]] = {}

    def party(self, scheme: str, values: pa.Array, on: date) -> pa.Array:
        """Party ids for identifiers of one scheme: `lei`, `uscc`, `fin14`, `cnaps12`, `cfets6`.

        Returns:
            A string array; null where the cross-reference does not know the identifier, which the
            caller counts as unresolved.
        """
        at = (scheme, self.epoch(on))
        if at not in self._indexes:
            rows = self.slice_on(on)
            rows = rows.filter(pc.equal(rows["scheme"], scheme)).combine_chunks()
            self._indexes[at] = (
                rows["identifier"].combine_chunks(),
                rows["party_id"].combine_chunks(),
            )
        return lookup(values, *self._indexes[at])


@cache
def institutions() -> Institutions:
    """The institution register of this installation."""
    return Institutions(_register())


def _register() -> pa.Table:
    """`institutions.csv` and `cfets6`, the number in the interbank market (`members.csv`)."""
    table, members = read_table("institutions.csv"), read_table("members.csv").combine_chunks()
    numbers = lookup(
        table["institution_id"].combine_chunks(),
        members["institution_id"].combine_chunks(),
        members["cfets6"].combine_chunks(),
    )
    return table.append_column("cfets6", numbers)


@cache
def cross_reference() -> CrossReference:
    """The identifier cross-reference: `cross_reference.csv` and the institution register."""
    register = _register()
    columns = ("party_id", "scheme", "identifier", "valid_from", "valid_to", "source")
    parts = [read_table("cross_reference.csv").select(columns)]
    for scheme in ("lei", "uscc", "fin14", "cnaps12", "cfets6"):
        known = register.filter(pc.is_valid(register[scheme]))
        arrays = [
            known["legal_person_id"],
            pa.array([scheme] * known.num_rows, pa.string()),
            known[scheme],
            known["valid_from"],
            known["valid_to"],
            known["source"],
        ]
        names = ["party_id", "scheme", "identifier", "valid_from", "valid_to"]
        rows = pa.table(arrays, names=[*names, "source"])
        parts.append(
            rows.group_by(names, use_threads=False)
            .aggregate([("source", "min")])
            .rename_columns([*names, "source"])
        )
    return CrossReference(pa.concat_tables(parts, promote_options="permissive"))


@cache
def calendars() -> Calendars:
    """The business calendars: NATURAL BANK HVPS CIPS SHFE SSE CFFEX SHCPE."""
    return Calendars(read_table("calendars.csv"), read_table("holidays.csv"))


@cache
def rates() -> Rates:
    """CNY per unit of foreign currency, dated."""
    return Rates(read_table("fx_rates.csv"))
