"""Labelled transfer tables made by others, as pacs.008 submissions of both regions' agents."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from connectors.ends.tape import Tape
from replay.transfers import render_transfers
from schemas.errors import InputError
from tests.replay import leaks

ROWS = 4_000
AMOUNT, FLAG = (
    {"amlsim": "base_amt", "amlgentex": "amount"},
    {"amlsim": "is_sar", "amlgentex": "isSAR"},
)
PATTERN = {"amlsim": "alert_id", "amlgentex": "patternID"}


@pytest.fixture(scope="module", params=["amlsim", "amlgentex"])
def rendered(
    request: pytest.FixtureRequest, trial_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, pa.Table, Path]:
    file = trial_data / "aml" / f"{request.param}_delta.parquet"
    folder = tmp_path_factory.mktemp(request.param) / "tape"
    render_transfers(file, folder, seed=3, rows=ROWS)
    return request.param, pq.read_table(file).slice(0, ROWS), folder


Rendered = tuple[str, pa.Table, Path]


def test_every_transfer_becomes_one_payment_with_its_amount(rendered: Rendered) -> None:
    name, table, folder = rendered
    columns, refs = leaks.columns(Tape(folder), "pacs008")
    said: dict[str, list[Decimal]] = {}
    for ref, amount in zip(refs, columns["amount"], strict=True):
        said.setdefault(ref, []).append(Decimal(amount))
    amounts = [
        Decimal(repr(v)) if isinstance(v, float) else v for v in table[AMOUNT[name]].to_pylist()
    ]
    expected = Counter(round(value * 100) for value in amounts if round(value * 100) > 0)
    # Where the payee's bank states another amount, it is a higher one.
    assert Counter(int(min(each) * 100) for each in said.values()) == expected
    assert len(refs) > len(said)  # payments between two banks have two copies


def test_pattern_ids_become_labels(rendered: Rendered) -> None:
    name, table, folder = rendered
    labels = pq.read_table(folder / "labels.parquet").to_pylist()
    suspicious = table.filter(pc.equal(table[FLAG[name]].cast(pa.int8()), 1))
    sizes = Counter(suspicious[PATTERN[name]].to_pylist())
    assert sum(len(row["refs"]) for row in labels) == suspicious.num_rows
    assert sorted(len(row["refs"]) for row in labels) == sorted(sizes.values())
    assert {row["kind"] for row in labels} == {"scheme"}
    known = {"fan_in", "fan_out", "cycle", "bipartite", "stack", "scatter_gather", "gather_scatter"}
    assert {row["rule"] for row in labels} <= known


def test_neither_time_of_day_nor_references_tell_what_is_labelled(rendered: Rendered) -> None:
    _, _, folder = rendered
    columns, refs = leaks.columns(Tape(folder), "pacs008")
    found = leaks.separations(
        {
            name: columns[name]
            for name in ("accepted", "tx_id", "uetr", "end_to_end", "debtor_account")
        },
        refs,
        pq.read_table(folder / "labels.parquet"),
    )
    given = {name: auc for name, auc in found.items() if name != "accepted:order"}
    assert max(given.values()) < 0.7, given


def test_rows_of_one_day_lose_the_order_of_the_table(rendered: Rendered) -> None:
    name, table, folder = rendered
    columns, refs = leaks.columns(Tape(folder), "pacs008")
    accepted = dict(zip(refs, columns["accepted"], strict=True))
    flags = table[FLAG[name]].cast(pa.int8()).to_pylist()
    labels = pq.read_table(folder / "labels.parquet").to_pylist()
    suspicious = {ref for row in labels for ref in row["refs"]}
    assert sum(flags) == len(suspicious)
    times = sorted((when[11:], ref in suspicious) for ref, when in accepted.items())
    half = len(times) // 2
    early = sum(flag for _, flag in times[:half])
    assert 0.3 < early / len(suspicious) < 0.7


def test_the_same_table_and_seed_give_the_same_bytes(
    rendered: Rendered, trial_data: Path, tmp_path: Path
) -> None:
    name, _, folder = rendered
    again = tmp_path / "tape"
    render_transfers(trial_data / "aml" / f"{name}_delta.parquet", again, seed=3, rows=ROWS)
    for path in folder.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()


@pytest.fixture
def table_file(tmp_path: Path) -> Callable[[dict[str, list[Any]]], Path]:
    def write(columns: dict[str, list[Any]]) -> Path:
        path = tmp_path / "transfers.parquet"
        pq.write_table(pa.table(columns), path)
        return path

    return write


class TestRefusals:
    def test_other_columns_are_named(
        self, table_file: Callable[[dict[str, list[Any]]], Path], tmp_path: Path
    ) -> None:
        with pytest.raises(InputError, match="columns: expected those of AMLSim"):
            render_transfers(table_file({"a": [1]}), tmp_path / "tape")

    def test_a_file_that_is_no_parquet_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "x.parquet"
        path.write_bytes(b"no table")
        with pytest.raises(InputError, match="expected a parquet file"):
            render_transfers(path, tmp_path / "tape")

    def test_a_bank_without_an_area_is_refused(
        self, table_file: Callable[[dict[str, list[Any]]], Path], tmp_path: Path
    ) -> None:
        path = table_file(
            {
                "step": [0],
                "amount": [10.0],
                "nameOrig": [1],
                "nameDest": [2],
                "bankOrig": ["somewhere"],
                "bankDest": ["310000_B01"],
                "isSAR": [0],
                "patternID": [1],
                "modelType": [1],
            }
        )
        with pytest.raises(InputError, match="expected an area and a number"):
            render_transfers(path, tmp_path / "tape")
