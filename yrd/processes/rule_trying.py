"""`yrd rule try`: a rule with other numbers against today's; logged, and written nowhere else."""

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ledger.duck import Connection
from pipelines.groups.groups import known
from pipelines.rules.registry import ParameterSet, Rule, load_parameters
from pipelines.trials.compare import Row, compare
from pipelines.trials.holdout import Holdout, holdout
from pipelines.trials.raising import Raised, Reports, cold, raised, read_reports
from replay.ledger_scores import read_labels, references
from replay.paired import Paired
from replay.scorer import Ratio, RuleScore, score
from schemas.regions import REGIONS
from serving.publish import open_version
from yrd.processes.run import Progress
from yrd.processes.tape_ledger import Tried

LOG = "tries.jsonl"
SHOWN = 5
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is tried: values of a rule, for all or for one region's own; counted on some days."""

    rule: Rule
    values: Mapping[str, int]
    region: str | None = None
    days: tuple[date, date] | None = None
    knowledge: str = "as-of"  # of controller groups, or `today`

    def sets(self) -> list[ParameterSet]:
        """Today's sets with the values changed in each of them."""
        if self.region is None:
            return [one.changed(self.rule.name, **self.values) for one in load_parameters()]
        return [
            one.changed_in(self.region, self.rule.name, **self.values) for one in load_parameters()
        ]


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two: its alerts, which count, and which of them are set aside or cold."""

    found: Raised
    counted: Mask
    aside: Mask
    cold: Mask
    cpu_s: float

    def alerts(self, mask: Mask) -> pa.Table:
        return self.found.alerts.filter(pa.array(mask))


def try_rule(asked: Asked, on: Tried, labels: Path | None, told: Progress) -> dict[str, Any]:
    """Run the rule with today's numbers and with the others; say what is gained and lost.

    Args:
        asked: What is tried.
        on: Where.
        labels: Labels of the tape, if they are not beside it.
        told: Hears how far it is.

    Returns:
        What `yrd rule try --json` prints, without the number of the try.
    """
    connection, _ = open_version(on.ledger)
    with connection, known(connection, asked.knowledge) as note:
        origin = str(connection.scalar("SELECT value FROM ledger_info WHERE name = 'data_origin'"))
        told("trying", 0, 4)
        reports = read_reports(connection, asked.rule)
        aside = holdout(on.tape)
        told("trying", 1, 4)
        today = _side(connection, reports, origin, None, asked, on, aside)
        told("trying", 2, 4)
        tried = _side(connection, reports, origin, asked.sets(), asked, on, aside)
        told("trying", 3, 4)
        where = labels or on.labels
        scored = None
        if where is not None and not today.found.not_evaluated:
            scored = _scores(connection, where, asked, reports, aside, today, tried)
        told("trying", 4, 4)
    change = compare(
        today.found.alerts,
        tried.found.alerts,
        (today.counted & ~today.aside).tolist(),
        (tried.counted & ~tried.aside).tolist(),
    )
    return {
        "data_origin": origin,
        "rule": asked.rule.name,
        "set": dict(asked.values),
        "today": {n: load_parameters()[-1].of(asked.rule)[n] for n in asked.values},
        "region": asked.region,
        "knowledge": asked.knowledge,
        "note": note,
        "tape": on.tape,
        "days": None if asked.days is None else [day.isoformat() for day in asked.days],
        "reports": reports.rows,
        "not_evaluated": today.found.not_evaluated,
        "cpu_s": {"today": today.cpu_s, "tried": tried.cpu_s},
        "alerts": {
            "today": int((today.counted & ~today.aside).sum()),
            "tried": int((tried.counted & ~tried.aside).sum()),
            "kept": len(change.kept),
            "changed": len(change.changed),
            "gained": len(change.gained),
            "lost": len(change.lost),
            "cold": {"today": int(today.cold.sum()), "tried": int(tried.cold.sum())},
            "set_aside": {
                "today": int((today.counted & today.aside).sum()),
                "tried": int((tried.counted & tried.aside).sum()),
            },
        },
        "by_view": change.by_view(),
        "examples": {
            "gained": [_told(row, asked.rule) for row in change.gained[:SHOWN]],
            "lost": [_told(row, asked.rule) for row in change.lost[:SHOWN]],
        },
        "score": None if scored is None else scored[0],
        "holdout": {
            "share_of_days": 1.0 if aside.whole else aside.share,
            "whole_tape": aside.whole,
            "score": None if scored is None else scored[1],
        },
    }


def _side(
    connection: Connection,
    reports: Reports,
    origin: str,
    parameters: list[ParameterSet] | None,
    asked: Asked,
    on: Tried,
    aside: Holdout,
) -> _Side:
    start = time.process_time()
    found = raised(connection, reports, origin, parameters)
    cpu = round(time.process_time() - start, 2)
    first = found.alerts["first_crossing"].cast(pa.int64()).to_numpy()
    begun_cold = cold(asked.rule, found.alerts, reports.since_us)
    on_tape = np.ones(len(first), np.bool_) if on.since_us is None else first >= on.since_us
    inside = on_tape & _within(first, asked.days)
    return _Side(found, inside & ~begun_cold, aside.holds(first), inside & begun_cold, cpu)


def _within(instants: npt.NDArray[np.int64], days: tuple[date, date] | None) -> Mask:
    if days is None:
        return np.ones(len(instants), np.bool_)
    low, high = (_midnight(day) for day in (days[0], days[1] + timedelta(days=1)))
    inside: Mask = (low <= instants) & (instants < high)
    return inside


def _midnight(day: date) -> int:
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)
    return int(at.timestamp() * 1_000_000)


def _scores(
    connection: Connection,
    where: Path,
    asked: Asked,
    reports: Reports,
    aside: Holdout,
    today: _Side,
    tried: _Side,
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The paired score of the days that may be looked at, and of those set aside."""
    labels = read_labels(where)
    labels = labels.filter(pc.equal(labels["rule"], asked.rule.name))
    if not labels.num_rows:
        return None
    named = references(connection, labels)
    first, last = (
        labels[name].cast(pa.int64()).to_numpy() for name in ("first_event", "last_event")
    )
    begins = pa.table({"first_crossing": pa.array(first)})
    scored = _within(last, asked.days) & ~cold(asked.rule, begins, reports.since_us)
    held = aside.holds(last)
    both = []
    for part in (False, True):
        mine = labels.filter(pa.array(scored & (held == part)))
        sides = []
        for side in (today, tried):
            chosen = side.alerts(side.counted & (side.aside == part))
            found = _of(score(side.found.alerts, side.found.crossings, mine, named), asked.rule)
            right = _of(score(chosen, side.found.crossings, labels, named), asked.rule)
            sides.append((found, right))
        both.append(_pair(mine, sides))
    return both[0], both[1]


def _of(whole: Any, rule: Rule) -> RuleScore | None:  # noqa: ANN401 - a Score
    found: RuleScore | None = whole.rules.get(rule.name)
    return found


def _pair(
    labels: pa.Table, sides: list[tuple[RuleScore | None, RuleScore | None]]
) -> dict[str, Any]:
    schemes = {row["scheme_id"] for row in labels.to_pylist() if row["kind"] == "scheme"}
    found = [
        schemes - set(recall.missed_ids) if recall is not None else set() for recall, _ in sides
    ]
    old, new = found
    paired = Paired(len(old & new), len(old - new), len(new - old), len(schemes - old - new))
    told: dict[str, Any] = {"planted": len(schemes), "paired": paired.as_dict()}
    for name, hits, (_, right) in zip(("today", "tried"), found, sides, strict=True):
        precision = Ratio(0, 0) if right is None else right.precision
        told[name] = {
            "recall": Ratio(len(hits), len(schemes)).as_dict(),
            "precision": precision.as_dict(),
        }
    return told


def _told(row: Row, rule: Rule) -> dict[str, Any]:
    """An alert in a list of examples; it has no id anybody could ask for: nothing is published."""
    return {
        "variant": row["variant"],
        "subject_kind": row["subject_kind"],
        "subject": row["subject"],
        "first_crossing": row["first_crossing"].isoformat(),
        "peak_measure": row["peak_measure"],
        "peak_band": row["peak_band"],
        "unit": rule.unit,
        "solo_status": dict(zip(REGIONS, row["solo_status"], strict=True)),
        "hidden_by_split": row["hidden_by_split"],
        "evidence": len(row["evidence"]),
    }


def log_try(var: Path, told: Mapping[str, Any], now: datetime) -> int:
    """Append a try to the log; returns how many there were on this tape, this one included.

    The log is only ever appended to, one JSON object a line, synced before the result is shown.
    """
    var.mkdir(parents=True, exist_ok=True)
    with (var / LOG).open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        before = sum(json.loads(line)["tape"] == told["tape"] for line in file if line.strip())
        kept = ("tape", "rule", "set", "region", "days", "alerts", "score", "holdout", "cpu_s")
        line = {"at": now.isoformat(), "try": before + 1} | {name: told[name] for name in kept}
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return before + 1
