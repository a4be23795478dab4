"""Writing FIX messages whole columns at a time: what the writers of the FIX feeds share."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SOH = "\x01"
_BETWEEN = 2  # a byte that no text of either encoding holds


def field(tag: str, column: pa.Array | pa.ChunkedArray | str) -> pa.Array:
    """`tag=value` and the separator in each row, nothing where the value is null."""
    if isinstance(column, str):
        return pa.scalar(f"{tag}={column}{SOH}", pa.string())
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return pc.fill_null(pc.binary_join_element_wise(f"{tag}=", values, SOH, ""), "")


def joined(*fields: pa.Array | pa.Scalar) -> pa.Array:
    """Fields one after the other."""
    return pc.binary_join_element_wise(*fields, "")


def framed(bodies: pa.Array, begin: str, encoding: str = "utf-8") -> bytes:
    """Messages with BeginString, BodyLength and CheckSum around their bodies.

    Args:
        bodies: One text a message, from MsgType (35) on, each field with its separator.
        begin: What tag 8 says.
        encoding: Of the message text.
    """
    if not len(bodies):
        return b""
    between = chr(_BETWEEN)
    text = pc.binary_join(pa.ListArray.from_arrays([0, len(bodies)], bodies), between)[0].as_py()
    data = f"{text}{between}".encode(encoding)
    octets = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(octets == _BETWEEN)
    starts = np.concatenate([[0], ends[:-1] + 1])
    sums = np.add.reduceat(octets, starts, dtype=np.uint32) - _BETWEEN
    lengths = (ends - starts).tolist()
    heads = {size: f"8={begin}{SOH}9={size}{SOH}".encode() for size in set(lengths)}
    totals = {size: sum(head) for size, head in heads.items()}
    view = memoryview(data)
    out: list[bytes | memoryview] = []
    for start, size, total in zip(starts.tolist(), lengths, sums.tolist(), strict=True):
        out.append(heads[size])
        out.append(view[start : start + size])
        out.append(b"10=%03d\x01" % ((total + totals[size]) & 255))
    return b"".join(out)
