"""The conformance check of a feed: one step a promise, over real files and the feed's examples."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.engine.cells import Cells
from connectors.engine.engine import Decoded, Decoder, Submission
from connectors.engine.spec import Feed
from connectors.engine.tokens import Tokeniser
from connectors.kit import steps
from connectors.kit.certificate import Certificate, Step
from connectors.kit.clear import leaks, secrets
from connectors.kit.examples import differences, examples, expected
from connectors.kit.profile import Profile, cells_of, profile
from schemas.errors import InputError
from schemas.fields import SCHEMA_VERSION

EXAMPLES_AT = datetime(2026, 6, 15, 10, 31, tzinfo=UTC)  # when the examples were received
EXAMPLES_KEY = b"example key: 16+ bytes"  # of the tokens in their expectations; protects nobody
SUBMITTER = "381290000019"  # a bank of the demo register
TOLERATED = 0.05  # share of records that may be rejected
_MOMENTS = ("event_timestamp", "execution_timestamp", "reporting_timestamp")
_LOCATORS = 3


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the whole intake makes of submissions: tables by name, and what it logged."""

    tables: Mapping[str, pa.Table]
    log: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """How a feed is tried.

    `key` makes the tokens. `through` runs the whole intake; None looks at the engine alone.
    `cpu` gives CPU seconds that rise. `rejected` and `waiting` are the shares of records that may
    be rejected and quarantined.
    """

    key: bytes
    through: Callable[[Feed, Sequence[Submission]], Outputs] | None
    cpu: Callable[[], float]
    submitter: str = SUBMITTER
    rejected: float = TOLERATED
    waiting: float = 0.0


STAGES = ("read", "decode", "intake", "promises", "any order", "in clear", "examples", "speed")
Told = Callable[[str], None]
"""Told which of `STAGES` begins."""


def check(
    feed: Feed,
    text: str,
    files: Sequence[tuple[str, bytes]],
    trial: Trial,
    told: Told = lambda stage: None,
) -> Certificate:
    """Try a feed on files and say what holds.

    Args:
        feed: The spec, a draft too.
        text: Of the spec.
        files: Names and bytes, at least one.
        trial: How.
        told: Is told of progress.

    Raises:
        InputError: no file is given.
    """
    if not files:
        raise InputError("feed check: expected at least one file; name the files to try it on")
    seen: Profile | None
    told("read")
    try:
        seen, why = profile(feed, [body for _, body in files]), ""
        cells, _ = cells_of(feed, [body for _, body in files])
    except InputError as error:
        seen, why = None, str(error)
    if seen is None or feed.undecided_fields:
        return _unreadable(feed, text, files, seen, why)
    told("decode")
    submissions, decoded = _decoded(feed, files, trial)
    told("intake")
    outputs = trial.through(feed, submissions) if trial.through else None
    reports = outputs.tables["reports"] if outputs else pa.Table.from_batches([decoded.batch])
    told("promises")
    fields = steps.accounted(feed, seen)
    counts = _counts(decoded, outputs)
    rejects = _rejects(decoded, outputs)
    found = [
        steps.reviewed(text),
        steps.accounting(feed, fields),
        steps.types(feed, decoded, reports),
        steps.codes(feed, rejects, int(trial.waiting * counts["records"])),
        steps.required_fields(feed, reports),
        steps.key(feed, reports),
        steps.visibility_of(feed, reports),
        _outcomes(counts, rejects, trial),
    ]
    told("any order")
    found.append(_determinism(feed, submissions, decoded, trial))
    told("in clear")
    found.append(_clear(feed, cells, decoded, outputs, rejects))
    told("examples")
    found += [_examples(feed, trial), steps.zones(feed)]
    told("speed")
    return Certificate(
        feed=feed.name,
        spec=feed.version,
        schema=SCHEMA_VERSION,
        files=_files(files),
        steps=tuple(found),
        counts=counts,
        rejects=tuple(rejects),
        fields=tuple(fields),
        throughput=_throughput(feed, submissions, counts["records"], trial),
    )


def _unreadable(
    feed: Feed, text: str, files: Sequence[tuple[str, bytes]], seen: Profile | None, why: str
) -> Certificate:
    """A certificate that says why nothing was tried: undecided fields, an unreadable file."""
    fields = steps.accounted(feed, seen) if seen else []
    found = [steps.reviewed(text), steps.accounting(feed, fields)]
    if why:
        found = [Step("readable", False, "nothing can be read", (why,))]
    return Certificate(
        feed.name, feed.version, SCHEMA_VERSION, _files(files), tuple(found), {}, (), tuple(fields)
    )


def _files(files: Sequence[tuple[str, bytes]]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"name": name, "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}
        for name, body in files
    )


def _decoded(
    feed: Feed, files: Sequence[tuple[str, bytes]], trial: Trial
) -> tuple[list[Submission], Decoded]:
    """Files as submissions received a minute after the newest moment they state, and decoded."""
    submissions = [
        Submission(hashlib.sha256(body).digest(), trial.submitter, EXAMPLES_AT, body, name)
        for name, body in files
    ]
    first = Decoder(feed, Tokeniser(trial.key)).decode(submissions)
    newest = EXAMPLES_AT
    for name in _MOMENTS:
        if name in first.batch.schema.names and first.batch.num_rows:
            last = pc.max(first.batch[name]).as_py()
            newest = max(newest, last) if last else newest
    received = newest.replace(microsecond=0) + timedelta(minutes=1)
    if received == EXAMPLES_AT + timedelta(minutes=1):
        return submissions, first
    submissions = [replace(one, received_at=received) for one in submissions]
    return submissions, Decoder(feed, Tokeniser(trial.key)).decode(submissions)


def _counts(decoded: Decoded, outputs: Outputs | None) -> dict[str, int]:
    """Records by outcome: after the validation rules where the whole intake ran."""
    if outputs is not None:
        table = outputs.tables["submissions"]
        told = ("submitted", "accepted", "rejected", "quarantined", "duplicates", "skipped")
        sums = {name: int(pc.sum(table[name]).as_py() or 0) for name in told}
        sums = {"records": sums.pop("submitted") + sums["skipped"], **sums}
    else:
        names = ("records", "accepted", "rejected", "quarantined", "skipped")
        sums = {name: sum(getattr(one, name) for one in decoded.counts) for name in names}
    return sums | {"held": sum(reason is not None for reason in decoded.held)}


def _rejects(decoded: Decoded, outputs: Outputs | None) -> list[dict[str, Any]]:
    """What was not accepted or was warned of, by rule and field, with the first locators."""
    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    if outputs is not None:
        table = outputs.tables["feedback"]
        rows = table.filter(pc.is_valid(table["rule_id"])).to_pylist()
        rows = [{**row, "outcome": _OUTCOME.get(row["verdict"], "warning")} for row in rows]
        waiting = outputs.tables["quarantine"].to_pylist()
        rows += [{**row, "rule_id": row["reason"], "outcome": row["status"]} for row in waiting]
        rows = [row for row in rows if row.get("verdict") not in ("QUARANTINED", "HELD")]
    else:
        rows = decoded.findings.to_pylist()
    for row in rows:
        at = (row["outcome"], row["rule_id"], row["field"] or "")
        group = groups.setdefault(
            at,
            {
                "outcome": at[0],
                "rule": at[1],
                "field": at[2],
                "expected": row["expected"],
                "records": 0,
                "locators": [],
            },
        )
        group["records"] += 1
        if len(group["locators"]) < _LOCATORS:
            group["locators"].append(row["locator"])
    return [groups[at] for at in sorted(groups)]


_OUTCOME = {"NACK": "rejected", "DUPLICATE": "duplicate"}


def _outcomes(
    counts: Mapping[str, int], rejects: Sequence[Mapping[str, Any]], trial: Trial
) -> Step:
    """No more waits than may, something is accepted, few are rejected, and the counts add up."""
    records = counts["records"] - counts["skipped"]
    parts = sum(counts.get(n, 0) for n in ("accepted", "rejected", "quarantined", "duplicates"))
    open_ = []
    if parts != records:
        open_.append("the outcomes do not add up to the records: our own fault, report it")
    if counts["held"]:
        open_.append(f"submissions held: {counts['held']}; see the reasons, change the spec")
    if counts["quarantined"] > trial.waiting * records:
        open_.append(
            f"{counts['quarantined']} of {records} records are quarantined: decide what they are "
            "(--waiting says what share may stay odd)"
        )
    if not counts["accepted"]:
        open_.append("no record is accepted")
    if counts["rejected"] > trial.rejected * records:
        open_.append(
            f"{counts['rejected']} of {records} records are rejected, more than "
            f"{trial.rejected:.0%}: is the spec wrong, or the source? (--rejected says what may be)"
        )
    shown = ("records", "accepted", "rejected", "quarantined", "held", "skipped")
    told = ", ".join(f"{name} {counts[name]}" for name in shown)
    told += f"; up to {trial.waiting:.1%} may wait" if trial.waiting else ""
    notes = tuple(
        f"{one['outcome']} {one['rule']} {one['field']}: {one['records']}x, first at "
        f"{', '.join(one['locators'])}: expected {one['expected']}"
        for one in rejects
    )
    return Step("outcomes", not open_, told, tuple(open_), notes)


def _determinism(
    feed: Feed, submissions: Sequence[Submission], decoded: Decoded, trial: Trial
) -> Step:
    """The same rows and findings in the other order, one by one, and once more."""

    def rows(some: Sequence[Submission], result: Decoded) -> list[str]:
        return sorted(
            repr((some[row["submission"]].id, {**row, "submission": 0}))
            for table in (result.batch, result.findings)
            for row in table.to_pylist()
        )

    wanted = rows(submissions, decoded)
    again = Decoder(feed, Tokeniser(trial.key))
    open_ = []
    backwards = list(reversed(submissions))
    if rows(backwards, again.decode(backwards)) != wanted:
        open_.append("another order of submissions gives another result")
    if rows(submissions, again.decode(submissions)) != wanted:
        open_.append("the same submissions give another result the second time")
    single = [row for one in submissions for row in rows([one], again.decode([one]))]
    if sorted(single) != wanted:
        open_.append("submissions one by one give another result than together")
    told = "the same in any order, together or apart, and again"
    return Step("determinism", not open_, told if not open_ else "differs", tuple(open_))


def _clear(
    feed: Feed,
    cells: Cells,
    decoded: Decoded,
    outputs: Outputs | None,
    rejects: Sequence[Mapping[str, Any]],
) -> Step:
    """No value read as token, document number, account or dropped name stands in any output."""
    known = secrets(feed, cells, _kept_names(feed, cells, decoded))
    tables: dict[str, pa.Table] = {
        "engine": pa.Table.from_batches([decoded.batch]),
        "findings": decoded.findings,
        "waiting": decoded.quarantined,
    }
    texts = [repr(one) for one in rejects]
    if outputs is not None:
        tables |= dict(outputs.tables)
        texts += outputs.log
    found = leaks(known, tables, texts)
    told = f"{known.count} values searched in {len(tables)} tables and the log: "
    told += f"{len(found)} places" if found else "none found"
    note = () if known.count else ("no field is read as a document, account, keyed number or name",)
    return Step("clear identifiers", not found, told, tuple(found), note)


def _kept_names(feed: Feed, cells: Cells, decoded: Decoded) -> dict[str, pa.Array]:
    """For each record of the scan whether a party's name may stay: it did, beside a firm's id."""
    sizes = [counts.records for counts in decoded.counts]
    begins = np.concatenate([[0], np.cumsum(sizes)])[:-1].astype(np.int64)
    batch = decoded.batch
    at = begins[batch["submission"].to_numpy()] + batch["record"].to_numpy()
    out = {}
    for party in feed.parties:
        kept = np.zeros(cells.count, np.bool_)
        named = batch[f"{party.prefix}_name"].is_valid().to_numpy(zero_copy_only=False)
        inside = at < cells.count
        kept[at[inside]] = named[inside]
        out[party.prefix] = pa.array(kept)
    return out


def _examples(feed: Feed, trial: Trial) -> Step:
    """Every example becomes what stands beside it."""
    decoder = Decoder(feed, Tokeniser(trial.key))
    open_, tried = [], 0
    for path in examples(feed):
        wanted = expected(path)
        tried += 1
        if wanted is None:
            open_.append(f"{path.name}: expected {path.name}.expected.json beside it")
            continue
        problems = _difference(decoder, path, wanted)
        if problems:
            open_.append(f"{path.name}: {'; '.join(problems[:3])}")
    notes = () if tried else ("the feed has no examples; put small submissions in examples/",)
    return Step("examples", not open_, f"{tried} examples", tuple(open_), notes)


def _difference(decoder: Decoder, path: Path, wanted: dict[str, Any]) -> list[str]:
    body = path.read_bytes()
    one = Submission(hashlib.sha256(body).digest(), SUBMITTER, EXAMPLES_AT, body, path.name)
    return differences(decoder.decode([one]), wanted)


def _throughput(
    feed: Feed, submissions: Sequence[Submission], records: int, trial: Trial
) -> dict[str, float]:
    """CPU time of the engine, the best of three rounds after the first."""
    decoder = Decoder(feed, Tokeniser(trial.key))
    decoder.decode(submissions)
    best = float("inf")
    for _ in range(3):
        before = trial.cpu()
        decoder.decode(submissions)
        best = min(best, trial.cpu() - before)
    size = sum(len(one.body) for one in submissions)
    return {
        "cpu_us_per_record": round(best * 1e6 / max(records, 1), 2),
        "cpu_ns_per_byte": round(best * 1e9 / max(size, 1), 2),
        "records": records,
    }
