"""Write deals and quotes as IMIX messages: the opposite direction of this feed's spec.

Layout: `spec.toml` beside this file. Fields without a value are left out; the platform's own
details that nobody reads (routing, session) are written as it writes them.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from connectors.feeds.fixwrite import field, framed, joined

_PARTY = (  # of the first side, of the second side
    "member",  # six digits
    "name",
    "short_name",
    "trader",  # a natural person: written because the platform writes it
    "phone",
    "bank",  # name and number of the bank of the cash account
    "bank_number",
    "cash_account",
    "custodian",
    "bond_account",
)
RECORD = pa.schema(
    [
        pa.field("message", pa.string(), nullable=False),  # 8 execution report, S quote
        pa.field("execution", pa.string()),  # F trade, 4 trade cancelled; null in a quote
        pa.field("market", pa.string(), nullable=False),  # 4 cash bond, 1 lending, 10 repo, 11 FX
        pa.field("sent_at", pa.string(), nullable=False),  # 20260615-02:30:00.120, UTC
        pa.field("happened_at", pa.string(), nullable=False),  # 20260615-10:29:58.120, Beijing
        pa.field("trade", pa.string()),
        pa.field("quote", pa.string(), nullable=False),
        pa.field("order", pa.string(), nullable=False),
        pa.field("instrument", pa.string(), nullable=False),
        pa.field("instrument_name", pa.string()),
        pa.field("quantity", pa.string(), nullable=False),  # face value, or amount lent
        pa.field("price", pa.string(), nullable=False),  # clean price, or rate in percent
        pa.field("settlement", pa.string()),
        pa.field("currency", pa.string()),
        pa.field("settlement_date", pa.string()),  # 20260615
        pa.field("second_date", pa.string()),  # on which a loan or a repo is repaid
        pa.field("trade_date", pa.string()),
        pa.field("interest", pa.string()),
        pa.field("maturity", pa.string()),
        pa.field("net_amount", pa.string()),
        pa.field("dirty_price", pa.string()),
        pa.field("yield", pa.string()),
        pa.field("underlying", pa.string()),  # bond of a repo
        *(pa.field(f"{part}_1", pa.string(), nullable=part != "member") for part in _PARTY),
        *(pa.field(f"{part}_2", pa.string(), nullable=part != "member") for part in _PARTY),
    ]
)
_SUBS = (  # name of the column, code of 803; accounts are in the party's own name
    ("trader", "101"),
    ("short_name", "125"),
    ("name", "124"),
    ("cash_account", "15"),
    ("name", "23"),
    ("bank", "110"),
    ("bank_number", "112"),
    ("custodian", "111"),
    ("bond_account", "10"),
    ("name", "22"),
    ("trader", "126"),
)
_LAST = "523=CFETS\x01803=29\x01"
_FLAGS = "10022=N\x0110105=0\x0110282=N\x0110317=1\x0110319=1\x0110351=Y\x0110465=0\x0111143=13\x01"


def _party(records: pa.Table, side: int, quote: pa.Array) -> pa.Array:
    """One entry of group 453 with its own entries of group 802."""
    subs, count = [], pa.scalar(1)
    for name, code in _SUBS:
        value = records[f"{name}_{side}"].combine_chunks()
        there = value.is_valid()
        count = pc.add(count, there.cast(pa.int32()))
        entry = pc.binary_join_element_wise("523=", value, f"\x01803={code}\x01", "")
        subs.append(pc.fill_null(entry, ""))
    role = pc.if_else(quote, f"10{side}", "119" if side == 1 else "120")
    return joined(
        field("448", records[f"member_{side}"]),
        field("452", role),
        field("10601", "1"),
        field("10602", records[f"phone_{side}"]),
        field("10603", "6"),
        field("802", count.cast(pa.string())),
        *subs,
        _LAST,
    )


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission.

    Args:
        records: Rows of `RECORD`.
        header: `sender` (of the platform) and `target` (member) where they matter.
    """
    quote = pc.equal(records["message"], "S").combine_chunks()
    trade = pc.invert(quote)
    numbers = pa.array([str(number) for number in range(1, records.num_rows + 1)], pa.string())
    quantity = records["quantity"].combine_chunks()
    rate = pc.if_else(records["yield"].is_valid().combine_chunks(), "1", None)
    bond = pc.if_else(records["underlying"].is_valid().combine_chunks(), "1", None)
    nobody = pa.scalar(None, pa.string())
    bodies = joined(
        field("35", records["message"]),
        field("34", numbers),
        field("49", header.get("sender", "CFETS-RMB-CSTP")),
        field("52", records["sent_at"]),
        field("56", header.get("target", "100001")),
        field("11", records["order"]),
        field("17", records["trade"]),
        field("32", pc.if_else(trade, quantity, nobody)),
        field("38", pc.if_else(quote, quantity, nobody)),
        field("44", records["price"]),
        field("48", records["instrument"]),
        field("55", records["instrument_name"]),
        field("60", records["happened_at"]),
        field("64", records["settlement_date"]),
        field("75", records["trade_date"]),
        field("117", records["quote"]),
        field("119", records["settlement"]),
        field("120", records["currency"]),
        field("150", records["execution"]),
        field("193", records["second_date"]),
        field("919", pc.if_else(records["settlement"].combine_chunks().is_valid(), "0", None)),
        field("10002", records["interest"]),
        field("10048", records["dirty_price"]),
        field("10176", records["market"]),
        field("10289", records["maturity"]),
        field("10312", records["net_amount"]),
        field("232", rate),
        field("233", pc.if_else(rate.is_valid(), "Yield2", None)),
        field("234", records["yield"]),
        _FLAGS,
        field("453", "2"),
        _party(records, 1, quote),
        _party(records, 2, quote),
        field("711", bond),
        field("309", records["underlying"]),
    )
    return framed(bodies, "IMIX.1.0", "gb18030")
