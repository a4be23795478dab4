"""How much of a rule its examples notice: one comparison changed at a time.

`python -m benchmarks.mutations [RULE ...]` turns every comparison of a rule's definition (SQL or
Python) and, in the stream lane, of its kernel into its neighbour, runs the rule's examples, and
says how many changes make at least one of them fail, and which do not. Kernels run uncompiled,
in a process of their own (`benchmarks.interpreted`). Thresholds are checked elsewhere: every
parameter, one more and one less, must break an example (`yrd rule check`).

`--table FILE` also writes the result as a table; without rules that is of all there are.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.mutants import Change, changed_python, changed_sql
from ledger import duck
from ledger.duck import Connection
from pipelines.lanes.definitions import columns_of
from pipelines.pairing import pairing
from pipelines.pairing.pairing import SECOND
from pipelines.rules import edges, plain
from pipelines.rules.examples import Crossing, Example, load_examples
from pipelines.rules.registry import Rule, load_rules, parameters_on
from schemas.errors import YrdError
from schemas.narrow import EVENT_CODES, NARROW

WAIT = 5 * SECOND
_NAMES = ("variant", "vantage", "subject", "instant", "measure", "band")
Score = Mapping[str, Any]


class Definition:
    """A rule's examples with their relations at hand, and what a definition says of them."""

    def __init__(self, rule: Rule, open_until: ExitStack) -> None:
        self.rule = rule
        agreed = parameters_on()
        self._cases: list[tuple[Example, dict[str, int], Connection, Sequence[plain.Tx]]] = []
        for one in load_examples(rule):
            values = dict(agreed.changed(rule.name, **one.parameters).of(rule))
            connection = open_until.enter_context(duck.memory())
            _relations(connection, one)
            self._cases.append((one, values, connection, self._rows(connection)))

    def _rows(self, connection: Connection) -> Sequence[plain.Tx]:
        if self.rule.language == "sql":
            return ()
        names = ", ".join(plain.Tx._fields)
        codes = ", ".join(str(EVENT_CODES[code]) for code in self.rule.reads)
        read = f"SELECT {names} FROM tx WHERE event_code IN ({codes})"
        return plain.as_rows(connection.sql(read))

    def notices(self, text: str) -> bool:
        """Whether an example gives anything else with this text for a definition."""
        for one, values, connection, rows in self._cases:
            try:
                if self._says(text, values, connection, rows) != one.expected:
                    return True
            except (YrdError, ArithmeticError, LookupError, TypeError, ValueError):
                return True
        return False

    def _says(
        self,
        text: str,
        values: Mapping[str, int],
        connection: Connection,
        rows: Sequence[plain.Tx],
    ) -> tuple[Crossing, ...]:
        if self.rule.language == "sql":
            asked = f"WITH params AS (SELECT {columns_of(values)}), crossing AS ({text}) "
            return _short(connection.sql(asked + "SELECT * FROM crossing").to_pylist())
        module = ModuleType("changed")
        exec(compile(text, "definition.py", "exec"), module.__dict__)
        found = [one._asdict() for one in module.crossings(rows, values)]
        return _short([row | {"evidence": set(row["evidence"])} for row in found])

    def changes(self) -> Iterator[Change]:
        """Every change of the rule's own definition."""
        of = changed_sql if self.rule.language == "sql" else changed_python
        return of(self.rule.definition)


def _relations(connection: Connection, example: Example) -> None:
    """What a definition reads: the example's tables, or `tx` as pairing gives it."""
    for name, table in example.relations.items():
        connection.register(name, table)
    if example.relations:
        return
    import pyarrow as pa

    rows = {name: example.reports[name].copy() for name in NARROW.names or ()}
    connection.register("report", pa.table(rows))
    wait = {"wait_us": [WAIT], "memory_us": [pairing.PAIR_MEMORY_US]}
    connection.register("pairing_params", pa.table(wait))
    connection.execute(f"CREATE TABLE variant AS {pairing.definition()}")
    folder = Path(pairing.__file__).parent
    connection.execute(f"CREATE TABLE tx AS {(folder / 'tx.sql').read_text(encoding='utf-8')}")


def _short(rows: Sequence[Mapping[str, Any]]) -> tuple[Crossing, ...]:
    return tuple(sorted((*(row[name] for name in _NAMES), len(row["evidence"])) for row in rows))


def score(rule: Rule) -> Score:
    """Changes of a rule's definition noticed and not noticed."""
    with ExitStack() as open_until:
        of = Definition(rule, open_until)
        if of.notices(rule.definition):
            raise SystemExit(f"{rule.name}: expected its examples to hold; mend them first")
        return _counted((what, of.notices(text)) for what, text in of.changes())


def score_edges(rules: Sequence[Rule]) -> Score:
    """The same of `edges.py`, which definitions in Python share, by the examples of all of them."""
    path = Path(str(edges.__file__))
    before = dict(vars(edges))
    with ExitStack() as open_until:
        each = [Definition(rule, open_until) for rule in rules]
        found = []
        for what, text in changed_python(path.read_text(encoding="utf-8")):
            try:
                exec(compile(text, str(path), "exec"), vars(edges))
                found.append((what, any(of.notices(of.rule.definition) for of in each)))
            finally:
                vars(edges).clear()
                vars(edges).update(before)
    return _counted(found)


def _counted(tried: Iterator[tuple[str, bool]] | Sequence[tuple[str, bool]]) -> Score:
    every = list(tried)
    missed = [what for what, noticed in every if not noticed]
    return {"changes": len(every), "noticed": len(every) - len(missed), "not noticed": missed}


def kernels(names: Sequence[str]) -> Iterator[tuple[str, Score]]:
    """Scores of kernels, from a process that does not compile them."""
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.interpreted", *names],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
    )
    with child:
        for line in child.stdout or ():
            yield from json.loads(line).items()
    if child.returncode:
        raise SystemExit(child.returncode)


def table(scores: Mapping[str, Mapping[str, Score]]) -> str:
    """Scores as Markdown: what was changed, and how many of the changes an example notices."""

    def cell(found: Score | None) -> str:
        return "-" if not found else f"{found['noticed']} of {found['changes']}"

    lines = ["| | definition | kernel |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {cell(one.get('definition'))} | {cell(one.get('kernel'))} |"
        for name, one in scores.items()
    ]
    for part in ("definition", "kernel"):
        every = [one[part] for one in scores.values() if part in one]
        changes, noticed = (sum(one[key] for one in every) for key in ("changes", "noticed"))
        share = f"{100 * noticed / changes:.1f} %" if changes else "-"
        lines.append(f"\n{part.capitalize()}s: {noticed} of {changes} noticed, {share}.")
    missed = [
        f"- `{name}`, {part}: {', '.join(f'`{what}`' for what in one[part]['not noticed'])}"
        for name, one in scores.items()
        for part in ("definition", "kernel")
        if one.get(part, {}).get("not noticed")
    ]
    return "\n".join([*lines, "", "Not noticed:", "", *missed]) + "\n"


def main(arguments: Sequence[str]) -> None:
    """Print the scores of the named rules, or of all, as JSON; `--table FILE` writes a table."""
    names = list(arguments)
    target = None
    if "--table" in names:
        at = names.index("--table")
        target = Path(names[at + 1])
        del names[at : at + 2]
    rules = [rule for name, rule in load_rules().items() if not names or name in names]
    stream = [rule for rule in rules if rule.lane == "stream"]
    found: dict[str, dict[str, Score]] = {}
    for rule in rules:
        _told(found, rule.name, "definition", score(rule))
    plainly = [rule for rule in rules if rule.language == "py"]
    if len(plainly) > 1:
        _told(found, "edges.py", "definition", score_edges(plainly))
    for name, one in kernels([rule.name for rule in stream]) if stream else ():
        _told(found, name, "kernel", one)
    if target:
        target.write_text(table(found), encoding="utf-8")


def _told(found: dict[str, dict[str, Score]], name: str, part: str, one: Score) -> None:
    found.setdefault(name, {})[part] = one
    sys.stdout.write(json.dumps({name: {part: one}}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
