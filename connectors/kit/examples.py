"""A feed's examples: small submissions with what must come of them beside each."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from connectors.engine.engine import Counts, Decoded
from connectors.engine.spec import Feed
from schemas.errors import InputError

EXPECTED = ".expected.json"
_SHAPE = (
    '{"counts": {"records": 1, "accepted": 1}, "held": null, "findings": [], '
    '"rows": [{"source_trade_id": "1"}]}'
)
_FINDING = ("record", "locator", "rule_id", "outcome", "field")


def examples(feed: Feed) -> Iterator[Path]:
    """The example files of a feed, by name."""
    folder = feed.folder / "examples"
    if folder.is_dir():
        yield from (
            path
            for path in sorted(folder.iterdir())
            if path.is_file() and not path.name.endswith(EXPECTED)
        )


def expected(path: Path) -> dict[str, Any] | None:
    """What stands beside an example.

    Raises:
        InputError: it is no expectation; the message has its shape.
    """
    beside = path.with_name(path.name + EXPECTED)
    if not beside.is_file():
        return None
    try:
        told: dict[str, Any] = json.loads(beside.read_text(encoding="utf-8"))
        counts = {one.name for one in fields(Counts)}
        fits = set(told) == {"counts", "held", "findings", "rows"}
        fits = fits and set(told["counts"]) <= counts and isinstance(told["rows"], list)
        fits = fits and all(isinstance(row, dict) for row in told["rows"])
    except (ValueError, TypeError):
        fits = False
    if not fits:
        raise InputError(
            f"{beside.name}: expected {_SHAPE}, all four; correct it (docs/add-a-feed.md)"
        )
    return told


def plain(feed: Feed) -> list[Path]:
    """The examples of which every record is accepted, warnings or not."""
    out = []
    for path in examples(feed):
        told = expected(path)
        if told and told["held"] is None and told["rows"]:
            outcomes = {finding["outcome"] for finding in told["findings"]}
            if outcomes <= {"warning"}:
                out.append(path)
    return out


def differences(decoded: Decoded, wanted: dict[str, Any]) -> list[str]:
    """What an example became that it should not have; empty where it became what stands there."""
    out = []
    counts = decoded.counts[0]
    for name, value in wanted["counts"].items():
        if getattr(counts, name) != value:
            out.append(f"{name}: expected {value}, got {getattr(counts, name)}")
    if decoded.held[0] != wanted["held"]:
        out.append(f"held: expected {wanted['held']}, got {decoded.held[0]}")
    found = [{name: row[name] for name in _FINDING} for row in decoded.findings.to_pylist()]
    if found != wanted["findings"]:
        told = [f"{row['rule_id']} {row['field']} at {row['locator']}" for row in found]
        out.append(f"findings: got {'; '.join(told) or 'none'}")
    rows = decoded.batch.to_pylist()
    if len(rows) != len(wanted["rows"]):
        out.append(f"rows: expected {len(wanted['rows'])}, got {len(rows)}")
        return out
    for number, (row, values) in enumerate(zip(rows, wanted["rows"], strict=True)):
        wrong = [name for name, value in values.items() if as_text(row.get(name)) != value]
        if wrong:
            out.append(f"row {number}: other values in {', '.join(wrong)}")
    return out


def as_text(value: Any) -> Any:  # noqa: ANN401 - a cell of any type
    """A cell as an expectation writes it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return dict(value)
    return None if value is None else str(value)
