"""Hostile and broken submissions: none crashes, hangs, exhausts memory or vanishes."""

import gzip
import time
import tracemalloc
import zlib

import pytest

from connectors.engine.assemble import LEAST_RECORDS
from connectors.engine.engine import Decoded
from connectors.feeds.registry import FOLDER, load_feeds
from tests.connectors.support import reconciles, run

FEEDS = load_feeds()
XML = (FOLDER / "pacs008/examples/plain.xml").read_bytes()
CSV = (FOLDER / "loan_register/examples/plain.csv").read_bytes()
LINES = (FOLDER / "bill_exchange/examples/plain.ndjson").read_bytes()
JSON = (FOLDER / "bill_exchange_json/examples/plain.json").read_bytes()
LAUGHS = (
    b'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><Document>&c;</Document>'
)
OUTSIDE = b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document>&x;</Document>'
NS = b'xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"'


def deep_xml(depth: int) -> bytes:
    return b"<a>" * depth + b"</a>" * depth


def outcomes(decoded: Decoded) -> list[tuple[int, str, str]]:
    return [(row["record"], row["rule_id"], row["outcome"]) for row in decoded.findings.to_pylist()]


WHOLE = [
    ("pacs008", XML.decode().encode("utf-16"), "ENG-ENCODING"),
    ("pacs008", XML.decode().encode("utf-16-le"), "ENG-ENCODING"),
    ("pacs008", XML.decode().encode("utf-32"), "ENG-ENCODING"),
    ("pacs008", XML.replace("模拟".encode(), b"\xff\xfe"), "ENG-ENCODING"),
    ("pacs008", XML.replace(b'"UTF-8"', b'"GBK"'), "ENG-ENCODING"),
    ("pacs008", XML[: len(XML) // 2], "ENG-UNREADABLE"),
    ("pacs008", LAUGHS, "ENG-DOCTYPE"),
    ("pacs008", OUTSIDE, "ENG-DOCTYPE"),
    ("pacs008", deep_xml(200_000), "ENG-DEPTH"),
    ("pacs008", b"<D>" + b"".join(b"<t%d/>" % i for i in range(5000)) + b"</D>", "ENG-DEPTH"),
    ("pacs008", b"<Document " + NS + b"><Other/></Document>", "ENG-NO-RECORD"),
    ("pacs008", b"<Document><FIToFICstmrCdtTrf/></Document>", "ENG-NAMESPACE"),
    ("pacs008", XML.replace(b"<TxId>", b"<x:TxId>", 1), "ENG-UNREADABLE"),
    ("pacs008", XML + XML, "ENG-UNREADABLE"),
    ("pacs008", gzip.compress(XML)[:-30], "ENG-UNREADABLE"),
    ("loan_register", CSV.decode("gb18030").encode(), "ENG-ENCODING"),
    ("loan_register", CSV.split(b"\n")[0], "ENG-NO-RECORD"),
    ("loan_register", CSV.replace("币种".encode("gb18030"), b"x", 1), "ENG-HEADER"),
    ("loan_register", CSV.replace("币种".encode("gb18030"), "贷款余额".encode("gb18030"), 1),
     "ENG-HEADER"),
    ("bill_exchange_json", JSON[: len(JSON) // 2], "ENG-UNREADABLE"),
    ("bill_exchange_json", b"[" * 200_000, "ENG-DEPTH"),
    ("bill_exchange_json", b'{"data":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "ENG-DEPTH"),
    ("bill_exchange_json", b'{"org":"A","org":"B","data":[{}]}', "ENG-UNREADABLE"),
    ("bill_exchange_json", b'{"data":[{"x":NaN}]}', "ENG-UNREADABLE"),
    ("bill_exchange_json", b'{"data":[{"x":01}]}', "ENG-UNREADABLE"),
    ("bill_exchange_json", b'{"data":[{"x":"\\ud800"}]}', "ENG-UNREADABLE"),
    ("bill_exchange_json", b'{"data":[]}', "ENG-NO-RECORD"),
    ("bill_exchange_json", JSON.replace("模拟".encode(), b"\xff\xfe", 1), "ENG-ENCODING"),
]  # fmt: skip


@pytest.mark.parametrize(("feed", "body", "rule"), WHOLE)
def test_a_submission_nobody_can_read_is_one_quarantined_record_with_its_bytes(
    feed: str, body: bytes, rule: str
) -> None:
    begun = time.process_time()
    decoded = run(FEEDS[feed], body, XML if feed == "pacs008" else body)
    assert time.process_time() - begun < 5
    assert reconciles(decoded)
    assert (decoded.counts[0].records, decoded.counts[0].quarantined) == (1, 1)
    assert outcomes(decoded)[0] == (-1, rule, "quarantined")
    first = decoded.quarantined.to_pylist()[0]
    assert (first["byte_start"], first["byte_end"]) == (0, len(body))
    if feed == "pacs008":  # a good neighbour in the same call is not touched
        assert decoded.counts[1].accepted == 2


def bill(**changed: object) -> bytes:
    line = LINES.split(b"\n")[0]
    for key, value in changed.items():
        before = line.index(f'"{key}": '.encode())
        start = before + len(key) + 4
        end = line.index(b", ", start) if b", " in line[start:] else len(line) - 1
        line = line[:start] + str(value).encode() + line[end:]
    return line


RECORD = [
    ({"billMoney": '"1e3"'}, "ENG-VALUE", "rejected"),
    ({"billMoney": "1e3"}, "ENG-VALUE", "rejected"),
    ({"billMoney": '"1_000"'}, "ENG-VALUE", "rejected"),
    ({"billMoney": '"NaN"'}, "ENG-VALUE", "rejected"),
    ({"billMoney": '"１２３"'}, "ENG-VALUE", "rejected"),
    ({"billMoney": '" 5"'}, "ENG-VALUE", "rejected"),
    ({"billMoney": '"-0.01"'}, "ENG-VALUE", "rejected"),
    ({"sttlAmt": '"-0.01"'}, "ENG-RANGE", "rejected"),
    ({"sttlAmt": '"0.123456"'}, "ENG-NUMBER", "rejected"),
    ({"sttlAmt": '"999999999999999999999"'}, "ENG-NUMBER", "rejected"),
    ({"billRangeStart": "1.0"}, "ENG-NUMBER", "rejected"),
    ({"billRangeStart": "-1"}, "ENG-RANGE", "rejected"),
    ({"dealDt": '"20261301"'}, "ENG-TIME", "rejected"),
    ({"dealDt": '"20260230"'}, "ENG-TIME", "rejected"),
    ({"dealTm": '"240000"'}, "ENG-TIME", "rejected"),
    ({"dealTm": '"235960"'}, "ENG-TIME", "rejected"),
    ({"dealNo": '""'}, "ENG-REQUIRED", "rejected"),
    ({"dealNo": "null"}, "ENG-REQUIRED", "rejected"),
    ({"dealNo": '"1", "dealNo": "2"'}, "ENG-REPEATED", "rejected"),
    ({"dealNo": '["1", "2"]'}, "ENG-REPEATED", "rejected"),
    ({"dealNo": '"1", "x": {"a": 1}, "x": {"b": 2}'}, "ENG-UNKNOWN-FIELD", "quarantined"),
    ({"dealNo": "NaN"}, "ENG-UNREADABLE", "quarantined"),
    ({"dealNo": '{"a": 1}'}, "ENG-UNKNOWN-FIELD", "quarantined"),
    ({"busiType": '"XX99"'}, "ENG-UNKNOWN-CODE", "quarantined"),
    ({"billPackageNo": '"5"'}, "ENG-FORMAT", "rejected"),
    ({"dealNo": "[" * 300 + "]" * 300}, "ENG-UNREADABLE", "quarantined"),
]


@pytest.mark.parametrize(("changed", "rule", "outcome"), RECORD)
def test_a_wrong_record_costs_itself_and_not_its_neighbours(
    changed: dict[str, object], rule: str, outcome: str
) -> None:
    good = bill()
    decoded = run(FEEDS["bill_exchange"], b"\n".join([good, bill(**changed), good, good]) + b"\n")
    assert reconciles(decoded)
    assert decoded.counts[0].accepted == 3
    found = outcomes(decoded)
    assert (1, rule, outcome) in found
    assert {record for record, _, _ in found} == {1}
    assert decoded.batch["record"].to_pylist() == [0, 2, 3]


def test_one_bad_byte_costs_one_line() -> None:
    good = bill()
    broken = good.replace("模拟".encode(), b"\xff\xfe", 1)
    decoded = run(FEEDS["bill_exchange"], b"\n".join([good, broken, good]))
    assert outcomes(decoded) == [(1, "ENG-ENCODING", "quarantined")]
    assert decoded.counts[0].accepted == 2


def test_two_broken_lines_do_not_make_one_object() -> None:
    half = bill()[:80]
    decoded = run(FEEDS["bill_exchange"], half + b"\n" + bill()[80:] + b"\n" + bill() + b"\n")
    assert decoded.counts[0].records == 3
    assert [row[1] for row in outcomes(decoded)] == ["ENG-UNREADABLE"] * 2


@pytest.mark.parametrize("feed", FEEDS)
def test_a_gzip_bomb_is_refused_cheaply(feed: str) -> None:
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1 << 20)
    bomb = b"".join(packer.compress(zeros) for _ in range(300)) + packer.flush()
    assert len(bomb) < 400_000
    tracemalloc.start()
    begun = time.process_time()
    decoded = run(FEEDS[feed], bomb)
    took = time.process_time() - begun
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcomes(decoded) == [(-1, "ENG-SIZE", "quarantined")]
    assert took < 2
    assert peak < 64 << 20


def test_a_compressed_submission_decodes_like_the_plain_one() -> None:
    plain, packed = run(FEEDS["pacs008"], XML), run(FEEDS["pacs008"], gzip.compress(XML))
    assert packed.batch.equals(plain.batch)
    assert packed.counts == plain.counts


def test_a_thousand_payments_not_provided_stay_a_thousand_transactions() -> None:
    start = XML.index(b"<CdtTrfTxInf>")
    end = XML.index(b"</CdtTrfTxInf>") + len(b"</CdtTrfTxInf>")
    record = XML[start:end]
    for tag in (b"UETR", b"TxId"):
        a, z = record.index(b"<" + tag), record.index(b"</" + tag) + len(tag) + 3
        record = record[:a] + record[z:]
    assert b"<EndToEndId>NOTPROVIDED<" in record
    head = XML[:start].replace(b"<NbOfTxs>2<", b"<NbOfTxs>1000<")
    head = head.replace(b"<CtrlSum>2000000000100.50</CtrlSum>", b"")
    same = head + record * 1000 + XML[XML.rindex(b"</CdtTrfTxInf>") + 14 :]
    placeholder = same.replace(
        b"<EndToEndId>NOTPROVIDED</EndToEndId>",
        b"<EndToEndId>NOTPROVIDED</EndToEndId><TxId>NOTPROVIDED</TxId>",
    )
    for body in (same, placeholder):
        batch = run(FEEDS["pacs008"], body).batch
        assert batch.num_rows == 1000
        assert batch["transaction_key"].null_count == 1000  # no key: never merged
        assert batch["end_to_end_id"].null_count == 1000
        # what stands for them where there is no key: reference and content
        assert len(set(batch["source_trade_id"].to_pylist())) == 1000


def test_both_sides_of_a_payment_reach_one_key_and_different_payments_do_not() -> None:
    batch = run(FEEDS["pacs008"], XML, XML.replace(b"<MsgId>M1<", b"<MsgId>Other<")).batch
    keys = batch["transaction_key"].to_pylist()
    assert keys[:2] == keys[2:]
    assert keys[0] != keys[1]
    hashes = batch["content_hash"].to_pylist()
    assert hashes[:2] == hashes[2:]  # the header is no content of the record


def test_an_unknown_province_is_quarantined_and_one_outside_the_four_is_not() -> None:
    outside = CSV.replace(b",330212,", b",110105,")
    assert run(FEEDS["loan_register"], outside).counts[0].accepted == 3
    unknown = CSV.replace(b",330212,", b",990000,")
    assert outcomes(run(FEEDS["loan_register"], unknown)) == [
        (1, "ENG-UNKNOWN-CODE", "quarantined")
    ]


def test_no_finding_shows_a_value_of_a_record() -> None:
    secret = b"6222SECRET"
    bodies = [
        XML.replace(b"100.50", secret).replace(b"CtrlSum", b"X"),
        XML.replace(b"<ChrgBr>SHAR</ChrgBr>", b"<Odd>" + secret + b"</Odd>"),
        XML.replace(b"</Document>", secret + b"</Documen>"),
    ]
    decoded = run(FEEDS["pacs008"], *bodies)
    assert decoded.findings.num_rows >= 3
    assert "SECRET" not in repr(decoded.findings.to_pylist())
    assert "SECRET" not in repr(decoded.quarantined.to_pylist())


def test_a_few_odd_records_wait_one_by_one_and_many_wait_together() -> None:
    lines = LINES.splitlines(keepends=True)[:1] * LEAST_RECORDS
    odd = [line.replace(b"{", b'{"newField":"1",', 1) for line in lines]
    few = run(FEEDS["bill_exchange"], b"".join([*odd[:2], *lines[2 : LEAST_RECORDS - 1]]))
    assert (few.held, few.counts[0].quarantined) == ((None,), 2)
    nearly = run(FEEDS["bill_exchange"], b"".join(odd[: LEAST_RECORDS - 1]))
    assert (nearly.held, nearly.counts[0].quarantined) == ((None,), LEAST_RECORDS - 1)
    assert nearly.quarantined["reason"].to_pylist() == ["ENG-UNKNOWN-FIELD"] * (LEAST_RECORDS - 1)
    many = run(FEEDS["bill_exchange"], b"".join(odd))
    assert (many.held, many.quarantined["record"].to_pylist()) == (("SOURCE_CHANGED",), [-1])
    half = run(FEEDS["bill_exchange"], b"".join([*odd[: LEAST_RECORDS // 2], *lines[5:]]))
    assert half.held == (None,)


def test_another_form_of_most_dates_or_amounts_is_a_changed_source_and_not_their_reporters_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    head, *lines = CSV.splitlines(keepends=True)
    good = (lines[:1] * 12)[: LEAST_RECORDS + 2]
    dated = [line.replace(b"2026-03-02", b"02/03/2026") for line in good]
    money = [line.replace(b"5000000.00,5000000.00", b"5000000.00,5.000.000") for line in good]

    def read(*bodies: bytes) -> Decoded:
        return run(FEEDS["loan_register"], *(head + body for body in bodies))

    whole = [b"".join(lines) for lines in (dated, money, good)]
    decoded = read(*whole)
    assert decoded.held == ("SOURCE_CHANGED", "SOURCE_CHANGED", None)
    assert [count.quarantined for count in decoded.counts] == [12, 12, 0]
    assert decoded.quarantined["field"].to_pylist() == ["贷款发放日期", "贷款余额折人民币"]
    assert decoded.quarantined["reason"].to_pylist() == ["ENG-SOURCE-CHANGED"] * 2
    assert "2026" in decoded.quarantined["expected"][0].as_py()
    # half of the records, or fewer than ten: their reporters
    few = read(b"".join([*dated[:6], *good[:6]]), b"".join(dated[: LEAST_RECORDS - 1]))
    assert few.held == (None, None)
    assert [count.rejected for count in few.counts] == [6, LEAST_RECORDS - 1]
    # chunk by chunk it is the same
    monkeypatch.setattr("connectors.engine.engine.CHUNK_BYTES", 1_200)
    assert read(*whole).quarantined.to_pylist() == decoded.quarantined.to_pylist()
