"""Kernels run by the plain interpreter: a changed one needs no compiling, an example takes little.

`python -m benchmarks.interpreted RULE ...` must run with NUMBA_DISABLE_JIT=1, so it is started in a
process of its own (`benchmarks.mutations`). Compiled code reads a row's fields as attributes, which
plain numpy rows do not have: while the kernels are imported, their dtypes become those of records.

Each comparison in the compiled functions of `kernel.py`, and of the modules kernels share, is
changed one at a time; a change is noticed if an example's crossings differ, the kernel fails, or it
does not end. What is not compiled makes room and is checked on random streams (`test_kernels`).
"""

import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from benchmarks.mutants import changed_python

LONGEST_S = 20  # an example; a changed loop may never end
# Of all kernels.
SHARED = (
    "graph", "graph_fans", "graph_room", "graph_runs", "graph_steps", "ring", "sets", "table",
)  # fmt: skip
_DTYPE = np.dtype


class _Row(np.record):
    """A row whose fields are its attributes, those named like numpy's own too."""

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401
        fields = np.void.__getattribute__(self, "dtype").fields
        if not fields or name not in fields:
            return np.void.__getattribute__(self, name)
        value = self[name]  # compiled code counts in 64 bits whatever a field has
        return np.int64(value) if isinstance(value, np.integer) else value

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401
        self[name] = value


class _Records:
    """Takes the place of `np.dtype`: what has fields is a dtype of records."""

    def __call__(self, *given: Any, **named: Any) -> np.dtype[Any]:  # noqa: ANN401
        made = _DTYPE(*given, **named)
        return _DTYPE((_Row, made)) if made.names else made

    def __getitem__(self, item: object) -> object:
        return _DTYPE.__class_getitem__(item)  # type: ignore[attr-defined]


@contextmanager
def records() -> Iterator[None]:
    """Inside, modules that are imported give their rows attributes."""
    np.dtype = _Records()  # type: ignore[assignment, misc]
    try:
        yield
    finally:
        np.dtype = _DTYPE  # type: ignore[misc]


def stages() -> ModuleType:
    """The module of hosts, imported so that its kernels are plain functions on records."""
    if os.environ.get("NUMBA_DISABLE_JIT") != "1":
        raise SystemExit("benchmarks.interpreted: expected NUMBA_DISABLE_JIT=1; set it")
    import duckdb  # noqa: F401 - before dtypes change: these take them as they are
    import numba  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.compute  # noqa: F401

    with records():
        table = import_module("pipelines.rules.kernels.table")
        table.pair_id.py_func = table.pair_id
        rules = Path(str(table.__file__)).parents[1]
        for kernel in sorted(rules.glob("*/kernel.py")):
            import_module(f"pipelines.rules.{kernel.parent.name}.kernel")
        import_module("pipelines.lanes.stream")
        return import_module("pipelines.lanes.host")


@contextmanager
def replaced(module: ModuleType, text: str) -> Iterator[None]:
    """Inside, every function and class of a module is that of the changed text, wherever it is."""
    changed = ModuleType(module.__name__)
    with records():
        exec(compile(text, str(module.__file__), "exec"), changed.__dict__)
    own = {
        id(value): vars(changed)[name]
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__
    }
    swapped: list[tuple[ModuleType, str, object]] = []
    for name, other in list(sys.modules.items()):
        if name.startswith("pipelines.") and other is not None:
            for key, value in list(vars(other).items()):
                if id(value) in own:
                    swapped.append((other, key, value))
                    setattr(other, key, own[id(value)])
    try:
        yield
    finally:
        for other, key, value in swapped:
            setattr(other, key, value)


class Examples:
    """A rule's examples, routed once: `notice` says whether one of them gives anything else."""

    def __init__(self, name: str) -> None:
        lane = stages()
        from pipelines.lanes.routing import route
        from pipelines.pairing.pairing import SECOND, Closed, merge
        from pipelines.rules.examples import load_examples
        from pipelines.rules.registry import load_rules, parameters_on

        self.rule = load_rules()[name]
        self._lane = lane
        self._cases = []
        for one in load_examples(self.rule):
            variants = merge(one.reports, 1 << 62, 5 * SECOND, Closed()).ready
            parts = [
                np.frombuffer(payload, lane.ENTRY) for _, payload in route(variants, (self.rule,))
            ]
            entries = np.concatenate([np.empty(0, lane.ENTRY), *parts])
            agreed = parameters_on().changed(name, **one.parameters)
            self._cases.append((len(entries), one, entries, agreed))
        self._cases.sort(key=lambda case: case[0])

    def notice(self) -> bool:
        """Whether an example fails as things are."""
        for _, example, entries, agreed in self._cases:
            with _bounded():
                try:
                    if self._crossings(entries, agreed, 0) != example.expected:
                        return True
                    again = len(entries) // 2 if self.rule.memory else 0
                    if again and self._crossings(entries, agreed, again) != example.expected:
                        return True
                except Exception:
                    return True
        return False

    def _crossings(self, entries: Any, agreed: Any, cut: int) -> tuple[Any, ...]:  # noqa: ANN401
        """What the kernel says; with a `cut` what is remembered then is taken back by another."""
        lane = self._lane
        (part,) = lane._parts((self.rule,), agreed, False)
        classes = np.zeros(len(entries), np.uint8)
        part.state.claim(entries, classes, 1)
        ready, _, _ = lane.take_ready(entries[classes == 1], 1 << 62)
        found = []
        if cut:
            up_to = int(ready["event_time"][min(cut, len(ready) - 1)]) if len(ready) else 0
            late = ready["event_time"] > up_to
            found += part.run(ready[~late])
            told = part.state.remember()
            (part,) = lane._parts((self.rule,), agreed, False)
            part.state.recall(told, up_to)
            ready = ready[late]
        if len(ready):
            found += part.run(ready)
        return tuple(sorted(row for hits, _ in found for row in self._rows(hits)))

    def _rows(self, hits: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
        names = [variant.name for variant in self.rule.variants]
        for hit in hits:
            yield (
                names[int(hit["variant"]) & ~128],
                *(int(hit[n]) for n in ("vantage", "subject", "instant", "measure", "band")),
                int(hit["count"]),
            )


@contextmanager
def _bounded() -> Iterator[None]:
    def over(_: int, __: FrameType | None) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, over)
    signal.alarm(LONGEST_S)
    try:
        yield
    finally:
        signal.alarm(0)


def checked(module: ModuleType, notice: Callable[[], bool]) -> dict[str, object]:
    """Changes of a module, how many are noticed, and which are not."""
    text = Path(str(module.__file__)).read_text(encoding="utf-8")
    survived, count = [], 0
    for what, changed in changed_python(text, compiled=True):
        count += 1
        with replaced(module, changed):
            if not notice():
                survived.append(what)
    return {"changes": count, "noticed": count - len(survived), "not noticed": survived}


def score(names: Sequence[str]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The kernel of each rule; of several, also the modules they share by all their examples."""
    warnings.simplefilter("ignore")  # hashes overflow on purpose
    every = {name: Examples(name) for name in names}
    for name, examples in every.items():
        if examples.notice():
            raise SystemExit(f"{name}: expected its examples to hold; mend them first")
        yield name, checked(import_module(f"pipelines.rules.{name}.kernel"), examples.notice)
    for shared in SHARED if len(names) > 1 else ():
        module = import_module(f"pipelines.rules.kernels.{shared}")
        yield (
            f"kernels/{shared}",
            checked(module, lambda: any(examples.notice() for examples in every.values())),
        )


def main(names: Sequence[str]) -> None:
    """Print one JSON object a line: what was changed, and its score."""
    for name, found in score(names):
        sys.stdout.write(json.dumps({name: found}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
