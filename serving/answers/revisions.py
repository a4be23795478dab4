"""What became of an alert: its states, and what took its place."""

from typing import Any

from ledger.duck import Connection
from serving.answers.model import Revision

Row = dict[str, Any]


def revisions(connection: Connection, alert_id: str) -> tuple[Revision, ...]:
    """Every state of one alert as this session knows it, the oldest first."""
    found = connection.sql(
        "SELECT revision, status, cause, epoch_us(known_from) AS known_from, "
        "epoch_us(known_to) AS known_to, epoch_us(first_crossing) AS first_crossing, "
        "epoch_us(last_crossing) AS last_crossing, peak_measure, "
        "len(evidence)::INTEGER AS transactions, superseded_by "
        "FROM alert WHERE alert_id = $id ORDER BY revision, known_from",
        {"id": alert_id},
    )
    return tuple(Revision(**row) for row in found.to_pylist())


def successor(connection: Connection, alert_id: str) -> str:
    """The alert that says now what this one said: itself, unless another took its place."""
    met = {alert_id}
    while True:
        after = connection.scalar(
            "SELECT superseded_by FROM alert "
            "WHERE alert_id = $id AND withdrawn AND known_to IS NULL",
            {"id": alert_id},
        )
        if after is None or after in met:
            return alert_id
        alert_id = str(after)
        met.add(alert_id)
