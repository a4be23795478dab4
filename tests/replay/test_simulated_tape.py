"""What a simulated tape holds: order, counts, calendar facts, copies of one payment."""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from lxml import etree

from connectors.feeds.registry import load_feeds
from replay.market.build import Sizes, simulate
from replay.market.days import DEFAULT_START, span
from schemas.errors import InputError
from schemas.reference_data import calendars, institutions
from schemas.regions import REGIONS, region_of_area
from tests.connectors.support import run

NS = {"p": "urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"}
Rows = list[dict[str, Any]]
# Feeds of one record a line, and what is added: a line of column names, or a last line unended.
LINES = {"bill_exchange": 1, "complaints": 1, "loan_register": 0, "entity_register": 0}


def good(submissions: Rows, feed: str) -> Rows:
    return [
        row
        for row in submissions
        if row["feed"] == feed and not row["file_name"].startswith("broken")
    ]


def payments(submissions: Rows) -> Rows:
    """Every record of every payment submission, as text fields."""
    fields = {
        "uetr": "<UETR>([^<]*)",
        "amount": 'Ccy="[A-Z]{3}">([^<]*)',
        "accepted": "<AccptncDtTm>([^<]*)",
        "settled": "<IntrBkSttlmDt>([^<]*)",
        "payer_bank": "<DbtrAgt>.*?<MmbId>([^<]*)",
        "payee_bank": "<CdtrAgt>.*?<MmbId>([^<]*)",
        "payer": "<DbtrAcct><Id><Othr><Id>([^<]*)",
        "payee": "<CdtrAcct><Id><Othr><Id>([^<]*)",
    }
    found = []
    for row in good(submissions, "pacs008"):
        for text in row["body"].decode().split("<CdtTrfTxInf>")[1:]:
            matches = {name: re.search(pattern, text) for name, pattern in fields.items()}
            found.append(
                {name: match[1] if match else "" for name, match in matches.items()}
                | {"submitter": row["submitter"], "received_at": row["received_at"]}
            )
    return found


def area(banks: list[str]) -> list[str]:
    return institutions().area(pa.array(banks), DEFAULT_START).to_pylist()


class TestBytes:
    def test_the_same_seed_gives_the_same_bytes(self, tape: Path, tmp_path: Path) -> None:
        again = tmp_path / "tape"
        simulate(again, 1, Sizes(reports=8_000))
        files = sorted(path.relative_to(tape) for path in tape.rglob("*") if path.is_file())
        assert files == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
        assert all((tape / name).read_bytes() == (again / name).read_bytes() for name in files)

    def test_another_seed_gives_another_market(
        self, tape: Path, tape_of: Callable[[int], Path]
    ) -> None:
        other = tape_of(2)
        assert (tape / "seg-00000.arrow").read_bytes() != (other / "seg-00000.arrow").read_bytes()
        assert (tape / "labels.parquet").read_bytes() != (other / "labels.parquet").read_bytes()

    def test_submissions_come_in_order_of_receipt_and_say_they_are_simulated(
        self, submissions: Rows
    ) -> None:
        received = [row["received_at"] for row in submissions]
        assert received == sorted(received)
        assert {row["data_origin"] for row in submissions} == {"SIMULATED"}

    def test_sizes_that_cannot_hold_the_schemes_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="reports: expected at least"):
            simulate(tmp_path / "a", 1, Sizes(reports=10))
        with pytest.raises(InputError, match="at most 2000000"):
            simulate(tmp_path / "a", 1, Sizes(reports=10_000_000))
        with pytest.raises(InputError, match="days: expected at least"):
            simulate(tmp_path / "b", 1, Sizes(days=3))
        with pytest.raises(InputError, match="the calendar ends on"):
            simulate(tmp_path / "c", 1, Sizes(start=date(2026, 12, 1)))


class TestCounts:
    def test_the_manifest_counts_what_is_written(
        self, submissions: Rows, manifest: dict[str, Any]
    ) -> None:
        written: Counter[str] = Counter()
        rest: dict[str, list[bytes]] = defaultdict(list)
        for row in submissions:
            if row["file_name"].startswith("broken"):
                written[row["feed"]] += 1
            elif row["feed"] == "pacs008":
                written["pacs008"] += row["body"].count(b"<CdtTrfTxInf>")
            elif row["feed"] == "bill_exchange_json":
                written[row["feed"]] += row["body"].count(b'"busiType"')
            elif row["feed"] in LINES:
                written[row["feed"]] += row["body"].rstrip(b"\n").count(b"\n") + LINES[row["feed"]]
            else:  # documents, messages, sheets, lines of totals: as the feed itself counts
                rest[row["feed"]].append(row["body"])
        for feed, bodies in rest.items():
            for counts in run(load_feeds()[feed], *bodies).counts:
                written[feed] += counts.records - counts.skipped
        assert manifest["simulation"]["records"] == dict(written)

    def test_every_kind_of_broken_record_is_found_where_it_was_planted(
        self, submissions: Rows, manifest: dict[str, Any]
    ) -> None:
        marks = {
            "exponent": b">1e3<",
            "underscore": b">1_000<",
            "not_a_number": b">NaN<",
            "full_width_digits": "１２３.００".encode(),
            "negative_amount": b">-250.00<",
            "month_13": b"<AccptncDtTm>2026-13",
            "unknown_agent": b"<MmbId>9999<",
            "unknown_currency": b'"XQZ"',
            "bad_uuid": b"not-a-uuid",
            "unknown_field": b"<NewFld>",
        }
        once = {row["sha256"]: row for row in good(submissions, "pacs008")}.values()
        bodies = b"".join(row["body"] for row in once)
        planted = manifest["planted_broken"]["pacs008"]
        assert {kind: bodies.count(mark) for kind, mark in marks.items()} == {
            kind: planted[kind] for kind in marks
        }
        accounts = bodies.count(b"<CdtTrfTxInf>") - bodies.count(b"<DbtrAcct>")
        assert accounts == planted["missing_account"] > 0

    def test_about_half_a_percent_of_the_records_is_broken(self, manifest: dict[str, Any]) -> None:
        records = manifest["simulation"]["records"]
        for feed, kinds in manifest["planted_broken"].items():
            if feed != "whole_submissions":  # each kind at least once, however small the feed
                least = max(0.004 * records[feed], 1)
                assert least <= sum(kinds.values()) <= max(0.008 * records[feed], len(kinds)), feed

    def test_whole_broken_submissions_are_there_and_small(
        self, submissions: Rows, manifest: dict[str, Any]
    ) -> None:
        broken = [row for row in submissions if row["file_name"].startswith("broken")]
        assert len(broken) == sum(manifest["planted_broken"]["whole_submissions"].values()) == 12
        assert max(row["size"] for row in broken) < 300_000
        assert any(b"<!DOCTYPE" in row["body"] for row in broken)

    def test_some_files_are_sent_twice_and_some_records_repeated(
        self, submissions: Rows, manifest: dict[str, Any]
    ) -> None:
        times = Counter((row["submitter"], row["sha256"]) for row in submissions)
        assert sum(count > 1 for count in times.values()) >= 1
        assert (
            sum(count - 1 for count in times.values())
            == (manifest["simulation"]["files_sent_twice"])
        )
        assert manifest["simulation"]["repeated_records"] > 0

    def test_the_mix_is_that_of_the_four_regions(self, submissions: Rows) -> None:
        records = payments(submissions)
        known = [row for row in records if row["payee_bank"] != "9999"]
        sides = zip(
            area([row["payer_bank"] for row in known]),
            area([row["payee_bank"] for row in known]),
            strict=True,
        )
        by_payment = {row["uetr"]: pair for row, pair in zip(known, sides, strict=True)}
        outside = np.mean(["OUT" in pair for pair in by_payment.values()])
        assert 0.2 < outside < 0.28  # what is planted stays inside
        regions = Counter(region_of_area(a) for a in area([r["submitter"] for r in known]))
        assert set(regions) == set(REGIONS)
        assert min(regions.values()) > 0.08 * len(known)


class TestPayments:
    def test_submissions_are_documents_whose_control_totals_hold(self, submissions: Rows) -> None:
        checked = 0
        for row in good(submissions, "pacs008")[::7]:
            root = etree.fromstring(row["body"])
            header = root.find(".//p:GrpHdr", NS)
            records = root.findall(".//p:CdtTrfTxInf", NS)
            assert int(header.findtext("p:NbOfTxs", None, NS)) == len(records)
            total = header.findtext("p:CtrlSum", None, NS)
            if total is not None:
                amounts = [r.findtext("p:IntrBkSttlmAmt", None, NS) for r in records]
                fen = sum(int(text.replace(".", "")) for text in amounts)
                assert fen == int(total.replace(".", ""))
                checked += 1
        assert checked > 20

    def test_each_agent_in_the_four_regions_reports_and_no_other(
        self, submissions: Rows, labels: pa.Table
    ) -> None:
        reporters: dict[str, set[str]] = defaultdict(set)
        sides: dict[str, tuple[str, str]] = {}
        for row in payments(submissions):
            if "9999" not in (row["payer_bank"], row["payee_bank"]) and len(row["uetr"]) == 36:
                reporters[row["uetr"]].add(row["submitter"])
                sides[row["uetr"]] = (row["payer_bank"], row["payee_bank"])
        banks = sorted({bank for pair in sides.values() for bank in pair})
        inside = {bank for bank, a in zip(banks, area(banks), strict=True) if a != "OUT"}
        wrong = [u for u, pair in sides.items() if reporters[u] - (set(pair) & inside)]
        assert wrong == []
        # A broken leg hides its payment's other copy from this count, no more than that; what a
        # bank withholds is labelled.
        withheld = {
            ref.removeprefix("pacs008:")
            for row in labels.to_pylist()
            if row["rule"] == "reporting_gap"
            for ref in row["refs"]
        }
        missing = {u for u, pair in sides.items() if set(pair) & inside - reporters[u]}
        assert withheld & missing
        assert len(missing - withheld) < 0.02 * len(sides)

    def test_both_copies_of_a_cross_region_payment_carry_one_uetr_and_one_story(
        self, submissions: Rows, manifest: dict[str, Any]
    ) -> None:
        copies: dict[str, Rows] = defaultdict(list)
        for row in payments(submissions):
            if len(row["uetr"]) == 36:
                copies[row["uetr"]].append(row)
        story = ("accepted", "settled", "payer", "payee", "payer_bank", "payee_bank")
        pairs = [
            rows
            for rows in copies.values()
            if len({row["submitter"] for row in rows}) == 2
            and all(row[name] and row[name] != "9999" for row in rows for name in story)
            and not any("-13-" in row["accepted"] for row in rows)
        ]
        assert len(pairs) > 1_000
        for name in story:
            assert all(len({row[name] for row in rows}) == 1 for rows in pairs), name
        amounts = [{row["amount"] for row in rows} for rows in pairs]
        plain = re.compile(r"[0-9]+\.[0-9]{2}")
        different = [s for s in amounts if len(s) == 2 and all(map(plain.fullmatch, s))]
        assert len(different) == manifest["simulation"]["mismatched_legs"]

    def test_a_few_reports_come_later_than_declared(
        self, submissions: Rows, manifest: dict[str, Any]
    ) -> None:
        late = 0
        rows = [r for r in payments(submissions) if "-13-" not in r["accepted"]]
        for row in rows:
            waited = row["received_at"] - datetime.fromisoformat(row["accepted"]).astimezone(UTC)
            assert waited > timedelta(0)
            late += waited > timedelta(hours=4)
        assert 0.001 < late / len(rows) < 0.02


class TestCalendar:
    def test_the_span_holds_a_public_holiday_and_an_adjusted_working_day(
        self, manifest: dict[str, Any]
    ) -> None:
        simulation = manifest["simulation"]
        assert simulation["business_days"] == 42
        assert simulation["holidays"] == ["2026-05-01", "2026-05-04", "2026-05-05"]
        assert simulation["adjusted_working_days"] == ["2026-05-09"]
        when = span(DEFAULT_START, 42)
        assert calendars().open_days("BANK", when.first, when.last) == [
            when.day(at) for at in when.business
        ]

    def test_firms_pay_on_the_adjusted_saturday_and_rest_on_the_holiday(
        self, submissions: Rows
    ) -> None:
        days = Counter(row["accepted"][:10] for row in payments(submissions))
        assert days["2026-05-09"] > 5 * days["2026-05-16"]  # a working and a free Saturday
        assert days["2026-05-06"] > 5 * days["2026-05-04"]

    def test_a_payment_made_on_a_closed_day_settles_on_the_next_open_one(
        self, submissions: Rows
    ) -> None:
        settled = {
            row["accepted"][:10]: row["settled"]
            for row in payments(submissions)
            if row["accepted"][:7] == "2026-05"
        }
        assert settled["2026-05-02"] == settled["2026-05-05"] == "2026-05-06"
        assert settled["2026-05-09"] == "2026-05-09"

    def test_loan_registers_are_those_of_three_month_ends(self, submissions: Rows) -> None:
        days = {
            row["数据日期"]
            for file in good(submissions, "loan_register")
            for row in csv.DictReader(io.StringIO(file["body"].decode("gb18030", "replace")))
        }
        assert days == {"20260331", "20260430", "20260531"}
