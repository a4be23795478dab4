"""One very large submission through the whole path: what every process of it takes at most.

`python -m benchmarks large` makes a pacs.008 document, a loan register in GB18030 and the same
register as gzip, 2 GB each, in `var/bench/large`, one after the other. Each goes the ordinary way:

    yrd submission send FOLDER --tape TAPE      file -> vault
    yrd replay TAPE --out RUN                   intake -> stream job and ledger -> alerts

Afterwards the ledger's account must say what was made, and everything is deleted. Peaks are VmHWM,
which the system keeps for each process and which begins anew with it, read while it runs; the
`ru_maxrss` of a child begins with its parent's. Pages of files count where a process maps them.
"""

import gzip
import json
import os
import random
import shutil
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.decode import loan_rows, payment_rows
from benchmarks.process_cpu import Cost, measure
from benchmarks.sizes import Bench
from connectors.feeds.loan_register import write as loans
from connectors.feeds.pacs008 import write as payments
from schemas.errors import YrdError
from serving.publish import open_version

BLOCK = 20_000  # records made at once
BANK, LENDER = "381290000019", "C1038131000011"  # both of Shanghai: each reports its own
_NAME = "{feed}__{bank}__20260615T033000Z__large{suffix}"
_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SPAN_S = 3 * 3600  # the payments are of the last three hours: nothing is late
_COUNTS = ("submitted", "accepted", "rejected", "quarantined", "duplicates")


def large(bench: Bench) -> dict[str, Any]:
    """Peak of every process, CPU and wall time, and the account, of three large submissions."""
    out: dict[str, Any] = {}
    for name in _KINDS:
        folder = bench.folder / "large"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            found = large_run(name, folder, bench.megabytes)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        out |= {f"{name}: {key}": value for key, value in found.items()}
    return out


def large_run(name: str, folder: Path, megabytes: int) -> dict[str, Any]:
    """Make one of `_KINDS` of so many megabytes, take it the whole path, and compare the accounts.

    Raises:
        YrdError: a command failed, or the ledger says something else than what was made.
    """
    feed, suffix, make = _KINDS[name]
    (folder / "sent").mkdir(parents=True)
    path = folder / "sent" / _NAME.format(feed=feed, bank=BANK, suffix=suffix)
    made = _made(path, make, megabytes * 1_000_000)
    found = {"bytes sent": path.stat().st_size, "records": made} | whole_path(folder)
    return found | _account(folder / "run" / "ledger", made)


def whole_path(folder: Path) -> dict[str, Any]:
    """Take the files of `<folder>/sent` to a ledger in `<folder>/run`.

    Raises:
        YrdError: a command failed.
    """
    yrd = str(Path(sys.executable).with_name("yrd"))
    sent, tape, run = folder / "sent", folder / "tape", folder / "run"
    out: dict[str, Any] = {}
    for command in (
        [yrd, "submission", "send", str(sent), "--tape", str(tape), "--json"],
        [yrd, "replay", str(tape), "--out", str(run), "--json"],
    ):
        cost, peaks = watched(command)
        if cost.code:
            raise YrdError(f"benchmark: {' '.join(command[1:3])}: ended with code {cost.code}")
        out[f"{command[1]}: wall s"] = cost.wall_s
        out[f"{command[1]}: CPU-s"] = cost.cpu_s
        out |= {f"{command[1]}: {who}, peak MiB": round(mib) for who, mib in sorted(peaks.items())}
    told = json.loads((run / "summary.json").read_text())
    return out | {name: told[name] for name in (*_COUNTS, "late", "transactions", "alerts")}


def watched(command: Sequence[str]) -> tuple[Cost, dict[str, float]]:
    """The cost of a command, and the highest peak of its processes by what they do, in MiB."""
    with _watching() as peaks:
        cost = measure(command, quiet=True)
    return cost, peaks


@contextmanager
def _watching() -> Iterator[dict[str, float]]:
    """Look at the peaks of all descendants of this process until the block ends."""
    peaks: dict[str, float] = {}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.1):
            for process in _descendants(os.getpid()):
                who, peak = _peak(process)
                if who:
                    peaks[who] = max(peaks.get(who, 0.0), peak)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()


def _descendants(root: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found, wave = [], [root]
    while wave:
        wave = [process for process, parent in parents.items() if parent in wave]
        found += wave
    return found


def _peak(process: int) -> tuple[str, float]:
    """What a process is for and its VmHWM in MiB; an empty name where it is gone."""
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return "", 0.0
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    if "VmHWM" not in lines:
        return "", 0.0
    return _role(b" ".join(command).decode(errors="replace")), int(lines["VmHWM"].split()[0]) / 1024


def _role(command: str) -> str:
    """What a process is for, by its command line."""
    first = Path(command.split(" ", 1)[0]).name
    if first == "java":
        return "JVM of the stream job"
    if "spawn_main" in command:
        return "intake worker"
    if "resource_tracker" in command:
        return "multiprocessing's tracker"
    if "pipelines.job.child" in command:
        return "Python beside the JVM"
    if " replay " in command:
        return "main: loader and conclusion"
    return "send" if " send " in command else first


def _account(ledger: Path, made: int) -> dict[str, Any]:
    """What the ledger itself says of the submission.

    Raises:
        YrdError: its counts or rows are not what was made.
    """
    connection, _ = open_version(ledger)
    with connection:
        (row,) = connection.sql(f"SELECT {', '.join(_COUNTS)}, status FROM submission").to_pylist()
        reports = connection.scalar(
            "SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM position)"
        )
        answers = connection.scalar("SELECT count(DISTINCT record) FROM feedback")
    parts = sum(row[name] for name in _COUNTS[1:])
    if not row["submitted"] == parts == made or reports < row["accepted"] or answers != made:
        raise YrdError(f"benchmark: expected {made} records, the ledger says {row}")
    return {"ledger": row, "rows of reports": reports, "records answered": answers}


Make = Callable[[BinaryIO, int], int]


def _made(path: Path, make: Make, size: int) -> int:
    """Write a file of about `size` bytes, before it is packed; returns its records."""
    if path.suffix == ".gz":
        with gzip.open(path, "wb", compresslevel=1) as packed:
            return make(packed, size)  # type: ignore[arg-type]
    with path.open("wb") as file:
        return make(file, size)


def write_payments(file: BinaryIO, size: int) -> int:
    """A pacs.008 document of about so many bytes: a day of a large bank, in order of acceptance.

    Firms and accounts are fresh in every block, as few of a bank's customers pay more than once a
    day; one account splits a payment into ten of just below 50,000 yuan.
    """
    rng = random.Random(7)
    table = _with(payment_rows(rng, BLOCK), "debtor_agent", [BANK] * BLOCK)
    render = len("".join(payments.render(table.slice(0, 100)).to_pylist()).encode()) / 100
    blocks = max(round(size / render / BLOCK), 1)
    header = {"message_id": "M1", "created_at": "2026-06-15T11:10:00", "count": str(blocks * BLOCK)}
    head, tail = payments.frame(b"\0", header).split(b"\0")
    file.write(head)
    for block in range(blocks):
        first = block * BLOCK
        draw = np.random.default_rng(block)
        accounts = draw.integers(10**17, 10**18, (2, BLOCK)).astype("U18").tolist()
        firms = [uscc(draw, BLOCK), uscc(draw, BLOCK)]
        if block == 0:  # the one alert there must be
            for row in range(0, 10_000, 1_000):
                accounts[0][row], firms[0][row] = accounts[0][0], firms[0][0]
            amounts = table["amount"].to_pylist()
            amounts[0:10_000:1_000] = ["49500.00"] * 10
            table = _with(table, "amount", amounts)
        seconds = np.arange(first, first + BLOCK) * _SPAN_S // (blocks * BLOCK)
        times = np.datetime64("2026-06-15T08:00:00") + seconds.astype("timedelta64[s]")
        for name, values in (
            ("tx_id", [f"TX{number:012d}" for number in range(first, first + BLOCK)]),
            ("uetr", [str(uuid.UUID(int=n, version=4)) for n in range(first, first + BLOCK)]),
            ("accepted_at", np.char.add(np.datetime_as_string(times), ".120").tolist()),
            ("debtor_account", accounts[0]),
            ("creditor_account", accounts[1]),
            ("debtor_id", firms[0]),
            ("creditor_id", firms[1]),
        ):
            table = _with(table, name, values)
        file.write("".join(payments.render(table).to_pylist()).encode())
    file.write(tail)
    return blocks * BLOCK


def uscc(draw: np.random.Generator, size: int) -> list[str]:
    """Firm numbers with a right check character (GB 32100), of no firm that is."""
    weights = np.array([pow(3, place, 31) for place in range(17)])
    values = np.empty((size, 18), np.int64)
    values[:, :8] = [9, 1, 3, 2, 0, 0, 0, 0]
    values[:, 8:17] = draw.integers(0, 10, (size, 9))
    values[:, 8] = _LETTERS.index("M")  # the register of the simulation
    values[:, 17] = -(values[:, :17] @ weights) % 31
    letters = np.frombuffer(_LETTERS.encode(), np.uint8)
    texts: list[str] = letters[values].view("S18").ravel().astype("U18").tolist()
    return texts


def write_loans(file: BinaryIO, size: int) -> int:
    """A loan register in GB18030 of about so many bytes: each line another loan.

    Firms are fresh in every block and owe less than a million yuan: few borrow twice of one bank,
    and none owes it much of its capital.
    """
    rng = random.Random(7)
    table = _with(loan_rows(rng, BLOCK), "lender", [LENDER] * BLOCK)
    owed = [f"{rng.randrange(10**8) / 100:.2f}" for _ in range(BLOCK)]
    table = _with(_with(table, "balance", owed), "balance_cny", owed)
    body = loans.write(table, {})
    head, _, lines = body.partition(b"\n")
    blocks = max(round(size / len(lines)), 1)
    file.write(head + b"\n")
    for block in range(blocks):
        numbers = pa.array(range(block * BLOCK, (block + 1) * BLOCK)).cast(pa.string())
        table = _with(table, "loan", pc.utf8_lpad(numbers, 12, "0"))
        table = _with(table, "borrower_id", uscc(np.random.default_rng(block), BLOCK))
        file.write(loans.write(table, {}).partition(b"\n")[2])
    return blocks * BLOCK


def _with(table: pa.Table, name: str, values: Sequence[str] | pa.Array) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), pa.array(values, pa.string()))


# name -> feed, end of the file's name, who writes it
_KINDS: Mapping[str, tuple[str, str, Make]] = MappingProxyType(
    {
        "pacs.008": ("pacs008", ".xml", write_payments),
        "loan register": ("loan_register", ".csv", write_loans),
        "loan register, gzip": ("loan_register", ".csv.gz", write_loans),
    }
)
