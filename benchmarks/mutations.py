"""How much of a stream rule its examples notice: one comparison changed at a time.

`python -m benchmarks.mutations [RULE ...]` turns every comparison of a rule's definition and kernel
into its neighbour (`<` and `<=`, `>` and `>=`, `=` and `<>`), runs the rule's examples, and says
how many changes make at least one of them fail, and which do not. Kernels are compiled anew for
each change: some seconds each.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from types import ModuleType

import numpy as np
import pyarrow as pa

from ledger import duck
from pipelines.lanes.definitions import columns_of
from pipelines.lanes.entry import ENTRY
from pipelines.lanes.kernel import take_ready
from pipelines.lanes.stream import route
from pipelines.pairing import pairing
from pipelines.pairing.pairing import SECOND, Closed, merge
from pipelines.rules.examples import Crossing, Example, load_examples
from pipelines.rules.registry import Rule, load_rules, parameters_on
from schemas.errors import InputError
from schemas.narrow import NARROW

WAIT = 5 * SECOND
_IN_SQL = re.compile(r"(?<![<>=!])(<>|<=|>=|<|>|=)(?![<>=])")
_SQL = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "<>", "<>": "="}
_PYTHON = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
}  # fmt: skip
_NAMES = ("variant", "vantage", "subject", "instant", "measure", "band")


def changed_sql(text: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the changed definition); comments and BETWEEN stay as they are."""
    skipped = [m.span() for m in re.finditer(r"--[^\n]*|/\*.*?\*/", text, re.DOTALL)]
    for match in _IN_SQL.finditer(text):
        if any(a <= match.start() < b for a, b in skipped):
            continue
        new = text[: match.start()] + _SQL[match.group()] + text[match.end() :]
        line = text.count("\n", 0, match.start()) + 1
        yield f"definition.sql:{line}: {match.group()}", new


def changed_python(text: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the changed kernel), comparisons of its compiled functions only."""
    lines = text.splitlines(keepends=True)
    starts = np.cumsum([0, *(len(line) for line in lines)])
    compiled = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    ]
    for node in (one for function in compiled for one in ast.walk(function)):
        if not isinstance(node, ast.Compare):
            continue
        ends = [node.left, *node.comparators]
        for left, operator, right in zip(ends, node.ops, node.comparators, strict=False):
            if type(operator) not in _PYTHON:
                continue
            begin = int(starts[(left.end_lineno or 1) - 1]) + (left.end_col_offset or 0)
            end = int(starts[right.lineno - 1]) + right.col_offset
            between = re.sub(r"[<>=!]=?", _PYTHON[type(operator)], text[begin:end], count=1)
            yield (
                f"kernel.py:{right.lineno}: {text[begin:end].strip()}",
                (text[:begin] + between + text[end:]),
            )


def by_definition(text: str, example: Example, values: dict[str, int]) -> list[Crossing]:
    """What a definition says of an example."""
    with duck.memory() as connection:
        rows = {name: example.reports[name].copy() for name in NARROW.names or ()}
        connection.register("report", pa.table(rows))
        wait = {"wait_us": [WAIT], "memory_us": [pairing.PAIR_MEMORY_US]}
        connection.register("pairing_params", pa.table(wait))
        connection.execute(f"CREATE TABLE variant AS {pairing.definition()}")
        folder = pairing.__file__.rsplit("/", 1)[0]
        with open(f"{folder}/tx.sql", encoding="utf-8") as file:
            connection.execute(f"CREATE TABLE tx AS {file.read()}")
        asked = f"WITH params AS (SELECT {columns_of(values)}), crossing AS ({text}) "
        return _short(connection.sql(asked + "SELECT * FROM crossing").to_pylist())


@cache
def _module(source: str) -> ModuleType:
    module = ModuleType("changed")
    exec(compile(source.replace("cache=True", "cache=False"), "kernel.py", "exec"), module.__dict__)
    return module


def by_kernel(source: str, rule: Rule, example: Example, values: dict[str, int]) -> list[Crossing]:
    """What a kernel says of an example, all entries at once."""
    variants = merge(example.reports, 1 << 62, WAIT, Closed()).ready
    parts = [np.frombuffer(payload, ENTRY) for _, payload in route(variants, (rule,))]
    entries = np.concatenate([np.empty(0, ENTRY), *parts])
    state = _module(source).State(values)
    classes = np.zeros(len(entries), np.uint8)
    state.claim(entries, classes, 1)
    ready, _, _ = take_ready(entries[classes == 1], 1 << 62)
    hits, evidence = state.run(ready)
    rows = [
        {name: int(hit[name]) for name in _NAMES if name != "variant"}
        | {"variant": rule.variants[int(hit["variant"])].name}
        | {"evidence": evidence[int(hit["first"]) : int(hit["first"]) + int(hit["count"])]}
        for hit in hits
    ]
    return _short(rows)


def _short(rows: list[dict[str, object]]) -> list[Crossing]:
    return sorted(
        (*(row[name] for name in _NAMES), len(row["evidence"]))  # type: ignore[arg-type, misc]
        for row in rows
    )


def score(rule: Rule) -> dict[str, object]:
    """Changes noticed and not noticed, of the definition and of the kernel."""
    agreed = parameters_on()
    examples = [
        (one, dict(agreed.changed(rule.name, **one.parameters).of(rule)))
        for one in load_examples(rule)
    ]
    out: dict[str, object] = {}
    source = (rule.folder / "kernel.py").read_text(encoding="utf-8")
    for name, changes in (
        ("definition", changed_sql(rule.definition)),
        ("kernel", changed_python(source)),
    ):
        survived, count = [], 0
        for what, text in changes:
            count += 1
            for example, values in examples:
                try:
                    if name == "definition":
                        found = by_definition(text, example, values)
                    else:
                        found = by_kernel(text, rule, example, values)
                except (InputError, IndexError):
                    break
                if tuple(found) != example.expected:
                    break
            else:
                survived.append(what)
        out[name] = {"changes": count, "noticed": count - len(survived), "not noticed": survived}
    return out


def main(names: list[str]) -> None:
    """Print the score of the named rules, or of all whose kernel is their own, as JSON."""
    for name, rule in load_rules().items():
        own = rule.lane == "stream" and rule.language == "sql"
        if own and (not names or name in names):
            sys.stdout.write(json.dumps({name: score(rule)}, indent=1) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
