"""Write pacs.004.001.10: the opposite direction of this feed's spec, for simulated submissions.

A return speaks of the original payment in the original's own roles; the reader turns them round.
"""

from collections.abc import Mapping

import pyarrow as pa

from connectors.feeds.pacs009.write import escaped, join

RECORD = pa.schema(
    [
        pa.field("return_id", pa.string(), nullable=False),
        pa.field("original_tx_id", pa.string(), nullable=False),
        pa.field("original_uetr", pa.string(), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("amount", pa.string(), nullable=False),  # that goes back, plain decimal
        pa.field("settlement_date", pa.string(), nullable=False),  # 2026-06-16
        pa.field("reason", pa.string(), nullable=False),  # AC04 ...
        pa.field("original_debtor_agent", pa.string(), nullable=False),  # CNAPS12
        pa.field("original_debtor_name", pa.string(), nullable=False),
        pa.field("original_debtor_id", pa.string(), nullable=False),  # USCC
        pa.field("original_debtor_account", pa.string(), nullable=False),
        pa.field("original_creditor_agent", pa.string(), nullable=False),
        pa.field("original_creditor_name", pa.string(), nullable=False),
        pa.field("original_creditor_id", pa.string(), nullable=False),
        pa.field("original_creditor_account", pa.string(), nullable=False),
    ]
)


def _side(element: str, column: Mapping[str, pa.Array], side: str) -> tuple[pa.Array, pa.Array]:
    """Party with account, and agent, of one side of the original payment."""
    party = join(
        f"<{element}><Pty><Nm>", column[f"original_{side}_name"],
        "</Nm><Id><OrgId><Othr><Id>", column[f"original_{side}_id"],
        "</Id><SchmeNm><Prtry>USCC</Prtry></SchmeNm></Othr></OrgId></Id></Pty>",
        f"</{element}><{element}Acct><Id><Othr><Id>", column[f"original_{side}_account"],
        f"</Id></Othr></Id></{element}Acct>",
    )  # fmt: skip
    agent = join(
        f"<{element}Agt><FinInstnId><ClrSysMmbId><MmbId>", column[f"original_{side}_agent"],
        f"</MmbId></ClrSysMmbId></FinInstnId></{element}Agt>",
    )  # fmt: skip
    return party, agent


def render(records: pa.Table) -> pa.Array:
    """Render records as text, one `TxInf` element each, ending in a line feed."""
    column = {name: escaped(records[name].combine_chunks()) for name in RECORD.names}
    debtor, debtor_agent = _side("Dbtr", column, "debtor")
    creditor, creditor_agent = _side("Cdtr", column, "creditor")
    member = ("<FinInstnId><ClrSysMmbId><MmbId>", "</MmbId></ClrSysMmbId></FinInstnId>")
    return join(
        "<TxInf><RtrId>", column["return_id"], "</RtrId><OrgnlTxId>", column["original_tx_id"],
        "</OrgnlTxId><OrgnlUETR>", column["original_uetr"],
        '</OrgnlUETR><RtrdIntrBkSttlmAmt Ccy="', column["currency"], '">', column["amount"],
        "</RtrdIntrBkSttlmAmt><IntrBkSttlmDt>", column["settlement_date"],
        "</IntrBkSttlmDt><InstgAgt>", member[0], column["original_creditor_agent"], member[1],
        "</InstgAgt><InstdAgt>", member[0], column["original_debtor_agent"], member[1],
        "</InstdAgt><RtrRsnInf><Rsn><Cd>", column["reason"], "</Cd></Rsn></RtrRsnInf><OrgnlTxRef>",
        debtor, debtor_agent, creditor_agent, creditor, "</OrgnlTxRef></TxInf>\n",
    )  # fmt: skip


def frame(records: list[str], header: Mapping[str, str]) -> bytes:
    """Put a submission's header and trailer around rendered records.

    Args:
        records: rendered records, one after another.
        header: `message_id`, `created_at` (2026-06-16T10:30:00, Beijing); `count` where it is to
            differ from the records given.
    """
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.004.001.10">\n'
        f"<PmtRtr><GrpHdr><MsgId>{header['message_id']}</MsgId>"
        f"<CreDtTm>{header['created_at']}+08:00</CreDtTm>"
        f"<NbOfTxs>{header.get('count', len(records))}</NbOfTxs>"
        "<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr>\n"
    )
    return (head + "".join(records) + "</PmtRtr>\n</Document>\n").encode()


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission.

    Args:
        records: columns of `RECORD`, one row a return.
        header: as `frame`.
    """
    return frame(render(records).to_pylist(), header)
