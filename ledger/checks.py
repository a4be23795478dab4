"""What a primary key or a foreign key would promise, proven by counting instead."""

from ledger.duck import Connection
from schemas.fields import IMPLEMENTED_KINDS

_ONCE = {
    f"{kind}: report_id: expected each once among the rows that are no duplicates": (
        f"SELECT count(*) - count(DISTINCT report_id) FROM {kind} WHERE NOT is_duplicate"
    )
    for kind in IMPLEMENTED_KINDS
}
_ONE_IN_FORCE = {
    f"{kind}: reference: expected one row in force": (
        f"SELECT count(*) - count(DISTINCT reference_id) FROM {kind} "
        "WHERE NOT is_duplicate AND known_to IS NULL"
    )
    for kind in IMPLEMENTED_KINDS
    if kind != "event"
}
_ALL_REPORTS = " - ".join(f"(SELECT count(*) FROM {kind})" for kind in IMPLEMENTED_KINDS)
_CHECKS = (
    _ONCE
    | _ONE_IN_FORCE
    | {
        "event: reference: expected one original of each content": (
            "SELECT count(*) - count(DISTINCT (reference_id, content_hash)) FROM event "
            "WHERE NOT is_duplicate"
        ),
        "load_offset: expected each position of a source once": (
            'SELECT count(*) - count(DISTINCT (source, "position")) FROM load_offset'
        ),
        "load_offset: reports: expected the sum to be the rows of all kinds": (
            "SELECT abs((SELECT coalesce(sum(reports), 0) FROM load_offset)::BIGINT "
            f"- {_ALL_REPORTS})"
        ),
        "submission: expected submitted = accepted + rejected + quarantined + duplicates": (
            "SELECT count(*) FROM submission "
            "WHERE submitted <> accepted + rejected + quarantined + duplicates"
        ),
        "alert: expected one row in force for each id": (
            "SELECT count(*) - count(DISTINCT alert_id) FROM alert WHERE known_to IS NULL"
        ),
        "ids: expected one report_id behind each 63-bit report": (
            "SELECT count(DISTINCT report_id) - count(DISTINCT report) FROM event"
        ),
    }
)


def check(connection: Connection) -> list[str]:
    """Everything that does not hold, one sentence each; empty if the ledger is sound."""
    return [
        f"{sentence} ({broken} break it)"
        for sentence, query in _CHECKS.items()
        if (broken := connection.scalar(query))
    ]
