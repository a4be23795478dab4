"""A public tape names nobody: its spec says what the source does not state, and why."""

from pathlib import Path
from time import process_time

import numpy as np
import pyarrow as pa
import pytest

from connectors.engine.spec import Feed, parse
from connectors.kit.certificate import Certificate
from connectors.kit.check import EXAMPLES_KEY, Trial, check
from connectors.kit.diff import changes
from connectors.kit.new import new_spec
from connectors.kit.patch import patched
from connectors.kit.profile import cells_of, profile, shape_of
from connectors.kit.steps import required_fields
from pipelines.intake.markets import entitling, vantage_masks
from schemas.errors import ConfigurationError
from tests.connectors.support import run

SPEC = """
feed = "prints"
title_zh = "公开成交"
title_en = "Public prints"
status = "public"
format = "csv"
encoding = "utf-8"
kind = "event"
lateness = "1 d"
business_calendar = "NATURAL"
no_key = "a print is published once"
visibility = "public"
empty = ["Venue"]
[not_stated]
"a print names nobody" = ["counterparty_1_id", "counterparty_2_id", "unique_transaction_identifier"]
[constants]
market_segment = "DERV"
source_system_code = "PRINTS"
message_type = "print"
event_type = "TRAD"
asset_class = "INTR"
contract_type = "SWAP"
[fields]
source_trade_id = "Id"
action_type = { from = "Action", map = { NEWT = "NEWT" } }
reporting_timestamp = "At"
event_timestamp = "At"
execution_timestamp = "At"
unique_product_identifier = "UPI"
notional_amount_leg_1 = { from = "Notional", grouped = true, capped = true }
notional_currency_1 = { from = "Ccy", is = "currency" }
"""
PATH = Path("nowhere/prints/spec.toml")


def body(rows: int = 12, venue: str = "", odd: str = "NEWT") -> bytes:
    lines = ["Id,Action,At,UPI,Notional,Ccy,Venue"]
    lines += [
        f'{n},{odd if n == 3 else "NEWT"},2026-06-15T02:{n:02}:11Z,QZ0M,"79,326,002+",USD,{venue}'
        for n in range(rows)
    ]
    return "\n".join([*lines, ""]).encode()


def feed(old: str = "", new: str = "") -> Feed:
    assert old in SPEC
    return parse(PATH, SPEC.replace(old, new) if old else SPEC)


def tried(sample: bytes, text: str = SPEC, waiting: float = 0.0) -> Certificate:
    trial = Trial(EXAMPLES_KEY, None, process_time, waiting=waiting)
    return check(parse(PATH, text), text, [("prints.csv", sample)], trial)


def test_a_print_without_parties_gets_a_certificate_that_says_why_nobody_is_named() -> None:
    made = tried(body())
    assert made.passed, [(step.name, step.open) for step in made.steps if not step.passed]
    (needs,) = [step for step in made.steps if step.name == "required fields"]
    assert "counterparty_2_id: not stated: a print names nobody" in needs.notes


def test_without_the_declaration_the_market_s_demands_stand() -> None:
    nothing = pa.nulls(2, pa.string())
    rows = pa.table({"counterparty_2_id": nothing, "isin": pa.array(["XS", "XS"])})
    cut = SPEC[SPEC.index("[not_stated]") : SPEC.index("[constants]")]
    assert required_fields(feed(), rows).open == ()
    (told,) = required_fields(feed(cut, ""), rows).open
    assert told.startswith("counterparty_2_id: is in no accepted report")


def test_who_nobody_names_links_nothing() -> None:
    batch = run(feed(), body()).batch
    assert set(batch["counterparty_1_id"].to_pylist()) == {"NAME-ONLY"}
    assert batch.schema.get_field_index("counterparty_2_id") == -1


def test_everybody_sees_a_public_report() -> None:
    areas = pa.RecordBatch.from_arrays(
        [pa.nulls(2, pa.string()) for _ in entitling(feed())], names=list(entitling(feed()))
    )
    segments = pa.array(["DERV", "DERV"])
    assert vantage_masks(areas, segments, feed()).to_pylist() == [31, 31]
    closed = feed('visibility = "public"\n')
    assert vantage_masks(areas, segments, closed).to_pylist() == [16, 16]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"counterparty_2_id", ', '"event_timestamp", ', "it fills event_timestamp"),
        ('"counterparty_2_id", ', '"received_at", ', "fields that may be empty"),
        ('"counterparty_2_id", ', '"nobody", ', "nobody is none"),
        ('"counterparty_2_id", ', "", "this spec fills counterparty_2_name"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(old: str, new: str, told: str) -> None:
    text = SPEC.replace(old, new)
    if not new:
        text += 'counterparty_2_name = "Venue"\n'
    with pytest.raises(ConfigurationError, match=told):
        parse(PATH, text)


def test_the_first_value_in_an_empty_column_waits_and_the_patch_takes_it_out() -> None:
    assert run(feed(), body()).counts[0].accepted == 12
    now = body(venue="XOFF")
    assert run(feed(), now).held == ("SOURCE_CHANGED",)
    seen = profile(feed(), [now])
    found = changes(feed(), profile(feed(), [body()]), seen)
    assert [(one.kind, one.field) for one in found] == [("filled", "Venue")]
    repaired = parse(PATH, patched(feed(), SPEC, found, seen))
    assert repaired.empty == ()
    assert run(repaired, now).counts[0].accepted == 12


def test_a_share_of_odd_records_may_wait_where_it_is_said() -> None:
    odd = body(odd="WHAT")
    assert not tried(odd).passed
    assert tried(odd, waiting=0.1).passed


def test_a_draft_maps_codes_and_leaves_empty_columns_to_be_found_out() -> None:
    made = new_spec("prints", body(odd="WHAT"), market="DERV")
    assert made.empty == ("Venue",)
    rows = "Id,Action type,Strike Price\n" + "".join(
        f"A{n},{'WHAT' if n % 3 else 'NEWT'},1.5\n" for n in range(12)
    )
    text = new_spec("prints", rows.encode(), market="DERV").text
    assert 'map = { NEWT = "NEWT", WHAT = "?" }' in text
    assert "strike_price = " in text
    assert "\nprice = " not in text


def test_one_odd_value_does_not_hide_what_a_column_of_few_codes_is() -> None:
    few, often = pa.array(["USD", "EUR", "XXQ"]), np.array([1000, 900, 1])
    assert (shape_of(few), shape_of(few, often)) == ("code", "currency")


def test_a_group_in_a_picked_group_is_read() -> None:
    party = "453=1|448={}|447=D|452=1|"
    message = "8=FIX.4.4|9=1|35=AE|17=E1|552=2|54=1|" + party.format("A") + "54=2|"
    message = (message + party.format("B") + "10=000|").replace("|", "\x01")
    made = new_spec("nbx", message.encode(), market="DERV")
    assert "[groups.side]" in made.text
    assert 'in = "side"' in made.text
    text = made.text.partition("undecided_fields")[0] + made.layout.sections
    text = text.replace('"verify"', '"tolerate"').partition("key =")[0]
    picked = parse(
        PATH.with_name("s.toml"),
        text
        + '\n[constants]\nmarket_segment = "DERV"\n[fields]\nprior_uti = "side[54=2]/party/448"\n',
        draft=True,
    )
    cells, _ = cells_of(picked, [message.encode()])
    values, twice, _ = cells.column("side[54=2]/party/448")
    assert (values.to_pylist(), twice.tolist()) == (["B"], [False])
