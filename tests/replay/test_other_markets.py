"""The markets beside payments, bills and loans: accepted whole, and one economy with the rest."""

import datetime as dt
import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from connectors.engine.tokens import Tokeniser
from connectors.feeds.registry import load_feeds
from pipelines.intake.intake import Intake
from quality.evaluate.standard import standard
from replay.market import exchanges, loans, others, outcomes, payments
from replay.market.batches import Submission
from replay.market.days import DEFAULT_START, span
from replay.market.flows import everyday
from replay.market.loans import LoanFeed, balances, day_number
from replay.market.payments import PaymentFeed
from replay.market.population import populate
from replay.market.sending import Sent
from schemas.records import RAW
from schemas.reference_data import calendars

REPORTS = 8_000
WHEN = span(DEFAULT_START, 42)
KEY = Tokeniser(b"example key: 16+ bytes")
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Economy:
    paid: PaymentFeed
    owed: LoanFeed

    def made(self, broken_share: float) -> dict[str, Sent]:
        every = others.others(5, self.paid, self.owed, WHEN, REPORTS, broken_share)
        return {one.feed: one for one in every}


@pytest.fixture(scope="module")
def economy() -> Economy:
    rng = np.random.default_rng(5)
    who = populate(rng, REPORTS, WHEN.first)
    base = payments.within_hours(rng, who, WHEN, everyday(rng, who, WHEN, 3_200))
    return Economy(
        payments.feed(rng, who, base, 0.0),
        loans.feed(rng, who, WHEN, loans.everyday(rng, who, WHEN, 220), 0.0),
    )


@pytest.fixture(scope="module")
def good(economy: Economy) -> dict[str, Sent]:
    return economy.made(0.0)


def taken(intake: Intake, sent: list[Submission]) -> tuple[pa.Table, dict[str, pa.Table]]:
    """Submissions through the intake: their accounts, and reports by kind."""
    start = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    rows = [
        {
            "feed": one.feed,
            "submitter": one.submitter,
            "received_at": start + dt.timedelta(microseconds=one.received_at),
            "data_origin": "SIMULATED",
            "sha256": hashlib.sha256(one.body).digest(),
            "size": len(one.body),
            "file_name": one.file_name,
            "body": one.body,
        }
        for one in sent
    ]
    table = pa.Table.from_pylist(rows, RAW)
    unit = intake.process(table, np.zeros(len(rows), np.bool_), 0)
    return unit.submissions, dict(unit.reports)


@pytest.fixture(scope="module")
def intake() -> Intake:
    return Intake(load_feeds(), KEY, standard, "SIMULATED")


@pytest.fixture(scope="module")
def broken(economy: Economy) -> dict[str, Sent]:
    return economy.made(0.005)


@pytest.fixture(scope="module")
def read(good: dict[str, Sent], intake: Intake) -> dict[str, tuple[pa.Table, pa.Table]]:
    """(accounts of the submissions, accepted reports) by feed."""
    out = {}
    for name, sent in good.items():
        accounts, reports = taken(intake, list(sent.submissions()))
        out[name] = (accounts, reports[load_feeds()[name].kind])
    return out


def sums(accounts: pa.Table, *names: str) -> list[int]:
    return [pc.sum(accounts[name]).as_py() for name in names]


def records(sent: Sent, *names: str) -> Rows:
    return sent.records.select(list(names) or sent.records.schema.names).to_pylist()


class TestEveryFeed:
    def test_every_feed_but_four_older_ones_and_the_registers_is_made_here(
        self, good: dict[str, Sent]
    ) -> None:
        older = {"pacs008", "bill_exchange", "bill_exchange_json", "loan_register"}
        beside = {"reserve_report", "lender_report", "complaints", "entity_register"}
        assert set(good) == set(load_feeds()) - older - beside == set(others.SHARES)

    @pytest.mark.parametrize("feed", others.SHARES)
    def test_every_good_record_is_accepted_without_a_warning(
        self, feed: str, good: dict[str, Sent], read: dict[str, tuple[pa.Table, pa.Table]]
    ) -> None:
        accounts, reports = read[feed]
        meant = sum(one.records for one in good[feed].submissions())
        names = ("submitted", "accepted", "rejected", "quarantined", "late")
        assert sums(accounts, *names) == [meant, meant, 0, 0, good[feed].late]
        assert meant == reports.num_rows > 10
        warned = Counter(rule for row in reports["dq_failed_rules"].to_pylist() for rule in row)
        assert not warned

    @pytest.mark.parametrize("feed", others.SHARES)
    def test_every_broken_record_is_refused_or_set_aside(
        self, feed: str, broken: dict[str, Sent], intake: Intake
    ) -> None:
        sent = broken[feed]
        accounts, _ = taken(intake, list(sent.submissions()))
        wrong = sums(accounts, "rejected", "quarantined")
        assert sum(wrong) == sum(sent.faults.values()) > 1
        assert sum(wrong) + sums(accounts, "accepted")[0] == sums(accounts, "submitted")[0]

    def test_the_shares_leave_most_to_payments(self) -> None:
        assert 0.12 < sum(others.SHARES.values()) < 0.2
        assert max(others.SHARES.values()) <= 0.04

    def test_planted_rows_go_among_the_rest_and_are_named_whole(self, economy: Economy) -> None:
        rng = np.random.default_rng(1)
        orders = exchanges.everyday(rng, economy.paid.who, WHEN, 3)
        orders = exchanges.Orders(
            **{name: orders[name] for name in exchanges.Orders.__dataclass_fields__}
            | {"plan": np.array([7, 7, 8])}
        )
        rows = {exchanges.FEED: [orders]}
        made = others.others(
            5, economy.paid, economy.owed, WHEN, REPORTS, 0.9, lambda feed: rows.get(feed, [])
        )
        by_feed = {one.feed: one for one in made}
        labelled = Counter(plan for plan, _ in by_feed[exchanges.FEED].labelled())
        assert set(labelled) == {7, 8}
        assert labelled[7] >= 4
        for reference in {name.split(":")[1] for _, name in by_feed[exchanges.FEED].labelled()}:
            (row,) = [
                row
                for row in records(by_feed[exchanges.FEED], "reference", "quantity", "happened_at")
                if row["reference"] == reference
            ]
            assert row["quantity"].isdigit()
            assert "1301" not in row["happened_at"]
        assert not any(list(one.labelled()) for one in made if one.feed != exchanges.FEED)


class TestPayments:
    def test_states_and_returns_speak_of_payments_that_were_made_before(
        self, economy: Economy, good: dict[str, Sent]
    ) -> None:
        paid = economy.paid
        made = dict(zip(paid.uetr.tolist(), paid.payments.instant.tolist(), strict=True))
        fen = dict(zip(paid.uetr.tolist(), paid.payments.amount_fen.tolist(), strict=True))
        for feed in (outcomes.STATUS, outcomes.RETURN):
            sent = good[feed]
            received = np.repeat(sent.received_at, np.diff(sent.start)).tolist()
            for row, at in zip(records(sent), received, strict=True):
                assert made[row["original_uetr"]] < at
                if feed == outcomes.RETURN:
                    back = int(row["amount"].replace(".", ""))
                    assert 0 < back <= fen[row["original_uetr"]]
        states = {row["original_uetr"] for row in records(good[outcomes.STATUS])}
        assert not states & {row["original_uetr"] for row in records(good[outcomes.RETURN])}
        assert {"RJCT", "ACSC"} <= {row["status"] for row in records(good[outcomes.STATUS])}

    def test_a_balance_is_the_one_before_and_what_came_and_went(
        self, economy: Economy, good: dict[str, Sent]
    ) -> None:
        fen = {"opening": 0, "closing": 0, "credits": 0, "debits": 0}
        days: dict[str, Rows] = defaultdict(list)
        for row in records(good["camt053"]):
            row |= {name: int(row[name].replace(".", "")) for name in fen}
            assert row["opening"] + row["credits"] - row["debits"] == row["closing"]
            days[row["account"]].append(row)
        for rows in days.values():
            rows.sort(key=lambda row: row["day"])
            assert len(rows) == len(WHEN.business) - 1
            assert all(a["closing"] == b["opening"] for a, b in pairwise(rows))
        # What came is what payments of the market brought, as far as they were not refused.
        paid, who = economy.paid, economy.paid.who
        numbers = who.account_number[paid.payments.payee]
        refused = {
            row["original_uetr"]
            for row in records(good[outcomes.STATUS])
            if row["status"] == "RJCT"
        }
        back = {row["original_debtor_account"] for row in records(good[outcomes.RETURN])}
        settled, _ = calendars().business_date(
            pa.array(paid.payments.instant, pa.timestamp("us", "UTC")), "BANK"
        )
        came: Counter[tuple[str, str]] = Counter()
        for account, day, amount, uetr in zip(
            numbers.tolist(),
            settled.cast(pa.string()).to_pylist(),
            paid.payments.amount_fen.tolist(),
            paid.uetr.tolist(),
            strict=True,
        ):
            if uetr not in refused:
                came[account, day] += amount
        checked = 0
        for account in days.keys() - back:
            for row in days[account]:
                assert row["credits"] == came[account, row["day"]]
                checked += row["credits"] > 0
        assert checked > 10

    def test_an_account_has_one_token_in_every_feed(
        self, economy: Economy, intake: Intake, read: dict[str, tuple[pa.Table, pa.Table]]
    ) -> None:
        _, reports = taken(intake, list(economy.paid.submissions()))
        paid = reports["event"]
        known = set(paid["counterparty_1_account_token"].to_pylist())
        known |= set(paid["counterparty_2_account_token"].to_pylist())
        for feed, column in (
            ("camt053", "counterparty_1_account_token"),
            ("fx_settlement", "counterparty_1_account_token"),
            ("loan_drawdowns", "counterparty_2_account_token"),
            ("pacs004", "counterparty_1_account_token"),
        ):
            tokens = set(read[feed][1][column].to_pylist())
            assert len(tokens & known) > len(tokens) / 4, feed


class TestGoods:
    def test_the_stock_changes_by_the_receipts_that_were_issued_and_delivered(
        self, good: dict[str, Sent]
    ) -> None:
        moved: Counter[tuple[str, str, str]] = Counter()
        for row in records(good["warehouse_receipts"]):
            sign = {"出具": 1, "提货": -1}.get(row["kind"], 0)
            if row["class"] == "标准":
                key = (row["at"][:10].replace("-", ""), row["variety"], row["warehouse"])
                moved[key] += sign * int(float(row["quantity"].replace(",", "")))
        held: dict[tuple[str, str], int] = {}
        rows = [row for row in records(good["warehouse_stock"]) if row["row"] == "0"]
        for row in sorted(rows, key=lambda row: row["day"]):
            place = (row["variety"], row["warehouse"].split("$$")[0])
            weight, change = (int(row[name].replace(",", "")) for name in ("weight", "change"))
            assert change == moved[row["day"], *place]
            assert place not in held or weight == held[place] + change
            held[place] = weight
        assert sum(map(abs, moved.values())) > 100

    def test_owners_of_receipts_trade_the_futures_and_owe_or_pay(
        self, economy: Economy, good: dict[str, Sent]
    ) -> None:
        owners = {row["owner"] for row in records(good["warehouse_receipts"])}
        clients = {
            row["client"]
            for row in records(good["exchange_orders"])
            if row["security_type"] == "FUT"
        }
        assert owners & clients
        who = economy.paid.who
        payers = set(who.uscc[who.account_party[economy.paid.payments.payer]].tolist())
        assert len(owners & payers) > len(owners) / 4

    def test_a_night_session_belongs_to_the_next_trading_day_and_none_is_before_a_holiday(
        self, economy: Economy
    ) -> None:
        rng = np.random.default_rng(3)
        orders = exchanges.everyday(rng, economy.paid.who, WHEN, 3_000)
        sent = exchanges.feed(rng, economy.paid.who, WHEN, orders, 0.0)
        nights = set()
        for row in records(sent, "happened_at", "trade_date", "venue", "message"):
            happened = dt.datetime.strptime(row["happened_at"], "%Y%m%d-%H:%M:%S.%f")  # noqa: DTZ007
            local = happened + dt.timedelta(hours=8)
            assert f"{local:%Y%m%d}" not in ("20260509", "20260501", "20260504")
            if local.hour >= 20:
                assert row["venue"] == "XSGE"
                assert row["trade_date"] > f"{local:%Y%m%d}"
                nights.add(f"{local:%Y%m%d}")
            elif local.hour >= 9:
                assert row["trade_date"] == f"{local:%Y%m%d}"
        assert "20260429" in nights
        assert "20260430" not in nights


def test_fills_changes_and_cancels_name_orders_that_were_sent(good: dict[str, Sent]) -> None:
    rows = records(good["exchange_orders"])
    sent = {row["client_order"]: row for row in rows if row["message"] in "DG"}
    for row in rows:
        if row["message"] == "8" and row["execution_type"] == "F":
            order = sent[row["client_order"]]
            same = ("account", "instrument", "side", "quantity", "branch")
            assert [order[name] for name in same] == [row[name] for name in same]
            assert int(row["cumulative"]) + int(row["leaves"]) == int(row["quantity"])
        elif row["message"] in "FG":
            assert row["original_order"] in sent
    changed = {row["client_order"] for row in rows if row["message"] == "G"}
    assert changed & {row["client_order"] for row in rows if row["execution_type"] == "F"}


def test_drawdowns_and_repayments_explain_the_balances(
    economy: Economy, good: dict[str, Sent]
) -> None:
    owed = economy.owed
    begin, end = (day_number(day) for day in WHEN.month_ends()[-2:])
    row_of = {number: row for row, number in enumerate(owed.number.tolist())}
    movements: dict[int, Rows] = defaultdict(list)
    for move in records(good["loan_drawdowns"]):
        movements[row_of[move["loan"]]].append(move)
    checked = 0
    for row, moves in movements.items():
        loan = owed.loans.take(np.array([row]))
        if loan.end[0] <= end:
            continue
        between = [
            move
            for move in moves
            if begin < day_number(dt.datetime.strptime(move["day"], "%Y%m%d").date()) <= end  # noqa: DTZ007
        ]
        before = balances(loan, np.array([begin]))[0] if loan.start[0] <= begin else 0
        for move in between:
            sign = 1 if move["kind"] == "发放" else -1
            part = move["amount"] if sign > 0 else move["principal"]
            before += sign * int(part.replace(".", ""))
        if loan.start[0] <= end:
            assert before == balances(loan, np.array([end]))[0]
            checked += bool(between)
    assert checked > 10


def test_each_trade_is_told_alike_by_both_sides(good: dict[str, Sent]) -> None:
    sides: dict[tuple[str, str, str], Rows] = defaultdict(list)
    for row in records(good["derivative_trade"]):
        sides[row["uti"], row["action"], row["event_day"]].append(row)
    both = [rows for rows in sides.values() if len(rows) == 2]
    assert len(both) > 5
    for first, second in both:
        assert (first["reporter"], first["other"]) == (second["other"], second["reporter"])
        assert {first["direction"], second["direction"]} == {"MAKE", "TAKE"}
        same = ("amount_1", "amount_2", "rate", "end", "executed_at", "package")
        assert [first[name] for name in same] == [second[name] for name in same]


def test_receivables_and_receipts_name_firms_of_the_economy(
    economy: Economy, good: dict[str, Sent]
) -> None:
    who = economy.paid.who
    firms = set(who.uscc.tolist())
    for feed, column in (
        ("receivables", "creditor"),
        ("receivables", "debtor"),
        ("warehouse_receipts", "owner"),
    ):
        assert {row[column] for row in records(good[feed])} <= firms
