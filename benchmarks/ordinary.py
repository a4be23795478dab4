"""The fields a spec reads, read by an ordinary library: what the engine's speed is compared with.

One reader a format, by the feed's own spec: the same paths, texts made numbers, dates and moments
of the same columns. Not done here, and done by the engine: checks of identifiers, codes and
required values, unknown and repeated fields, tokens, party keys, hashes, byte ranges. A further
format adds a row to `ORDINARY`.
"""

import io
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import simplefix  # type: ignore[import-untyped]
from lxml import etree  # type: ignore[import-untyped]

from connectors.engine.spec import Column, Feed
from connectors.engine.specwords import ORDINAL

Reader = Callable[[Feed, Sequence[bytes]], int]
Convert = Callable[[str], object]


def _convert(column: Column) -> Convert | None:
    """What an ordinary program makes of a column's text."""
    kind, pattern = column.type, column.options.get("format")
    if pa.types.is_decimal(kind):
        return Decimal
    if pa.types.is_integer(kind):
        return int
    if pa.types.is_timestamp(kind) or pa.types.is_date32(kind):
        if pattern:
            known = pattern.replace("%f", ".%f")  # a spec's %f has the point with it
            return lambda text: datetime.strptime(text, known).replace(tzinfo=UTC)
        return datetime.fromisoformat if pa.types.is_timestamp(kind) else date.fromisoformat
    return None


def _paths(feed: Feed) -> dict[str, Convert | None]:
    """Each path once, with the first conversion it is read by."""
    out: dict[str, Convert | None] = {}
    for column in (*feed.columns, *feed.locals):
        single = column.how in ("from", "first")
        for path in column.paths:
            if path != ORDINAL and (path not in out or (single and out[path] is None)):
                out[path] = _convert(column) if single else None
    for party in feed.parties:
        for path in party.paths:
            out.setdefault(path, None)
    return out


def _xml(feed: Feed, bodies: Sequence[bytes]) -> int:
    """lxml: iterparse over the records, find for every path, elements cleared behind it."""
    plans: list[tuple[str, str | None, Convert | None]] = []
    for path, convert in _paths(feed).items():
        if path.startswith("/"):
            continue
        steps, _, attribute = re.sub(r"\[[^\]]*\]", "", path).partition("@")
        where = "/".join(f"{{*}}{step}" for step in steps.strip("/").split("/"))
        plans.append((where, attribute or None, convert))
    records = 0
    tag = f"{{*}}{feed.record[-1]}"
    for body in bodies:
        for _, element in etree.iterparse(io.BytesIO(body), tag=tag):
            row: list[object] = []
            for place, named, convert in plans:
                found = element.find(place)
                text: str | None = None
                if found is not None:
                    text = found.get(named) if named else found.text
                row.append(convert(text) if convert and text else text)
            records += 1
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    return records


def _objects(feed: Feed, rows: Iterable[Mapping[str, Any]]) -> int:
    plans = [(path, convert) for path, convert in _paths(feed).items() if not path.startswith("/")]
    records = 0
    for found in rows:
        row: list[object] = []
        for path, convert in plans:
            value = found.get(path)
            row.append(convert(value) if convert and isinstance(value, str) and value else value)
        records += 1
    return records


def _ndjson(feed: Feed, bodies: Sequence[bytes]) -> int:
    """Msgspec decodes every line, get for every path."""
    return _objects(
        feed, (msgspec.json.decode(line) for body in bodies for line in body.splitlines())
    )


def _json(feed: Feed, bodies: Sequence[bytes]) -> int:
    """Msgspec decodes the document, get for every path of every object."""
    records = 0
    for body in bodies:
        rows: Any = msgspec.json.decode(body)
        for step in feed.record:
            rows = rows[step]
        records += _objects(feed, rows)
    return records


def _csv(feed: Feed, bodies: Sequence[bytes]) -> int:
    """pandas: read_csv as text, then whole columns converted."""
    records = 0
    for body in bodies:
        table = pd.read_csv(
            io.BytesIO(body), encoding=feed.encoding, dtype=str, keep_default_na=False
        )
        for column in feed.columns:
            path = column.paths[0]
            if path not in table:
                continue
            if pa.types.is_decimal(column.type):
                table[path].map(Decimal)
            elif pa.types.is_timestamp(column.type) or pa.types.is_date32(column.type):
                pd.to_datetime(table[path], format=column.options.get("format", "%Y-%m-%d"))
        records += len(table)
    return records


def _fix(feed: Feed, bodies: Sequence[bytes]) -> int:
    """Simplefix: each message to tags and values, get for every path; a group's first entry only.

    It is given one message at a time: its cost grows with the square of what waits in its buffer.
    """
    plans = [(path.rpartition("/")[2], convert) for path, convert in _paths(feed).items()]
    begin = f"8={feed.begin}{feed.delimiter}".encode()
    parser = simplefix.FixParser()
    records = 0
    for body in bodies:
        for rest in body.split(begin)[1:]:
            parser.append_buffer(begin + rest)
            found = parser.get_message()
            row: list[object] = []
            for tag, convert in plans:
                value = found.get(tag)
                text = value.decode(feed.encoding) if value else None
                row.append(convert(text) if convert and text else text)
            records += 1
    return records


ORDINARY: Mapping[str, tuple[str, Reader]] = {
    "xml": ("lxml", _xml),
    "csv": ("pandas", _csv),
    "ndjson": ("msgspec", _ndjson),
    "json": ("msgspec", _json),
    "fix": ("simplefix", _fix),
}


def measure(feed: Feed, bodies: Sequence[bytes], records: int) -> tuple[str, float]:
    """CPU us a record of the ordinary reader of a feed's format, and the library's name."""
    name, read = ORDINARY[feed.format]
    start = time.process_time()
    if read(feed, bodies) != records:
        raise AssertionError(f"{name} read another number of records than {records}")
    return name, (time.process_time() - start) / records * 1e6
