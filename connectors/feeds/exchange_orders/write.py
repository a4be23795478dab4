"""Write orders and executions as FIX 4.4: the opposite direction of this feed's spec.

Layout: `spec.toml` beside this file. Fields without a value are left out.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from connectors.feeds.fixwrite import field, framed, joined

_TAGS = (  # in the order of the message: column, tag
    ("message", "35"),  # D order, F cancel request, G replace request, 8 execution report
    ("sequence", "34"),
    ("sender", "49"),
    ("sent_at", "52"),  # 20260615-02:30:00.120, UTC
    ("order", "37"),  # the exchange's
    ("client_order", "11"),
    ("original_order", "41"),
    ("execution", "17"),
    ("execution_type", "150"),
    ("order_status", "39"),
)
_INSTRUMENT = (
    ("instrument", "48"),
    ("security_type", "167"),  # CS shares, FUT futures
    ("venue", "207"),  # MIC
)
_REST = (
    ("side", "54"),  # 1 buy, 2 sell
    ("quantity", "38"),
    ("order_type", "40"),  # 1 market, 2 limit
    ("limit_price", "44"),
    ("currency", "15"),
    ("time_in_force", "59"),
    ("last_quantity", "32"),
    ("last_price", "31"),
    ("leaves", "151"),
    ("cumulative", "14"),
    ("average_price", "6"),
    ("trade_date", "75"),
    ("happened_at", "60"),  # as sent_at, with up to six digits of a second
    ("gross_amount", "381"),
    ("position_effect", "77"),  # O opens, C closes
    ("purpose", "5501"),  # 1 speculation, 2 arbitrage, 3 hedging, 5 market making
    ("exchange_trade", "527"),
)
_PARTIES = (  # column, role of group 453
    ("broker", "1"),
    ("branch", "13"),
    ("client", "3"),
    ("contra_broker", "17"),
)
_NEEDED = ("message", "sent_at", "happened_at", "instrument", "security_type", "venue", "side")
RECORD = pa.schema(
    [
        pa.field(name, pa.string(), nullable=name not in _NEEDED)
        for name, _ in (*_TAGS, *_PARTIES, ("account", "1"), *_INSTRUMENT, *_REST)
    ]
)


def _parties(records: pa.Table) -> list[pa.Array]:
    """The count of group 453 and its entries."""
    count, entries = pa.scalar(0), []
    for name, role in _PARTIES:
        value = records[name].combine_chunks()
        count = pc.add(count, value.is_valid().cast(pa.int32()))
        entry = pc.binary_join_element_wise("448=", value, f"\x01447=D\x01452={role}\x01", "")
        entries.append(pc.fill_null(entry, ""))
    said = pc.if_else(pc.equal(count, 0), None, count.cast(pa.string()))
    return [field("453", said), *entries]


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission of rows of `RECORD`; `header` may hold `sender` and `target`.

    A record's own `sequence` and `sender` win; without them rows are numbered from 1.
    """
    size = records.num_rows
    numbers = pa.array([str(number) for number in range(1, size + 1)], pa.string())
    sender = pa.repeat(header.get("sender", "BROKER"), size)
    filled = {
        "sequence": pc.coalesce(records["sequence"].combine_chunks(), numbers),
        "sender": pc.coalesce(records["sender"].combine_chunks(), sender),
    }
    head = [field(tag, filled.get(name, records[name])) for name, tag in _TAGS]
    bodies = joined(
        *head,
        field("56", header.get("target", "REPOSITORY")),
        *_parties(records),
        field("1", records["account"]),
        *(field(tag, records[name]) for name, tag in (*_INSTRUMENT, *_REST)),
    )
    return framed(bodies, "FIX.4.4")
