"""Every stage of the benchmark that needs no JVM runs on a tiny tape and says what it should."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import elsewhere, flink_sql, rules
from benchmarks.__main__ import main
from benchmarks.markets import MadeMarket
from benchmarks.paths import _difference
from benchmarks.process_cpu import Cost, measure
from benchmarks.sizes import Bench
from connectors.ends.tape import Tape


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def result(folder: Path) -> dict[str, Any]:
    sizes = ["--small", "8000", "--records", "300", "--folder", str(folder)]
    stored = main(["decode", "intake", "ledger", *sizes])
    read: dict[str, Any] = json.loads(stored.read_text())
    return read


def test_a_result_names_the_machine_and_how_fast_it_was(result: dict[str, Any]) -> None:
    assert {"cpu", "cores", "python", "duckdb", "apache-flink"} <= result["machine"].keys()
    assert result["calibration, CPU-s before"] > 0 < result["calibration, CPU-s after"]


def test_every_feed_is_decoded_whole(result: dict[str, Any]) -> None:
    accepted = [n for key, n in result["decode"].items() if key.endswith("accepted")]
    assert accepted == [300] * 14


def test_steps_of_intake_lie_within_its_total(result: dict[str, Any]) -> None:
    mix = {k.removeprefix("demo mix: "): v for k, v in result["intake"].items() if "mix" in k}
    assert mix["records"] > 4_000
    inner = mix["decode, us"] + mix["enrich, us"] + mix["quality rules, us"]
    assert 0 < inner < mix["intake, us a report"]


def test_the_ledger_stage_loads_what_intake_stored(result: dict[str, Any]) -> None:
    assert result["ledger"]["reports"] > 7_000
    assert len(result["ledger"]["output_sha256"]) == 64


def test_payments_alone_are_all_payments_of_the_tape(folder: Path, result: dict[str, Any]) -> None:
    bench = Bench(folder, small=8_000)
    alone = Tape(bench.payments(8_000))
    assert alone.manifest["feeds"] == ["pacs008"]
    both = [Tape(bench.demo(8_000)), alone]
    counted = [
        sum(
            feed == "pacs008"
            for number in range(len(tape.segments()))
            for feed in tape.read(number)["feed"].to_pylist()
        )
        for tape in both
    ]
    assert counted[0] == counted[1] > 0


def test_rules_are_measured_on_rows_that_raise_something(
    folder: Path, result: dict[str, Any]
) -> None:
    found = rules.rules(Bench(folder, small=8_000))
    assert found["demo tape: crossings"] > 0


def test_rules_elsewhere_raise_what_ours_raise(folder: Path, result: dict[str, Any]) -> None:
    # The stage stops where a crossing differs; that Flink SQL raises the same takes a JVM to see.
    found = elsewhere.elsewhere(Bench(folder, small=8_000), flink=False)
    assert found["structuring: crossings"] > 0
    assert found["pass_through: DuckDB, its CPU by ours"] > 0


def test_every_transaction_has_an_even_millisecond_of_its_own_in_the_order_it_had() -> None:
    rows = MadeMarket(1_000, 400).day(0)
    rows["event_time"] //= 60_000_000
    rows["event_time"] *= 60_000_000  # many at once
    clocked = flink_sql.one_clock(rows)
    order = np.lexsort((rows["key"], rows["event_time"]))
    assert (clocked["key"] == rows["key"][order]).all()
    moments, first = np.unique(clocked["event_time"], return_index=True)
    assert len(moments) == len(np.unique(rows["key"]))
    assert (clocked["key"][first][1:] != clocked["key"][first][:-1]).all()
    assert not (moments % 2_000).any()


def test_a_made_market_is_the_same_again_and_each_side_reports_to_its_own_region() -> None:
    market = MadeMarket(1_000, 400)
    rows = market.day(3)
    assert rows.tobytes() == MadeMarket(1_000, 400).day(3).tobytes() != market.day(4).tobytes()
    regions = [1 << (rows[f"{side}_agent"] & 7).astype(int) - 1 for side in ("payer", "payee")]
    assert ((rows["mask"] == regions[0]) | (rows["mask"] == regions[1])).all()
    assert (rows["payer_party"] != rows["payee_party"]).all()
    assert len(np.unique(rows["key"])) == 400 < len(rows)


def test_steady_cost_is_the_difference_of_two_lengths() -> None:
    short, long = Cost(0, 30.0, 0.0, 20.0, 1.0), Cost(0, 50.0, 0.0, 30.0, 1.0)
    found = _difference([(100_000, short), (300_000, long)])
    assert found["steady, CPU us a report"] == 100.0
    assert found["steady, reports a wall s"] == 20_000
    assert found["start-up, CPU-s"] == 20.0
    assert found["start-up, wall s"] == 15.0


def test_a_grandchild_that_outlives_its_parent_is_counted() -> None:
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    start = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {burn!r}])"
    assert measure([sys.executable, "-c", start]).cpu_s >= 0.5


def test_an_unknown_stage_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["speed"])
    assert "expected some of decode" in capsys.readouterr().err
