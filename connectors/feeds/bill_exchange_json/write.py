"""Write bill acts as one JSON document: the objects of `bill_exchange` under a header."""

from collections.abc import Mapping

import pyarrow as pa

from connectors.feeds.bill_exchange.write import RECORD, render

__all__ = ["RECORD", "frame", "render", "write"]


def frame(records: list[str], header: Mapping[str, str]) -> bytes:
    """Put the document's header around rendered records.

    Args:
        records: JSON objects as text.
        header: `created_at` (20260615180000), `count`, and `total` (money as a plain decimal).
    """
    head = (
        f'{{"fileTm":"{header["created_at"]}","org":"SHCPE","count":{header["count"]},'
        f'"totalMoney":"{header["total"]}","data":[\n'
    )
    return (head + ",\n".join(records) + "\n]}\n").encode()


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission of rows of `RECORD` (leave `reported_at` null: the header has it)."""
    return frame(render(records).to_pylist(), {"count": str(records.num_rows), **header})
