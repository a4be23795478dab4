"""The two stream rules in plain Flink SQL, on the same paired rows, for comparison.

Run as `python -m benchmarks.flink_sql FOLDER MODE` in a process of its own: FOLDER holds CSV files
of entries exploded by vantage (see `write_entries`), MODE is `read` (the same three readings of the
files, counting nothing) or `rules`. Prints the number of crossings.

What SQL says here: structuring counts near-line transfers per pair and per customer over ten
business days, on one day, and on distinct days of three; pass-through compares 24-hour sums and
distinct other parties. It does not say that money must come before it goes, that small movements
name no other party, bands beyond the first or evidence lists, all of which the kernels do: the
comparison is kind to SQL.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

CONFIGURATION = {
    "pipeline.object-reuse": "true",
    "table.exec.mini-batch.enabled": "true",
    "table.exec.mini-batch.allow-latency": "1 s",
    "table.exec.mini-batch.size": "5000",
    "execution.checkpointing.interval": "1 s",
    "parallelism.default": "2",
    "rest.port": "0",
}

_SOURCE = """
CREATE TABLE entries (
    vantage INT, subject BIGINT, other BIGINT, inward BOOLEAN, near BOOLEAN, amount BIGINT,
    bday INT, us BIGINT,
    happened AS TO_TIMESTAMP_LTZ(us / 1000, 3),
    day_clock AS TO_TIMESTAMP_LTZ(bday * CAST(86400000 AS BIGINT) + MOD(us / 1000, 86400000), 3),
    WATERMARK FOR {time} AS {time} - INTERVAL '{delay}' HOUR
) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv')
"""

_PASS_THROUGH = """
SELECT vantage, subject, us, paid FROM (
    SELECT vantage, subject, us, inward, amount,
        SUM(CASE WHEN inward THEN amount ELSE 0 END) OVER w AS came,
        SUM(CASE WHEN inward THEN 0 ELSE amount END) OVER w AS paid,
        COUNT(DISTINCT other) OVER w AS others,
        COUNT(*) OVER w AS transfers
    FROM entries
    WINDOW w AS (PARTITION BY vantage, subject ORDER BY happened
                 RANGE BETWEEN INTERVAL '24' HOUR PRECEDING AND CURRENT ROW))
WHERE NOT inward AND came >= 50000000 AND paid * 10 BETWEEN came * 9 AND came * 10
    AND others <= 8 AND transfers <= 200 AND amount * 100 >= came
"""

_STRUCTURING = """
SELECT vantage, {key}, us, total FROM (
    SELECT *, COUNT(DISTINCT bday) OVER (PARTITION BY vantage, {key} ORDER BY day_clock
        RANGE BETWEEN INTERVAL '2' DAY PRECEDING AND CURRENT ROW) AS days
    FROM (
        SELECT vantage, {key}, us, bday, day_clock, total,
            COUNT(*) OVER (PARTITION BY vantage, {key}, bday ORDER BY day_clock
                RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND CURRENT ROW) AS today
        FROM (
            SELECT *, SUM(amount) OVER (PARTITION BY vantage, {key} ORDER BY day_clock
                RANGE BETWEEN INTERVAL '9' DAY PRECEDING AND CURRENT ROW) AS total
            FROM (SELECT * FROM entries WHERE near AND NOT inward))))
WHERE today >= 3 OR days >= 3
"""

_READ = "SELECT COUNT(*) FROM entries WHERE amount < 0"


def write_entries(variants: npt.NDArray[Any], folder: Path) -> int:
    """Write paired rows as CSV, one row a party and vantage; returns how many rows.

    Exploding by vantage happens here and is not charged to SQL.
    """
    from schemas.narrow import FLAG_PAYER_PERSON

    parts = []
    for vantage in range(5):
        own = variants[(variants["mask"] >> vantage) & 1 == 1]
        own = own[own["payer_party"] != own["payee_party"]]
        person = (own["flags"] & FLAG_PAYER_PERSON) > 0
        line = np.where(person, 50_000_000, 200_000_000)
        near = (own["amount_fen"] >= line * 8 // 10) & (own["amount_fen"] < line)
        for inward, subject, other in ((True, "payee", "payer"), (False, "payer", "payee")):
            parts.append(
                pa.table(
                    {
                        "vantage": np.full(len(own), vantage, np.int32),
                        "subject": own[f"{subject}_party"],
                        "other": own[f"{other}_party"],
                        "inward": np.full(len(own), inward),
                        "near": near,
                        "amount": own["amount_fen"],
                        "ordinal": own["business_ordinal"],
                        "us": own["event_time"],
                    }
                )
            )
    table = pa.concat_tables(parts)
    table = table.filter(pa.array(table["subject"].to_numpy() != 0)).sort_by("us")
    folder.mkdir(parents=True, exist_ok=True)
    options = csv.WriteOptions(include_header=False, quoting_style="none")
    for number in range(2):  # rows in turn, so that both readers move through time together
        own = table.take(pa.array(np.arange(number, table.num_rows, 2)))
        csv.write_csv(own, folder / f"{number}.csv", options)
    return table.num_rows


def main(folder: str, mode: str) -> None:
    """Run the statements and print how many crossings they gave."""
    from pyflink.table import EnvironmentSettings, TableEnvironment

    environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for name, value in CONFIGURATION.items():
        environment.get_config().set(name, value)
    path = Path(folder).resolve().as_uri()
    queries = [("happened", 1, f"SELECT COUNT(*) FROM ({_PASS_THROUGH})")] + [
        ("day_clock", 72, f"SELECT COUNT(*) FROM ({_STRUCTURING.format(key=key)})")
        for key in ("subject", "subject, other")
    ]
    if mode == "read":  # as often as the rules read, with the same clocks
        queries = [(time, delay, _READ) for time, delay, _ in queries]
    for time, delay, query in queries:
        environment.execute_sql("DROP TABLE IF EXISTS entries")
        environment.execute_sql(_SOURCE.format(path=path, time=time, delay=delay))
        last = None
        with environment.execute_sql(query).collect() as rows:
            for row in rows:
                last = row
        print(0 if last is None else last[0], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
