"""One suite over all feeds of the package: a feed adds a folder with examples, not tests.

Each example is decoded once alone and once with the others of its feed; the tests look at that.
That an example becomes what stands beside it is a step of the certificate.
"""

import json
import re
from functools import cache
from pathlib import Path

import pytest

from connectors.engine.engine import Decoded, Decoder
from connectors.engine.findings import RULES
from connectors.engine.gate import readable
from connectors.engine.specwords import OPTIONS, PARTY_SCHEMES, PERSON_DOCUMENTS, TOP_LEVEL
from connectors.feeds.registry import FOLDER, SPEC, load_feeds
from connectors.kit.certificate import BESIDE, Certificate
from connectors.kit.check import check
from connectors.kit.examples import examples, expected, plain
from schemas.fields import fields
from schemas.records import FINDING
from tests.connectors.support import TOKENISER, reconciles, run, submission
from yrd.processes.trying import trial

FEEDS = load_feeds()
DOCS = FOLDER.parents[1] / "docs"
ENTRY = ("owner_zh", "owner_en", "need_list", "responsibility_list", "resource_catalogue",
         "contact_role", "status")  # fmt: skip
ENDS = {"xml": (b"<", b">"), "csv": (b"", b""), "xlsx": (b"", b""), "fix": (b"8=", b"\x01")}


@cache
def certificate(name: str) -> Certificate:
    feed = FEEDS[name]
    files = [(path.name, path.read_bytes()) for path in plain(feed)]
    return check(feed, (feed.folder / SPEC).read_text(encoding="utf-8"), files, trial())


@cache
def apart(name: str) -> dict[Path, Decoded]:
    """Each example alone, by one decoder."""
    decoder = Decoder(FEEDS[name], TOKENISER)
    return {path: decoder.decode([submission(path.read_bytes())]) for path in examples(FEEDS[name])}


@cache
def together(name: str) -> Decoded:
    return run(FEEDS[name], *(path.read_bytes() for path in examples(FEEDS[name])))


@pytest.mark.parametrize("name", FEEDS)
class TestEveryFeed:
    def test_it_has_plain_and_wrong_examples_each_with_what_must_come_of_it(
        self, name: str
    ) -> None:
        feed = FEEDS[name]
        told = [expected(path) for path in examples(feed)]
        assert None not in told
        assert plain(feed)
        assert any(one and (one["findings"] or one["held"]) for one in told)

    def test_every_promise_holds_on_its_examples(self, name: str) -> None:
        made = certificate(name)
        broken = [(step.name, step.open) for step in made.steps if not step.passed]
        assert not broken
        assert made.counts["accepted"] > 0

    def test_the_certificate_it_ships_is_the_one_its_files_give(self, name: str) -> None:
        path = FEEDS[name].folder / BESIDE
        assert path.is_file(), f"yrd feed check {name} --ship"
        shipped = json.loads(path.read_text(encoding="utf-8"))
        made = json.loads(json.dumps(certificate(name).as_dict()))
        for told in (shipped, made):
            told["throughput"] = {}
        assert made == shipped, f"yrd feed check {name} --ship"

    def test_its_catalogue_entry_is_whole(self, name: str) -> None:
        given = FEEDS[name].catalogue
        assert [key for key in ENTRY if not given.get(key)] == []

    def test_a_page_of_the_documentation_describes_it(self, name: str) -> None:
        pages = [DOCS / "feeds.md", *(DOCS / "feeds").glob("*.md")]
        assert any(f"`{name}`" in page.read_text(encoding="utf-8") for page in pages)

    def test_the_simulator_can_write_it(self, name: str) -> None:
        assert (FEEDS[name].folder / "write.py").is_file()

    def test_every_record_of_an_example_is_accounted_for(self, name: str) -> None:
        for path, decoded in apart(name).items():
            assert reconciles(decoded), path.name
            assert decoded.findings.schema == FINDING

    def test_a_byte_range_leads_back_to_the_record(self, name: str) -> None:
        first, last = ENDS.get(FEEDS[name].format, (b"{", b"}"))
        for path, decoded in apart(name).items():
            rows = decoded.batch.select(["byte_start", "byte_end"]).to_pylist()
            body = bytes(readable(path.read_bytes(), FEEDS[name])) if rows else b""
            for row in rows:
                record = body[row["byte_start"] : row["byte_end"]]
                assert record.startswith(first), path.name
                assert record.rstrip().endswith(last), path.name
                assert 0 < len(record) <= len(body)

    def test_required_columns_of_accepted_rows_hold_values(self, name: str) -> None:
        batch = together(name).batch
        needed = [one for one, field in fields().items() if not field.nullable]
        assert [n for n in needed if n in batch.schema.names and batch[n].null_count] == []

    def test_decoding_together_or_apart_gives_the_same_rows(self, name: str) -> None:
        alone, whole = list(apart(name).values()), together(name)
        assert whole.counts == tuple(one.counts[0] for one in alone)
        assert whole.held == tuple(one.held[0] for one in alone)
        for table in ("batch", "findings"):
            names = [n for n in getattr(whole, table).schema.names if n != "submission"]
            rows = getattr(whole, table).select(names).to_pylist()
            assert rows == [
                row for one in alone for row in getattr(one, table).select(names).to_pylist()
            ]

    def test_nobody_in_clear_leaves_the_engine(self, name: str) -> None:
        decoded = together(name)
        everything = repr(decoded.batch.to_pylist()) + repr(decoded.findings.to_pylist())
        for secret in ("11010519491231002X", "110105491231002", "某人", "6222000000000000001"):
            assert secret not in everything

    def test_a_submission_of_another_format_is_one_quarantined_record(self, name: str) -> None:
        hostile = [b"", b"\x00\x01\x02", b"\xff\xfe<\x00a\x00", b"PK\x03\x04rest", b"\n\n\n"]
        decoded = run(FEEDS[name], *hostile)
        assert reconciles(decoded)
        assert decoded.batch.num_rows == 0
        assert all(count.quarantined == count.records for count in decoded.counts)
        assert all(count.records <= 1 for count in decoded.counts)


PAGES = DOCS / "feeds"
SAMPLED = (
    *("pacs008", "loan_register", "loan_drawdowns", "fx_settlement", "receivables"),
    *("warehouse_receipts", "warehouse_stock", "bill_exchange", "bill_exchange_json"),
    "market_totals",
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
    overview = (DOCS / "feeds.md").read_text(encoding="utf-8")
    rows = [line for line in overview.splitlines() if line.startswith("| [`")]
    assert len(rows) == len(FEEDS) - 1, "the two forms of bills share a row"
    for name, feed in FEEDS.items():
        (row,) = [row for row in rows if f"`{name}`" in row]
        cells = [cell.strip() for cell in row.strip("| ").split(" | ")]
        assert feed.format.upper() in cells[2].split(", ")
        assert cells[3:5] == [feed.status, feed.kind]
        assert cells[5].replace("`", "").split(", ") == list(feed.markets)
        assert (DOCS / row[row.index("](") + 2 : row.index(")")]).is_file()


def test_the_feeds_page_names_every_rule_option_and_scheme() -> None:
    page = (DOCS / "feeds.md").read_text(encoding="utf-8")
    for name in (*RULES, *TOP_LEVEL, *OPTIONS, *PARTY_SCHEMES, *PERSON_DOCUMENTS):
        assert name in page, name
