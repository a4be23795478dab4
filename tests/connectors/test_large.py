"""A submission of 200 MB is decoded within one GiB, in chunks that change nothing."""

import gzip
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.engine import chunks
from connectors.engine.engine import Decoder, Piece
from connectors.feeds.registry import FOLDER, load_feeds
from connectors.stored import StoredBytes
from tests.connectors.support import TOKENISER, reconciles, submission

FEEDS = load_feeds()
ROOT = Path(__file__).parents[2]
EXAMPLES = {
    "pacs008": "plain.xml",
    "loan_register": "plain.csv",
    "bill_exchange": "plain.ndjson",
    "bill_exchange_json": "plain.json",
}

# Runs in a process of its own: its peak memory is the answer. It is read as VmHWM, because the
# peak that getrusage gives is inherited by a child from the process that started it: here pytest.
MEASURE = """
import hashlib, json, re, sys
from datetime import UTC, datetime
from connectors.engine.engine import Decoder, Submission
from connectors.engine.tokens import Tokeniser
from connectors.feeds.registry import FOLDER, load_feeds

size = int(sys.argv[1])
text = (FOLDER / "pacs008/examples/plain.xml").read_bytes()
start, end = text.index(b"<CdtTrfTxInf>"), text.rindex(b"</CdtTrfTxInf>") + 14
head, record, tail = text[:start], text[start:text.index(b"</CdtTrfTxInf>") + 14], text[end:]
many = size // len(record)
head = head.replace(b"<NbOfTxs>2<", b"<NbOfTxs>%d<" % many)
head = head.replace(b"2000000000100.50", b"%d.50" % (100 * many + many // 2 - 0)
    if many % 2 else b"%d.00" % (100 * many + many // 2))
body = head + record * many + tail
decoder = Decoder(load_feeds()["pacs008"], Tokeniser(b"sixteen bytes key"))
when = datetime(2026, 6, 15, tzinfo=UTC)
sent = Submission(hashlib.sha256(body).digest(), "381290000019", when, body)
decoded = decoder.decode([sent])
counts = decoded.counts[0]
batch = decoded.batch
last = body[batch["byte_start"][-1].as_py():batch["byte_end"][-1].as_py()]
print(json.dumps({
    "peak_mib": int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024,
    "bytes": len(body), "records": counts.records, "accepted": counts.accepted, "made": many,
    "held": decoded.held[0], "ordinals": batch["record"].to_numpy().tolist() == list(range(many)),
    "last_is_a_record": last == record,
}))
"""


def measured(size: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(size)],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_200_mb_stay_below_one_gib() -> None:
    measured(1_000_000)  # compiles what is not compiled yet, which takes 300 MB once
    told = measured(200_000_000)
    assert told["bytes"] > 199_000_000
    assert told["records"] == told["accepted"] == told["made"]
    assert told["held"] is None
    assert told["ordinals"]
    assert told["last_is_a_record"]
    assert told["peak_mib"] < 1024


@pytest.mark.parametrize("feed", EXAMPLES)
def test_chunks_change_nothing(feed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = (FOLDER / feed / "examples" / EXAMPLES[feed]).read_bytes()
    if feed == "loan_register":
        head, _, rows = body.partition(b"\n")
        body = head + b"\n" + rows * 80 + b"\n" + rows.replace(b"2026-03-02", b"2026-13-02")
    elif feed == "bill_exchange":
        body = body * 20 + b"{broken\n" + body
    elif feed == "pacs008":
        start, end = body.index(b"<CdtTrfTxInf>"), body.rindex(b"</CdtTrfTxInf>") + 14
        body = body[:start] + body[start:end] * 30 + body[end:]
        body = body.replace(b"<NbOfTxs>2<", b"<NbOfTxs>60<")
        body = body.replace(b"2000000000100.50", b"60000000003015.00")
    else:
        start, end = body.index(b"{", 1), body.rindex(b"]")
        body = body[:start] + b", ".join([body[start:end]] * 30) + body[end:]
        body = body.replace(b'"count": 2', b'"count": 60')
        body = body.replace(b'"10000000.00"', b'"300000000.00"')
    whole = Decoder(FEEDS[feed], TOKENISER).decode([submission(body)])
    assert whole.counts[0].records > 20
    assert whole.held == (None,)
    for limit in (6000, 20_000):
        pieces = list(chunks.units_of(0, body, FEEDS[feed], limit))
        assert len(pieces) > 1
        monkeypatch.setattr("connectors.engine.engine.CHUNK_BYTES", limit)
        decoded = Decoder(FEEDS[feed], TOKENISER).decode([submission(body)])
        assert reconciles(decoded)
        assert decoded.counts == whole.counts
        assert decoded.held == whole.held
        assert decoded.batch.to_pylist() == whole.batch.to_pylist()
        assert decoded.findings.to_pylist() == whole.findings.to_pylist()
        assert decoded.quarantined.to_pylist() == whole.quarantined.to_pylist()
        taken: list[Piece] = []
        streamed = Decoder(FEEDS[feed], TOKENISER).stream(submission(body), taken.append)
        assert len(taken) > 1
        done = [piece.done for piece in taken]
        assert done == sorted(done)
        assert done[-1] <= 1
        assert (streamed.counts, streamed.held) == (whole.counts, whole.held)
        for name in ("batch", "findings", "quarantined"):
            out = [row for piece in taken for row in getattr(piece, name).to_pylist()]
            assert out == getattr(whole, name).to_pylist()
            assert getattr(streamed, name).num_rows == 0


def test_millions_of_records_nobody_can_read_go_out_in_pieces_none_of_them_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_LINES", 3_000)
    head = (FOLDER / "loan_register/examples/plain.csv").read_bytes().partition(b"\n")[0]
    sent = submission(head + b"\n" + b"x\n" * 20_000)
    taken: list[Piece] = []
    rest = Decoder(FEEDS["loan_register"], TOKENISER).stream(sent, taken.append)
    assert [piece.quarantined.num_rows for piece in taken] == [3_000] * 6 + [2_000]
    assert rest.quarantined.num_rows == rest.findings.num_rows == 0
    assert rest.counts[0].quarantined == rest.counts[0].records == 20_000
    rows = [row for piece in taken for row in piece.quarantined.to_pylist()]
    assert [row["record"] for row in rows] == list(range(20_000))
    assert [row["locator"] for row in rows] == [f"line {at + 2}" for at in range(20_000)]
    assert {bytes(sent.body[row["byte_start"] : row["byte_end"]]) for row in rows} == {b"x"}


@pytest.mark.parametrize("feed", ["pacs008", "bill_exchange_json"])
def test_records_are_found_wherever_a_large_document_is_cut(
    feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = (FOLDER / feed / "examples" / EXAMPLES[feed]).read_bytes()
    if feed == "pacs008":
        body = body.replace(b"<CdtTrfTxInf>", b"<!-- a <CdtTrfTxInf> --><CdtTrfTxInf >", 1)
        body = body.replace("模拟".encode(), "<![CDATA[模<拟]]>".encode(), 1)
    record = FEEDS[feed].record
    whole = chunks._limits(body, FEEDS[feed], record)
    assert len(whole) == 2
    for step in range(9, 80):
        monkeypatch.setattr(chunks, "_STEP", step)
        assert chunks._limits(body, FEEDS[feed], record).tolist() == whole.tolist()
    first, second = (body[start:end] for start, end in whole.tolist())
    closing = b"</CdtTrfTxInf>" if feed == "pacs008" else b"}"
    assert first.endswith(closing)
    assert second.endswith(closing)
    assert first != second


def test_a_compressed_submission_is_expanded_into_a_file_that_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (FOLDER / "loan_register/examples/plain.csv").read_bytes()
    head, _, rows = text.partition(b"\n")
    body = head + b"\n" + rows * 200
    packed = gzip.compress(body[:5_000]) + gzip.compress(body[5_000:])
    (tmp_path / "sent.gz").write_bytes(packed)
    monkeypatch.setattr("connectors.engine.engine.CHUNK_BYTES", 20_000)
    plain: list[Piece] = []
    taken: list[Piece] = []
    decoder = Decoder(FEEDS["loan_register"], TOKENISER)
    decoder.stream(submission(body), plain.append)
    sent = replace(submission(packed), body=StoredBytes.of(tmp_path / "sent.gz"))
    decoder.stream(sent, taken.append, tmp_path)
    assert len(taken) > 3
    for one, other in zip(taken, plain, strict=True):
        assert one.batch.to_pylist() == other.batch.to_pylist()
        assert one.done == other.done
    assert [path.name for path in tmp_path.iterdir()] == ["sent.gz"]
    for wrong in (packed[:-9], packed + b"x", gzip.compress(bytes(8 << 20))):
        (tmp_path / "wrong.gz").write_bytes(wrong)
        sent = replace(submission(wrong), body=StoredBytes.of(tmp_path / "wrong.gz"))
        refused = decoder.stream(sent, taken.append, tmp_path)
        assert refused.counts[0].quarantined == refused.counts[0].records == 1
        assert refused.quarantined["byte_end"].to_pylist() == [len(wrong)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sent.gz", "wrong.gz"]
