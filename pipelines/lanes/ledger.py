"""Definitions run over whole relations: on demand, and what every other way must equal.

A rule of the stream lane has a definition too. A rule whose relations are missing or empty is not
evaluated and says so: no crossing means something only where it was looked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from pipelines.lanes.judged import by_definition
from pipelines.rules.registry import InForce, Rule, in_force, load_rules
from schemas.errors import InputError
from schemas.narrow import EVENT_CODES
from schemas.records import CROSSING


class Ledger(Protocol):
    """What this lane needs of a connection (`ledger.duck.Connection` is one).

    It holds the relations the rules name (`tx`, `holding`).
    """

    def sql(self, text: str) -> pa.Table:
        """Run one statement and return its rows; raises InputError where a name is not there."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one rule said: its crossings (CROSSING), or why it was not evaluated."""

    rule: str
    crossings: pa.Table
    not_evaluated: str = ""


def evaluate(
    ledger: Ledger,
    rule: Rule,
    parameters: InForce | None = None,
) -> Evaluation:
    """Run one rule's definition.

    Args:
        ledger: where the relations are.
        rule: of either lane.
        parameters: what is in force: one set, or several; None means those agreed.

    Returns:
        Crossings in (variant, subject, instant, vantage) order, or the reason for there being none.
    """
    if reason := _lacks(ledger, rule):
        return Evaluation(rule.name, CROSSING.empty_table(), reason)
    found = by_definition(ledger, rule, in_force(parameters))
    return Evaluation(rule.name, _ordered(found))


def evaluate_lane(ledger: Ledger, parameters: InForce | None = None) -> list[Evaluation]:
    """Run every rule of the ledger lane; what lacks its data says so."""
    return [
        evaluate(ledger, rule, parameters)
        for rule in load_rules().values()
        if rule.lane == "ledger"
    ]


def _lacks(ledger: Ledger, rule: Rule) -> str:
    """Why the rule cannot be evaluated; empty if it can."""
    codes = ", ".join(str(EVENT_CODES[code]) for code in rule.reads)
    for relation in rule.needs:
        where = f" WHERE event_code IN ({codes})" if relation == "tx" else ""
        try:
            rows = ledger.sql(f"SELECT 1 FROM {relation}{where} LIMIT 1").num_rows
        except InputError:
            return f"{relation}: the ledger has no such relation"
        if rows == 0:
            what = f" with {', '.join(rule.reads)}" if relation == "tx" else ""
            return f"{relation}: no rows{what}"
    return ""


def _ordered(crossings: pa.Table) -> pa.Table:
    names: Sequence[str] = ("rule", "variant", "subject", "instant", "vantage", "measure")
    return crossings.sort_by([(name, "ascending") for name in names])
