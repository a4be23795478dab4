"""Write bill acts as NDJSON: the opposite direction of this feed's spec, for simulated submissions.

The layout is that of docs/feeds/bill_exchange.md; fields without a value are left out.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

RECORD = pa.schema(
    [
        pa.field("reported_at", pa.string()),  # 20260615180000; null in the document form
        pa.field("kind", pa.string(), nullable=False),  # busiType
        pa.field("deal", pa.string(), nullable=False),
        pa.field("day", pa.string(), nullable=False),  # 20260615
        pa.field("time", pa.string(), nullable=False),  # 103000
        pa.field("package", pa.string(), nullable=False),  # 30 digits
        pa.field("range_start", pa.int64(), nullable=False),
        pa.field("range_end", pa.int64(), nullable=False),
        pa.field("money", pa.string(), nullable=False),
        pa.field("rate", pa.string()),
        pa.field("settlement", pa.string()),
        pa.field("seller", pa.string(), nullable=False),
        pa.field("seller_name", pa.string(), nullable=False),
        pa.field("buyer", pa.string(), nullable=False),
        pa.field("buyer_name", pa.string(), nullable=False),
        pa.field("due", pa.string()),
        pa.field("invoice", pa.string()),
        pa.field("contract", pa.string()),
    ]
)

_FIELDS = (
    ("rptTm", "reported_at"),
    ("busiType", "kind"),
    ("dealNo", "deal"),
    ("dealDt", "day"),
    ("dealTm", "time"),
    ("billPackageNo", "package"),
    ("billRangeStart", "range_start"),
    ("billRangeEnd", "range_end"),
    ("billMoney", "money"),
    ("dealRate", "rate"),
    ("sttlAmt", "settlement"),
    ("sellOrgCode", "seller"),
    ("sellOrgName", "seller_name"),
    ("buyOrgCode", "buyer"),
    ("buyOrgName", "buyer_name"),
    ("dueDt", "due"),
    ("invoiceNo", "invoice"),
    ("contractNo", "contract"),
)


def _member(key: str, column: pa.Array) -> pa.Array:
    """`"key":value,` per row, empty where the value is null."""
    if pa.types.is_integer(column.type):
        quote, value = "", column.cast(pa.string())
    else:
        quote = '"'
        value = pc.replace_substring(pc.replace_substring(column, "\\", "\\\\"), '"', '\\"')
    member = pc.binary_join_element_wise(f'"{key}":{quote}', value, f"{quote},", "")
    return pc.fill_null(member, "")


def render(records: pa.Table) -> pa.Array:
    """Render records as JSON objects, one string each, without a line feed.

    Args:
        records: columns of `RECORD`.
    """
    members = [_member(key, records[name].combine_chunks()) for key, name in _FIELDS]
    body = pc.binary_join_element_wise(*members, "")
    return pc.binary_join_element_wise(
        "{", pc.utf8_slice_codeunits(body, start=0, stop=-1), "}", ""
    )


def frame(records: list[str], header: Mapping[str, str]) -> bytes:
    """One object a line; the form has no header."""
    del header
    return ("\n".join(records) + "\n").encode()


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission of rows of `RECORD`; `header` is not used by this form."""
    return frame(render(records).to_pylist(), header)
