"""Rules scored on a labelled tape, or on the ledger of a run that ended."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from schemas.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from ledger.duck import Connection
    from pipelines.rules.registry import Rule
    from yrd.processes.scoring import Options, Progress
    from yrd.settings import Settings


@dataclass(frozen=True, slots=True)
class Source:
    """A ledger to score, its labels, and whether its own crossings are scored as they stand."""

    ledger: "Connection"
    labels: Path
    stored: bool
    name: str


def score_folder(
    folder: Path, options: "Options", settings: "Settings", progress: "Progress"
) -> dict[str, Any]:
    """Score a tape's folder (its reports are taken, the rules run in this process) or a run's.

    A run is scored by the crossings it stored; with other numbers its rules run again.

    Raises:
        InputError: no tape, no run, no labels, or an option that only a table knows.
    """
    from pipelines.groups.groups import known

    if options.camouflaged or options.cross is not None or options.partition != "bank":
        raise InputError(
            f"{folder}: expected a transfer table for --partition, --cross and --camouflaged; "
            "a tape has its own regions"
        )
    with (
        _open(folder, settings, options, progress) as source,
        known(source.ledger, options.knowledge) as note,
    ):
        told = _scored(source, options, progress)
    return told | ({"note": note} if note else {})


@contextmanager
def _open(
    folder: Path, settings: "Settings", options: "Options", progress: "Progress"
) -> Iterator[Source]:
    from serving.publish import open_version
    from yrd.processes.layout import Layout

    layout = Layout(folder)
    if layout.ledger.is_dir():
        connection, _ = open_version(layout.ledger)
        with connection:
            stored = not options.values and options.knowledge == "as-of"
            labels = options.labels or layout.tape / "labels.parquet"
            yield Source(connection, labels, stored, folder.name)
    elif (folder / "manifest.json").is_file():
        with (
            TemporaryDirectory(prefix="yrd-score-") as place,
            _taken(folder, Path(place), settings, progress) as ledger,
        ):
            yield Source(ledger, folder / "labels.parquet", False, folder.name)
    else:
        raise InputError(
            f"{folder}: expected a transfer table, a tape (`yrd simulate` makes one) or the folder "
            "of a run (`yrd demo` leaves one)"
        )


@contextmanager
def _taken(
    tape: Path, place: Path, settings: "Settings", progress: "Progress"
) -> "Iterator[Connection]":
    """A ledger of the tape's reports and of the groups of every closing; no job, no alerts."""
    from connectors.ends.tape import Tape
    from yrd.processes.concluding import closings_of, group_days
    from yrd.processes.layout import Layout
    from yrd.processes.loading import open_loader
    from yrd.processes.run import Options as RunOptions
    from yrd.processes.taking import make_plan, take_tape

    layout = Layout(place)
    units = make_plan(tape, place, RunOptions(), settings)
    origin = str(Tape(tape).manifest["data_origin"])
    with open_loader(layout.ledger, origin) as loader:
        taken = take_tape(tape, layout.intake, settings, units)
        for done, number in enumerate(taken, start=1):
            loader.take_unit("tape", layout.intake, number)
            progress("intake", done, len(units))
        loader.loader.flush()
        ledger = loader.loader.connection
        end = ledger.scalar("SELECT max(received_at) FROM submission")
        group_days(loader.loader, closings_of(ledger, end, settings.slack))
        yield ledger


def _scored(source: Source, options: "Options", progress: "Progress") -> dict[str, Any]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from replay.ledger_scores import movements_of, read_labels, truth_of_labels
    from replay.scoring.score import Period, score_rules
    from schemas.records import CROSSING
    from yrd.processes.scoring import numbers, of_vantages, told_of

    labels = read_labels(source.labels)
    truth, movements = truth_of_labels(source.ledger, labels), movements_of(source.ledger)
    if not len(movements.ids):
        raise InputError(f"{source.name}: expected payments; replay the tape again")
    rules = _rules(options)
    readings: dict[str, Any] = {}

    def again(rule: "Rule", changed: Mapping[str, int]) -> "pa.Table":
        from pipelines.trials.raising import raised, read_reports

        if rule.name not in readings:
            readings[rule.name] = read_reports(source.ledger, rule)
        before = options.values.get(rule.name, {})
        values = {**options.values, rule.name: {**before, **changed}}
        reading = readings[rule.name]
        found = raised(source.ledger, reading, "SIMULATED", numbers(values)).crossings
        return of_vantages(found, options.vantages)

    if source.stored:
        text = f"SELECT {', '.join(CROSSING.names)} FROM crossing WHERE known_to IS NULL"
        crossings = source.ledger.sql(text).cast(CROSSING)
        names = pa.array(list(rules))
        crossings = crossings.filter(pc.is_in(crossings["rule"], value_set=names))
        crossings = of_vantages(crossings, options.vantages)
    else:
        parts = []
        for done, rule in enumerate(rules.values(), start=1):
            parts.append(again(rule, {}))
            progress("rules", done, len(rules))
        crossings = pa.concat_tables(parts or [CROSSING.empty_table()])
    start, day = int(movements.event_us.min()), 86_400_000_000
    beijing = 8 * 3_600_000_000
    first = (start + beijing) // day * day - beijing
    period = Period.of(first, int(movements.event_us.max()), options.armed_days or 0)
    accounts = len(np.unique(np.r_[movements.payer, movements.payee]))
    score = score_rules(crossings, rules, truth, accounts, period)
    return {
        "data_origin": "SIMULATED",
        "source": source.name,
        "generator": "yrd",
        "armed_days": options.armed_days or 0,
        **told_of(score, rules, movements, options, again, progress),
    }


def _rules(options: "Options") -> "dict[str, Rule]":
    """Rules of both lanes: a tape has more than payments."""
    from pipelines.rules.registry import load_rules

    known = load_rules()
    for name in options.rules:
        if name not in known:
            raise InputError(f"--rule {name}: expected one of {', '.join(sorted(known))}")
    return {n: r for n, r in sorted(known.items()) if not options.rules or n in options.rules}
