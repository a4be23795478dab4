"""Measured results of the rules, kept with the project: `scores.json`, each with its command.

A figure is only worth what can be done again: an entry names the data, the command that made it and
the day. Run `python -m pipelines.rules.scores FILE --command TEXT --on TEXT --measured DAY` to take
over what `yrd score RUN --json` or `yrd rule score FILE --json` printed.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from schemas.errors import ConfigurationError, YrdError

FILE = Path(__file__).with_name("scores.json")


@dataclass(frozen=True, slots=True)
class Measured:
    """One result of one rule. `recall` and `precision`: hits, n, value, low, high (95 %)."""

    on: str
    command: str
    measured: str
    recall: Mapping[str, Any]
    precision: Mapping[str, Any]
    hidden_by_split: int | None


def load_scores(path: Path = FILE) -> Mapping[str, tuple[Measured, ...]]:
    """By rule what was measured, the oldest first; none where there is no file.

    Raises:
        ConfigurationError: the file is not one of scores.
    """
    if not path.exists():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {rule: tuple(Measured(**row) for row in rows) for rule, rows in told.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{path.name}: expected rules with their results; write it again"
        ) from error


def taken_over(
    told: Mapping[str, Any], on: str, command: str, measured: str
) -> Mapping[str, Measured]:
    """Results by rule from what either of the two commands printed as JSON.

    Raises:
        ConfigurationError: it is the output of neither.
    """
    found = {}
    for rule, row in told.get("by_rule", told).items():
        part = row.get("joint", row) if isinstance(row, dict) else {}
        if rule == "all" or not {"recall", "precision"} <= set(part):
            continue
        hidden = row.get("hidden_by_split", row.get("hidden", {}).get("found"))
        if not part["recall"]["n"] and not part["precision"]["n"]:
            continue  # neither a scheme of its kind nor an alert: nothing was measured
        found[rule] = Measured(on, command, measured, part["recall"], part["precision"], hidden)
    if not found:
        raise ConfigurationError(
            "scores: expected the output of `yrd score RUN --json` or `yrd rule score FILE --json`"
        )
    return found


def merged(
    known: Mapping[str, tuple[Measured, ...]], new: Mapping[str, Measured]
) -> Mapping[str, tuple[Measured, ...]]:
    """Results with newer ones, which take the place of those on the same data."""
    out = {rule: list(rows) for rule, rows in known.items()}
    for rule, row in new.items():
        rows = out.setdefault(rule, [])
        at = next((at for at, one in enumerate(rows) if one.on == row.on), len(rows))
        rows[at : at + 1] = [row]
    return {rule: tuple(out[rule]) for rule in sorted(out)}


def keep(rows: Mapping[str, tuple[Measured, ...]]) -> None:
    """Write results down, in place of all that were kept."""
    plain = {rule: [asdict(row) for row in some] for rule, some in rows.items()}
    FILE.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    """Take over a score; returns an exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.rules.scores", description=__doc__)
    parser.add_argument("file", type=Path)
    for name in ("--command", "--on", "--measured"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    try:
        told = json.loads(given.file.read_text(encoding="utf-8"))
        new = taken_over(told, given.on, given.command, given.measured)
        keep(merged(load_scores(), new))
    except (OSError, ValueError, YrdError) as error:
        sys.stderr.write(f"scores: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
