"""CPU-seconds of a command and everything it starts, the Java machine included.

Run as `python -m benchmarks.process_cpu COMMAND ...`: prints one JSON object to stderr when the
command and all its descendants have ended. A plain `time` misses what a process left behind when it
ended, such as the JVM of a stream job; as a child subreaper (Linux) this process inherits it.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from yrd.processes.cpu import adopt_orphans, reap


@dataclass(frozen=True)
class Cost:
    """What a command cost.

    Args:
        code: Exit code of the command itself.
        cpu_s: User and system seconds of the whole process tree.
        user_s: Its user seconds alone.
        wall_s: Until the command ended.
        peak_mb: Largest resident memory of one process of the tree.
    """

    code: int
    cpu_s: float
    user_s: float
    wall_s: float
    peak_mb: float


def measure(command: Sequence[str], quiet: bool = False) -> Cost:
    """Run a command and count the CPU time of its whole process tree.

    Counts all children that end during the call, so nothing else may be started meanwhile.
    `quiet` drops what it prints.
    """
    adopt_orphans()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    out = subprocess.DEVNULL if quiet else None
    code = subprocess.run(command, check=False, stdout=out).returncode
    wall_s = time.perf_counter() - started
    settled = time.perf_counter() + 10
    while time.perf_counter() < settled:
        reap()
        if not _has_children():
            break
        time.sleep(0.05)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    user_s = after.ru_utime - before.ru_utime
    cpu_s = user_s + after.ru_stime - before.ru_stime
    return Cost(code, round(cpu_s, 2), round(user_s, 2), round(wall_s, 2), after.ru_maxrss / 1024)


def living_seconds() -> float:
    """User and system seconds of this process and of everything below it that still runs."""
    spent: dict[int, float] = {}
    below: dict[int, list[int]] = {}
    tick = os.sysconf("SC_CLK_TCK")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue  # it has just ended
            # after the command, which may hold anything: state, parent, ..., user and system ticks
            told = stat[stat.rindex(")") + 2 :].split()
            spent[int(entry.name)] = (int(told[11]) + int(told[12])) / tick
            below.setdefault(int(told[1]), []).append(int(entry.name))
    todo, total = [os.getpid()], 0.0
    while todo:
        one = todo.pop()
        total += spent.get(one, 0.0)
        todo += below.get(one, [])
    return total


def _has_children() -> bool:
    """Whether a child of this process, adopted ones included, still runs."""
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


if __name__ == "__main__":
    cost = measure(sys.argv[1:])
    print(json.dumps(asdict(cost)), file=sys.stderr)
    sys.exit(cost.code)
