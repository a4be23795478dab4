"""One party stays one, two parties stay two, whatever the spelling."""

import random
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from schemas import identity
from schemas.reference_data import read_table

DAY = date(2026, 3, 2)


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


class TestPersons:
    def test_one_person_in_four_spellings_is_one(self) -> None:
        found = identity.documents(
            texts("B01", "NIDN", "居民身份证", "B08"),
            texts(
                "11010519491231002x",  # lower-case check character
                "110105491231002",  # fifteen digits
                "１１０１０５１９４９１２３１００２Ｘ",  # full width
                " 110105-19491231-002X ",  # separators
            ),
        )
        assert set(found.to_pylist()) == {"RESIDENT_ID|CN|11010519491231002X"}
        assert len(set(identity.party_key(found).to_pylist())) == 1

    def test_two_people_with_one_name_stay_two(self) -> None:
        found = identity.documents(
            texts("B01", "B01"), texts("11010519491231002X", "440524188001010014")
        )
        assert found.null_count == 0
        assert len(set(found.to_pylist())) == 2

    def test_a_name_alone_links_nothing(self) -> None:
        document = identity.documents(texts(None), texts(None))
        account = identity.accounts(texts("381332000010"), texts(None), DAY)
        assert identity.id_basis(document, account).to_pylist() == ["NAME"]
        assert identity.party_key(document).to_pylist() == [None]

    def test_the_document_type_is_inside_the_hash(self) -> None:
        found = identity.documents(texts("B03", "B09", "B99"), texts("E123", "E123", "E123"))
        assert len(set(found.to_pylist())) == 3

    def test_passports_of_two_countries_stay_two(self) -> None:
        found = identity.documents(
            texts("CCPT", "CCPT"), texts("1234567", "1234567"), texts("DE", "FR")
        )
        assert len(set(found.to_pylist())) == 2

    @pytest.mark.parametrize(
        "number",
        [
            "110105194912310021",  # wrong check character
            "110105194902300028",  # 30 February
            "11010549123100",  # fourteen digits
            "11010519491231002Y",
            "",
            "٣٣٠١٠٦١٩٩٠٠١٠١٠٠١٠",  # digits of another script
        ],
    )
    def test_a_wrong_resident_id_identifies_nobody(self, number: str) -> None:
        assert identity.resident_id(number) is None

    def test_fifteen_digits_of_a_centenarian_are_of_the_nineteenth_century(self) -> None:
        first = "44052418800101998"
        assert identity.resident_id("440524800101998") == first + identity.resident_check(first)

    @given(st.integers(1900, 1999), st.integers(1, 12), st.integers(1, 28), st.integers(1, 995))
    def test_old_and_new_forms_meet_and_agree_with_the_authority(
        self, year: int, month: int, day: int, order: int
    ) -> None:
        first = f"310101{year}{month:02d}{day:02d}{order:03d}"
        full = first + identity.resident_check(first)
        assert full[-1] == ric.calc_check_digit(full)
        assert identity.resident_id(full) == full
        assert identity.resident_id(first[:6] + first[8:]) == full

    def test_columns_of_plain_ids_and_single_texts_agree(self) -> None:
        """Plain ids are checked as columns; wrong digits, no dates and odd spellings one by one."""
        draw = random.Random(5)
        kinds, numbers = [], []
        for _ in range(3_000):
            year = draw.choice([0, 1, 1900, 1999, 2000, 2023, 2024, draw.randrange(10_000)])
            first = f"310101{year:04d}{draw.randrange(14):02d}{draw.randrange(33):02d}"
            first += f"{draw.randrange(1_000):03d}"
            number = first + identity.resident_check(first)
            spelt = [number] * 9 + [number[:-1] + "7", number.lower(), f" {number}", number + "\n"]
            numbers.append(draw.choice(spelt))
            kinds.append(draw.choice(["B01", "NIDN", "居民身份证", "resident id", "B03", "", "*"]))
        found = identity.documents(texts(*kinds), texts(*numbers)).to_pylist()
        one_by_one = [*map(identity.document_text, kinds, numbers)]
        assert found == one_by_one

    @given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=4))
    def test_any_text_gives_a_form_or_nothing(self, kind: str, number: str, issuer: str) -> None:
        found = identity.documents(texts(kind), texts(number), texts(issuer)).to_pylist()[0]
        assert found is None or found.count("|") == 2


class TestAccounts:
    def test_one_account_number_at_two_banks_stays_two(self) -> None:
        found = identity.accounts(
            texts("381332000010", "382290000012"),
            texts("6222000011112222", "6222000011112222"),
            DAY,
        )
        assert len(set(found.to_pylist())) == 2

    def test_one_account_is_one_however_bank_and_number_are_written(self) -> None:
        found = identity.accounts(
            texts("381332000010", "HLMNCN30NGB", "C1038133000211", "hlmncn30ngb"),
            texts("6222 0000 1111", "6222-0000-1111", "622200001111", "６２２２００００１１１１"),
            DAY,
        )
        assert set(found.to_pylist()) == {"LP-381|622200001111"}

    def test_a_missing_bank_or_number_gives_nothing(self) -> None:
        found = identity.accounts(
            texts(None, "381332000010", "381332000010"), texts("1", None, " - "), DAY
        )
        assert found.to_pylist() == [None, None, None]

    def test_separators_cannot_move_the_border_between_bank_and_number(self) -> None:
        found = identity.accounts(texts("AB|C", "AB"), texts("1", "C|1"), DAY)
        assert len(set(found.to_pylist())) == 2


class TestPhones:
    @pytest.mark.parametrize(
        ("written", "normal"),
        [
            ("13800138000", "13800138000"),
            ("+86 138 0013 8000", "13800138000"),
            ("8613800138000", "13800138000"),
            ("0086-138-0013-8000", "13800138000"),
            ("＋８６１３８００１３８０００", "13800138000"),
            ("021-61234567", "02161234567"),
            ("+86 (0)21 61234567", "02161234567"),
            ("+1 212 555 0100", "+12125550100"),
            ("n/a", None),
        ],
    )
    def test_vectors(self, written: str, normal: str | None) -> None:
        assert identity.phones(texts(written)).to_pylist() == [normal]


class TestFirms:
    def test_every_identifier_of_a_firm_gives_one_party_key(self) -> None:
        rows = read_table("cross_reference.csv").to_pylist()
        known = {r["scheme"]: r["identifier"] for r in rows if r["party_id"] == "FIRM-0007"}
        found, unresolved = identity.firms(
            texts("LEI", "USCC", "A01"), texts(known["lei"], known["uscc"], known["uscc"]), DAY
        )
        assert set(found.to_pylist()) == {"PARTY|FIRM-0007"}
        assert not unresolved.any()
        assert len(set(identity.party_key(found).to_pylist())) == 1

    def test_every_identifier_of_a_bank_gives_its_legal_person(self) -> None:
        row = read_table("institutions.csv").to_pylist()[20]
        found, unresolved = identity.firms(
            texts("LEI", "USCC", "FIN14", "CNAPS12", "BIC"),
            texts(*(row[scheme] for scheme in ("lei", "uscc", "fin14", "cnaps12", "bic"))),
            DAY,
        )
        assert set(found.to_pylist()) == {f"PARTY|{row['legal_person_id']}"}
        assert not unresolved.any()

    def test_the_cross_reference_is_dated(self) -> None:
        rows = read_table("cross_reference.csv").to_pylist()
        former = next(r["identifier"] for r in rows if r["valid_to"])
        before, open_before = identity.firms(texts("USCC"), texts(former), date(2025, 12, 31))
        after, open_after = identity.firms(texts("USCC"), texts(former), date(2026, 1, 1))
        assert (before.to_pylist(), open_before.tolist()) == (["PARTY|FIRM-0001"], [False])
        assert (after.to_pylist(), open_after.tolist()) == ([f"USCC|{former}"], [True])

    def test_an_unknown_firm_is_itself_and_counted(self) -> None:
        found, unresolved = identity.firms(
            texts("USCC", "USCC"), texts("91110000600037341L", "9111 0000 6000 37341l"), DAY
        )
        assert found.to_pylist() == ["USCC|91110000600037341L"] * 2
        assert unresolved.tolist() == [True, True]

    def test_a_wrong_check_digit_or_another_scheme_links_nothing(self) -> None:
        found, unresolved = identity.firms(
            texts("USCC", "LEI", "PSEUDONYM", None),
            texts("91110000600037341M", "999900HUALANSIM38145", "x", "x"),
            DAY,
        )
        assert found.to_pylist() == [None] * 4
        assert not unresolved.any()


def test_dictionary_and_plain_columns_give_the_same() -> None:
    kinds = texts("B01", "B03", None, "B01")
    numbers = texts("110105491231002", "E1", "x", "11010519491231002X")
    plain = identity.documents(kinds, numbers)
    coded = identity.documents(kinds.dictionary_encode(), numbers.dictionary_encode())
    assert plain.equals(coded)
    assert np.array_equal(identity.id_basis(plain, numbers), identity.id_basis(coded, numbers))


def test_a_type_named_as_the_reference_names_it_has_the_normal_form_of_its_codes() -> None:
    """A spec maps the source's own codes to our names of types."""
    assert identity.document_text("RESIDENT_ID", "110105491231002") == identity.document_text(
        "B01", "11010519491231002X"
    )
    assert identity.document_text("RESIDENT_ID", "110105194912310021") is None
    assert identity.document_text("HK_MACAO_PERMIT", "H1") == identity.document_text("B06", "h 1")


_TEXTS = st.text(
    st.one_of(st.characters(max_codepoint=127), st.sampled_from("合·―−\u00ad\u200bＡ１²ß"))
)


@given(st.lists(st.none() | _TEXTS))
def test_a_column_is_compacted_as_its_values_are(texts: list[str | None]) -> None:
    found = identity.compacted(pa.array(texts, pa.string())).to_pylist()
    assert found == [None if text is None else identity.compact(text) for text in texts]
