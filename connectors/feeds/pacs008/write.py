"""Write pacs.008.001.08: the opposite direction of this feed's spec, for simulated submissions.

The layout is that of docs/feeds/pacs008.md. Records are rendered as whole columns; a submission is
a header, a run of rendered records and a trailer, so rendering once serves every submission.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

RECORD = pa.schema(
    [
        pa.field("end_to_end_id", pa.string(), nullable=False),
        pa.field("tx_id", pa.string(), nullable=False),
        pa.field("uetr", pa.string(), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("amount", pa.string(), nullable=False),  # plain decimal, e.g. "490000.00"
        pa.field("settlement_date", pa.string(), nullable=False),  # 2026-06-15
        pa.field("accepted_at", pa.string(), nullable=False),  # 2026-06-15T10:29:41.120
        pa.field("debtor_agent", pa.string(), nullable=False),  # CNAPS12, or a BIC
        pa.field("debtor_name", pa.string(), nullable=False),
        pa.field("debtor_scheme", pa.string(), nullable=False),  # LEI USCC NIDN, "" for none
        pa.field("debtor_id", pa.string(), nullable=False),
        pa.field("debtor_account", pa.string(), nullable=False),
        pa.field("creditor_agent", pa.string(), nullable=False),
        pa.field("creditor_name", pa.string(), nullable=False),
        pa.field("creditor_scheme", pa.string(), nullable=False),
        pa.field("creditor_id", pa.string(), nullable=False),
        pa.field("creditor_account", pa.string(), nullable=False),
        pa.field("purpose", pa.string(), nullable=False),
    ]
)

_BEFORE_ID = {
    "LEI": "<Id><OrgId><LEI>",
    "USCC": "<Id><OrgId><Othr><Id>",
    "NIDN": "<Id><PrvtId><Othr><Id>",
    "": "",
}
_AFTER_ID = {
    "LEI": "</LEI></OrgId></Id>",
    "USCC": "</Id><SchmeNm><Prtry>USCC</Prtry></SchmeNm></Othr></OrgId></Id>",
    "NIDN": "</Id><SchmeNm><Cd>NIDN</Cd></SchmeNm></Othr></PrvtId></Id>",
    "": "",
}


def _mapped(codes: pa.Array, table: Mapping[str, str]) -> pa.Array:
    keys = pa.array(list(table))
    return pa.array(list(table.values())).take(pc.index_in(codes, value_set=keys))


def _escaped(column: pa.Array) -> pa.Array:
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        if pc.any(pc.match_substring(column, plain)).as_py():
            column = pc.replace_substring(column, plain, entity)
    return column


def _agents(codes: pa.Array) -> tuple[pa.Array | str, ...]:
    """What stands around the code of each agent: a clearing member of ours, or a BIC."""
    member = pc.utf8_is_digit(codes)
    if pc.all(member).as_py():
        return "ClrSysMmbId><MmbId", "MmbId></ClrSysMmbId"
    return tuple(
        pc.if_else(member, ours, "BICFI") for ours in ("ClrSysMmbId><MmbId", "MmbId></ClrSysMmbId")
    )


def render(records: pa.Table) -> pa.Array:
    """Render records as text, one `CdtTrfTxInf` element each, ending in a line feed.

    Args:
        records: columns of `RECORD`.

    Returns:
        A string array of the same length.
    """
    column = {name: _escaped(records[name].combine_chunks()) for name in RECORD.names}
    (pays, paid), (gets, got) = _agents(column["debtor_agent"]), _agents(column["creditor_agent"])
    parts: list[pa.Array | str] = [
        "<CdtTrfTxInf><PmtId><EndToEndId>",
        column["end_to_end_id"],
        "</EndToEndId><TxId>",
        column["tx_id"],
        "</TxId><UETR>",
        column["uetr"],
        '</UETR></PmtId><IntrBkSttlmAmt Ccy="',
        column["currency"],
        '">',
        column["amount"],
        "</IntrBkSttlmAmt><IntrBkSttlmDt>",
        column["settlement_date"],
        "</IntrBkSttlmDt><AccptncDtTm>",
        column["accepted_at"],
        "+08:00</AccptncDtTm><ChrgBr>SHAR</ChrgBr><InstgAgt><FinInstnId><",
        pays,
        ">",
        column["debtor_agent"],
        "</",
        paid,
        "></FinInstnId></InstgAgt><Dbtr><Nm>",
        column["debtor_name"],
        "</Nm>",
        _mapped(column["debtor_scheme"], _BEFORE_ID),
        column["debtor_id"],
        _mapped(column["debtor_scheme"], _AFTER_ID),
        "</Dbtr><DbtrAcct><Id><Othr><Id>",
        column["debtor_account"],
        "</Id></Othr></Id></DbtrAcct><DbtrAgt><FinInstnId><",
        pays,
        ">",
        column["debtor_agent"],
        "</",
        paid,
        "></FinInstnId></DbtrAgt><CdtrAgt><FinInstnId><",
        gets,
        ">",
        column["creditor_agent"],
        "</",
        got,
        "></FinInstnId></CdtrAgt><Cdtr><Nm>",
        column["creditor_name"],
        "</Nm>",
        _mapped(column["creditor_scheme"], _BEFORE_ID),
        column["creditor_id"],
        _mapped(column["creditor_scheme"], _AFTER_ID),
        "</Cdtr><CdtrAcct><Id><Othr><Id>",
        column["creditor_account"],
        "</Id></Othr></Id></CdtrAcct><Purp><Cd>",
        column["purpose"],
        "</Cd></Purp></CdtTrfTxInf>\n",
    ]
    scalars = [pa.scalar(part) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*scalars, "")


def frame(records: bytes, header: Mapping[str, str]) -> bytes:
    """Put a submission's header and trailer around rendered records.

    Args:
        records: rendered records, one after another.
        header: `message_id`, `created_at` (2026-06-15T10:30:00, Beijing), `count`, `total` where
            the control sum is to be given, `system` where it is not the domestic one (`CIPS`).
    """
    system = f"<ClrSys><Prtry>{header['system']}</Prtry></ClrSys>" if "system" in header else ""
    total = f"<CtrlSum>{header['total']}</CtrlSum>" if "total" in header else ""
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08">\n'
        f"<FIToFICstmrCdtTrf>\n<GrpHdr><MsgId>{header['message_id']}</MsgId>"
        f"<CreDtTm>{header['created_at']}+08:00</CreDtTm><NbOfTxs>{header['count']}</NbOfTxs>"
        f"{total}<SttlmInf><SttlmMtd>CLRG</SttlmMtd>{system}</SttlmInf></GrpHdr>\n"
    )
    return head.encode() + records + b"</FIToFICstmrCdtTrf>\n</Document>\n"


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission.

    Args:
        records: columns of `RECORD`, one row a payment.
        header: as `frame`; `count` is filled in where it is missing.
    """
    texts: list[str] = render(records).to_pylist()
    return frame("".join(texts).encode(), {"count": str(records.num_rows), **header})
