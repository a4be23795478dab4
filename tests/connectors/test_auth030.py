"""Derivative reports: answer sheets made by others, exact rates, what a record may lack."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.trials.__main__ import reports
from benchmarks.trials.answers import REASONS, Agreement, compare
from connectors.feeds.derivative_trade import hatches
from connectors.feeds.derivative_trade.write import RECORD, write
from connectors.feeds.registry import load_feeds
from tests.connectors.support import reconciles, run

FEED = load_feeds()["derivative_trade"]
BANK, FIRM = "9999SIMDERVBANKA0054", "9999SIMDERVFIRMB0045"
SWAP = {
    "action": "New", "uti": f"{BANK}T1", "reporter": BANK, "other": FIRM, "submitter": BANK,
    "direction": "MAKE", "reported_at": "2026-06-16T09:00:00+08:00",
    "executed_at": "2026-06-15T10:29:41+08:00", "event": "TRAD", "event_day": "2026-06-15",
    "contract": "SWAP", "asset_class": "INTR", "classification": "SRCCSP", "venue": "XXXX",
    "currency_1": "CNY", "amount_1": "50000000", "currency_2": "CNY", "amount_2": "50000000",
    "effective": "2026-06-16", "end": "2031-06-16", "rate": "1.85", "benchmark": "FR007",
}  # fmt: skip


@pytest.fixture(scope="module")
def told(trial_data: Path) -> Agreement:
    return compare(FEED, trial_data / "isda_drr")


class TestReportsByOthers:
    def test_all_are_read_and_nearly_all_values_agree(self, told: Agreement) -> None:
        assert told.reports == 209
        assert told.compared == 208  # one has an empty amount beside its currency
        assert told.fields >= 60
        assert told.agree >= 9_900
        assert told.share >= 0.995

    def test_every_difference_has_a_listed_reason(self, told: Agreement) -> None:
        unlisted = {(kind, name) for kind, name, _ in told.differences} - set(REASONS)
        assert unlisted == set()
        assert not [name for kind, name, _ in told.differences if kind == "two"]

    def test_what_is_refused_lacks_something_or_has_an_empty_amount(self, told: Agreement) -> None:
        assert told.accepted == 178
        rules = Counter(reason.split()[0] for reason in told.refused)
        assert set(rules) == {"ENG-REQUIRED", "ENG-VALUE"}
        assert sum(n for why, n in told.refused.items() if "UnqTxIdr" in why) == 24

    def test_a_wrong_lei_is_marked_and_no_reject(self, told: Agreement) -> None:
        marked = [n for why, n in told.warned.items() if "RptgCtrPty/Id/Lgl/Id/LEI" in why]
        assert marked == [74]
        assert not [why for why in told.refused if why.startswith("ENG-IDENTIFIER")]


def report(*changes: dict[str, str]) -> bytes:
    rows = [SWAP | change for change in changes]
    return write(pa.Table.from_pylist(rows, schema=RECORD), {})


def test_what_was_written_is_read_again() -> None:
    row = run(FEED, report({"package": "P<1&2>"})).batch.to_pylist()[0]
    assert row["package_id"] == "P<1&2>"
    assert row["fixed_rate_leg_1"] == Decimal("0.0185")
    assert row["notional_amount_leg_2"] == Decimal(50_000_000)
    assert (row["counterparty_1_id"], row["counterparty_2_id"]) == (BANK, FIRM)


def test_both_sides_of_a_trade_have_one_key_and_each_act_its_own() -> None:
    other = {"reporter": FIRM, "other": BANK, "submitter": FIRM, "direction": "TAKE"}
    ended = {"action": "Termntn", "event": "ETRM", "event_day": "2026-06-18"}
    keys = run(FEED, report({}, other, ended, ended | other)).batch["transaction_key"].to_pylist()
    assert keys[0] == keys[1]
    assert keys[2] == keys[3]
    assert keys[0] != keys[2]


def test_a_party_known_by_a_wrong_lei_links_nothing() -> None:
    decoded = run(FEED, report({"other": FIRM[:-1] + "1"}))
    row = decoded.batch.to_pylist()[0]
    assert row["counterparty_2_id"] == FIRM[:-1] + "1"
    assert (row["counterparty_2_party_key"], row["counterparty_2_id_basis"]) == (None, "NAME")
    assert decoded.findings["outcome"].to_pylist() == ["warning"]


@pytest.mark.parametrize("action", ["Err", "ValtnUpd", "Termntn"])
def test_an_act_on_a_trade_need_not_repeat_its_terms(action: str) -> None:
    body = report({"action": action}).decode()
    for element in ("CtrctTp", "AsstClss", "ExctnTmStmp"):
        body = body.replace(body[body.index(f"<{element}>") : body.index(f"</{element}>")], "", 1)
        body = body.replace(f"</{element}>", "")
    decoded = run(FEED, body.encode())
    assert decoded.counts[0].accepted == 1, decoded.findings.to_pylist()
    new = run(FEED, body.replace(action, "New").encode())
    assert new.counts[0].rejected == 1
    assert set(new.findings["rule_id"].to_pylist()) == {"ENG-REQUIRED"}


class TestExactValues:
    def test_rates_in_percent_decimal_and_basis_points_are_the_same_digits(self) -> None:
        none = pa.nulls(3, pa.string())
        percent = pa.array(["1.85", None, None])
        decimal = pa.array([None, "0.0185", None])
        points = pa.array([None, None, "185"])
        rates, bad = hatches.rate([percent, decimal, points], {})
        assert rates.to_pylist() == [Decimal("0.0185")] * 3
        assert not bad.any()
        assert hatches.rate([pa.array(["1.12345678901"]), none[:1], none[:1]], {})[1].all()

    def test_an_amount_without_its_number_is_refused_and_an_unknown_one_absent(self) -> None:
        texts = pa.array(["5", "", None, "9" * 25])
        texts = pa.array([t or None for t in texts.to_pylist()])
        values, bad = hatches.amount([texts, pa.array(["CNY", "CNY", None, "CNY"])], {})
        assert values.to_pylist() == [Decimal(5), None, None, None]
        assert bad.tolist() == [False, True, False, False]

    def test_a_price_carries_its_sign(self) -> None:
        price, sign = pa.array(["12.5", "12.5", None]), pa.array(["false", "true", None])
        other = pa.array([None, None, "99.5"])
        none = pa.nulls(3, pa.string())
        values, _ = hatches.price([price, sign, other, none, none], {})
        assert values.to_pylist() == [Decimal("-12.5"), Decimal("12.5"), Decimal("99.5")]

    def test_a_day_counts_from_midnight_in_beijing_and_a_wrong_one_is_refused(self) -> None:
        days = pa.array(["2026-06-15", "2026-02-30", "2026-06-15T10:00:00Z", None])
        moments, bad = hatches.moment([days], {})
        assert [m and m.isoformat() for m in moments.to_pylist()] == [
            "2026-06-14T16:00:00+00:00", None, "2026-06-15T10:00:00+00:00", None,
        ]  # fmt: skip
        assert bad.tolist() == [False, True, False, False]


def test_a_basket_keeps_every_constituent_in_order() -> None:
    names = ("US0378331005", "DE0007164600", "CNE100000296")
    basket = "".join(
        f"<Cnsttnts><InstrmId><ISIN>{name}</ISIN></InstrmId></Cnsttnts>" for name in names
    )
    body = report({}, {}).decode()
    body = body.replace(
        "</PdctClssfctn>", f"</PdctClssfctn><UndrlygInstrm><Bskt>{basket}</Bskt></UndrlygInstrm>", 1
    )
    decoded = run(FEED, body.encode())
    assert reconciles(decoded)
    first, second = (dict(row["extension"]) for row in decoded.batch.to_pylist())
    assert first["basket_constituents"] == ";".join(names)
    assert "basket_constituents" not in second


def test_the_page_of_trials_has_these_figures(told: Agreement) -> None:
    assert reports(told) in Path("docs/feeds/trials.md").read_text(encoding="utf-8")
