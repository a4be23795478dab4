"""Remittances abroad on a simulated tape: read by the feed, apart from schemes and deals."""

from collections import defaultdict
from typing import Any

import pyarrow as pa
import pytest

from connectors.engine.engine import Decoded
from connectors.feeds.registry import load_feeds
from replay.market.days import DEFAULT_START
from schemas.reference_data import institutions
from schemas.regions import region_of_area
from tests.connectors.support import reconciles, run

RULE = "quota_splitting_proxy"
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def decoded(submissions: Rows) -> Decoded:
    bodies = [row["body"] for row in submissions if b"<Prtry>CIPS</Prtry>" in row["body"]]
    return run(load_feeds()["pacs008"], *bodies)


@pytest.fixture(scope="module")
def remitted(decoded: Decoded) -> dict[str, dict[str, Any]]:
    return {f"pacs008:{row['uetr']}": row for row in decoded.batch.to_pylist()}


def test_remittances_are_read_as_payments_of_persons_over_the_border(
    decoded: Decoded, remitted: dict[str, dict[str, Any]], manifest: dict[str, Any]
) -> None:
    assert reconciles(decoded)
    assert decoded.findings.num_rows == 0
    assert len(remitted) == manifest["simulation"]["remittances"]
    assert {
        (row["cross_border_indicator"], row["counterparty_1_nature"], row["source_system_code"])
        for row in remitted.values()
    } == {("Y", "I", "CIPS")}
    assert all(row["counterparty_2_id_basis"] == "ACCOUNT" for row in remitted.values())


def test_who_takes_part_in_a_scheme_deals_in_no_currency(
    labels: pa.Table, remitted: dict[str, dict[str, Any]], submissions: Rows
) -> None:
    deals = run(
        load_feeds()["fx_settlement"],
        *(row["body"] for row in submissions if row["feed"] == "fx_settlement"),
    ).batch
    dealers = set(deals["counterparty_1_id"].to_pylist())
    refs = {ref for row in labels.to_pylist() if row["rule"] == RULE for ref in row["refs"]}
    assert len(dealers) > 20
    assert len(refs) > 40
    assert {remitted[ref]["counterparty_1_id"] for ref in refs}.isdisjoint(dealers)


def test_a_split_scheme_shows_no_region_five_persons(
    labels: pa.Table, remitted: dict[str, dict[str, Any]]
) -> None:
    variants = set()
    for row in labels.to_pylist():
        if row["rule"] != RULE or row["kind"] != "scheme":
            continue
        mine = [remitted[ref] for ref in row["refs"]]
        areas = institutions().area(pa.array([m["debtor_agent_id"] for m in mine]), DEFAULT_START)
        persons: dict[str, set[str]] = defaultdict(set)
        for one, area in zip(mine, areas.to_pylist(), strict=True):
            persons[region_of_area(area)].add(one["counterparty_1_id"])
        assert row["split"] == (max(map(len, persons.values())) < 5)
        assert sorted(persons) == row["planned_regions"]
        assert len({one["counterparty_2_account_token"] for one in mine}) == 1
        variants.add(row["variant"])
    assert variants == {"one_payee_split", "where_they_bank", "one_payee_one_region"}
