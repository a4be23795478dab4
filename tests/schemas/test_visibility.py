"""Who may see what: entitlement by attribute, never by an operator's seat."""

import pyarrow as pa
import pytest

from schemas.errors import ConfigurationError
from schemas.fields import IMPLEMENTED_KINDS, arrow_schema, fields
from schemas.regions import JOINT, REGIONS
from schemas.visibility import (
    Visibility,
    _market,
    expected_legs,
    held_nationally,
    markets,
    regions_of_mask,
    vantage_mask,
    vantages,
    visibility,
)

SH, JS, ZJ, AH, JOINT_BIT = 1, 2, 4, 8, 16


def batch(**columns: list[str | None]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {name: pa.array(values, pa.string()) for name, values in columns.items()}
    )


def test_a_payment_is_seen_by_the_region_that_received_it_only() -> None:
    rows = batch(reporting_region=["310000", "330200", "330000", "OUT", None])
    assert vantage_mask(rows, "PYMT").to_pylist() == [
        SH | JOINT_BIT, ZJ | JOINT_BIT, ZJ | JOINT_BIT, JOINT_BIT, JOINT_BIT,
    ]  # fmt: skip


def test_a_bill_is_seen_by_both_members_regions_and_not_by_the_seat_of_the_exchange() -> None:
    rows = batch(
        counterparty_1_region=["320000", "340000", "110000"],
        counterparty_2_region=["330200", "OUT", None],
        reporting_region=["310000"] * 3,
        submitter_area=["310000"] * 3,
    )
    assert vantage_mask(rows, "BILL").to_pylist() == [
        JS | ZJ | JOINT_BIT, AH | JOINT_BIT, JOINT_BIT,
    ]  # fmt: skip


def test_a_loan_is_seen_where_the_lenders_branch_is() -> None:
    rows = batch(counterparty_1_region=["340000"], counterparty_2_region=["310000"])
    assert vantage_mask(rows, "LOAN").to_pylist() == [AH | JOINT_BIT]


def test_masks_of_dictionaries_tables_and_empty_batches() -> None:
    rows = batch(counterparty_1_region=["340000", None, "310000"])
    coded = pa.table({"counterparty_1_region": rows.column(0).dictionary_encode()})
    assert vantage_mask(coded, "LOAN").equals(vantage_mask(rows, "LOAN"))
    assert vantage_mask(rows.slice(0, 0), "LOAN").type == pa.uint8()


def test_expected_legs_count_both_agents_inside_the_four_regions() -> None:
    rows = batch(
        counterparty_1_region=["310000", "310000", "OUT", "330200", "310000"],
        counterparty_2_region=["320000", "110000", "OUT", "330000", "310000"],
        debtor_agent_id=["a", "a", "a", "a", "a"],
        creditor_agent_id=["b", "b", "b", None, "a"],
    )
    assert expected_legs(rows, "PYMT").to_pylist() == [2, 1, 1, 2, 1]
    assert expected_legs(rows, "LOAN").to_pylist() == [1] * 5


def test_the_clearing_operator_sees_interbank_payments_only() -> None:
    rows = batch(debtor_agent_id=["a", "a"], creditor_agent_id=["b", "a"])
    assert held_nationally(rows, "PYMT").to_pylist() == [True, False]
    assert held_nationally(rows, "BILL").to_pylist() == [True, True]
    assert held_nationally(rows, "WRCT").to_pylist() == [False, False]


def test_every_segment_is_declared_and_every_holder_is_marked_an_assumption() -> None:
    assert set(markets()) == {
        "BOND", "MM", "FX", "DERV", "EQTY", "FUTR", "BILL", "WRCT", "PYMT", "LOAN", "INSU",
        "RCVB", "PAYI", "LNDR", "CMPL", "ENTR",
    }  # fmt: skip
    assert all(code in fields()["market_segment"].source for code in markets())
    for row in markets().values():
        assert row.status == "assumption"
        assert bool(row.held_nationally_by.zh) == bool(row.held_nationally_by.en)
        assert not {"submitter_area"} & set(row.entitled_by)
    assert visibility("PYMT").pair_wait_s == 5


def test_vantages_hold_their_areas_and_zhejiang_holds_ningbo() -> None:
    rows = vantages().to_pylist()
    areas = {v: {r["area"] for r in rows if r["vantage"] == v} for v in (*REGIONS, JOINT)}
    assert areas["330000"] == {"330000", "330200"}
    assert areas[JOINT] == set().union(*(areas[region] for region in REGIONS))
    assert sum(len(areas[region]) for region in REGIONS) == len(areas[JOINT]) == 5
    assert regions_of_mask(0b00110) == ("320000", "330000")


def test_faults_name_market_column_and_cure() -> None:
    with pytest.raises(ConfigurationError, match="expected one of PYMT"):
        visibility("GOLD")
    with pytest.raises(ConfigurationError, match="counterparty_1_region: expected this column"):
        vantage_mask(batch(reporting_region=["310000"]), "LOAN")
    row = {
        "zh": "", "en": "", "reporters": "", "entitled_by": ["nowhere"], "pair_wait_s": 0,
        "expected_legs": {"both": 1, "sides": [], "agents": []}, "status": "", "note": "",
        "held_nationally_by": {"zh": "", "en": "", "institution_kind": "", "differ": []},
    }  # fmt: skip
    with pytest.raises(ConfigurationError, match="nowhere: expected a canonical field"):
        _market("X", row)
    with pytest.raises(ConfigurationError, match="pair_wait_s: expected a value"):
        _market("X", {key: value for key, value in row.items() if key != "pair_wait_s"})


def test_every_entitling_column_is_in_the_schema_of_the_markets_kinds() -> None:
    every: list[Visibility] = list(markets().values())
    for row in every:
        for kind in row.kinds:
            assert set(row.entitled_by) <= set(arrow_schema(kind).names), (row.market, kind)
    assert {kind for row in every for kind in row.kinds} == set(IMPLEMENTED_KINDS)


def test_a_complaint_is_seen_where_the_institution_is_and_where_the_business_was() -> None:
    rows = batch(institution_region=["310000", "OUT"], complaint_region=["340000", "330200"])
    assert vantage_mask(rows, "CMPL").to_pylist() == [SH | AH | JOINT_BIT, ZJ | JOINT_BIT]


def test_an_edge_is_seen_at_the_entitys_seat_only() -> None:
    rows = batch(entity_region=["320000"], related_region=["310000"])
    assert vantage_mask(rows, "ENTR").to_pylist() == [JS | JOINT_BIT]
