"""Write camt.053.001.08: the opposite direction of this feed's spec, for simulated submissions."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from connectors.feeds.pacs009.write import escaped, join

RECORD = pa.schema(
    [
        pa.field("statement_id", pa.string(), nullable=False),
        pa.field("created_at", pa.string(), nullable=False),  # 2026-06-16T01:00:00, Beijing
        pa.field("day", pa.string(), nullable=False),  # 2026-06-15
        pa.field("servicer", pa.string(), nullable=False),  # CNAPS12
        pa.field("account", pa.string(), nullable=False),
        pa.field("account_type", pa.string()),  # BASIC NRA ...
        pa.field("currency", pa.string(), nullable=False),
        pa.field("owner_name", pa.string(), nullable=False),
        pa.field("owner_scheme", pa.string(), nullable=False),  # USCC NIDN
        pa.field("owner_id", pa.string(), nullable=False),
        pa.field("opening", pa.string(), nullable=False),  # may be negative: what is owed
        pa.field("closing", pa.string(), nullable=False),
        pa.field("credits", pa.string(), nullable=False),  # sums of the entries
        pa.field("debits", pa.string(), nullable=False),
    ]
)
_BEFORE = {"USCC": "<OrgId><Othr><Id>", "NIDN": "<PrvtId><Othr><Id>"}
_AFTER = {
    "USCC": "</Id><SchmeNm><Prtry>USCC</Prtry></SchmeNm></Othr></OrgId>",
    "NIDN": "</Id><SchmeNm><Cd>NIDN</Cd></SchmeNm></Othr></PrvtId>",
}


def _mapped(codes: pa.Array, table: Mapping[str, str]) -> pa.Array:
    return pa.array(list(table.values())).take(pc.index_in(codes, value_set=pa.array(list(table))))


def _balance(code: str, amount: pa.Array, currency: pa.Array, day: pa.Array) -> pa.Array:
    owed = pc.starts_with(amount, "-")
    return join(
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>", '<Amt Ccy="', currency, '">',
        pc.utf8_ltrim(amount, "-"), "</Amt><CdtDbtInd>", pc.if_else(owed, "DBIT", "CRDT"),
        "</CdtDbtInd><Dt><Dt>", day, "</Dt></Dt></Bal>",
    )  # fmt: skip


def render(records: pa.Table) -> pa.Array:
    """Render records as text, one `Stmt` element each, ending in a line feed."""
    column = {name: escaped(records[name].combine_chunks()) for name in RECORD.names}
    kind = join("<Tp><Prtry>", column["account_type"], "</Prtry></Tp>")
    currency, day = column["currency"], column["day"]
    return join(
        "<Stmt><Id>", column["statement_id"], "</Id><CreDtTm>", column["created_at"],
        "+08:00</CreDtTm><Acct><Id><Othr><Id>", column["account"], "</Id></Othr></Id>",
        pc.fill_null(kind, ""), "<Ccy>", currency, "</Ccy><Ownr><Nm>", column["owner_name"],
        "</Nm><Id>", _mapped(column["owner_scheme"], _BEFORE), column["owner_id"],
        _mapped(column["owner_scheme"], _AFTER), "</Id></Ownr><Svcr><FinInstnId><ClrSysMmbId>",
        "<MmbId>", column["servicer"], "</MmbId></ClrSysMmbId></FinInstnId></Svcr></Acct>",
        _balance("OPBD", column["opening"], currency, day),
        _balance("CLBD", column["closing"], currency, day), "<TxsSummry><TtlCdtNtries><Sum>",
        column["credits"], "</Sum></TtlCdtNtries><TtlDbtNtries><Sum>", column["debits"],
        "</Sum></TtlDbtNtries></TxsSummry></Stmt>\n",
    )  # fmt: skip


def frame(records: list[str], header: Mapping[str, str]) -> bytes:
    """Put a submission's header and trailer around rendered records.

    Args:
        records: rendered records, one after another.
        header: `message_id`, `created_at` (2026-06-16T01:00:00, Beijing).
    """
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">\n'
        f"<BkToCstmrStmt><GrpHdr><MsgId>{header['message_id']}</MsgId>"
        f"<CreDtTm>{header['created_at']}+08:00</CreDtTm></GrpHdr>\n"
    )
    return (head + "".join(records) + "</BkToCstmrStmt>\n</Document>\n").encode()


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission.

    Args:
        records: columns of `RECORD`, one row an account and day.
        header: as `frame`.
    """
    return frame(render(records).to_pylist(), header)
