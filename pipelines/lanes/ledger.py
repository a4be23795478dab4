"""The ledger lane: definitions run as SQL when a business day closes, for late reports, on demand.

A rule of the stream lane has a definition too; it runs here for the subjects that late reports
concern, and its crossings take the place of the stream's for them. A rule whose relations are
missing or empty is not evaluated and says so: no crossing means something only where it was looked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.rules.kernels.table import pair_id
from pipelines.rules.registry import ParameterSet, Rule, load_rules, parameters_on
from schemas.errors import InputError
from schemas.narrow import EVENT_CODES
from schemas.records import CROSSING

Ids = npt.NDArray[np.int64]


class Ledger(Protocol):
    """What this lane needs of a connection (`ledger.duck.Connection` is one).

    It holds the relations the rules name (`tx`, `holding`) and, for the late path, `event`.
    """

    def sql(self, text: str) -> pa.Table:
        """Run one statement and return its rows; raises InputError where a name is not there."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one rule said: its crossings (CROSSING), or why it was not evaluated."""

    rule: str
    crossings: pa.Table
    not_evaluated: str = ""


@dataclass(frozen=True, slots=True)
class Affected:
    """Parties and ordered pairs that late reports concern, as subject ids; sorted, distinct."""

    parties: Ids
    pairs: Ids

    @classmethod
    def by(cls, payers: Ids, payees: Ids) -> "Affected":
        """From the payer and payee of every pair any vantage may see differently."""
        both = (payers != 0) & (payees != 0)
        known = zip(payers[both].tolist(), payees[both].tolist(), strict=True)
        pairs = [int(pair_id.py_func(payer, payee)) for payer, payee in known]
        parties = np.unique(np.concatenate([payers, payees]))
        return cls(parties[parties != 0], np.unique(np.array(pairs, np.int64)))

    def __bool__(self) -> bool:
        return len(self.parties) > 0

    def of(self, rule: Rule, crossings: pa.Table) -> pa.ChunkedArray:
        """Which crossings of the rule speak of an affected subject (bool)."""
        pairs = [variant.name for variant in rule.variants if variant.subject == "pair"]
        is_pair = pc.is_in(crossings["variant"], value_set=pa.array(pairs, pa.string()))
        return pc.if_else(
            is_pair,
            pc.is_in(crossings["subject"], value_set=pa.array(self.pairs)),
            pc.is_in(crossings["subject"], value_set=pa.array(self.parties)),
        )


def evaluate(
    ledger: Ledger,
    rule: Rule,
    parameters: ParameterSet | None = None,
    affected: Affected | None = None,
) -> Evaluation:
    """Run one rule's definition.

    Args:
        ledger: where the relations are.
        rule: of either lane.
        parameters: the set in force; None means the newest.
        affected: look only at these subjects; None means all.

    Returns:
        Crossings in (variant, subject, instant, vantage) order, or the reason for there being none.
    """
    if reason := _lacks(ledger, rule):
        return Evaluation(rule.name, CROSSING.empty_table(), reason)
    agreed = (parameters or parameters_on()).of(rule)
    parts = [f"params AS (SELECT {_columns(agreed)})"]
    if affected is not None:
        names = ", ".join(str(party) for party in affected.parties.tolist()) or "0"
        # Every transaction of an affected party is kept, so whatever is said of it is whole.
        parts.append(
            f"tx AS (SELECT * FROM tx WHERE payer_party IN ({names}) OR payee_party IN ({names}))"
        )
    parts.append(f"crossing AS ({rule.definition})")
    found = ledger.sql(f"WITH {', '.join(parts)} SELECT * FROM crossing").cast(CROSSING)
    if affected is not None:
        found = found.filter(affected.of(rule, found))
    return Evaluation(rule.name, _ordered(found))


def evaluate_lane(ledger: Ledger, parameters: ParameterSet | None = None) -> list[Evaluation]:
    """Run every rule of the ledger lane; what lacks its data says so."""
    return [
        evaluate(ledger, rule, parameters)
        for rule in load_rules().values()
        if rule.lane == "ledger"
    ]


def affected_by_late(ledger: Ledger) -> Affected:
    """Whom the late reports in the ledger concern."""
    text = (Path(__file__).parent / "affected.sql").read_text(encoding="utf-8")
    rows = ledger.sql(text)
    return Affected.by(rows["payer_party"].to_numpy(), rows["payee_party"].to_numpy())


def with_late(
    ledger: Ledger,
    stream: pa.Table,
    parameters: ParameterSet | None = None,
    affected: Affected | None = None,
) -> tuple[pa.Table, Affected]:
    """Crossings of the stream lane as they are with late reports: the late path.

    Args:
        ledger: holds all accepted reports, late ones included.
        stream: CROSSING rows of the stream job, which never saw a late report.
        parameters: the set in force; None means the newest.
        affected: whom to look at again; None means whomever the ledger's late reports concern.

    Returns:
        (CROSSING rows: the stream's for everybody else, the definitions' for the affected; whom).
    """
    again = affected_by_late(ledger) if affected is None else affected
    if not again:
        return stream, again
    parts = []
    for rule in load_rules().values():
        mine = stream.filter(pc.equal(stream["rule"], rule.name))
        if rule.lane == "stream":
            parts.append(mine.filter(pc.invert(again.of(rule, mine))))
            parts.append(evaluate(ledger, rule, parameters, again).crossings)
        else:
            parts.append(mine)
    return _ordered(pa.concat_tables(parts)), again


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


def _columns(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{int(value)}::BIGINT AS {name}" for name, value in values.items())


def _ordered(crossings: pa.Table) -> pa.Table:
    names: Sequence[str] = ("rule", "variant", "subject", "instant", "vantage", "measure")
    return crossings.sort_by([(name, "ascending") for name in names])
