"""Payment messages: samples and schemas by others, links, borders, envelopes and UTF-16."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.trials.__main__ import messages
from benchmarks.trials.messages import Verdict, schema_of, valid, verdicts
from connectors.engine.chunks import units_of
from connectors.engine.gate import UTF16_BYTES, RefusedError, readable
from connectors.feeds.camt053 import write as statements
from connectors.feeds.pacs002 import write as states
from connectors.feeds.pacs004 import write as returns
from connectors.feeds.pacs008 import hatches
from connectors.feeds.pacs008 import write as payments
from connectors.feeds.pacs009 import write as transfers
from connectors.feeds.registry import FOLDER, load_feeds
from pipelines.intake.enrich import enrich
from pipelines.intake.narrow import narrow_rows
from pipelines.rules.registry import load_rules
from schemas.narrow import EVENT_CODES
from tests.connectors.support import RECEIVED, reconciles, run, submission

FEEDS = load_feeds()
A, B = "381290000019", "381301000013"
UETR = "86d7da8e-6e41-4466-b9bb-9b41d5814d5a"
HEAD = {"message_id": "M1", "created_at": "2026-06-15T10:30:00"}
PAYMENT = {
    "end_to_end_id": "NOTPROVIDED", "tx_id": "TX1", "uetr": UETR, "currency": "CNY",
    "amount": "490000.00", "settlement_date": "2026-06-15",
    "accepted_at": "2026-06-15T10:29:41.120",
    "debtor_agent": A, "debtor_name": "某某贸易有限公司", "debtor_scheme": "USCC",
    "debtor_id": "91340000MG9000013R", "debtor_account": "6222021001112223334",
    "creditor_agent": B, "creditor_name": "某某机械有限公司", "creditor_scheme": "USCC",
    "creditor_id": "91320000MF0000021J", "creditor_account": "6222021001112229999",
    "purpose": "GDDS",
}  # fmt: skip
STATE = {
    "status_id": "ST1", "original_message_id": "M1", "original_tx_id": "TX1",
    "original_uetr": UETR, "status": "RJCT", "reason": "AC04", "instructing": B, "instructed": A,
}  # fmt: skip
RETURN = {
    "return_id": "RT1", "original_tx_id": "TX1", "original_uetr": UETR, "currency": "CNY",
    "amount": "490000.00", "settlement_date": "2026-06-16", "reason": "AC04",
    **{f"original_{key}": value for key, value in PAYMENT.items() if key.startswith(("deb", "cred"))
       and not key.endswith("scheme")},
}  # fmt: skip
TRANSFER = {
    "tx_id": "FI1", "uetr": UETR, "currency": "CNY", "amount": "490000.00",
    "settlement_date": "2026-06-15", "debtor": A, "debtor_account": "1000200030004000501",
    "creditor": B, "creditor_account": "1000200030004000602", "covers": "E2E-1",
}  # fmt: skip
STATEMENT = {
    "statement_id": "S1", "created_at": "2026-06-16T01:00:00", "day": "2026-06-15", "servicer": A,
    "account": "6222021001112223334", "account_type": "NRA", "currency": "CNY",
    "owner_name": "某某贸易有限公司", "owner_scheme": "USCC", "owner_id": "91340000MG9000013R",
    "opening": "0.00", "closing": "-30.00", "credits": "0.00", "debits": "30.00",
}  # fmt: skip
WRITERS = {
    "pacs.008.001.08": (payments, PAYMENT),
    "pacs.009.001.08": (transfers, TRANSFER),
    "pacs.002.001.10": (states, STATE),
    "pacs.004.001.10": (returns, RETURN),
    "camt.053.001.08": (statements, STATEMENT),
}


def written(name: str, *changes: dict[str, str]) -> bytes:
    module, row = WRITERS[name]
    rows = [row | change for change in changes or ({},)]
    body: bytes = module.write(pa.Table.from_pylist(rows, schema=module.RECORD), HEAD)
    return body


@pytest.fixture(scope="module")
def told(trial_data: Path) -> list[Verdict]:
    return list(verdicts(FEEDS, trial_data / "iso20022"))


class TestSamplesByOthers:
    def test_every_valid_sample_of_a_message_read_here_decodes(self, told: list[Verdict]) -> None:
        refused = [one for one in told if one.valid and not one.decoded]
        assert {one.reason for one in refused} <= {
            "a version no feed reads",
            "states nothing: a header without a record",
        }
        assert sum(bool(one.valid and one.decoded) for one in told) >= 11

    def test_every_invalid_sample_but_one_is_refused_with_a_reason(
        self, told: list[Verdict]
    ) -> None:
        invalid = [one for one in told if one.valid is False]
        assert len(invalid) >= 18
        accepted = [one.file.rpartition("/")[2] for one in invalid if one.decoded]
        # an extension's envelope is empty, which no schema allows; extensions are read by nobody
        assert accepted == ["samplemsg.002.001.08-SplmtryData_removed.xml"]
        assert all(one.rules or one.held for one in invalid if not one.decoded)

    def test_cdata_prefixes_and_envelopes_decode(self, told: list[Verdict]) -> None:
        odd = [one for one in told if "CDATA" in one.file or "samplemsg" in one.file]
        assert len(odd) >= 7
        assert all(one.decoded for one in odd if "invalid" not in one.file)

    @pytest.mark.parametrize("name", WRITERS)
    def test_what_our_writers_make_is_valid(self, trial_data: Path, name: str) -> None:
        schema = schema_of(trial_data / "iso20022", name)
        assert schema is not None
        assert valid(written(name, {}, {}), schema) is True


class TestWhatStatusesAndReturnsDo:
    def test_they_refer_to_the_payment_and_are_events_of_their_own(self) -> None:
        payment = run(FEEDS["pacs008"], written("pacs.008.001.08")).batch.to_pylist()[0]
        for feed, name in (("pacs002", "pacs.002.001.10"), ("pacs004", "pacs.004.001.10")):
            row = run(FEEDS[feed], written(name)).batch.to_pylist()[0]
            assert row["original_transaction_key"] == payment["transaction_key"], feed
            assert row["transaction_key"] not in (None, payment["transaction_key"]), feed

    def test_they_refer_by_agent_number_and_day_where_there_is_no_uetr(self) -> None:
        without = written("pacs.008.001.08").replace(f"<UETR>{UETR}</UETR>".encode(), b"")
        payment = run(FEEDS["pacs008"], without).batch.to_pylist()[0]
        body = written("pacs.004.001.10").decode()
        body = body.replace(
            f"<OrgnlUETR>{UETR}</OrgnlUETR>", "<OrgnlIntrBkSttlmDt>2026-06-15</OrgnlIntrBkSttlmDt>"
        )
        row = run(FEEDS["pacs004"], body.encode()).batch.to_pylist()[0]
        assert row["original_transaction_key"] == payment["transaction_key"]

    def test_a_status_moves_no_money(self) -> None:
        row = run(FEEDS["pacs002"], written("pacs.002.001.10")).batch.to_pylist()[0]
        assert (row["event_type"], row["action_type"]) == ("STAT", "TERM")
        assert row["settlement_status"] == "FAIL"
        assert row.get("settlement_amount") is None

    def test_a_return_turns_the_roles_round(self) -> None:
        payment = run(FEEDS["pacs008"], written("pacs.008.001.08")).batch.to_pylist()[0]
        row = run(FEEDS["pacs004"], written("pacs.004.001.10")).batch.to_pylist()[0]
        for field in ("id", "account_token", "party_key", "nature"):
            assert row[f"counterparty_1_{field}"] == payment[f"counterparty_2_{field}"]
            assert row[f"counterparty_2_{field}"] == payment[f"counterparty_1_{field}"]
        assert row["debtor_agent_id"] == payment["creditor_agent_id"]
        assert row["settlement_amount"] == Decimal(490_000)

    def test_no_rule_on_customer_payments_reads_them(self) -> None:
        other = {"STAT", "RTRN", "FICT", "COVR"}
        assert not other & {code for rule in load_rules().values() for code in rule.reads}
        assert not other & {code for code, number in EVENT_CODES.items() if number == 1}

    def test_the_stream_sees_them_and_none_counts_as_a_payment(self) -> None:
        codes = {}
        for feed, name in (
            ("pacs008", "pacs.008.001.08"), ("pacs009", "pacs.009.001.08"),
            ("pacs002", "pacs.002.001.10"), ("pacs004", "pacs.004.001.10"),
        ):  # fmt: skip
            body = written(name)
            decoded = run(FEEDS[feed], body)
            done = enrich(
                decoded.batch, [submission(body)], FEEDS[feed], "SIMULATED", RECEIVED.date()
            )
            assert [doubt.rule_id for doubt in done.doubts] == [], feed
            rows = narrow_rows(done.batch)
            codes[feed] = int(rows["event_code"][0])
            assert rows["key"][0] != 0
            assert (rows["amount_fen"][0] == 0) == (feed == "pacs002")
        assert codes.pop("pacs008") == EVENT_CODES["PAYM"]
        assert EVENT_CODES["PAYM"] not in codes.values()

    def test_a_cover_and_the_payment_it_covers_are_two_transactions(self) -> None:
        payment = run(FEEDS["pacs008"], written("pacs.008.001.08")).batch.to_pylist()[0]
        rows = run(FEEDS["pacs009"], written("pacs.009.001.08", {}, {"covers": None})).batch
        cover, transfer = rows.to_pylist()
        assert (cover["event_type"], transfer["event_type"]) == ("COVR", "FICT")
        keys = {r["transaction_key"] for r in (payment, cover, transfer)}
        assert len(keys) == 3

    def test_a_whole_message_that_was_refused_is_one_status(self) -> None:
        body = (FOLDER / "pacs002/examples/a_whole_message_refused.xml").read_bytes()
        decoded = run(FEEDS["pacs002"], body, written("pacs.002.001.10"), body)
        assert reconciles(decoded)
        assert decoded.batch["source_record_locator"].to_pylist() == [
            "/Document/FIToFIPmtStsRpt/OrgnlGrpInfAndSts[1]",
            "/Document/FIToFIPmtStsRpt/TxInfAndSts[1]",
            "/Document/FIToFIPmtStsRpt/OrgnlGrpInfAndSts[1]",
        ]


class TestStatements:
    def test_what_an_account_owes_is_negative_and_the_account_is_the_asset(self) -> None:
        row = run(FEEDS["camt053"], written("camt.053.001.08")).batch.to_pylist()[0]
        assert row["outstanding_amount"] == Decimal(-30)
        assert row["debit_turnover_amount"] == Decimal(30)
        assert row["asset_reference_id"] == row["counterparty_1_account_token"] is not None
        assert row["servicing_branch_id"] == A
        payment = run(FEEDS["pacs008"], written("pacs.008.001.08")).batch.to_pylist()[0]
        assert row["asset_reference_id"] == payment["counterparty_1_account_token"]


# residence, account type, BIC, member id, country of the agent; payer, payee; what follows
BORDER = [
    (("CN", None, None, A, None), ("CN", None, None, B, None), "N"),
    ((None, None, None, A, None), (None, None, None, B, None), "unknown"),
    ((None, None, None, A, None), (None, None, "XYZBDEFFXXX", None, None), "Y"),
    ((None, None, "XYZBCNBJ", None, None), (None, None, "XYZBDEFF", None, None), "Y"),
    (("CN", None, None, A, None), (None, "NRA", None, B, None), "Y"),
    (("CN", None, None, A, None), (None, "FTE", None, B, None), "unknown"),
    (("DE", None, None, A, None), ("CN", None, None, B, None), "Y"),
    ((None, "OSA", None, A, None), (None, "FTN", None, B, None), "N"),
    ((None, None, None, None, "HK"), (None, None, None, B, None), "Y"),
    (("CN", None, None, None, None), ("CN", None, None, None, None), "unknown"),
]


def test_what_crosses_the_border_follows_from_agents_accounts_and_residence() -> None:
    sides = [[*payer, *payee] for payer, payee, _ in BORDER]
    columns = [pa.array(values, pa.string()) for values in zip(*sides, strict=True)]
    found, bad = hatches.border(columns, {})
    assert found.to_pylist() == [wanted for *_, wanted in BORDER]
    assert not bad.any()
    alone = [hatches.border([c.slice(n, 1) for c in columns], {})[0][0].as_py() for n in range(10)]
    assert alone == found.to_pylist()


class TestUtf16:
    PLAIN = (FOLDER / "pacs008/examples/plain.xml").read_text(encoding="utf-8")

    @pytest.mark.parametrize(
        ("mark", "codec"), [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")]
    )
    @pytest.mark.parametrize("declared", ["UTF-16", None])
    def test_it_is_read_as_the_same_document(
        self, mark: bytes, codec: str, declared: str | None
    ) -> None:
        head, _, rest = self.PLAIN.partition("\n")
        text = head.replace("UTF-8", "UTF-16") + rest if declared else rest
        decoded = run(FEEDS["pacs008"], mark + text.encode(codec))
        names = [n for n in decoded.batch.schema.names if not n.startswith("byte_")]
        plain = run(FEEDS["pacs008"], self.PLAIN.encode())
        assert decoded.batch.num_rows == plain.batch.num_rows > 0
        assert decoded.batch.select(names).to_pylist() == plain.batch.select(names).to_pylist()

    @pytest.mark.parametrize(
        "body",
        [
            b"\xff\xfe" + PLAIN.encode("utf-16-le"),  # declares UTF-8
            PLAIN.replace("UTF-8", "UTF-16").encode("utf-16-le"),  # no mark
            b"\xff\xfe" + PLAIN.replace("UTF-8", "UTF-16").encode("utf-16-be"),  # the other order
            b"\xff\xfe"
            + PLAIN.replace("UTF-8", "UTF-16").encode("utf-16-le")
            + b"x",  # half a unit
            b"\xff\xfe" + PLAIN.replace("UTF-8", "UTF-16").encode("utf-16-le") + b"\x00\xd8",
            b"\xff\xfe\x00\x00" + PLAIN.encode("utf-32-le"),
            PLAIN.replace("UTF-8", "UTF-16").encode(),  # declares what it is not
        ],
    )
    def test_what_mark_and_declaration_do_not_agree_on_is_refused(self, body: bytes) -> None:
        decoded = run(FEEDS["pacs008"], body)
        assert decoded.batch.num_rows == 0
        assert decoded.findings["rule_id"].to_pylist()[0] in ("ENG-ENCODING", "ENG-UNREADABLE")
        assert reconciles(decoded)

    def test_a_feed_that_does_not_say_so_refuses_it(self) -> None:
        body = b"\xff\xfe" + self.PLAIN.encode("utf-16-le")
        assert readable(body, FEEDS["bill_exchange"]) is body

    def test_it_has_a_bound(self) -> None:
        body = b"\xff\xfe<\x00" + bytes(UTF16_BYTES)
        with pytest.raises(RefusedError, match="ENG-SIZE"):
            readable(body, FEEDS["pacs008"])


class TestEnvelopes:
    def wrapped(self, records: int) -> bytes:
        body = written("pacs.008.001.08", *({"tx_id": f"TX{n}"} for n in range(records))).decode()
        head = '<m:Msg xmlns:m="urn:x"><m:Head>Document</m:Head><m:Body>'
        return f"{head}{body.partition('?>')[2]}</m:Body></m:Msg>".encode()

    def test_a_document_in_one_is_found_in_chunks_too(self) -> None:
        body = self.wrapped(40)
        units = list(units_of(0, body, FEEDS["pacs008"], limit=12_000))
        assert len(units) > 3
        assert sum(bytes(unit.body).count(b"<CdtTrfTxInf>") for unit in units) == 40
        decoded = run(FEEDS["pacs008"], body, *(bytes(unit.body) for unit in units))
        assert decoded.counts[0].accepted == 40

    def test_an_envelope_does_not_hide_what_nobody_decided(self) -> None:
        body = self.wrapped(1).replace(b"<PmtId>", b"<Nvlty>1</Nvlty><PmtId>")
        decoded = run(FEEDS["pacs008"], body)
        assert decoded.findings["rule_id"].to_pylist() == ["ENG-UNKNOWN-FIELD"]

    def test_a_document_of_another_kind_in_one_is_refused(self) -> None:
        body = self.wrapped(1).replace(b"pacs.008.001.08", b"pacs.003.001.08")
        decoded = run(FEEDS["pacs008"], body)
        assert decoded.findings["rule_id"].to_pylist() == ["ENG-NAMESPACE"]


def test_the_page_of_trials_has_these_figures(told: list[Verdict]) -> None:
    assert messages(told) in Path("docs/feeds/trials.md").read_text(encoding="utf-8")
