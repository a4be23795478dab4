"""Write pacs.002.001.10: the opposite direction of this feed's spec, for simulated submissions."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from connectors.feeds.pacs009.write import escaped, join

RECORD = pa.schema(
    [
        pa.field("status_id", pa.string(), nullable=False),
        pa.field("original_message_id", pa.string(), nullable=False),
        pa.field("original_tx_id", pa.string(), nullable=False),
        pa.field("original_uetr", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),  # ACSC RJCT PDNG ...
        pa.field("reason", pa.string()),  # AC04, AM04 ... where it was refused
        pa.field("instructing", pa.string(), nullable=False),  # CNAPS12: tells the state
        pa.field("instructed", pa.string(), nullable=False),  # CNAPS12: sent the payment
    ]
)


def render(records: pa.Table) -> pa.Array:
    """Render records as text, one `TxInfAndSts` element each, ending in a line feed."""
    column = {name: escaped(records[name].combine_chunks()) for name in RECORD.names}
    reason = join("<StsRsnInf><Rsn><Cd>", column["reason"], "</Cd></Rsn></StsRsnInf>")
    return join(
        "<TxInfAndSts><StsId>", column["status_id"], "</StsId><OrgnlGrpInf><OrgnlMsgId>",
        column["original_message_id"], "</OrgnlMsgId><OrgnlMsgNmId>pacs.008.001.08</OrgnlMsgNmId>",
        "</OrgnlGrpInf><OrgnlTxId>", column["original_tx_id"], "</OrgnlTxId><OrgnlUETR>",
        column["original_uetr"], "</OrgnlUETR><TxSts>", column["status"], "</TxSts>",
        pc.fill_null(reason, ""), "<InstgAgt><FinInstnId><ClrSysMmbId><MmbId>",
        column["instructing"], "</MmbId></ClrSysMmbId></FinInstnId></InstgAgt><InstdAgt>",
        "<FinInstnId><ClrSysMmbId><MmbId>", column["instructed"],
        "</MmbId></ClrSysMmbId></FinInstnId></InstdAgt></TxInfAndSts>\n",
    )  # fmt: skip


def frame(records: list[str], header: Mapping[str, str]) -> bytes:
    """Put a submission's header and trailer around rendered records.

    Args:
        records: rendered records, one after another.
        header: `message_id`, `created_at` (2026-06-15T10:30:00, Beijing).
    """
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10">\n'
        f"<FIToFIPmtStsRpt><GrpHdr><MsgId>{header['message_id']}</MsgId>"
        f"<CreDtTm>{header['created_at']}+08:00</CreDtTm></GrpHdr>\n"
    )
    return (head + "".join(records) + "</FIToFIPmtStsRpt>\n</Document>\n").encode()


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission.

    Args:
        records: columns of `RECORD`, one row a status.
        header: as `frame`.
    """
    return frame(render(records).to_pylist(), header)
