"""Identifier checks: shape first, the authority's check digits, unique values only."""

import csv
import random
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import lei
from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_10, mod_97_10

from schemas import identifiers
from schemas.errors import ConfigurationError
from schemas.identifiers import check_column, valid


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            "LEI",
            ["999900HUALANSIM38144"],
            ["999900HUALANSIM38145", "999900hualansim38144", " 999900HUALANSIM38144", "9999"],
        ),
        (
            "USCC",
            ["91110000600037341L"],
            [
                "91110000600037341M",
                "9111000060003734lL",
                "91110000600037341L\n",
                "9 1110000600037341L",
            ],
        ),
        ("ISIN", ["US0378331005", "CNE000001R84"], ["US0378331006", "us0378331005", "US037833100"]),
        (
            "RESIDENT_ID",
            ["11010519491231002X"],
            ["11010519491231002x", "110105194912310021", "１１０１０５１９４９１２３１００２X"],
        ),
        ("CNAPS12", ["102100099996", "381332000010"], ["102100099997", "10210009999", "٠" * 12]),
        ("FIN14", ["C1010211000012"], ["11010211000012", "C101021100001"]),
        ("BIC", ["HLMNCN30", "HLMNCN30NGB"], ["HLMNCN3", "HLMNCN30NG", "HLMNcn30"]),
        ("MIC", ["XSHG", "360T"], ["XSH", "xshg", "XSHG "]),
        (
            "UUIDv4",
            ["8a562c67-ca16-48ba-b074-65581be6f001"],
            [
                "8A562C67-CA16-48BA-B074-65581BE6F001",
                "8a562c67-ca16-18ba-b074-65581be6f001",
                "8a562c67-ca16-48ba-c074-65581be6f001",
                "8a562c67ca1648bab07465581be6f001",
            ],
        ),
        ("ISO4217", ["CNY", "XAU"], ["RMB", "cny", "CN", "CNY "]),
    ],
)
def test_vectors(kind: str, good: list[str], bad: list[str]) -> None:
    assert valid(kind, pa.array(good)).tolist() == [True] * len(good)
    assert valid(kind, pa.array(bad)).tolist() == [False] * len(bad)


def test_a_closed_currency_is_valid_only_while_it_was_in_force() -> None:
    codes = pa.array(["HRK", "BGN", "EUR"])
    assert valid("CURRENCY", codes, date(2022, 12, 31)).tolist() == [True, True, True]
    assert valid("CURRENCY", codes, date(2026, 1, 1)).tolist() == [False, False, True]
    assert valid("CURRENCY", codes).tolist() == [True, True, True]


def test_a_uscc_of_a_rural_collective_begins_with_a_letter() -> None:
    body = "N2330106MF5555555"
    code = body + uscc.calc_check_digit(body)
    assert valid("USCC", pa.array([code])).tolist() == [True]


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXYIOZSV", min_size=17, max_size=18))
def test_uscc_agrees_with_the_authority_where_that_has_an_answer(text: str) -> None:
    value = text if len(text) == 18 else text + "0"
    if value[:2].isdigit():
        assert valid("USCC", pa.array([value]))[0] == uscc.is_valid(value)


def test_codes_of_one_length_agree_with_the_authority() -> None:
    """As columns of characters here, value by value there; half of them have the right digits."""
    draw = random.Random(3)
    capitals = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    leis, cnaps = [], []
    for number in range(2_000):
        body = "".join(draw.choices(capitals, k=18))
        leis.append(body + (mod_97_10.calc_check_digits(body) if number % 2 else "17"))
        body = f"{draw.randrange(10**11):011d}"
        cnaps.append(body + (mod_11_10.calc_check_digit(body) if number % 2 else "7"))
    assert valid("LEI", pa.array(leis)).tolist() == [bool(lei.is_valid(one)) for one in leis]
    assert valid("CNAPS12", pa.array(cnaps)).tolist() == [
        bool(mod_11_10.is_valid(one)) for one in cnaps
    ]


def test_null_is_not_valid_and_stays_null_for_sql() -> None:
    column = pa.array(["XSHG", None, "?"])
    assert valid("MIC", column).tolist() == [True, False, False]
    assert check_column("MIC", column).to_pylist() == [True, None, False]
    assert check_column("PSEUDONYM", column).null_count == 3
    assert valid("MIC", column.dictionary_encode()).tolist() == [True, False, False]


def test_the_check_runs_once_for_each_unique_value(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def check(value: str) -> bool:
        seen.append(value)
        return True

    kind = identifiers._KINDS["LEI"]
    monkeypatch.setattr(kind, "check", check)
    monkeypatch.setattr(kind, "known", {})
    column = pa.array(["999900HUALANSIM38144", "not a lei"] * 500)
    assert valid("LEI", column).sum() == 500
    assert valid("LEI", column).sum() == 500
    assert seen == ["999900HUALANSIM38144"]


def test_an_unknown_kind_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="expected one of LEI"):
        valid("IBAN", pa.array(["x"]))


def _column(path: Path, column: str) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row[column]]


def test_our_currency_list_is_the_published_one(trial_data: Path) -> None:
    rows = _column(trial_data / "reference/iso4217.csv", "ccy")
    theirs = {r["ccy"]: int(r["minor_units"]) if r["minor_units"].isdigit() else None for r in rows}
    ours = identifiers._code_list("currencies.csv").to_pylist()
    in_force = {r["code"] for r in ours if r["valid_to"] is None}
    assert in_force == set(theirs)
    assert {code: identifiers.minor_units(code) for code in theirs} == theirs


def test_every_market_code_we_list_is_published_with_that_country(trial_data: Path) -> None:
    theirs = {
        r["mic"]: r["country"][:2]
        for r in _column(trial_data / "reference/iso10383_mic.csv", "mic")
    }
    ours = identifiers._code_list("mics.csv").to_pylist()
    assert len(ours) > 50
    assert {r["code"]: theirs.get(r["code"]) for r in ours} == {
        r["code"]: r["country"] for r in ours
    }
    assert identifiers.listed_mic(pa.array(["XSHG", "QQQQ", None])).tolist() == [True, False, False]


def test_real_leis_pass_and_one_changed_digit_fails(trial_data: Path) -> None:
    leis = [r["lei"] for r in _column(trial_data / "reference/real_lei.csv", "lei")]
    assert len(leis) > 1000
    assert valid("LEI", pa.array(leis)).mean() > 0.99
    good = [lei for lei, ok in zip(leis, valid("LEI", pa.array(leis)), strict=True) if ok]
    broken = [lei[:-1] + str((int(lei[-1]) + 1) % 10) for lei in good]
    assert not valid("LEI", pa.array(broken)).any()
