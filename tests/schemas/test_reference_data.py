"""Institutions, areas and rates: dated, vectorised, from the register and never from digits."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigurationError
from schemas.identifiers import valid
from schemas.rates import Rates
from schemas.reference_data import (
    FOLDER,
    CrossReference,
    Institutions,
    institutions,
    rates,
    read_table,
)
from schemas.regions import OUT, REGIONS, region_of_area

DAY = date(2026, 3, 2)


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


class TestInstitutions:
    def test_city_digits_of_a_clearing_code_are_not_area_codes(self) -> None:
        """CNAPS city 36xx is Anhui and 30xx Jiangsu; in GB/T 2260 36 is Jiangxi, 30 is nothing."""
        found = institutions().area_of("cnaps12", texts("381361000019", "381301000013"), DAY)
        assert found.to_pylist() == ["340000", "320000"]

    def test_an_unregistered_code_with_delta_digits_is_outside(self) -> None:
        codes = texts("102310000013", "310000000000", "320000", "330200")
        assert institutions().area_of("cnaps12", codes, DAY).to_pylist() == [OUT] * 4

    def test_ningbo_is_an_area_of_its_own_whose_region_is_zhejiang(self) -> None:
        area = institutions().area_of("bic", texts("HLMNCN30NGB"), DAY).to_pylist()[0]
        assert (area, region_of_area(area)) == ("330200", "330000")
        office = institutions().attribute("office_en", texts("381332000010"), DAY)
        assert office.to_pylist() == ["Ningbo office"]

    @pytest.mark.parametrize("scheme", ["institution_id", "cnaps12", "bic", "fin14", "uscc"])
    def test_each_identifier_finds_its_institution(self, scheme: str) -> None:
        rows = [r for r in institutions().slice_on(DAY).to_pylist() if r[scheme]]
        found = institutions().resolve(scheme, texts(*(r[scheme] for r in rows)), DAY)
        assert found.to_pylist() == [r["institution_id"] for r in rows]

    def test_an_identifier_that_branches_share_names_no_branch(self) -> None:
        lei = texts("999900HUALANSIM38144")
        assert institutions().resolve("lei", lei, DAY).to_pylist() == [None]
        assert institutions().area_of("lei", lei, DAY).to_pylist() == [OUT]
        assert institutions().legal_person("lei", lei, DAY).to_pylist() == ["LP-381"]

    def test_nulls_dictionaries_and_slices_are_looked_up_alike(self) -> None:
        ids = texts("x", None, "381332000010", "381332000010", None).slice(1)
        plain = institutions().area(ids, DAY).to_pylist()
        assert plain == [OUT, "330200", "330200", OUT]
        assert institutions().area(ids.dictionary_encode(), DAY).to_pylist() == plain

    def test_an_institution_that_moves_has_two_areas_by_date(self) -> None:
        table = read_table("institutions.csv").slice(0, 1)
        columns = {name: table[name].to_pylist() * 2 for name in table.column_names}
        columns["area"] = ["340000", "320000"]
        columns["valid_from"] = [date(2020, 1, 1), date(2026, 3, 1)]
        columns["valid_to"] = [date(2026, 2, 28), None]
        register = Institutions(pa.table(columns, schema=table.schema))
        ids = texts(columns["institution_id"][0])
        assert register.area(ids, date(2026, 2, 28)).to_pylist() == ["340000"]
        assert register.area(ids, date(2026, 3, 1)).to_pylist() == ["320000"]
        assert register.area(ids, date(2019, 12, 31)).to_pylist() == [OUT]

    def test_an_unknown_scheme_is_a_configuration_error(self) -> None:
        with pytest.raises(ConfigurationError, match="expected one of institution_id"):
            institutions().resolve("swift", texts("x"), DAY)

    def test_the_register_is_wide_enough_and_its_identifiers_are_right(self) -> None:
        rows = institutions().slice_on(DAY)
        kinds = [(r["kind"], region_of_area(r["area"])) for r in rows.to_pylist()]
        for region in REGIONS:
            assert kinds.count(("bank_branch", region)) >= 5
            assert kinds.count(("small_lender", region)) == 1
        assert kinds.count(("bank_branch", OUT)) >= 12
        assert [r["area"] for r in rows.to_pylist()].count("330200") == 2
        for scheme in ("lei", "uscc", "fin14", "cnaps12", "bic"):
            known = rows[scheme].drop_null().combine_chunks()
            assert valid(scheme, known).all()
        assert all(bic[7] == "0" for bic in rows["bic"].drop_null().to_pylist())


class TestCrossReference:
    def test_its_identifiers_have_right_check_digits_and_name_one_party_each(self) -> None:
        rows = [r for r in read_table("cross_reference.csv").to_pylist() if r["valid_to"] is None]
        for scheme in ("lei", "uscc"):
            mine = [r["identifier"] for r in rows if r["scheme"] == scheme]
            assert valid(scheme, texts(*mine)).all()
            assert len(set(mine)) == len(mine)

    def test_an_unknown_identifier_is_null(self) -> None:
        reference = CrossReference(read_table("cross_reference.csv"))
        assert reference.party("lei", texts("x", None), DAY).to_pylist() == [None, None]


class TestEveryTable:
    @pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda path: path.name)
    def test_every_row_names_its_source(self, path: object) -> None:
        table = read_table(str(path))
        assert table.num_rows > 0
        assert table["source"].null_count == 0

    def test_a_missing_or_broken_table_is_a_configuration_error(self, tmp_path: object) -> None:
        with pytest.raises(ConfigurationError, match=r"nothing\.csv: expected"):
            read_table("nothing.csv")
        from pathlib import Path

        broken = Path(str(tmp_path)) / "broken.csv"
        broken.write_text("code,valid_from\nx,soon\n", encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"broken\.csv: expected"):
            read_table("broken.csv", Path(str(tmp_path)))


AMOUNT = pa.decimal128(25, 5)
FEN = pa.decimal128(25, 2)


def amounts(*values: str | None) -> pa.Array:
    return pa.array([None if v is None else Decimal(v) for v in values], AMOUNT)


def days(*values: date | None) -> pa.Array:
    return pa.array(values, pa.date32())


class TestRates:
    def test_cny_is_rounded_half_away_from_zero_and_needs_no_rate_or_day(self) -> None:
        found, missing = rates().amount_cny(
            amounts("1.00500", "-1.00500", "1.00499", None), texts(*["CNY"] * 4), days(*[None] * 4)
        )
        assert found.type == FEN
        assert found.to_pylist() == [Decimal("1.01"), Decimal("-1.01"), Decimal("1.00"), None]
        assert not missing.any()

    def test_a_missing_rate_gives_null_and_is_marked(self) -> None:
        found, missing = rates().amount_cny(
            amounts("1", "1", "1", None, "1", "1"),
            texts("XXX", "USD", "USD", "XXX", None, "CNY"),
            days(DAY, date(2019, 1, 1), None, DAY, DAY, DAY),
        )
        assert found.to_pylist() == [None, None, None, None, None, Decimal("1.00")]
        assert missing.tolist() == [True, True, False, False, False, False]

    def test_the_rate_of_the_day_is_used_on_both_sides_of_its_border(self) -> None:
        table = {
            r["valid_from"]: r
            for r in read_table("fx_rates.csv").to_pylist()
            if r["currency"] == "USD"
        }
        found, _ = rates().amount_cny(
            amounts("100", "100"), texts("USD", "USD"), days(date(2026, 1, 31), date(2026, 2, 1))
        )
        january, february = table[date(2026, 1, 1)], table[date(2026, 2, 1)]
        assert january["cny_per_unit"] != february["cny_per_unit"]
        assert found.to_pylist() == [
            Decimal(january["cny_per_unit"]) * 100,
            Decimal(february["cny_per_unit"]) * 100,
        ]

    def test_the_largest_amounts_stay_exact(self) -> None:
        big = "99999999999999999999.99999"
        found, missing = rates().amount_cny(amounts(big), texts("JPY"), days(DAY))
        rate = next(
            Decimal(r["cny_per_unit"])
            for r in read_table("fx_rates.csv").to_pylist()
            if r["currency"] == "JPY" and r["valid_from"] <= DAY <= r["valid_to"]
        )
        exact = (Decimal(big) * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert found.to_pylist() == [exact]
        assert not missing.any()

    @given(
        st.lists(
            st.tuples(
                st.decimals(min_value=-(10**12), max_value=10**12, places=5),
                st.sampled_from(["CNY", "USD", "JPY", "EUR", "XXX"]),
                st.dates(date(2025, 11, 1), date(2027, 2, 1)),
            ),
            min_size=1,
            max_size=20,
        )
    )
    def test_the_column_equals_the_row_by_row_definition(
        self, rows: list[tuple[Decimal, str, date]]
    ) -> None:
        table = read_table("fx_rates.csv").to_pylist()

        def one(amount: Decimal, currency: str, day: date) -> Decimal | None:
            if currency == "CNY":
                rate = Decimal(1)
            else:
                fits = [
                    Decimal(r["cny_per_unit"])
                    for r in table
                    if r["currency"] == currency and r["valid_from"] <= day <= r["valid_to"]
                ]
                if not fits:
                    return None
                rate = fits[0]
            return (amount * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)

        values, currencies, on = zip(*rows, strict=True)
        found, missing = rates().amount_cny(
            pa.array(values, AMOUNT), texts(*currencies).dictionary_encode(), days(*on)
        )
        expected = [one(*row) for row in rows]
        assert found.to_pylist() == expected
        assert missing.tolist() == [value is None for value in expected]

    def test_overlapping_rates_are_refused(self) -> None:
        table = read_table("fx_rates.csv")
        with pytest.raises(ConfigurationError, match="one rate a currency and day"):
            Rates(pa.concat_tables([table, table.slice(0, 1)]))

    def test_a_rate_out_of_any_range_is_refused(self) -> None:
        table = read_table("fx_rates.csv")
        at = table.column_names.index("cny_per_unit")
        for value in ("0", "-7.1", "1000", "seven", "7.123456789", None):
            wrong = pa.array([value] * table.num_rows, pa.string())
            with pytest.raises(ConfigurationError, match="above 0 and below 1000"):
                Rates(table.set_column(at, "cny_per_unit", wrong))

    def test_every_rate_of_this_installation_is_declared_a_stand_in(self) -> None:
        assert set(read_table("fx_rates.csv")["status"].to_pylist()) == {"stand-in"}


def test_a_bank_has_one_positive_capital_a_day_without_gaps() -> None:
    rows = read_table("capital.csv").to_pylist()
    assert set(institutions().table["legal_person_id"].to_pylist()) >= {
        row["legal_person_id"] for row in rows
    }
    for bank in {row["legal_person_id"] for row in rows}:
        mine = sorted(
            (row for row in rows if row["legal_person_id"] == bank),
            key=lambda row: row["valid_from"],
        )
        assert all(Decimal(row["net_capital_cny"]) > 0 and row["source"] for row in mine)
        assert mine[-1]["valid_to"] is None
        for before, after in pairwise(mine):
            assert after["valid_from"] - before["valid_to"] == timedelta(days=1)
