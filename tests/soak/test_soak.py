"""What only shows with repetition: more fuzz with bounds checked, and memory that must not grow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.large import large_run
from connectors.ends.tape import Tape
from pipelines.intake.plan import plan
from replay.market.build import Sizes, simulate
from yrd.processes.building import build_intake
from yrd.settings import Settings

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.soak


FUZZ = ("tests/connectors/test_fuzz.py", "tests/connectors/test_fuzz_feeds.py")


def test_readers_stand_a_long_fuzz_with_bounds_checked(tmp_path: Path) -> None:
    environment = os.environ | {
        "YRD_FUZZ_EXAMPLES": "600",
        "NUMBA_BOUNDSCHECK": "1",
        "NUMBA_CACHE_DIR": str(tmp_path),  # bounds checks are compiled in: a cache of their own
    }
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", *FUZZ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "passed" in ended.stdout


WORKER = """
import ctypes, json, sys
from pathlib import Path
import psutil, pyarrow
from connectors.ends.tape import Tape
from pipelines.intake.plan import plan
from yrd.processes.building import build_intake
from yrd.settings import Settings

class MallInfo(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = MallInfo
tape = Tape(Path(sys.argv[1]))
intake = build_intake(Settings(), "SIMULATED")
units = plan(tape, unit_bytes=4 << 20)
rounds = []
for _ in range(16):
    for unit in units:
        intake.take(tape, unit)
    in_use = libc.mallinfo2().uordblks
    resident = psutil.Process().memory_info().rss
    rounds.append([resident, in_use, pyarrow.total_allocated_bytes()])
print(json.dumps(rounds))
"""


def test_an_intake_worker_does_not_grow_however_long_it_runs(tmp_path: Path) -> None:
    simulate(tmp_path / "tape", 5, Sizes(reports=20_000))
    # a process of its own, as a worker is: what other tests left behind would be measured too
    ended = subprocess.run(
        [sys.executable, "-c", WORKER, str(tmp_path / "tape")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    resident, in_use, arrow = np.array(json.loads(ended.stdout)).T / 1e6  # MB after each round
    # what allocators keep for later comes in the first rounds; a leak adds in every one
    assert resident[12:].min() < resident[2:5].max() + 16, resident.round()
    assert in_use[12:].max() < in_use[2:5].max() + 1, in_use.round(2)
    assert arrow[1:].max() == arrow[1:].min(), arrow.round(2)


@pytest.mark.parametrize("name", ["pacs.008", "loan register, gzip"])
def test_a_submission_of_500_mb_goes_the_whole_path_within_one_gib(
    name: str, tmp_path: Path
) -> None:
    found = large_run(name, tmp_path, 500)
    assert found["submitted"] == found["accepted"] == found["records"] > 400_000
    assert found["rows of reports"] == found["records answered"] == found["records"]
    peaks = {key: value for key, value in found.items() if key.endswith("peak MiB")}
    assert len(peaks) >= 4
    # the stream job keeps what its rules look back on, however it was sent
    assert {key for key, mib in peaks.items() if mib >= 1024} <= {
        "replay: JVM of the stream job, peak MiB"
    }, peaks


def test_every_seed_gives_a_market_whose_counts_add_up(tmp_path: Path) -> None:
    intake = build_intake(Settings(), "SIMULATED")
    for seed in range(11, 15):
        simulate(tmp_path / str(seed), seed, Sizes(reports=10_000))
        tape = Tape(tmp_path / str(seed))
        for unit in plan(tape):
            counts = intake.take(tape, unit).submissions.to_pandas()
            parts = ["accepted", "rejected", "quarantined", "duplicates"]
            assert np.array_equal(counts["submitted"], counts[parts].sum(axis=1))
