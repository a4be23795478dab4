"""Reading transfer tables made by others, however their columns are typed."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from replay.scoring.tables import Transfers, read_table
from schemas.errors import InputError
from tests.replay.scoring.tables import everyday, write


def same(one: Transfers, other: Transfers) -> bool:
    names = ("payer", "payee", "fen", "day", "kind", "account_bank")
    equal = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)
    return equal and np.array_equal(one.pattern >= 0, other.pattern >= 0)


def test_types_of_columns_do_not_matter(tmp_path: Path) -> None:
    plain = everyday()
    expected = read_table(write(tmp_path, plain))
    width = 4
    words = plain | {
        "orig_acct": [f"{n:0{width}}" for n in plain["orig_acct"].tolist()],
        "bene_acct": [f"{n:0{width}}" for n in plain["bene_acct"].tolist()],
        "is_sar": ["True" if flag else "False" for flag in plain["is_sar"].tolist()],
        "tran_timestamp": pa.array(plain["tran_timestamp"]).cast(pa.timestamp("us", "UTC")),
        "base_amt": pa.array([f"{v:.2f}" for v in plain["base_amt"]]).cast(pa.decimal128(18, 2)),
        "alert_type": [kind and kind.title().replace("_", "-") for kind in plain["alert_type"]],
    }
    assert same(read_table(write(tmp_path, words, "words.parquet")), expected)


def test_numbers_may_be_written_as_words_and_days_as_numbers(tmp_path: Path) -> None:
    plain = everyday()
    expected = read_table(write(tmp_path, plain))
    days = pa.array(plain["tran_timestamp"]).cast(pa.timestamp("us", "UTC")).cast(pa.date32())
    for said in (
        {name: pa.array(plain[name]).cast(pa.string()) for name in ("orig_acct", "bene_acct")},
        {name: pa.array(plain[name]).cast(pa.float64()) for name in ("orig_acct", "bene_acct")},
        {"tran_timestamp": days.cast(pa.int32()).cast(pa.string())},
        {"tran_timestamp": [f"{day:%Y%m%d}" for day in days.to_pylist()]},
        {"tran_timestamp": pa.array(plain["tran_timestamp"]).dictionary_encode()},
    ):
        assert same(read_table(write(tmp_path, plain | said, "words.parquet")), expected)


def test_a_csv_says_the_same_as_parquet(tmp_path: Path) -> None:
    columns = everyday()
    expected = read_table(write(tmp_path, columns))
    pyarrow.csv.write_csv(pa.table(columns), tmp_path / "transfers.csv")
    assert same(read_table(tmp_path / "transfers.csv"), expected)


def test_pattern_numbers_of_amlgentex_become_types(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {
            "step": [3, 4, 5],
            "amount": [1.005, 0.001, 20.0],
            "nameOrig": ["a", "b", "c"],
            "nameDest": ["b", "c", "a"],
            "isSAR": [1, 0, 1],
            "patternID": [7, 7, 7],
            "modelType": [3, 11, 3],
        },
    )
    table = read_table(path)
    assert (table.generator, table.accounts, table.banks) == ("amlgentex", 3, ())
    assert table.kind.tolist() == ["cycle", "", "cycle"]
    assert table.pattern.tolist() == [0, -1, 0]  # the flag decides, not the number
    assert (table.fen.tolist(), table.day.tolist()) == ([100, 0, 2000], [0, 1, 2])


def test_where_money_comes_from_is_no_account(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {
            "step": [0, 1, 2],
            "amount": [1, 2, 3],
            "nameOrig": [-2, 5, 6],
            "nameDest": [5, 6, -1],
            "isSAR": [0, 0, 0],
            "patternID": [1, 2, 3],
            "modelType": [10, 10, 10],
        },
    )
    table = read_table(path)
    assert (table.accounts, table.fen.tolist(), table.day.tolist()) == (2, [200], [0])


class TestRefusals:
    @pytest.mark.parametrize("column", ["orig_acct", "base_amt", "is_sar", "alert_type"])
    def test_a_missing_column_is_named(self, tmp_path: Path, column: str) -> None:
        columns = everyday()
        del columns[column]
        with pytest.raises(InputError, match=f"it has no {column}.*rename or add"):
            read_table(write(tmp_path, columns))

    @pytest.mark.parametrize(
        ("column", "value", "said"),
        [
            ("orig_acct", [1], "accounts"),
            ("orig_bank", [1], "bank"),
            ("base_amt", True, "amount"),
            ("base_amt", "much", "amount"),
            ("is_sar", "perhaps", "flag"),
            ("alert_id", [1], "pattern id"),
            ("alert_type", [1], "pattern type"),
            ("alert_type", None, "pattern type"),
            ("tran_timestamp", float("nan"), "time"),
            ("tran_timestamp", [1], "time"),
        ],
    )
    def test_a_column_of_another_kind_is_named(
        self, tmp_path: Path, column: str, value: object, said: str
    ) -> None:
        columns = everyday()
        columns[column] = pa.array([value] * len(columns["is_sar"]))
        with pytest.raises(InputError, match=f"{said}: expected"):
            read_table(write(tmp_path, columns))

    def test_seconds_are_no_days(self, tmp_path: Path) -> None:
        columns = everyday()
        columns["tran_timestamp"] = np.arange(len(columns["is_sar"])) * 86_400
        with pytest.raises(InputError, match="time: expected days or steps of a hundred years"):
            read_table(write(tmp_path, columns))

    def test_a_flagged_row_needs_a_pattern(self, tmp_path: Path) -> None:
        columns = everyday() | {"alert_id": pa.nulls(len(everyday()["is_sar"]), pa.int64())}
        with pytest.raises(InputError, match="pattern id: expected one in every flagged row"):
            read_table(write(tmp_path, columns))

    def test_a_day_that_is_none(self, tmp_path: Path) -> None:
        columns = everyday()
        columns["tran_timestamp"][3] = "yesterday"
        with pytest.raises(InputError, match="time: expected a day such as 2025-01-31"):
            read_table(write(tmp_path, columns))

    def test_an_amount_that_is_none(self, tmp_path: Path) -> None:
        columns = everyday()
        columns["base_amt"][3] = np.nan
        with pytest.raises(InputError, match="amount: expected a number in every row"):
            read_table(write(tmp_path, columns))
