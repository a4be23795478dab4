"""Made-up identifiers: right check digits, distinct, and nobody's."""

import re
import uuid

import numpy as np
import pyarrow as pa
import pytest
from stdnum import lei as lei_standard
from stdnum.cn import ric
from stdnum.cn import uscc as uscc_standard

from replay.market import identifiers
from replay.market.days import DEFAULT_START
from replay.market.population import COUNTIES, Population, populate
from schemas.regions import OUT

N = 2_000


@pytest.fixture(scope="module")
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture(scope="module")
def who() -> Population:
    return populate(np.random.default_rng(5), 20_000, DEFAULT_START)


def counties(rng: np.random.Generator) -> np.ndarray:
    every = [county for row in COUNTIES.values() for county in row]
    return rng.choice(np.array(every), N)


def test_leis_pass_the_standards_check_and_carry_an_unassigned_prefix(
    rng: np.random.Generator,
) -> None:
    made = identifiers.lei(rng, N)
    assert all(lei_standard.is_valid(str(each)) for each in made)
    assert len(set(made)) == N
    assert all(each.startswith("9999") for each in made)


def test_credit_codes_pass_both_checks_they_contain(rng: np.random.Generator) -> None:
    made = identifiers.uscc(rng, counties(rng))
    assert all(uscc_standard.is_valid(str(each)) for each in made)
    assert len(set(made)) == N
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    for code in made[:200]:  # the organisation code inside has its own check character
        total = sum(w * int(c, 36) for w, c in zip(weights, code[8:16], strict=True))
        check = {10: "X", 11: "0"}.get(11 - total % 11, str(11 - total % 11))
        assert code[16] == check


def test_resident_ids_are_valid_but_carry_a_number_nobody_gets(rng: np.random.Generator) -> None:
    made = identifiers.resident(rng, counties(rng))
    assert all(ric.is_valid(str(each)) for each in made)
    assert len(set(made)) == N
    assert {each[14:17] for each in made} == {"000"}


def test_more_residents_of_one_county_than_birthdays_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="one birthday each"):
        identifiers.resident(rng, np.full(8_000, "310101"))


def test_payment_references_are_version_four_uuids(rng: np.random.Generator) -> None:
    made = identifiers.uuid4(rng, N)
    assert all(uuid.UUID(str(each)).version == 4 for each in made[:200])
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(e)) for e in made)
    assert len(set(made)) == N


class TestPopulation:
    def test_identifiers_and_accounts_belong_to_one_party_each(self, who: Population) -> None:
        assert len(set(who.identifier)) == len(who.person)
        assert len(set(who.account_number)) == len(who.account_party)

    def test_a_main_account_is_kept_at_home(self, who: Population) -> None:
        areas = who.banks.areas[who.account_bank[who.account_start[:-1]]]
        inside = who.inside
        assert (areas[inside] == who.home[inside]).all()
        assert not np.isin(areas[~inside], list(set(COUNTIES) - {OUT})).any()

    def test_many_parties_bank_in_several_regions(self, who: Population) -> None:
        regions = who.account_regions()
        spread = [
            len({r for r in regions[who.accounts_of(p)].tolist() if r >= 0})
            for p in np.flatnonzero(who.inside)
        ]
        assert 0.1 < np.mean(np.array(spread) >= 2) < 0.8
        assert np.mean(np.array(spread) >= 3) > 0.05

    def test_the_banks_are_those_of_the_register(self, who: Population) -> None:
        assert set(pa.array(who.banks.region[: who.banks.branches]).to_pylist()) == {0, 1, 2, 3}
        assert "330200" in set(who.banks.areas[: who.banks.branches])
        assert (who.banks.region[who.banks.branches : who.banks.banks] == -1).all()
