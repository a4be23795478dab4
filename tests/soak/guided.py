"""A fuzzer of the readers that keeps what it has not seen before; run as a process of its own.

    python -m tests.soak.guided FEED MODE SEED SECONDS FOLDER

Two modes. `interpreted`: the scanning kernels run as plain Python, and an input is kept where it
reaches a new pair of lines, in them or in the engine's Python. `compiled`: the kernels run as they
always do (with bounds checked, if NUMBA_BOUNDSCHECK says so), and an input is kept where its
outcome is new. Seed inputs are the feed's examples, the kept corpus and what lies in FOLDER/kept.

The input in work lies in FOLDER/current. A hang above a second of CPU time ends the process by
SIGVTALRM, memory above the bound by an error: the caller finds the input there. A finding of the
checks is told in FOLDER/told.json, which also has the counts.
"""

import importlib
import inspect
import json
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

from connectors.engine.engine import Decoded
from connectors.engine.spec import Feed
from connectors.feeds.registry import load_feeds
from tests.connectors.mutations import damaged
from tests.connectors.outcomes import Watched, wrongs
from tests.connectors.samples import corpus_of, examples_of
from tests.connectors.support import submission

HANG_S = 1.0  # of CPU time, for one input
SLOW = 30  # plain Python is so much slower than a compiled kernel, and more
MEMORY = 512 << 20  # beyond what the process has when it begins
SMALL = 4096  # bytes of an input the interpreted mode takes
KERNELS = ("csvtext", "fix", "jsontext", "nodes", "xml", "xmlchecks", "xmlrecords", "numbers")
_READ = ("body", "data")  # arguments that are only read: as bytes, their items are Python's ints

Told = dict[str, Any]
Outcome = frozenset[Any]


def outcome_of(decoded: Decoded) -> Outcome:
    """What an input came to, coarse enough to be kept once: rules, states, held or not."""
    found = decoded.findings
    rules = zip(found["rule_id"].to_pylist(), found["outcome"].to_pylist(), strict=True)
    counts = decoded.counts[0]
    states = [counts.accepted, counts.rejected, counts.quarantined, counts.skipped]
    return frozenset([*rules, decoded.held[0], *(n for n, many in enumerate(states) if many)])


class Lines:
    """The pairs of lines run one after the other, in the engine's modules."""

    def __init__(self) -> None:
        self.seen: set[tuple[CodeType, int, int]] = set()
        self.new = 0
        self._last: dict[int, int] = {}
        self._ours: dict[CodeType, bool] = {}

    def begin(self) -> None:
        self.new = 0
        sys.settrace(self._call)

    def end(self) -> int:
        sys.settrace(None)
        self._last.clear()
        return self.new

    def _call(self, frame: FrameType, _: str, __: object) -> Callable[..., Any] | None:
        code = frame.f_code
        ours = self._ours.get(code)
        if ours is None:
            ours = self._ours[code] = "/connectors/engine/" in code.co_filename
        if not ours:
            return None
        last = code.co_firstlineno

        def line(frame: FrameType, event: str, _: object) -> Callable[..., Any]:
            nonlocal last
            if event == "line":
                pair = (code, last, frame.f_lineno)
                if pair not in self.seen:
                    self.seen.add(pair)
                    self.new += 1
                last = frame.f_lineno
            return line

        return line


def interpret() -> None:
    """Let the scanning kernels run as Python; those that copy, hash and gather stay compiled."""
    kernels = {f"connectors.engine.kernels.{name}" for name in KERNELS}
    for kernel in kernels:
        importlib.import_module(kernel)
    for name, module in list(sys.modules.items()):
        if not name.startswith("connectors.engine"):
            continue
        for known, value in list(vars(module).items()):
            plain = getattr(value, "py_func", None)
            if plain is not None and plain.__module__ in kernels:
                setattr(module, known, plain if name in kernels else _entered(plain))
    for name in ("convert", "cells_fix"):  # these call kernels by their module
        caller = sys.modules[f"connectors.engine.{name}"]
        for kernel in ("numbers", "fix"):
            if hasattr(caller, kernel):
                setattr(caller, kernel, _Entered(getattr(caller, kernel)))


class _Entered:
    """A kernels' module whose functions are entered with bytes."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        return _entered(value) if inspect.isfunction(value) else value


def _entered(kernel: Callable[..., Any]) -> Callable[..., Any]:
    names = list(inspect.signature(kernel).parameters)
    places = [names.index(name) for name in _READ if name in names]

    def call(*given: Any) -> Any:
        values = list(given)
        for place in places:
            values[place] = np.asarray(values[place]).tobytes()
        with np.errstate(over="ignore"):
            return kernel(*values)

    return call


LEAST = 30  # inputs of a run, however short its time


class Fuzzer:
    """One feed's loop."""

    def __init__(self, feed: Feed, interpreted: bool, seed: int, folder: Path) -> None:
        self.feed = feed
        self.interpreted = interpreted
        self.folder = folder
        self.random = random.Random(f"{feed.name} {seed}")
        self.lines = Lines()
        self.outcomes: set[Outcome] = set()
        self.pool: list[bytes] = []
        self.runs = 0
        self.slowest = 0.0
        self.decoder = Watched(feed)
        (folder / "kept").mkdir(parents=True, exist_ok=True)

    def run(self, body: bytes) -> tuple[bool, list[str]]:
        """Take one input: whether it is new, and what is wrong."""
        (self.folder / "current").write_bytes(body)
        self.runs += 1
        allowed = HANG_S * (SLOW if self.interpreted else 1)
        began = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, allowed)
        if self.interpreted:
            self.decoder = Watched(self.feed)
            self.lines.begin()
        try:
            decoded = self.decoder.decode([submission(body)])
        finally:
            new = self.lines.end() if self.interpreted else 0
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        self.slowest = max(self.slowest, time.process_time() - began)
        wrong = wrongs(self.feed, [body], self.decoder, decoded)
        outcome = outcome_of(decoded)
        if not self.interpreted and self.runs % 8 == 0:  # what a decoder learned must not matter
            fresh = Watched(self.feed).decode([submission(body)])
            if fresh.counts != decoded.counts or not fresh.findings.equals(decoded.findings):
                wrong.append("another outcome after other submissions")
        if outcome not in self.outcomes:
            self.outcomes.add(outcome)
            new += 1
        return new > 0, wrong

    def loop(self, seconds: float) -> Told:
        """Run for so many seconds of CPU time and a few inputs, or until something is wrong."""
        seeds = [*examples_of(self.feed.name), *corpus_of(self.feed.name)]
        seeds += [path.read_bytes() for path in sorted((self.folder / "kept").iterdir())]
        if self.interpreted:
            seeds = [body for body in seeds if len(body) <= SMALL] or [seeds[0]]
        ends = time.process_time() + seconds
        for body in seeds:
            new, wrong = self.run(body)
            if wrong:
                return self._told(body, wrong)
            if new or not self.pool:
                self.pool.append(body)
        choose = self.random.randrange
        while time.process_time() < ends or self.runs < LEAST:
            recent = self.pool[-8:] if choose(2) else self.pool  # what is new is tried more
            body = damaged(recent[choose(len(recent))], self.feed, choose, self.pool)
            if self.interpreted and len(body) > 2 * SMALL:
                continue
            new, wrong = self.run(body)
            if wrong:
                return self._told(body, wrong)
            if new:
                self.pool.append(body)
                (self.folder / "kept" / f"{len(self.pool):05d}").write_bytes(body)
        return self._told(b"", [])

    def _told(self, body: bytes, wrong: list[str]) -> Told:
        return {
            "feed": self.feed.name,
            "format": self.feed.format,
            "inputs": self.runs,
            "kept": len(self.pool),
            "pairs": len(self.lines.seen),
            "outcomes": len(self.outcomes),
            "slowest_s": round(self.slowest, 3),
            "wrong": wrong,
            "body": body.hex(),
        }


def main(name: str, mode: str, seed: str, seconds: str, folder: str) -> None:
    """Run one feed; see the module."""
    feed = load_feeds()[name]
    fuzzer = Fuzzer(feed, mode == "interpreted", int(seed), Path(folder))
    Watched(feed).decode([submission(examples_of(name)[0])])  # kernels are compiled or loaded
    if fuzzer.interpreted:
        interpret()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    told = fuzzer.loop(float(seconds))
    told["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    (Path(folder) / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
