"""An alert of one ledger held against the same alert of another that was made of the same tape.

For alerts that rest on more than their evidence: what others do, what institutions state, what a
register says. Only a run of everything computes them again; here both ledgers are compared. What
it proves: this code makes this alert of these bytes. Not that what the bytes say is true, nor that
the code is right: both ledgers come from the same code.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from connectors.ends.tape import Tape
from ledger.duck import Connection
from pipelines.episodes.episodes import output_sha256
from pipelines.rules.registry import load_rules
from schemas.errors import InputError
from schemas.fields import IMPLEMENTED_KINDS
from schemas.records import ALERT, CROSSING
from serving.answers.evidence import Row
from serving.answers.steps import Step, step
from serving.answers.verify import unheard

_PIECE = 4 << 20  # of a body that is hashed without being in memory
_SOURCES = "SELECT DISTINCT source FROM load_offset"
_SUBMISSIONS = "SELECT * EXCLUDE (segment, position) FROM submission"
_STANDING = f"SELECT {', '.join(ALERT.names)} FROM alert WHERE known_to IS NULL"
_REVISIONS = "SELECT * FROM alert WHERE alert_id = $alert_id"
# Its own, or else one of the same subject that begins nearest: it shows what became different.
_SAME = """
SELECT * FROM alert
WHERE known_to IS NULL AND NOT withdrawn
    AND (alert_id = $alert_id OR (rule, variant, subject) = ($rule, $variant, $subject))
ORDER BY alert_id <> $alert_id, abs(epoch_us(first_crossing) - $first_crossing) LIMIT 1
"""
_CROSSINGS = f"""
SELECT {", ".join(CROSSING.names)}, lane, known_from FROM crossing
WHERE rule = $rule AND variant = $variant AND known_to IS NULL
    AND (subject = $subject OR ($shares AND list_has_any(evidence, $evidence)))
"""
# Evidence is a transaction's number, which all its reports share, or that of one report.
_OF_TRANSACTIONS = ("event", "position")
_REPORTS = {
    kind: f"SELECT '{kind}' AS kind, * FROM {kind} WHERE report IN (SELECT unnest($keys))"
    + (" OR transaction_id IN (SELECT unnest($keys))" if kind in _OF_TRANSACTIONS else "")
    for kind in IMPLEMENTED_KINDS
}


@dataclass(frozen=True, slots=True)
class Body:
    """One submission of a tape: who sent it, the SHA-256 it is known by, that of its bytes."""

    submitter: str
    named: bytes
    found: bytes


def hashed(tape: Tape, told: Callable[[str, int, int], None] = unheard) -> tuple[Body, ...]:
    """Hash every body of a tape, also those in its vault.

    Raises:
        InputError: a segment or a body in the vault was changed or is missing.
    """
    bodies: list[Body] = []
    for number in range(len(tape.segments())):
        rows = tape.envelopes(number).select(["submitter", "sha256", "body"])
        for submitter, named, body in zip(*(column for column in rows.columns), strict=True):
            name = named.as_py()
            bodies.append(Body(submitter.as_py(), name, _sha256(tape, name, body.as_buffer())))
        told("hashing the tape", number + 1, len(tape.segments()))
    return tuple(bodies)


def demand_made_of(ledger: Connection, tape_sha256: str) -> None:
    """Refuse a ledger that says it was made of something else than this tape.

    A ledger loaded from Kafka names no tape; there the submissions tell whether it is the one.

    Args:
        ledger: A session on a published version.
        tape_sha256: Of the tape's manifest, hex.

    Raises:
        InputError: it holds another tape, several, or what was decoded again by a newer spec.
    """
    sources = [str(row[0]) for row in ledger.rows(_SOURCES)]
    if again := sorted(name.split(":")[1] for name in sources if name.startswith("spec:")):
        raise InputError(
            f"ledger: expected what one run of a tape made; submissions of {again[0]} were decoded "
            "again later by a newer spec, at a time no tape holds: no run makes it again"
        )
    tapes = {name.split()[0][5:] for name in sources if name.startswith("tape:")}
    if tapes - {tape_sha256}:
        named = ", ".join(f"{one[:16]}..." for one in sorted(tapes))
        raise InputError(
            f"tape: SHA-256 of manifest.json: expected {named}, of which the ledger was made, not "
            f"{tape_sha256[:16]}...; name that tape with --tape"
        )


def compare(
    published: Connection, again: Connection, bodies: tuple[Body, ...], alert: Row
) -> list[Step]:
    """Hold a published ledger and one of its alerts against a ledger made anew.

    Args:
        published: A session on the version that holds the alert.
        again: A session on the ledger that was made anew.
        bodies: Of the tape, as `hashed` gives them.
        alert: The alert, as `alert_row` gives it; it stands.

    Returns:
        The steps from the widest to the narrowest; the alert is proven if all are equal.
    """
    shares = load_rules()[alert["rule"]].match == "evidence"
    asked = {n: alert[n] for n in ("alert_id", "rule", "variant", "subject", "first_crossing")}
    crossed = {n: alert[n] for n in ("rule", "variant", "subject", "evidence")} | {"shares": shares}
    mine = again.sql(_SAME, asked).to_pylist()
    told = published.sql(_SAME, asked).to_pylist()
    known = {"alert_id": alert["alert_id"]}
    reports, before = _reports(again, mine), _reports(published, told)
    found = {(body.submitter, body.named): body.found for body in bodies}
    return [
        step(
            "tape",
            [(body.submitter, body.found) for body in bodies],
            published.rows("SELECT submitter, submission_id FROM submission"),
        ),
        step("submissions", _rows(again, _SUBMISSIONS), _rows(published, _SUBMISSIONS)),
        _parameters(*(_rows(one, "SELECT * FROM parameter") for one in (again, published))),
        _all_alerts(again.sql(_STANDING), published.sql(_STANDING)),
        step("alert", mine, told),
        step("revisions", *(_rows(one, _REVISIONS, known) for one in (again, published))),
        step("crossings", *(_rows(one, _CROSSINGS, crossed) for one in (again, published))),
        step("reports", reports, before),
        step(
            "submitted bytes",
            {(s, found.get((s, named))) for s, named in _submissions(reports)},
            _submissions(before),
        ),
    ]


def _sha256(tape: Tape, named: bytes, body: pa.Buffer | None) -> bytes:
    if body is not None:
        return hashlib.sha256(body).digest()
    digest = hashlib.sha256()
    for piece in tape.stored(named).pieces(_PIECE):
        digest.update(piece)
    return digest.digest()


def _parameters(again: list[Row], published: list[Row]) -> Step:
    """Every number of every rule; `differs` names those that are not the same, as RULE.NAME."""
    here, there = ({tuple(row.items()) for row in rows} for rows in (again, published))
    names = sorted({f"{row['rule']}.{row['name']}" for row in map(dict, here ^ there)})
    return replace(step("parameters", again, published), differs=tuple(names))


def _all_alerts(again: pa.Table, published: pa.Table) -> Step:
    """Every standing alert, by the same hash that a run prints; `differs` names rules."""
    here, there = output_sha256(again), output_sha256(published)
    differs: tuple[str, ...] = ()
    if here != there:
        rules = sorted(set(pc.unique(pa.concat_tables([again, published])["rule"]).to_pylist()))
        differs = tuple(
            rule for rule in rules if _of_rule(again, rule) != _of_rule(published, rule)
        )
    standing = again.num_rows - (pc.sum(again["withdrawn"]).as_py() or 0)
    return Step("all alerts", standing, here, there, differs)


def _of_rule(alerts: pa.Table, rule: str) -> str:
    return output_sha256(alerts.filter(pc.equal(alerts["rule"], rule)))


def _rows(connection: Connection, text: str, bound: Row | None = None) -> list[Row]:
    rows: list[Row] = connection.sql(text, bound or {}).to_pylist()
    return rows


def _reports(connection: Connection, alerts: list[Row]) -> list[Row]:
    """The reports behind alerts, every field of them, of whatever kind."""
    keys = sorted({key for one in alerts for key in one["evidence"]})
    return [row for text in _REPORTS.values() for row in _rows(connection, text, {"keys": keys})]


def _submissions(reports: list[Row]) -> set[tuple[str, bytes]]:
    return {(row["report_submitting_entity_id"], row["submission_id"]) for row in reports}
