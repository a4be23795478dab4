"""Running a rule's definition, whatever it is written in, on relations that are at hand."""

from collections.abc import Mapping
from typing import Any, Protocol

import pyarrow as pa

from pipelines.rules import plain
from pipelines.rules.registry import Rule
from schemas.narrow import EVENT_CODES
from schemas.records import CROSSING


class Relations(Protocol):
    """What holds the relations a rule names (`ledger.duck.Connection` does)."""

    def sql(self, text: str) -> pa.Table:
        """Run one statement and return its rows; raises InputError where a name is not there."""


def run_definition(
    relations: Relations, rule: Rule, values: Mapping[str, int], ahead: str = ""
) -> pa.Table:
    """What the definition says, as CROSSING rows in any order.

    Args:
        relations: where `tx` and whatever else the rule needs is found.
        rule: of either lane.
        values: every parameter of the rule.
        ahead: common table expressions that come first, each with a comma after it: relations of
            other rows under the names the definition reads.
    """
    if rule.language == "sql":
        # A search in SQL says itself whether it reached its bound.
        whole = "" if "AS search_cut" in rule.definition else ", false AS search_cut"
        return relations.sql(
            f"WITH {ahead}params AS (SELECT {columns_of(values)}), "
            f"crossing AS ({rule.definition}) SELECT *{whole} FROM crossing"
        ).cast(CROSSING)
    names, codes = ", ".join(plain.Tx._fields), ", ".join(str(EVENT_CODES[c]) for c in rule.reads)
    rows = relations.sql(
        f"WITH {ahead}params AS (SELECT 1) SELECT {names} FROM tx WHERE event_code IN ({codes})"
    )
    return plain.crossings(rule.folder, plain.as_rows(rows), values)


def columns_of(values: Mapping[str, Any]) -> str:
    """Parameters as the columns of a SELECT."""
    return ", ".join(f"{int(value)}::BIGINT AS {name}" for name, value in values.items())
