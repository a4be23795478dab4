"""Every feed keeps the same promises; a feed adds examples, not tests."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connectors.engine.findings import RULES
from connectors.engine.gate import readable
from connectors.engine.specwords import OPTIONS, PARTY_SCHEMES, PERSON_DOCUMENTS, TOP_LEVEL
from connectors.feeds.registry import FOLDER, load_feeds
from schemas.fields import arrow_schema, fields
from schemas.records import FINDING
from tests.connectors.support import reconciles, run

FEEDS = load_feeds()
EXAMPLES = [
    (feed, path)
    for feed in FEEDS
    for path in sorted((FOLDER / feed / "examples").iterdir())
    if not path.name.endswith(".expected.json")
]
NAMED = pytest.mark.parametrize(
    ("feed", "path"), EXAMPLES, ids=[f"{feed}/{path.name}" for feed, path in EXAMPLES]
)


def as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return dict(value)
    return None if value is None else str(value)


@NAMED
def test_an_example_becomes_exactly_what_stands_beside_it(feed: str, path: Path) -> None:
    expected = json.loads(path.with_name(path.name + ".expected.json").read_text())
    decoded = run(FEEDS[feed], path.read_bytes())
    counts = decoded.counts[0]
    assert {name: getattr(counts, name) for name in expected["counts"]} == expected["counts"]
    assert decoded.held[0] == expected["held"]
    found = [
        {name: row[name] for name in ("record", "locator", "rule_id", "outcome", "field")}
        for row in decoded.findings.to_pylist()
    ]
    assert found == expected["findings"]
    rows = decoded.batch.to_pylist()
    assert len(rows) == len(expected["rows"])
    for row, wanted in zip(rows, expected["rows"], strict=True):
        assert {name: as_text(row.get(name)) for name in wanted} == wanted


@NAMED
def test_every_record_of_an_example_is_accounted_for(feed: str, path: Path) -> None:
    decoded = run(FEEDS[feed], path.read_bytes())
    assert reconciles(decoded)
    assert decoded.findings.schema == FINDING


@NAMED
def test_a_byte_range_leads_back_to_the_record(feed: str, path: Path) -> None:
    body = path.read_bytes()
    decoded = run(FEEDS[feed], body)
    first, last = {
        "xml": (b"<", b">"),
        "csv": (b"", b""),
        "xlsx": (b"", b""),
        "fix": (b"8=", b"\x01"),
    }.get(FEEDS[feed].format, (b"{", b"}"))
    for row in decoded.batch.to_pylist():
        record = bytes(readable(body, FEEDS[feed]))[row["byte_start"] : row["byte_end"]]
        assert record.startswith(first)
        assert record.rstrip().endswith(last)
        assert 0 < len(record) <= len(body)


@pytest.mark.parametrize("feed", FEEDS)
class TestEveryFeed:
    def test_columns_have_the_canonical_types(self, feed: str) -> None:
        decoded = run(FEEDS[feed], *good(feed))
        schema = arrow_schema(FEEDS[feed].kind)
        for field in decoded.batch.schema:
            if field.name in schema.names:
                assert field.type == schema.field(field.name).type, field.name

    def test_required_columns_of_accepted_rows_hold_values(self, feed: str) -> None:
        batch = run(FEEDS[feed], *good(feed)).batch
        for name, field in fields().items():
            if name in batch.schema.names and not field.nullable:
                assert batch[name].null_count == 0, name

    def test_decoding_together_or_apart_gives_the_same_rows(self, feed: str) -> None:
        bodies = [path.read_bytes() for name, path in EXAMPLES if name == feed] * 2
        together = run(FEEDS[feed], *bodies)
        apart = [run(FEEDS[feed], body) for body in bodies]
        assert together.counts == tuple(one.counts[0] for one in apart)
        assert together.held == tuple(one.held[0] for one in apart)
        names = [n for n in together.batch.schema.names if n != "submission"]
        rows = pa.Table.from_batches([together.batch]).select(names).to_pylist()
        assert rows == [row for one in apart for row in one.batch.select(names).to_pylist()]
        named = [name for name in FINDING.names if name != "submission"]
        assert together.findings.select(named).to_pylist() == [
            row for one in apart for row in one.findings.select(named).to_pylist()
        ]

    def test_nobody_in_clear_leaves_the_engine(self, feed: str) -> None:
        decoded = run(FEEDS[feed], *good(feed))
        everything = repr(decoded.batch.to_pylist()) + repr(decoded.findings.to_pylist())
        for secret in ("11010519491231002X", "110105491231002", "某人", "6222000000000000001"):
            assert secret not in everything

    def test_a_submission_of_another_format_is_one_quarantined_record(self, feed: str) -> None:
        hostile = [b"", b"\x00\x01\x02", b"\xff\xfe<\x00a\x00", b"PK\x03\x04rest", b"\n\n\n"]
        decoded = run(FEEDS[feed], *hostile)
        assert reconciles(decoded)
        assert decoded.batch.num_rows == 0
        assert all(count.quarantined == count.records for count in decoded.counts)
        assert all(count.records <= 1 for count in decoded.counts)


def good(feed: str) -> list[bytes]:
    return [path.read_bytes() for name, path in EXAMPLES if name == feed]


PAGES = FOLDER.parents[1] / "docs/feeds"
SAMPLED = (
    *("pacs008", "loan_register", "loan_drawdowns", "fx_settlement", "receivables"),
    *("warehouse_receipts", "warehouse_stock", "bill_exchange", "bill_exchange_json"),
)


@pytest.mark.parametrize("feed", SAMPLED)
def test_the_sample_on_a_feeds_page_decodes_without_a_finding(feed: str) -> None:
    page = (PAGES / f"{feed.removesuffix('_json')}.md").read_text(encoding="utf-8")
    language = {"ndjson": "json"}.get(FEEDS[feed].format, FEEDS[feed].format)
    found = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert found
    body = found[1].encode(FEEDS[feed].encoding)
    if feed == "bill_exchange_json":
        bill = json.loads(found[1])
        header = {"fileTm": bill.pop("rptTm"), "org": "SHCPE", "totalMoney": bill["billMoney"]}
        body = json.dumps({**header, "count": 1, "data": [bill]}).encode()
    decoded = run(FEEDS[feed], body)
    assert decoded.findings.num_rows == 0
    counts = decoded.counts[0]
    assert decoded.batch.num_rows == counts.records - counts.skipped > 0


def test_the_overview_says_of_every_feed_what_its_spec_says() -> None:
    overview = (PAGES.parent / "feeds.md").read_text(encoding="utf-8")
    rows = [line for line in overview.splitlines() if line.startswith("| [`")]
    assert len(rows) == len(FEEDS) - 1, "the two forms of bills share a row"
    for name, feed in FEEDS.items():
        (row,) = [row for row in rows if f"`{name}`" in row]
        cells = [cell.strip() for cell in row.strip("| ").split(" | ")]
        assert feed.format.upper() in cells[2].split(", ")
        assert cells[3:5] == [feed.status, feed.kind]
        assert cells[5].replace("`", "").split(", ") == list(feed.markets)
        assert (PAGES.parent / row[row.index("](") + 2 : row.index(")")]).is_file()


def test_the_feeds_page_names_every_rule_option_and_scheme() -> None:
    page = (FOLDER.parents[1] / "docs/feeds.md").read_text(encoding="utf-8")
    for name in (*RULES, *TOP_LEVEL, *OPTIONS, *PARTY_SCHEMES, *PERSON_DOCUMENTS):
        assert name in page, name
