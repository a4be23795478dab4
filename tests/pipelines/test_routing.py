"""Routing by key group: every subject's entries meet in one bucket, and nothing else does."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipelines.lanes.entry import (
    BUCKETS,
    ENTRY,
    GROUPS,
    MEMO,
    OF_ORDERS,
    ORDER,
    ROLE_CROSS_BORDER,
    ROLE_IN,
    ROLE_OWN,
    ROLE_PAYER_PERSON,
    ROLE_WHOLE,
    SIDES,
    SUBJECTS_OF,
    THROUGH,
    WHOLE,
)
from pipelines.lanes.kernel import sort_out
from pipelines.lanes.routing import route
from pipelines.rules.kernels.table import pair_id, pair_ids
from pipelines.rules.registry import Rule, load_rules
from schemas.narrow import (
    CLASS_SHIFT,
    EVENT_CODES,
    FLAG_CANCELLED,
    FLAG_CROSS_BORDER,
    FLAG_HEDGE,
    FLAG_PAYER_PERSON,
    NARROW,
)

THROUGH_GROUPS = load_rules()["structuring"]
RULE = replace(THROUGH_GROUPS, variants=tuple(v for v in THROUGH_GROUPS.variants if not v.of))
IDS = (
    "payer_party", "payee_party", "payer_account", "payee_account", "asset", "instrument",
    "payer_group",
)  # fmt: skip

ENDS = ("payer", "payee")


def of_group(group: str, *reads: str) -> Rule:
    return replace(RULE, name=group, group=group, reads=reads or ("PAYM",))


def variants(count: int = 400) -> npt.NDArray[Any]:
    """Rows with ids from a few, some absent, of two event codes."""
    rng = np.random.default_rng(5)
    rows = np.zeros(count, NARROW)
    for number, name in enumerate(IDS):
        rows[name] = rng.choice([0, *(1 << 40 + number | rng.integers(1, 1 << 30, 12))], count)
    rows["key"] = np.arange(1, count + 1)
    rows["event_time"] = rng.integers(1, 1 << 50, count)
    rows["amount_fen"] = rng.integers(1, 1 << 40, count)
    rows["business_ordinal"] = rng.integers(1, 99, count)
    rows["event_code"] = rng.choice([EVENT_CODES["PAYM"], EVENT_CODES["TRAD"]], count)
    rows["mask"] = rng.integers(0, 32, count)
    rows["flags"] = FLAG_PAYER_PERSON * rng.integers(0, 2, count)
    rows["flags"] |= FLAG_CROSS_BORDER * rng.integers(0, 2, count).astype(np.uint32)
    rows["payer_agent"], rows["payee_agent"] = rng.integers(0, 1 << 16, (2, count))
    return rows


def routed(rows: npt.NDArray[Any], *rules: Rule) -> dict[int, npt.NDArray[Any]]:
    return {bucket: np.frombuffer(payload, ENTRY) for bucket, payload in route(rows, rules)}


def value(row: Any, name: str) -> int:
    if name != "pair":
        return int(row[name])
    payer, payee = int(row["payer_party"]), int(row["payee_party"])
    return int(pair_id.py_func(payer, payee)) if payer and payee else 0


@pytest.mark.parametrize(
    "group", [group for group in GROUPS if group not in {*OF_ORDERS, *THROUGH.values()}]
)
def test_a_group_has_an_entry_for_every_side_that_names_a_subject(group: str) -> None:
    rows = variants()
    expected = []
    for row in rows:
        if row["mask"] and row["event_code"] == EVENT_CODES["PAYM"]:
            for side, (subject, other) in enumerate(SIDES[group]):
                ids = value(row, subject), value(row, other)
                if ids[0] and (ids[1] or group not in WHOLE):
                    person = ROLE_PAYER_PERSON if row["flags"] & FLAG_PAYER_PERSON else 0
                    person |= ROLE_CROSS_BORDER if row["flags"] & FLAG_CROSS_BORDER else 0
                    expected.append(
                        (*ids, int(row["key"]), int(row["amount_fen"]), int(row["mask"]),
                         person | (ROLE_IN if side else 0),
                         int(row[f"{ENDS[side]}_account"]), int(row[f"{ENDS[side]}_agent"]))
                    )  # fmt: skip
    names = ["subject", "other", "key", "amount_fen", "mask", "role", "account", "agent"]
    found = [
        tuple(int(entry[name]) for name in names)
        for entries in routed(rows, of_group(group)).values()
        for entry in entries
    ]
    assert sorted(found) == sorted(expected)
    assert len(found) > 100


def test_looking_through_a_group_stands_in_its_members_place_and_names_them() -> None:
    rows = variants()
    rows["payee_group"] = np.where(rows["key"] % 3 == 0, rows["payer_group"], 0)
    own = rows["key"] % 5 == 0
    rows["payee_party"][own], rows["payee_group"][own] = (
        rows[own]["payer_party"],
        rows[own]["payer_group"],
    )
    expected = []
    for row in rows:
        if not row["mask"] or row["event_code"] != EVENT_CODES["PAYM"]:
            continue
        for side, (mine, theirs) in enumerate((ENDS, ENDS[::-1])):
            group = {end: int(row[f"{end}_group"]) if row[f"{end}_party"] else 0 for end in ENDS}
            if group[mine]:
                role = ROLE_WHOLE | (ROLE_IN if side else 0)
                role |= ROLE_OWN if row["payer_party"] == row["payee_party"] else 0
                role |= ROLE_PAYER_PERSON if row["flags"] & FLAG_PAYER_PERSON else 0
                role |= ROLE_CROSS_BORDER if row["flags"] & FLAG_CROSS_BORDER else 0
                other = group[theirs] or int(row[f"{theirs}_party"])
                member = int(row[f"{mine}_party"])
                expected.append((group[mine], other, int(row["key"]), role, member))
    found = [
        tuple(int(entry[name]) for name in ("subject", "other", "key", "role", "account"))
        for bucket, entries in routed(rows, THROUGH_GROUPS).items()
        if bucket // BUCKETS == GROUPS["controller"]
        for entry in entries
    ]
    assert sorted(found) == sorted(expected)
    assert len(found) > 100
    rows["payer_group"], rows["payee_group"] = 0, 0
    assert {bucket // BUCKETS for bucket in routed(rows, THROUGH_GROUPS)} == {GROUPS["party"]}


def withdrawn() -> npt.NDArray[Any]:
    """The same rows, two thirds of them withdrawn orders of several classes of contracts."""
    rows = variants()
    rng = np.random.default_rng(6)
    rows["range_start"] = rng.integers(1, 1 << 60, len(rows))
    terms = FLAG_CANCELLED | FLAG_HEDGE * rng.integers(0, 2, len(rows))
    terms |= rng.integers(1, 7, len(rows)) << CLASS_SHIFT
    rows["flags"] |= np.where(rng.random(len(rows)) < 0.67, terms, 0).astype(np.uint32)
    return rows


@pytest.mark.parametrize("group", OF_ORDERS)
def test_a_group_of_orders_has_an_entry_for_every_side_of_a_withdrawn_one(group: str) -> None:
    rows = withdrawn()
    expected = []
    for row in rows:
        gone = row["mask"] and row["event_code"] == EVENT_CODES["PAYM"]
        if gone and row["flags"] & FLAG_CANCELLED:
            for side, (whole, contract) in enumerate(SIDES[group]):
                if row[whole]:
                    terms = int(row["flags"]) & FLAG_HEDGE | int(row["flags"]) >> CLASS_SHIFT
                    names = [whole, contract, "key", "range_start", "mask", OF_ORDERS[group][side]]
                    side_of = ROLE_IN if side else 0
                    expected.append((*(int(row[name]) for name in names), terms, side_of))
    names = ["whole", "contract", "key", "size", "mask", "part", "terms", "role"]
    found = [
        tuple(int(entry[name]) for name in names)
        for entries in routed(rows, of_group(group)).values()
        for entry in entries.view(ORDER)
    ]
    assert sorted(found) == sorted(expected)
    assert len(found) > 100


def test_an_order_lies_in_an_entry_where_entries_are_put_in_order_and_let_go() -> None:
    assert ORDER.fields and ENTRY.fields
    for name in ("event_time", "key", "ordinal", "event_code", "mask", "role"):
        assert ORDER.fields[name] == ENTRY.fields[name], name


@pytest.mark.parametrize("group", GROUPS)
def test_all_entries_of_a_subject_meet_in_one_bucket_of_its_group(group: str) -> None:
    met: dict[int, set[int]] = defaultdict(set)
    for bucket, entries in routed(withdrawn(), of_group(group)).items():
        assert bucket // BUCKETS == GROUPS[group]
        for entry in entries:
            met[int(entry["subject"])].add(bucket)
    assert all(len(buckets) == 1 for buckets in met.values())
    spread = len(set.union(*met.values()))
    assert spread == 1 if group in WHOLE else spread > 5


def test_rules_of_several_groups_are_routed_side_by_side() -> None:
    rows = variants()
    both = routed(rows, of_group("account", "TRAD"), of_group("party"))
    alone = routed(rows, of_group("account", "TRAD")) | routed(rows, of_group("party"))
    assert {k: v.tobytes() for k, v in both.items()} == {k: v.tobytes() for k, v in alone.items()}
    assert {bucket // BUCKETS for bucket in both} == {GROUPS["account"], GROUPS["party"]}


def test_a_row_goes_only_where_a_rule_of_the_group_reads_its_event() -> None:
    rows = variants()
    found = routed(rows, of_group("account", "TRAD"), of_group("party", "PAYM"))
    codes = {
        group: {
            int(code)
            for bucket, entries in found.items()
            if bucket // BUCKETS == GROUPS[group]
            for code in entries["event_code"]
        }
        for group in ("account", "party")
    }
    assert codes == {"account": {EVENT_CODES["TRAD"]}, "party": {EVENT_CODES["PAYM"]}}


def test_every_group_says_its_sides_and_whom_its_rules_may_be_about() -> None:
    assert set(SIDES) == set(SUBJECTS_OF) == set(GROUPS)
    assert route(variants(0)) == []


def test_pair_ids_over_arrays_are_those_of_the_kernels() -> None:
    rng = np.random.default_rng(1)
    payers, payees = rng.integers(0, 1 << 62, (2, 200))
    payers[:9], payees[9:19] = 0, 0
    rows = np.zeros(200, NARROW)
    rows["payer_party"], rows["payee_party"] = payers, payees
    assert pair_ids(payers, payees).tolist() == [value(row, "pair") for row in rows]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_entries_are_put_together_by_class_whatever_the_number_of_classes(count: int) -> None:
    rng = np.random.default_rng(count)
    entries = np.zeros(200, ENTRY)
    entries["key"], entries["event_time"] = np.arange(200), rng.integers(0, 99, 200)
    classes = rng.integers(0, count + 1, 200).astype(np.uint8)
    out, ends, newest, _ = sort_out(entries, classes, count)
    by_class = [entries[classes == c + 1] for c in range(count)]
    assert out.tobytes() == np.concatenate(by_class).tobytes()
    assert ends.tolist() == np.cumsum([len(some) for some in by_class]).tolist()
    assert newest.tolist() == [int(some["event_time"].max()) for some in by_class]


def test_what_a_rule_wrote_down_is_told_from_an_entry_by_its_event_code() -> None:
    assert MEMO.itemsize == ENTRY.itemsize
    assert MEMO.fields and ENTRY.fields
    assert MEMO.fields["event_code"] == ENTRY.fields["event_code"]
    ends = sorted((at[1], at[1] + at[0].itemsize) for at in MEMO.fields.values())
    assert all(one[1] <= next_one[0] for one, next_one in pairwise(ends))
    assert ends[-1][1] <= ENTRY.itemsize
