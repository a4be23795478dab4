"""The window rules of the payment market in Flink SQL, on the rows our kernels get, for comparison.

`benchmarks/flink/RULE.sql` says a rule whole: same lines, windows, orders and bands, everything but
the list of evidence. Run as `python -m benchmarks.flink_sql FOLDER RULE ...` in a process of its
own: FOLDER holds the rows of `write_entries` twice, all of them and those of a quarter of the
subjects. Each statement runs on the quarter once to warm up and then, clocked, on the quarter and
on all; so does reading alone, with either clock of the statements. What is found goes to
`FOLDER/found.json`: CPU-seconds of this process and the Java machine below it, and the crossings.

Flink SQL orders rows by a clock of milliseconds, so every transaction has one of its own here: an
even one, its payee's side comes a millisecond after its payer's.
"""

import json
import string
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from benchmarks.process_cpu import living_seconds

RULES = ("structuring", "pass_through", "large_value", "dormant_wake", "public_to_private")
CLOCKS: Mapping[str, str] = dict.fromkeys(RULES, "happened") | {"structuring": "day_clock"}
CONFIGURATION = {
    "pipeline.object-reuse": "true",
    "table.exec.mini-batch.enabled": "true",
    "table.exec.mini-batch.allow-latency": "1 s",
    "table.exec.mini-batch.size": "5000",
    "execution.checkpointing.interval": "1 s",
    "execution.checkpointing.storage": "filesystem",  # in memory a state has 5 MB at most
    "restart-strategy.type": "none",  # what fails is to be seen, not paid for twice
    "parallelism.default": "2",
    "rest.port": "0",
}
LENGTHS = ("quarter", "all")
NUMBERED = ("tx", "subject", "other", "account", "pair")  # columns of ids, written as numbers
_MS, _DAY_US, _BEIJING_US = 1_000, 86_400_000_000, 28_800_000_000

_SOURCE = """
CREATE TABLE entries (
    vantage INT, tx INT, subject INT, other INT, account INT, pair INT, institution INT, home INT,
    inward BOOLEAN, own BOOLEAN, person BOOLEAN, other_person BOOLEAN, abroad BOOLEAN,
    amount BIGINT, bday INT, nday INT, ranked INT, us BIGINT,
    happened AS TO_TIMESTAMP_LTZ(us / 1000 + CASE WHEN inward THEN 1 ELSE 0 END, 3),
    day_clock AS TO_TIMESTAMP_LTZ(bday * CAST(86400000 AS BIGINT) + ranked, 3),
    WATERMARK FOR {clock} AS {clock} - INTERVAL '72' HOUR
) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv')
"""
_READ = """
SELECT COUNT(*) FROM entries
WHERE vantage + tx + subject + other + account + pair + institution + home < 0
    OR amount + bday + nday + ranked + us < 0
    OR NOT (inward OR NOT inward) OR (own AND NOT own) OR (abroad AND NOT abroad)
    OR (person AND NOT person) OR (other_person AND NOT other_person)
"""


class _Numbers(string.Formatter):
    """A rule's numbers in a statement: `{n}`, days as `{n:half}`, microseconds as `{n:within}`."""

    def format_field(self, value: Any, format_spec: str) -> str:  # noqa: ANN401 - as its parent
        """`half`: n - 1 days and a half. `within`: so long, less a millisecond; as intervals."""
        if format_spec == "half":
            return f"{value - 1} 12"
        if format_spec == "within":
            seconds = value // 1_000_000 - 1
            hours, minutes = seconds // 3_600, seconds // 60
            return f"{hours // 24} {hours % 24:02}:{minutes % 60:02}:{seconds % 60:02}.999"
        return f"CAST({value} AS BIGINT)"  # else products are of 32 bits and wrap round


def statement(rule: str, values: Mapping[str, int]) -> str:
    """A rule in Flink SQL, with these numbers."""
    text = (Path(__file__).parent / "flink" / f"{rule}.sql").read_text("utf-8")
    return _Numbers().vformat(text, (), values)


def one_clock(variants: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Paired rows in order, every transaction at an even millisecond of its own.

    Order stays that of (event time, key), which decides where two happen at once.
    """
    rows = variants[np.lexsort((variants["key"], variants["event_time"]))]
    moments = rows[["event_time", "key"]]
    first = np.ones(len(rows), bool)
    first[1:] = moments[1:] != moments[:-1]
    steps = np.arange(np.count_nonzero(first))
    even = rows["event_time"][first] // (2 * _MS)
    even = np.maximum.accumulate(even - steps) + steps
    rows["event_time"] = even[np.cumsum(first) - 1] * 2 * _MS
    return rows


def write_entries(variants: npt.NDArray[Any], folder: Path) -> dict[str, npt.NDArray[np.int64]]:
    """Write payments as CSV, one row a side and vantage; returns what the numbers of ids stand for.

    Args:
        variants: paired rows of `one_clock`.
        folder: gets `all` and `quarter`, the rows of a quarter of the subjects.

    Exploding by vantage happens here and is not charged to SQL.
    """
    table = _sides(variants[variants["event_code"] == 1])
    ids = {}
    for name in NUMBERED:
        ids[name], numbers = np.unique(table[name], return_inverse=True)
        if ids[name][0] != 0:  # 0 stays what is absent
            ids[name], numbers = np.insert(ids[name], 0, 0), numbers + 1
        table[name] = numbers
    some = ids["subject"][table["subject"]] % 4 == 0
    options = csv.WriteOptions(include_header=False, quoting_style="none")
    for length, chosen in (("all", ...), ("quarter", some)):
        own = pa.table({name: column[chosen] for name, column in table.items()})
        (folder / length).mkdir(parents=True, exist_ok=True)
        for part in range(2):  # in turn, so that both readers move through time together
            rows = own.take(pa.array(np.arange(part, own.num_rows, 2)))
            csv.write_csv(rows, folder / length / f"{part}.csv", options)
    return ids


def _sides(paid: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    """Both sides of every payment whose party is known, on every vantage, in order of time."""
    from pipelines.rules.kernels.table import pair_ids
    from schemas.narrow import FLAG_CROSS_BORDER, FLAG_PAYEE_PERSON, FLAG_PAYER_PERSON

    parts = []
    flags = {"payer": FLAG_PAYER_PERSON, "payee": FLAG_PAYEE_PERSON}
    places = _place_in_day(paid)
    for vantage in range(5):
        held = np.flatnonzero((paid["mask"] >> vantage) & 1)
        for side, other in (("payer", "payee"), ("payee", "payer")):
            chosen = held[paid[f"{side}_party"][held] != 0]
            rows = paid[chosen]
            pairs = pair_ids(rows["payer_party"], rows["payee_party"])
            parts.append(
                {
                    "vantage": np.full(len(rows), vantage),
                    "tx": rows["key"],
                    "subject": rows[f"{side}_party"],
                    "other": rows[f"{other}_party"],
                    "account": rows[f"{side}_account"],
                    "pair": pairs if side == "payer" else np.zeros_like(pairs),
                    "institution": rows[f"{side}_agent"] >> 3,
                    "home": rows[f"{side}_agent"] & 7,
                    "inward": np.full(len(rows), side == "payee"),
                    "own": rows["payer_party"] == rows["payee_party"],
                    "person": rows["flags"] & flags[side] > 0,
                    "other_person": rows["flags"] & flags[other] > 0,
                    "abroad": rows["flags"] & FLAG_CROSS_BORDER > 0,
                    "amount": rows["amount_fen"],
                    "bday": rows["business_ordinal"],
                    "nday": (rows["event_time"] + _BEIJING_US) // _DAY_US,
                    "ranked": places[chosen],
                    "us": rows["event_time"],
                }
            )
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(table["us"], kind="stable")
    return {name: column[order] for name, column in table.items()}


def _place_in_day(paid: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The how manieth transaction of its business day each row is of.

    Read as milliseconds it lies in the first half of a day while a day has fewer than 43 million.
    """
    _, place = np.unique(paid["event_time"], return_inverse=True)
    days, number = np.unique(paid["business_ordinal"], return_inverse=True)
    first = np.full(len(days), len(paid))
    np.minimum.at(first, number, place)
    ranked: npt.NDArray[np.int64] = place - first[number]
    return ranked


def main(folder: str, *rules: str) -> None:
    """Run every statement on both lengths and write down what it cost and found."""
    from pyflink.table import EnvironmentSettings, TableEnvironment

    environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for name, value in CONFIGURATION.items():
        environment.get_config().set(name, value)
    where = Path(folder).resolve()
    environment.get_config().set("execution.checkpointing.dir", (where / "checkpoints").as_uri())
    texts = json.loads((where / "statements.json").read_text())
    todo = [(f"reading, {clock}", clock, _READ) for clock in sorted(set(CLOCKS.values()))]
    todo += [(rule, CLOCKS[rule], texts[rule]) for rule in rules]
    found: dict[str, Any] = {"cpu_s": {}, "crossings": {}}
    for name, clock, text in todo:
        for length in (LENGTHS[0], *LENGTHS):
            environment.execute_sql("DROP TABLE IF EXISTS entries")
            path = (where / length).as_uri()
            environment.execute_sql(_SOURCE.format(path=path, clock=clock))
            before = living_seconds()
            rows = _standing(environment.execute_sql(text))
            found["cpu_s"].setdefault(name, {})[length] = round(living_seconds() - before, 2)
            found["crossings"][name] = rows
        (where / "found.json").write_text(json.dumps(found))


def _standing(result: Any) -> list[list[Any]]:  # noqa: ANN401 - PyFlink's TableResult
    """The rows that stand when everything was read: groups say again what has changed."""
    count: dict[tuple[Any, ...], int] = {}
    with result.collect() as rows:
        for row in rows:
            added = row.get_row_kind().name in ("INSERT", "UPDATE_AFTER")
            key = tuple(row)
            count[key] = count.get(key, 0) + (1 if added else -1)
    return [list(key) for key, times in count.items() for _ in range(times)]


if __name__ == "__main__":
    main(*sys.argv[1:])
