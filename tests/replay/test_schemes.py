"""Planted schemes: enough of them, split as promised, and betrayed by no single field."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.ends.tape import Tape
from replay.market.days import DEFAULT_START
from schemas.reference_data import calendars, institutions
from schemas.regions import REGIONS, region_of_area
from tests.replay import leaks

RULES = (
    "structuring",
    "pass_through",
    "invoice_double_financing",
    "large_value",
    "public_to_private",
    "dormant_wake",
)

# Feeds whose records are looked for in the bytes as they were sent.
_NAMED_IN_BODIES = (
    "bill_exchange",
    "fx_settlement",
    "entity_register",
    "loan_drawdowns",
    "warehouse_receipts",
    "complaints",
    "camt053",
    "exchange_orders",
)


@pytest.fixture(scope="module")
def fields_of(tape: Path) -> dict[str, dict[str, Any]]:
    """Every payment record by reference, with the regions that hold a copy."""
    columns, refs = leaks.columns(Tape(tape), "pacs008")
    holders: dict[str, set[str]] = defaultdict(set)
    found: dict[str, dict[str, Any]] = {}
    area = dict(
        zip(
            sorted(set(columns["submitter"])),
            institutions()
            .area(pa.array(sorted(set(columns["submitter"]))), DEFAULT_START)
            .to_pylist(),
            strict=True,
        )
    )
    for at, ref in enumerate(refs):
        holders[ref].add(region_of_area(area[columns["submitter"][at]]))
        found[ref] = {name: values[at] for name, values in columns.items()}
        found[ref]["regions"] = holders[ref]
    return found


class TestLabels:
    def test_each_rule_has_at_least_twelve_schemes_and_as_many_innocents(
        self, labels: pa.Table, manifest: dict[str, Any]
    ) -> None:
        kinds = Counter((row["rule"], row["kind"]) for row in labels.to_pylist())
        split = Counter(
            r["rule"] for r in labels.to_pylist() if r["kind"] == "scheme" and r["split"]
        )
        for rule in RULES:
            assert kinds[rule, "scheme"] >= 12
            assert kinds[rule, "innocent"] >= 12
            assert split[rule] * 2 > kinds[rule, "scheme"]
            assert manifest["simulation"]["planted"][rule] == {
                "schemes": kinds[rule, "scheme"],
                "split": split[rule],
                "innocents": kinds[rule, "innocent"],
            }

    def test_scheme_ids_are_distinct_and_no_rule_labels_a_reference_twice(
        self, labels: pa.Table
    ) -> None:
        rows = labels.to_pylist()
        assert len({row["scheme_id"] for row in rows}) == len(rows)
        refs = [(row["rule"], ref) for row in rows for ref in row["refs"]]
        assert len(set(refs)) == len(refs)
        assert all(len(row["refs"]) >= 2 for row in rows)

    def test_every_reference_is_reported(
        self, labels: pa.Table, tape: Path, fields_of: dict[str, dict[str, Any]]
    ) -> None:
        refs = {ref for row in labels.to_pylist() for ref in row["refs"]}
        sent = set(fields_of)
        opened = Tape(tape)
        sent |= set(leaks.columns(opened, "loan_register")[1])
        rows = [row for at in range(len(opened.segments())) for row in opened.read(at).to_pylist()]
        bodies = b"".join(row["body"] for row in rows if row["feed"].startswith(_NAMED_IN_BODIES))
        # A figure's reference is made of its institution, month and item: who reports is there.
        reporters = {(row["feed"], row["submitter"]) for row in rows}
        missing = {
            ref
            for ref in refs - sent
            if (ref.split(":")[0], ref.split(":")[1].split("/")[0]) not in reporters
            and ref.split(":")[1].encode() not in bodies
        }
        assert missing == set()

    def test_labels_lie_nowhere_but_in_their_file(self, labels: pa.Table, tape: Path) -> None:
        manifest = (tape / "manifest.json").read_text(encoding="utf-8")
        first = labels.to_pylist()[0]
        assert first["scheme_id"] not in manifest
        opened = Tape(tape)
        names = [
            n
            for at in range(len(opened.segments()))
            for n in opened.read(at)["file_name"].to_pylist()
        ]
        assert not any(rule in name for rule in RULES for name in names)


class TestSplitting:
    """What a split scheme promises, checked on the submitted records alone."""

    @staticmethod
    def schemes(labels: pa.Table, rule: str, *variants: str) -> list[dict[str, Any]]:
        return [
            row for row in labels.to_pylist() if row["rule"] == rule and row["variant"] in variants
        ]

    def test_no_region_sees_a_split_pair_three_times_a_day_or_three_days_running(
        self, labels: pa.Table, fields_of: dict[str, dict[str, Any]]
    ) -> None:
        rows = self.schemes(
            labels, "structuring", "pair_days_split", "pair_day_split",
            "customer_day_split", "customer_days_split",
        )  # fmt: skip
        assert len(rows) >= 12
        for row in rows:
            records = [fields_of[ref] for ref in row["refs"]]
            everyone = [record["accepted"][:10] for record in records]
            assert frequent(everyone)
            for region in REGIONS:
                mine = [r["accepted"][:10] for r in records if region in r["regions"]]
                assert not frequent(mine), (row["scheme_id"], region)

    def test_a_solo_pair_is_seen_whole_by_one_region(
        self, labels: pa.Table, fields_of: dict[str, dict[str, Any]]
    ) -> None:
        for row in self.schemes(labels, "structuring", "pair_solo", "customer_solo"):
            seen = [fields_of[ref]["regions"] for ref in row["refs"]]
            assert len(row["planned_regions"]) == 1
            assert set.intersection(*seen) == set(row["planned_regions"])

    def test_payments_of_a_scheme_stay_close_under_the_line(
        self, labels: pa.Table, fields_of: dict[str, dict[str, Any]]
    ) -> None:
        for row in self.schemes(labels, "structuring", "pair_days_split", "pair_solo"):
            for ref in row["refs"]:
                record = fields_of[ref]
                line = 500_000 if record["debtor_kind"] == "NIDN" else 2_000_000
                assert 0.9 * line < float(record["amount"]) < line

    def test_no_region_sees_money_come_and_go_in_a_split_pass_through(
        self, labels: pa.Table, fields_of: dict[str, dict[str, Any]]
    ) -> None:
        rows = self.schemes(
            labels,
            "pass_through",
            "in_one_out_other",
            "in_one_out_other_slowly",
            "in_two_out_other",
        )
        assert len(rows) >= 12
        for row in rows:
            records = [fields_of[ref] for ref in row["refs"]]
            ends = Counter(x for r in records for x in {r["debtor_id"], r["creditor_id"]})
            middle, count = ends.most_common(1)[0]
            assert count == len(records)
            came = set().union(*[r["regions"] for r in records if r["creditor_id"] == middle])
            went = set().union(*[r["regions"] for r in records if r["debtor_id"] == middle])
            assert came
            assert went
            assert not came & went

    def test_what_goes_out_follows_what_came_in_within_a_day(self, labels: pa.Table) -> None:
        rows = self.schemes(labels, "pass_through", "in_one_out_other", "two_banks_one_region")
        assert all(row["last_event"] - row["first_event"] < timedelta(hours=24) for row in rows)

    def test_double_financings_lie_in_two_regions_where_they_are_split(
        self, labels: pa.Table
    ) -> None:
        for row in labels.to_pylist():
            if row["rule"] == "invoice_double_financing" and row["kind"] == "scheme":
                assert len(row["planned_regions"]) == (2 if row["split"] else 1)


def frequent(days: list[str]) -> bool:
    """Three payments on one business day, or on three business days in a row."""
    if any(count >= 3 for count in Counter(days).values()):
        return True
    noon = [f"{day}T04:00:00Z" for day in sorted(set(days))]
    instants = pa.array(noon, pa.string()).cast(pa.timestamp("us", "UTC"))
    ordinals = set(calendars().business_date(instants, "BANK")[1].to_pylist())
    return any({at, at + 1, at + 2} <= ordinals for at in ordinals)


@pytest.mark.parametrize("feed", ["pacs008", "bill_exchange", "loan_register"])
def test_no_single_field_separates_schemes_from_the_rest(
    feed: str, tape_of: Callable[[int], Path]
) -> None:
    fields: dict[str, list[str]] = defaultdict(list)
    refs: list[str] = []
    labels = []
    # Several markets: the rarer feeds have few labelled records in one.
    for seed in (1, 2) if feed == "pacs008" else (1, 2, 3, 4, 5):
        columns, mine = leaks.columns(Tape(tape_of(seed)), feed)
        for name, values in columns.items():
            fields[name] += values
        refs += mine
        labels.append(pq.read_table(tape_of(seed) / "labels.parquet"))
    found = leaks.separations(fields, refs, pa.concat_tables(labels))
    assert len(found) > 20
    worst = max(found, key=lambda name: found[name])
    assert found[worst] < 0.7, (worst, found[worst])


def test_the_leak_measure_finds_a_leak_where_there_is_one(tape: Path, labels: pa.Table) -> None:
    columns, refs = leaks.columns(Tape(tape), "pacs008")
    schemes = {r for row in labels.to_pylist() if row["kind"] == "scheme" for r in row["refs"]}
    columns["purpose"] = ["XXXX" if ref in schemes else "GDDS" for ref in refs]
    assert leaks.separations(columns, refs, labels)["purpose:code"] > 0.95
