"""An alert proven again from the submitted bytes on, step by step.

Nothing of the published ledger is used but the question: which alert, and which submissions hold
its subject's reports. They are read from the tape, decoded, checked, loaded into an empty ledger,
and the rule's definition and the episode function run on that. Each step's result is hashed and
held against what was published.
"""

import hashlib
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.ends.tape import Tape
from ledger.duck import Connection
from ledger.loader import Loader
from pipelines.episodes.episodes import UNSTABLE, episodes
from pipelines.intake.intake import Intake
from pipelines.lanes.operators import holders
from pipelines.rules.registry import load_rules
from schemas.errors import InputError
from schemas.records import ALERT, CROSSING
from serving.answers.evidence import Row, alert_row, crossings, narrowed, read_evidence
from serving.answers.resting import rests_on_more
from serving.answers.revisions import successor
from serving.answers.steps import Step, step

# What depends on when an alert became known and on the alerts around it, not on its evidence.
_OUTSIDE = (*UNSTABLE, "known_to", "continues")


def unheard(stage: str, done: int, total: int) -> None:
    """Nobody listens."""


def verify(
    connection: Connection,
    tape: Tape,
    intake: Intake,
    alert_id: str,
    told: Callable[[str, int, int], None] = unheard,
) -> list[Step]:
    """Compute an alert, or what took its place, again from the tape it came from.

    Args:
        connection: A session on a published version.
        tape: The tape the ledger was loaded from.
        intake: Decodes with the key the ledger's tokens were made with.
        alert_id: As `alert_row`.
        told: Hears the stage, and how much of how much of it is done.

    Returns:
        The steps in order; the alert is proven if all are equal.

    Raises:
        InputError: there is no such alert, it was withdrawn, or the tape lacks a submission.
    """
    alert = standing(connection, alert_id)
    rule = load_rules()[alert["rule"]]
    if rests_on_more(rule, alert["subject_kind"]):
        raise InputError(
            f"alert: id {alert_id!r}: expected an alert of a rule that rests on its subject's own "
            "reports; this one also rests on what others do or state: `yrd alert verify "
            f"{alert['alert_id'][:12]} --whole` runs the whole tape again and proves it"
        )
    of = read_evidence(connection, alert["evidence"])
    around = _around(alert["rule"])
    with narrowed(connection, alert["subject_kind"], alert["subject"], of, around) as subject:
        rows = subject.sql(_TX)
        wanted = connection.sql(_REPORTS, {n: alert[n] for n in ("subject", "evidence")})
    raw = _submissions(tape, wanted, told)
    told("decoding", 0, raw.num_rows)
    bodies = [hashlib.sha256(body.as_py()).hexdigest() for body in raw["body"]]
    steps = [step("submitted bytes", bodies, (s.as_py().hex() for s in raw["sha256"]))]
    taken = intake.process(raw, np.zeros(raw.num_rows, np.bool_), 0)
    told("decoding", raw.num_rows, raw.num_rows)
    reports = pa.concat_tables(
        [table.select(["report_id", "content_hash"]) for table in taken.reports.values()]
    )
    mine = reports.filter(pc.is_in(reports["report_id"], value_set=wanted["report_id"]))
    steps.append(step("reports", _pairs(mine), _pairs(wanted)))
    with (
        tempfile.TemporaryDirectory() as folder,
        Loader(Path(folder) / "again.duckdb", alert["data_origin"]) as loader,
    ):
        loader.load_segment("tape", 0, taken.reports)
        loader.flush()
        steps += _from_reports(loader.connection, connection, alert, rows)
    return steps


def standing(connection: Connection, alert_id: str) -> Row:
    """An alert that stands: the one asked for, or what took its place.

    Raises:
        InputError: there is no such alert, or it was withdrawn and nothing took its place.
    """
    asked = alert_row(connection, alert_id)["alert_id"]
    alert = alert_row(connection, successor(connection, asked))
    if alert["withdrawn"]:
        raise InputError(
            f"alert: id {alert_id!r}: expected one that stands; it was withdrawn and nothing took "
            "its place, `yrd alert explain` tells why"
        )
    return alert


def _from_reports(
    again: Connection, published: Connection, alert: Row, rows: pa.Table
) -> list[Step]:
    """Transactions, crossings and the alert, from reports in an empty ledger."""
    rule = load_rules()[alert["rule"]]
    of = read_evidence(again, alert["evidence"])
    around = _around(alert["rule"])
    with narrowed(again, alert["subject_kind"], alert["subject"], of, around) as subject:
        here = subject.sql(_TX)
        found = crossings(subject, rule, alert, openly=False)
    before = published.sql(
        "SELECT * EXCLUDE (lane, known_from, known_to) FROM crossing "
        "WHERE rule = $rule AND variant = $variant AND known_to IS NULL "
        "AND (subject = $subject OR ($shares AND list_has_any(evidence, $evidence)))",
        {name: alert[name] for name in ("rule", "variant", "subject", "evidence")}
        | {"shares": rule.match == "evidence"},
    )
    table = pa.Table.from_pylist(found, CROSSING)
    made = episodes(
        table,
        load_rules(),
        alert["data_origin"],
        datetime.fromtimestamp(0, UTC),
        holders(again, table),
    )
    mine = made.filter(pc.equal(made["alert_id"], alert["alert_id"]))
    told = published.sql(
        "SELECT * FROM alert WHERE alert_id = $id AND known_to IS NULL", {"id": alert["alert_id"]}
    )
    return [
        step("transactions", here.to_pylist(), rows.to_pylist()),
        step("crossings", found, before.to_pylist()),
        step("alert", _stable(mine), _stable(told)),
    ]


def _around(rule: str) -> bool:
    """Whether the rule reads more than transactions and statements: then all its parties' count."""
    return load_rules()[rule].around or not set(load_rules()[rule].needs) <= {"tx", "holding"}


def _submissions(tape: Tape, wanted: pa.Table, told: Callable[[str, int, int], None]) -> pa.Table:
    """The submissions in which the wanted reports came, first arrivals only, in tape order."""
    keys = set(
        zip(
            wanted["submission_id"].to_pylist(),
            wanted["report_submitting_entity_id"].to_pylist(),
            strict=True,
        )
    )
    parts = []
    for number in range(len(tape.segments())):
        table = tape.read(number)
        told("reading the tape", number + 1, len(tape.segments()))
        rows = []
        pairs = zip(table["sha256"].to_pylist(), table["submitter"].to_pylist(), strict=True)
        for row, pair in enumerate(pairs):
            if pair in keys:
                keys.discard(pair)
                rows.append(row)
        if rows:
            parts.append(table.take(pa.array(rows)))
    if keys or not parts:
        raise InputError(
            f"tape: expected the {len(keys)} submissions of this alert's reports that it lacks; "
            "name the tape the ledger was loaded from with --tape"
        )
    return pa.concat_tables(parts)


def _pairs(reports: pa.Table) -> list[str]:
    ids, contents = reports["report_id"].to_pylist(), reports["content_hash"].to_pylist()
    return [f"{a.hex()} {b.hex()}" for a, b in zip(ids, contents, strict=True)]


def _stable(alerts: pa.Table) -> list[Row]:
    names = [name for name in ALERT.names if name not in _OUTSIDE]
    return alerts.select(names).to_pylist()


# Groups are made of all registers together, so they are no statement of these reports.
_TX = "SELECT * EXCLUDE (report, payer_group, payee_group) FROM tx ORDER BY vantage, key, start"
# All reports of the subject's transactions, and every statement of loans on the subject's paper,
# and the register entries that are evidence.
_REPORTS = """
SELECT report_id, content_hash, submission_id, report_submitting_entity_id
FROM event
WHERE transaction_id IN (SELECT key FROM temp.main._of_subject)
    -- A deal of somebody whom the subject paid names only that person.
    OR transaction_id IN (SELECT unnest($evidence))
UNION
SELECT report_id, content_hash, submission_id, report_submitting_entity_id
FROM position
WHERE (reporter, asset) IN (
    SELECT (reporter, asset) FROM holding WHERE $subject IN (invoice, contract)
) OR transaction_id IN (SELECT unnest($evidence))
UNION
SELECT report_id, content_hash, submission_id, report_submitting_entity_id
FROM register
WHERE list_contains($evidence, report)
"""
