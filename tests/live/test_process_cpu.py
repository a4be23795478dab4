"""The CPU time of a whole process tree, also of what outlives its parent."""

import json
import subprocess
import sys

BURN = "import time\nwhile time.process_time() < 0.6: pass"


def cost_of(*command: str) -> dict[str, float]:
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.process_cpu", *command],
        capture_output=True,
        text=True,
        check=False,
    )
    return dict(json.loads(told.stderr.splitlines()[-1]))


def test_a_process_left_behind_is_counted() -> None:
    idle = cost_of("sh", "-c", "exit 3")
    assert idle["code"] == 3
    left = cost_of("sh", "-c", f"{sys.executable} -c '{BURN}' & exit 0")
    assert left["code"] == 0
    assert left["cpu_s"] > idle["cpu_s"] + 0.5
