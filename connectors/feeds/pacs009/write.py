"""Write pacs.009.001.08: the opposite direction of this feed's spec, for simulated submissions."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

RECORD = pa.schema(
    [
        pa.field("tx_id", pa.string(), nullable=False),
        pa.field("uetr", pa.string(), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("amount", pa.string(), nullable=False),  # plain decimal
        pa.field("settlement_date", pa.string(), nullable=False),  # 2026-06-15
        pa.field("debtor", pa.string(), nullable=False),  # CNAPS12
        pa.field("debtor_account", pa.string(), nullable=False),
        pa.field("creditor", pa.string(), nullable=False),  # CNAPS12
        pa.field("creditor_account", pa.string(), nullable=False),
        pa.field("covers", pa.string()),  # end-to-end id of the customer payment it covers, or null
    ]
)


def escaped(column: pa.Array) -> pa.Array:
    """Text that may stand in an element."""
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        column = pc.replace_substring(column, plain, entity)
    return column


def join(*parts: pa.Array | str) -> pa.Array:
    """Texts side by side; null where any part is null."""
    scalars = [pa.scalar(part) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*scalars, "")


def _institution(element: str, member: pa.Array, account: pa.Array) -> pa.Array:
    return join(
        f"<{element}><FinInstnId><ClrSysMmbId><MmbId>", member,
        f"</MmbId></ClrSysMmbId></FinInstnId></{element}><{element}Acct><Id><Othr><Id>", account,
        f"</Id></Othr></Id></{element}Acct>",
    )  # fmt: skip


def render(records: pa.Table) -> pa.Array:
    """Render records as text, one `CdtTrfTxInf` element each, ending in a line feed."""
    column = {name: escaped(records[name].combine_chunks()) for name in RECORD.names}
    agent = ("<FinInstnId><ClrSysMmbId><MmbId>", "</MmbId></ClrSysMmbId></FinInstnId>")
    covered = join(
        "<UndrlygCstmrCdtTrf><Dbtr><Nm>NOTPROVIDED</Nm></Dbtr><DbtrAgt>", agent[0],
        column["debtor"], agent[1], "</DbtrAgt><CdtrAgt>", agent[0], column["creditor"], agent[1],
        "</CdtrAgt><Cdtr><Nm>NOTPROVIDED</Nm></Cdtr><RmtInf><Ustrd>", column["covers"],
        "</Ustrd></RmtInf></UndrlygCstmrCdtTrf>",
    )  # fmt: skip
    return join(
        "<CdtTrfTxInf><PmtId><EndToEndId>NOTPROVIDED</EndToEndId><TxId>", column["tx_id"],
        "</TxId><UETR>", column["uetr"], '</UETR></PmtId><IntrBkSttlmAmt Ccy="',
        column["currency"], '">', column["amount"], "</IntrBkSttlmAmt><IntrBkSttlmDt>",
        column["settlement_date"], "</IntrBkSttlmDt><InstgAgt><FinInstnId><ClrSysMmbId><MmbId>",
        column["debtor"], "</MmbId></ClrSysMmbId></FinInstnId></InstgAgt>",
        _institution("Dbtr", column["debtor"], column["debtor_account"]),
        _institution("Cdtr", column["creditor"], column["creditor_account"]),
        pc.fill_null(covered, ""), "</CdtTrfTxInf>\n",
    )  # fmt: skip


def frame(records: list[str], header: Mapping[str, str]) -> bytes:
    """Put a submission's header and trailer around rendered records.

    Args:
        records: rendered records, one after another.
        header: `message_id`, `created_at` (2026-06-15T10:30:00, Beijing), `system` where it is
            not the domestic one (`CIPS`); `count` where it is to differ from the records given.
    """
    system = f"<ClrSys><Prtry>{header['system']}</Prtry></ClrSys>" if "system" in header else ""
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.009.001.08">\n'
        f"<FICdtTrf><GrpHdr><MsgId>{header['message_id']}</MsgId>"
        f"<CreDtTm>{header['created_at']}+08:00</CreDtTm>"
        f"<NbOfTxs>{header.get('count', len(records))}</NbOfTxs>"
        f"<SttlmInf><SttlmMtd>CLRG</SttlmMtd>{system}</SttlmInf></GrpHdr>\n"
    )
    return (head + "".join(records) + "</FICdtTrf>\n</Document>\n").encode()


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission.

    Args:
        records: columns of `RECORD`, one row a transfer.
        header: as `frame`.
    """
    return frame(render(records).to_pylist(), header)
