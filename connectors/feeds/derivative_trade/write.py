"""Write auth.030.001.03: the opposite direction of this feed's spec, for simulated submissions.

A record is one act on a swap or a forward: enough to fill both legs, a package, a valuation and
the action. Records are rendered as whole columns.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

RECORD = pa.schema(
    [
        pa.field("action", pa.string(), nullable=False),  # element: New Mod Crrctn Termntn ...
        pa.field("uti", pa.string(), nullable=False),
        pa.field("reporter", pa.string(), nullable=False),  # LEI
        pa.field("other", pa.string(), nullable=False),  # LEI
        pa.field("submitter", pa.string(), nullable=False),  # LEI
        pa.field("direction", pa.string(), nullable=False),  # MAKE TAKE
        pa.field("reported_at", pa.string(), nullable=False),  # 2026-06-15T10:30:00+08:00
        pa.field("executed_at", pa.string(), nullable=False),
        pa.field("event", pa.string(), nullable=False),  # TRAD ETRM ...
        pa.field("event_day", pa.string(), nullable=False),  # 2026-06-15
        pa.field("contract", pa.string(), nullable=False),  # SWAP FORW
        pa.field("asset_class", pa.string(), nullable=False),  # INTR CURR
        pa.field("classification", pa.string(), nullable=False),  # CFI, six letters
        pa.field("venue", pa.string(), nullable=False),  # MIC
        pa.field("currency_1", pa.string(), nullable=False),
        pa.field("amount_1", pa.string(), nullable=False),  # plain decimal
        pa.field("currency_2", pa.string(), nullable=False),
        pa.field("amount_2", pa.string(), nullable=False),
        pa.field("effective", pa.string(), nullable=False),
        pa.field("end", pa.string(), nullable=False),
        pa.field("rate", pa.string()),  # percent, of the first leg
        pa.field("benchmark", pa.string()),  # of the second leg, such as FR007
        pa.field("package", pa.string()),
    ]
)


def _escaped(column: pa.Array) -> pa.Array:
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        column = pc.replace_substring(column, plain, entity)
    return column


def _join(*parts: pa.Array | str) -> pa.Array:
    """Texts side by side; null where any part is null."""
    scalars = [pa.scalar(part) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*scalars, "")


def render(records: pa.Table) -> pa.Array:
    """Render records as text, one `Rpt` element each, ending in a line feed.

    Args:
        records: columns of `RECORD`.

    Returns:
        A string array of the same length.
    """
    column = {name: _escaped(records[name].combine_chunks()) for name in RECORD.names}
    package = _join("<Packg><CmplxTradId>", column["package"], "</CmplxTradId></Packg>")
    fixed = _join("<Fxd><Rate><Rate>", column["rate"], "</Rate></Rate></Fxd>")
    floating = _join("<Fltg><Rate><Cd>", column["benchmark"], "</Cd></Rate></Fltg>")
    rates = _join(
        "<IntrstRate><FrstLeg>", fixed, "</FrstLeg><ScndLeg>", floating, "</ScndLeg></IntrstRate>"
    )
    return _join(
        "<Rpt><", column["action"], "><CtrPtySpcfcData><CtrPty><RptgCtrPty><Id><Lgl><Id><LEI>",
        column["reporter"], "</LEI></Id></Lgl></Id><DrctnOrSd><Drctn><DrctnOfTheFrstLeg>",
        column["direction"], "</DrctnOfTheFrstLeg></Drctn></DrctnOrSd></RptgCtrPty>",
        "<OthrCtrPty><IdTp><Lgl><Id><LEI>", column["other"], "</LEI></Id></Lgl></IdTp>",
        "</OthrCtrPty><SubmitgAgt><LEI>", column["submitter"], "</LEI></SubmitgAgt></CtrPty>",
        "<RptgTmStmp>", column["reported_at"], "</RptgTmStmp></CtrPtySpcfcData><CmonTradData>",
        "<CtrctData><CtrctTp>", column["contract"], "</CtrctTp><AsstClss>", column["asset_class"],
        "</AsstClss><PdctClssfctn>", column["classification"], "</PdctClssfctn></CtrctData>",
        "<TxData><TxId><UnqTxIdr>", column["uti"], "</UnqTxIdr></TxId><PltfmIdr>", column["venue"],
        '</PltfmIdr><NtnlAmt><FrstLeg><Amt><Amt Ccy="', column["currency_1"], '">',
        column["amount_1"], '</Amt></Amt></FrstLeg><ScndLeg><Amt><Amt Ccy="', column["currency_2"],
        '">', column["amount_2"], "</Amt></Amt></ScndLeg></NtnlAmt><ExctnTmStmp>",
        column["executed_at"], "</ExctnTmStmp><FctvDt>", column["effective"], "</FctvDt><XprtnDt>",
        column["end"], "</XprtnDt><DerivEvt><Tp>", column["event"], "</Tp><TmStmp><Dt>",
        column["event_day"], "</Dt></TmStmp></DerivEvt>", pc.fill_null(rates, ""),
        pc.fill_null(package, ""), "</TxData></CmonTradData><Lvl>TCTN</Lvl></", column["action"],
        "></Rpt>\n",
    )  # fmt: skip


def frame(records: list[str], header: Mapping[str, str]) -> bytes:
    """Put a submission's header and trailer around rendered records.

    Args:
        records: rendered records, one after another.
        header: `count` where it is to differ from the records given.
    """
    count = header.get("count", str(len(records)))
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:auth.030.001.03">\n'
        f"<DerivsTradRpt><RptHdr><NbRcrds>{count}</NbRcrds></RptHdr><TradData>\n"
    )
    return (head + "".join(records) + "</TradData></DerivsTradRpt>\n</Document>\n").encode()


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission.

    Args:
        records: columns of `RECORD`, one row a report.
        header: as `frame`.
    """
    return frame(render(records).to_pylist(), header)
