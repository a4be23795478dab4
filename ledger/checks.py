"""What a primary key or a foreign key would promise, proven by counting instead."""

from ledger.duck import Connection

_CHECKS = {
    "event: report_id: expected each once among the rows that are no duplicates": (
        "SELECT count(*) - count(DISTINCT report_id) FROM event WHERE NOT is_duplicate"
    ),
    "position: report_id: expected each once among the rows that are no duplicates": (
        "SELECT count(*) - count(DISTINCT report_id) FROM position WHERE NOT is_duplicate"
    ),
    "event: reference: expected one original of each content": (
        "SELECT count(*) - count(DISTINCT (reference_id, content_hash)) FROM event "
        "WHERE NOT is_duplicate"
    ),
    "load_offset: expected each position of a source once": (
        'SELECT count(*) - count(DISTINCT (source, "position")) FROM load_offset'
    ),
    "load_offset: reports: expected the sum to be the rows of event and position": (
        "SELECT abs((SELECT coalesce(sum(reports), 0) FROM load_offset)::BIGINT "
        "- (SELECT count(*) FROM event) - (SELECT count(*) FROM position))"
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


def check(connection: Connection) -> list[str]:
    """Everything that does not hold, one sentence each; empty if the ledger is sound."""
    return [
        f"{sentence} ({broken} break it)"
        for sentence, query in _CHECKS.items()
        if (broken := connection.scalar(query))
    ]
