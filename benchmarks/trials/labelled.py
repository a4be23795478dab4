"""Trades whose id says which rule they break: how many our checks of one record catch.

A label names one rule of a list made by others: `FAIL` must be refused, `WARN` deserves a mark,
`PASS` and unlabelled trades are fine. What a check of one record cannot see (another record, a
register of products, who is who) is not caught, and is counted as that.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.trials.decoding import decode
from connectors.engine.spec import load

_LABEL = re.compile(r"(R\d+)-(PASS|FAIL|WARN)")
_ORDER = "dates in order"


@dataclass(frozen=True, slots=True)
class Labelled:
    """One trade: its label, and what was found of it."""

    trade: str
    rule: str  # R001, or nothing
    label: str  # PASS FAIL WARN, BASE without a label
    outcome: str  # accepted, warning, rejected or quarantined
    found: tuple[str, ...]  # our rule ids


def labelled(spec: Path, files: Sequence[Path]) -> Iterator[Labelled]:
    """Every trade of the files, with its label and our verdict.

    Args:
        spec: A spec that reads them.
        files: CSV with `TradeID` as first column.
    """
    feed = load(spec)
    for path in files:
        body = path.read_bytes()
        told = decode(feed, [body])
        names = [line.split(b",", 1)[0].decode() for line in body.splitlines()[1:] if line]
        found: dict[int, list[tuple[str, str]]] = {}
        for row in told.findings.to_pylist():
            found.setdefault(row["record"], []).append((row["rule_id"], row["outcome"]))
        for record, outcome in _out_of_order(told.batch):
            found.setdefault(record, []).append((_ORDER, outcome))
        for record, name in enumerate(names):
            marks = found.get(record, [])
            outcomes = {outcome for _, outcome in marks}
            worst = next(
                (o for o in ("quarantined", "rejected", "warning") if o in outcomes), "accepted"
            )
            label = _LABEL.search(name)
            yield Labelled(
                name,
                label[1] if label else "",
                label[2] if label else "BASE",
                worst,
                tuple(sorted({rule for rule, _ in marks})),
            )


def _out_of_order(batch: pa.RecordBatch) -> Iterator[tuple[int, str]]:
    """Records reported before they were executed, or over before they began; before the event.

    The last is a mark only, as rule YRD-003 of the catalogue has it.
    """
    executed, reported = batch["execution_timestamp"], batch["reporting_timestamp"]
    wrong = pc.or_(
        pc.less(reported, executed), pc.less(batch["expiration_date"], executed.cast(pa.date32()))
    )
    odd = pc.and_not(pc.less(reported, batch["event_timestamp"]), wrong)
    for rows, outcome in ((wrong, "rejected"), (odd, "warning")):
        for record in batch["record"].filter(pc.fill_null(rows, False)).to_pylist():
            yield record, outcome
