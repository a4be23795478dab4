"""A question in SQL, or by a view's name, asked of a published version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

import pyarrow as pa

from ledger import asof
from ledger.duck import Connection
from ledger.views import load_views
from schemas.errors import InputError
from serving.answers.blind_spots import BlindSpot, blind_spots
from serving.publish.versions import Version

BEIJING = timezone(timedelta(hours=8))
_ALLOWED = ("SELECT", "EXPLAIN")


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of an answer, the statement that gave them, and what it does not know."""

    table: pa.Table
    statement: str
    blind_spots: tuple[BlindSpot, ...]
    data_origin: str


def ask(
    connection: Connection,
    question: str | None,
    view: str | None,
    rules: Sequence[str],
    version: Version | None = None,
    as_of: datetime | None = None,
) -> Answer:
    """Answer one question.

    Args:
        connection: A read-only session; with `as_of` it sees the earlier state from then on.
        question: One SELECT (or FROM, DESCRIBE, SHOW, EXPLAIN) statement; with `view` null.
        view: A named relation instead.
        rules: Names of all rules, for the blind spots.
        version: The version asked, for the blind spots.
        as_of: Ask the ledger as it was known then.

    Raises:
        InputError: neither or both are given, the view does not exist, the text is not one reading
            statement, or it fails.
    """
    if (question is None) == (view is None):
        raise InputError(
            "ask: question: expected one statement in SQL or --view NAME, such as "
            '`yrd ask "SELECT count(*) FROM tx"` or `yrd ask --view alerts`'
        )
    if as_of is not None:
        asof.apply(connection, as_of)
    if view is not None:
        if view not in load_views():
            raise InputError(f"ask: view {view!r}: expected one of {', '.join(load_views())}")
        statement = f'SELECT * FROM "{view}" ORDER BY ALL'
    else:
        statement = str(question)
        kinds = connection.statements(statement)
        if len(kinds) != 1:
            raise InputError(
                f"ask: question: expected one statement, got {len(kinds)}; ask them one by one"
            )
        if kinds[0] not in _ALLOWED:
            raise InputError(
                f"ask: question: expected a statement that reads, such as SELECT, got {kinds[0]}; "
                "a published ledger is never written"
            )
    table = connection.sql(statement)
    origin = str(connection.scalar("SELECT value FROM ledger_info WHERE name = 'data_origin'"))
    return Answer(table, statement, blind_spots(connection, rules, version), origin)


def parse_time(text: str, option: str = "--as-of") -> datetime:
    """A time of knowledge: an ISO 8601 instant, Beijing time where it names no zone.

    A day alone means its end in Beijing.

    Raises:
        InputError: the text is no time.

    Example:
        >>> parse_time("2026-04-30").isoformat(), parse_time("2026-04-30T08:00").isoformat()
        ('2026-04-30T16:00:00+00:00', '2026-04-30T00:00:00+00:00')
    """
    try:
        if len(text) == len("2026-04-30"):
            day = date.fromisoformat(text) + timedelta(days=1)
            return datetime.combine(day, time(), BEIJING).astimezone(UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise InputError(
            f"{option}: expected a day or an ISO 8601 time, such as 2026-04-30 or "
            "2026-04-30T08:00+08:00"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=BEIJING)).astimezone(UTC)
