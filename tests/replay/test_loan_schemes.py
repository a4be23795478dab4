"""Planted loans: over a bank's limit only together, and back at the borrower only jointly."""

import csv
import io
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connectors.ends.tape import Tape
from replay.market.days import DEFAULT_START
from schemas.reference_data import institutions, read_table
from schemas.regions import region_of_area
from tests.replay import leaks

Rows = list[dict[str, str]]


def of_feed(tape: Path, feed: str) -> Rows:
    """Records of a CSV feed as they were sent, with who sent them; broken files are left out."""
    opened = Tape(tape)
    return [
        dict(record) | {"submitter": row["submitter"]}
        for number in range(len(opened.segments()))
        for row in opened.read(number).to_pylist()
        if row["feed"] == feed and not row["file_name"].startswith("broken")
        for record in csv.DictReader(io.StringIO(row["body"].decode("gb18030", "replace")))
    ]


def schemes(labels: pa.Table, rule: str) -> list[dict[str, Any]]:
    return [row for row in labels.to_pylist() if row["rule"] == rule and row["kind"] == "scheme"]


def test_a_split_borrower_is_over_a_tenth_of_the_capital_and_in_no_region(
    tape: Path, labels: pa.Table
) -> None:
    register = {row["institution_id"]: row for row in institutions().table.to_pylist()}
    capital = {
        row["legal_person_id"]: Decimal(row["net_capital_cny"])
        for row in read_table("capital.csv").to_pylist()
        if row["valid_to"] is None
    }
    rows = of_feed(tape, "loan_register")
    checked = 0
    for label in schemes(labels, "exposure_concentration"):
        mine = [
            r
            for r in rows
            if f"loan_register:{r['submitter']}:{r['贷款借据编码']}" in label["refs"]
        ]
        last = max(row["数据日期"] for row in mine)
        owed: dict[str, Decimal] = defaultdict(Decimal)
        for row in mine:
            if row["数据日期"] == last:
                owed[row["金融机构地区代码"]] += Decimal(row["贷款余额"])
        (bank,) = {register[row["submitter"]]["legal_person_id"] for row in mine}
        line = capital[bank] / 10
        assert sum(owed.values()) > line
        by_region: dict[str, Decimal] = defaultdict(Decimal)
        for area, amount in owed.items():
            by_region[region_of_area(area)] += amount
        assert (max(by_region.values()) < line) == label["split"]
        checked += label["split"]
    assert checked > 1


def test_no_region_holds_the_drawdown_and_the_whole_way_of_a_split_round_trip(
    tape: Path, labels: pa.Table
) -> None:
    fields, refs = leaks.columns(Tape(tape), "pacs008")
    submitters = pa.array(fields["submitter"])
    areas = institutions().area(submitters, DEFAULT_START).to_pylist()
    holders: dict[str, set[str]] = defaultdict(set)
    for ref, area in zip(refs, areas, strict=True):
        holders[ref].add(region_of_area(area))
    for row in of_feed(tape, "loan_drawdowns"):
        holders[f"loan_drawdowns:{row['业务流水号']}"].add(region_of_area(row["金融机构地区代码"]))
    found = schemes(labels, "loan_round_trip")
    assert {row["split"] for row in found} == {True, False}
    for label in found:
        everything = set.intersection(*(holders[ref] for ref in label["refs"]))
        assert bool(everything) != label["split"]
        assert sum(ref.startswith("loan_drawdowns:") for ref in label["refs"]) == 1


@pytest.mark.parametrize("rule", ["exposure_concentration", "loan_round_trip"])
def test_lawful_loans_that_look_alike_are_planted_too(labels: pa.Table, rule: str) -> None:
    kinds = {row["kind"] for row in labels.to_pylist() if row["rule"] == rule}
    assert kinds == {"scheme", "innocent"}
