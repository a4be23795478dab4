"""`yrd submission send | status`: files in, and what became of them, counted and told."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yrd.cli import submission_told
from yrd.cli.common import NEGATIVE, Json, check_lang, emit, guarded, progress
from yrd.cli.submission_told import PARTS

if TYPE_CHECKING:
    from ledger.duck import Connection

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Send submissions, and say what became of them.",
)

DEFAULT = Path("var/demo/ledger")
_OUTCOMES = {"NACK": "rejected", "QUARANTINED": "quarantined", "DUPLICATE": "duplicate"}


@app.command()
def send(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder of submitted files, of any feeds.")
    ],
    tape: Annotated[Path, typer.Option("--tape", help="Folder of the tape; must be new.")],
    origin: Annotated[str, typer.Option(help="REAL, PUBLIC or SIMULATED.")] = "SIMULATED",
    as_json: Json = False,
) -> None:
    """Write a folder's files as a tape, whatever their size: `yrd replay TAPE` takes it.

    Who sent a file, when it came and which feed it is are said beside it, in FILE.meta.json with
    feed, submitter and received_at, or in its name: FEED__SUBMITTER__20260615T023000Z__ANYTHING.
    Bytes above 512 KiB go to the tape's vault without ever being in memory as a whole.

    Exit status: 0 written; 2 no such feed, or a file or folder that cannot be used.
    """
    with guarded():
        from shlex import quote

        from connectors.ends.folder import record, sent
        from connectors.ends.tape import TapeWriter
        from connectors.feeds.registry import load_feeds
        from schemas.errors import InputError
        from yrd.settings import Settings

        feeds = load_feeds(Settings().feed_folders)
        found = sent(folder)
        if not found:
            raise InputError(f"{folder}: expected submitted files, there are none")
        for one in found:
            if one.feed not in feeds:
                raise InputError(f"{one.path}: feed: expected one of {', '.join(feeds)}")
        size = sum(one.path.stat().st_size for one in found)
        with progress(as_json) as bar, TapeWriter(tape, origin) as writer:
            task = bar.add_task("into the tape, MiB", total=size >> 20)
            record(found, writer, lambda done: bar.update(task, completed=done >> 20))
        told = {"tape": str(tape), "submissions": len(found), "bytes": size}
        emit(
            told,
            as_json,
            f"{tape}: {len(found)} submissions, {size:,} bytes; "
            f"next: yrd replay {quote(str(tape))}",
        )


@app.command()
def status(
    submission: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="SHA-256 of the bytes, or the beginning of it."),
    ] = None,
    submitter: Annotated[
        str | None, typer.Option(help="An institution's id: all its submissions, newest first.")
    ] = None,
    ledger: Annotated[
        Path, typer.Option("--ledger", help="Folder of published versions, or one version's file.")
    ] = DEFAULT,
    lang: Annotated[str, typer.Option("--lang", help="zh or en.")] = "en",
    as_json: Json = False,
) -> None:
    """Say what became of one submission, or of every submission of one institution.

    Counts are in records and add up: submitted = accepted + rejected + quarantined + duplicates.
    With an ID every finding follows, by rule: where the record stands, which field, what was
    expected and who does what about it; never a value of a record. The same bytes sent again by the
    same institution are one line more and count as duplicates.

    Exit status: 0 everything was accepted (or taken before), 1 some records were rejected or
    quarantined, 2 no such submission, institution or ledger.
    """
    with guarded():
        from schemas.errors import InputError
        from serving.publish import open_version

        if (submission is None) == (submitter is None):
            raise InputError(
                "submission status: expected an ID or --submitter INSTITUTION, such as "
                "`yrd submission status --submitter 381290000019`"
            )
        check_lang(lang)
        connection, _ = open_version(ledger)
        with connection:
            if submission is not None:
                rows = _one(connection, submission)
                findings = _findings(connection, rows[0], lang)
            else:
                rows = _of_submitter(connection, str(submitter))
                findings = []
        total = _total(rows)
        if as_json:
            told: dict[str, Any] = {"submissions": rows, "total": total}
            emit(told | ({"findings": findings} if submission is not None else {}), as_json)
        elif submission is not None:
            submission_told.one(rows, findings, lang == "zh")
        else:
            submission_told.many(rows, total, lang == "zh")
        if total["rejected"] or total["quarantined"]:
            raise typer.Exit(NEGATIVE)


_SQL = """
SELECT
    lower(hex(submission_id)) AS id, feed, submitter,
    (SELECT any_value(name_en) FROM institution i WHERE i.institution_id = s.submitter) AS name,
    (SELECT any_value(name_zh) FROM institution i WHERE i.institution_id = s.submitter) AS name_zh,
    reporting_region AS area, received_at, beijing(received_at) AS received_beijing, data_origin,
    size, status, submitted, accepted, rejected, quarantined, duplicates, skipped, late
FROM submission s
"""


def _one(connection: "Connection", text: str) -> list[dict[str, Any]]:
    """The arrivals of one submission, the first one first."""
    from schemas.errors import InputError

    wanted = text.lower()
    if not 4 <= len(wanted) <= 64 or set(wanted) - set("0123456789abcdef"):
        raise InputError(
            f"submission {text!r}: expected at least 4 characters of a SHA-256 in hex, such as "
            "82fad7905ce9; `yrd submission status --submitter` lists them"
        )
    rows = connection.sql(
        _SQL + "WHERE starts_with(lower(hex(submission_id)), $id) ORDER BY received_at, segment",
        {"id": wanted},
    ).to_pylist()
    senders = {(row["id"], row["submitter"]) for row in rows}
    if not senders:
        raise InputError(
            f"submission {text!r}: expected one of this ledger; "
            "`yrd submission status --submitter INSTITUTION` lists them"
        )
    if len({one for one, _ in senders}) > 1:
        raise InputError(
            f"submission {text!r}: expected the beginning of one id, {len(senders)} begin so; "
            "give more of it"
        )
    return [_plain(row) for row in rows]


def _of_submitter(connection: "Connection", submitter: str) -> list[dict[str, Any]]:
    from schemas.errors import InputError

    rows = connection.sql(
        _SQL + "WHERE submitter = $who ORDER BY received_at DESC, submission_id", {"who": submitter}
    ).to_pylist()
    if not rows:
        some = connection.rows("SELECT DISTINCT submitter FROM submission ORDER BY 1 LIMIT 3")
        raise InputError(
            f"--submitter: expected an institution that submitted, such as "
            f"{', '.join(row[0] for row in some) or 'none: the ledger is empty'}; "
            '`yrd ask "SELECT DISTINCT submitter FROM submission"` lists all'
        )
    return [_plain(row) for row in rows]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    from serving.answers.exports import plain

    told: dict[str, Any] = plain(row)
    return told | {"adds_up": row["submitted"] == sum(row[part] for part in PARTS)}


def _findings(
    connection: "Connection", submission: dict[str, Any], lang: str
) -> list[dict[str, Any]]:
    """Findings of every sender of these bytes, gathered by rule, field and expectation."""
    from yrd.cli.cures import cure, meaning
    from yrd.cli.expected_words import expected_in, place_in

    rows = connection.sql(
        """
        SELECT verdict, coalesce(rule_id, '') AS rule_id,
            coalesce(field, '') AS field, coalesce(expected, '') AS expected,
            count(DISTINCT record) AS records, list(locator ORDER BY record, locator) AS locators
        FROM feedback
        WHERE submission_id = unhex($id) AND submitter = $who
            AND (rule_id IS NOT NULL OR verdict <> 'ACK')
        GROUP BY verdict, rule_id, field, expected
        ORDER BY verdict = 'ACK', records DESC, rule_id, field
        """,
        {"id": submission["id"], "who": submission["submitter"]},
    ).to_pylist()
    told = []
    for row in rows:
        outcome = _OUTCOMES.get(row["verdict"], "warning")
        told.append(
            {
                "outcome": outcome,
                "rule": row["rule_id"],
                "meaning": meaning(row["rule_id"], lang),
                "field": row["field"],
                "expected": expected_in(row["rule_id"], row["expected"], lang == "zh"),
                "records": row["records"],
                "locators": [place_in(one, lang == "zh") for one in dict.fromkeys(row["locators"])],
                "to_do": cure(row["rule_id"], outcome, lang),
            }
        )
    return told


def _total(rows: list[dict[str, Any]]) -> dict[str, Any]:
    counts = ("submitted", *PARTS, "skipped", "late")
    total: dict[str, Any] = {name: sum(row[name] for row in rows) for name in counts}
    return total | {"adds_up": total["submitted"] == sum(total[part] for part in PARTS)}
