"""Ways to damage a submission: bytes, tokens of its format, nesting, numbers, encodings, packing.

Every choice is asked of a function `choose(n)` that gives 0 to n - 1, so that Hypothesis can shrink
what it found and a seeded generator can repeat it.
"""

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence

from connectors.engine.spec import Feed

Choose = Callable[[int], int]
LIMIT = 1 << 16  # bytes a damaged submission has at most

# Where decoders end: control characters, marks, surrogates and overlong forms of UTF-8, the first
# and last four-byte codes of GB18030, those just outside and those cut short.
BYTES = (
    b"\0", b"\x01", b"\x0b", b"\x1a", b"\x1b", b"\x7f", b"\x80", b"\xff", b"\xef\xbb\xbf",
    b"\xff\xfe", b"\xfe\xff", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xc0\xaf", b"\xc1\xbf",
    b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf8\x88",
    b"\xe4\xb8", b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe3\x80\x80",
    b"\x81\x30\x81\x30", b"\x84\x31\xa4\x37", b"\x84\x31\xa4\x39", b"\x84\x31\xa5\x30",
    b"\x90\x30\x81\x30", b"\xe3\x32\x9a\x35", b"\xe3\x32\x9a\x36", b"\x81\x30\x81", b"\x81\x30",
    b"\x81", b"\xa2\xe3", b"\xfe\xfe", b"\xa3\xac", b"\xa1\xa1", b" ", b"\t", b"\r", b"\n",
    b"\r\n", b"\xf0\x9f\x98\x80", "\u202e".encode(), "\uff11\uff12".encode(), "\u0663".encode(),
)  # fmt: skip
VALUES = (
    b"", b"0", b"-0", b"+1", b"-1", b".", b"1.", b".5", b"1e5", b"1E-400", b"NaN", b"Infinity",
    b"0x10", b"1_000", b"1,000.00", b"00000000000000000001", b"9223372036854775807",
    b"9223372036854775808", b"18446744073709551616", b"170141183460469231731687303715884105728",
    b"9" * 38, b"9" * 400, b"0." + b"0" * 400 + b"1", b"0000-00-00", b"9999-12-31", b"10000-01-01",
    b"2026-02-30", b"2026-02-29", b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59.999999-23:59",
    b"2026-06-15T24:00:00", b"2026-06-30T23:59:60Z", b"20260615-03:04:05.123456789123",
    b"2026-06-15T03:04:05+99:99", b"null", b"true", b"A" * 300, b"CNY", b"cny", b"***", b"\\N",
)  # fmt: skip
TOKENS = {
    "xml": (
        b"<a>", b"</a>", b"<a/>", b"<a", b"/>", b">", b"<", b"</", b"<!--", b"-->", b"<!-- -- -->",
        b"<![CDATA[", b"]]>", b"<![CDATA[<x>&amp;]]>", b"<?x y?>", b"<?xml version='1.0'?>",
        b"<!DOCTYPE a>", b"<!ENTITY a 'b'>", b"&amp;", b"&a;", b"&#0;", b"&#xD800;", b"&#x110000;",
        b"&#x10FFFF;", b"&#65;", b"&", b"&#", b"&#x;", b' a="1"', b" a='<'", b' Ccy="X" Ccy="Y"',
        b' xmlns="urn:x"', b' xmlns:q="urn:x"', b"<q:a>", b"q:", b":", b' xmlns=""', b"=", b"'",
        b'<?xml version="1.0" encoding="GBK"?>', b'<?xml version="1.0" encoding="UTF-16"?>',
        b' xsi:nil="true"', b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
    ),
    "json": (
        b"{", b"}", b"[", b"]", b",", b":", b'"', b"{}", b"[]", b"[{}]", b"\\", b"\\u0000",
        b"\\ud800", b"\\udc00", b"\\ud83d\\ude00", b"\\u", b"\\/", b"null", b"true", b"nul", b"1e5",
        b"-", b"01", b"1.", b'"a":1,', b',"a":1', b'"":"",', b'"\\u0061":2,', b"//", b"/**/",
    ),
    "csv": (
        b'"', b'""', b'","', b",", b";", b"|", b"\t", b'"\n"', b'"\r\n', b",,,,", b"=1+1", b"'",
        b'"a""b"', b"$$", b"\n\n", b"#",
    ),
    "fix": (
        b"\x01", b"=", b"8=FIX.4.4\x019=", b"8=FIX.4.4\x01", b"9=0\x01", b"9=999999999\x01",
        b"10=000\x01", b"\x0110=", b"453=999999999\x01", b"453=-1\x01", b"453=0\x01", b"453=2\x01",
        b"448=\x01", b"452=1\x01", b"802=3\x01", b"95=3\x0196=a\x01b\x01", b"95=99999\x0196=",
        b"95=-1\x01", b"96=a\x01", b"35=8\x01", b"0=1\x01", b"99999=1\x01", b"100000=1\x01",
        b"=1\x01", b"58=\x01", b"212=5\x01213=<a/>\x01", b"55=x\x0155=y\x01",
    ),
}  # fmt: skip
TOKENS["ndjson"] = (*TOKENS["json"], b"\n", b"\n\n", b"\r\n")
TOKENS["xlsx"] = (*TOKENS["csv"], *TOKENS["xml"])
_OPENS = {
    "xml": (b"<a>", b"</a>"),
    "json": (b"[", b"]"),
    "ndjson": (b'{"a":', b"}"),
    "csv": (b'"', b'"'),
    "xlsx": (b"<c>", b"</c>"),
    "fix": (b"453=1\x01448=A\x01", b"802=1\x01523=b\x01"),
}
_DEPTHS = (2, 20, 249, 251, 600)
_VALUE = re.compile(rb"[0-9A-Za-z.:+-]{2,}")
_SEPARATED = re.compile(rb"[<>{}\[\]\",:|;=\x01\n\r/ ]")


def damaged(body: bytes, feed: Feed, choose: Choose, others: Sequence[bytes] = ()) -> bytes:
    """One to four damages, at times packed with gzip, never more than `LIMIT` bytes.

    Args:
        body: A submission.
        feed: Whose submission it is.
        choose: See above.
        others: Submissions of the same feed, pieces of which are put in.
    """
    if body[:4] == b"PK\x03\x04" and choose(4):
        return _in_workbook(body, feed, choose)
    if body[:2] == b"\x1f\x8b" and choose(4):
        body = _unpacked(body)
    for _ in range(1 + choose(4)):
        body = _once(body, feed, choose, others) or b"x"
    if not choose(8):
        body = _ENCODINGS[choose(len(_ENCODINGS))](body)
    return body[:LIMIT] or b"x"


def scratched(record: bytes, feed: Feed, choose: Choose) -> bytes:
    """One or two damages that stay within a record and leave the encoding alone."""
    for _ in range(1 + choose(2)):
        record = _WITHIN[choose(len(_WITHIN))](record, feed, choose) or b"x"
    return record[:LIMIT]


def other_value(record: bytes, choose: Choose, values: Sequence[bytes]) -> bytes:
    """A record with one value between XML tags or JSON quotes replaced; structure stays."""
    found = [match.span(1) for match in re.finditer(rb'(?:>|: ?")([^<>"\\]+)["<]', record)]
    if not found:
        return record
    start, end = found[choose(len(found))]
    return record[:start] + values[choose(len(values))] + record[end:]


def _once(body: bytes, feed: Feed, choose: Choose, others: Sequence[bytes]) -> bytes:
    which = choose(len(_WITHIN) + 2)
    if which < len(_WITHIN):
        return _WITHIN[which](body, feed, choose)
    if which == len(_WITHIN) or not others:
        return body[: choose(len(body) + 1)]
    start, end = _stretch(other := others[choose(len(others))], choose)
    at = choose(len(body) + 1)
    return body[:at] + other[start:end] + body[at:]


def _stretch(body: bytes, choose: Choose) -> tuple[int, int]:
    """A stretch of bytes, more often than not from one separator to another."""
    start = choose(len(body) + 1)
    size = choose((1, 4, 16, 64, 400)[choose(5)]) + 1
    if choose(2):
        for found in _SEPARATED.finditer(body, start):
            start = found.start()
            break
        for found in _SEPARATED.finditer(body, start + size):
            return start, found.end() - choose(2)
    return start, min(start + size, len(body))


def _flip(body: bytes, _: Feed, choose: Choose) -> bytes:
    at = choose(len(body))
    return body[:at] + bytes([choose(256)]) + body[at + 1 :]


def _cut(body: bytes, _: Feed, choose: Choose) -> bytes:
    start, end = _stretch(body, choose)
    return body[:start] + body[end:]


def _repeat(body: bytes, _: Feed, choose: Choose) -> bytes:
    start, end = _stretch(body, choose)
    return body[:start] + body[start:end] * (2, 3, 60)[choose(3)] + body[end:]


def _swap(body: bytes, _: Feed, choose: Choose) -> bytes:
    start, end = _stretch(body, choose)
    low, high = _stretch(body, choose)
    if low < start:
        start, end, low, high = low, high, start, end
    low = max(low, end)
    high = max(high, low)
    return body[:start] + body[low:high] + body[end:low] + body[start:end] + body[high:]


def _token(body: bytes, feed: Feed, choose: Choose) -> bytes:
    pool = BYTES if choose(2) else TOKENS[feed.format]
    token = pool[choose(len(pool))]
    if feed.format == "fix":
        token = token.replace(b"FIX.4.4", feed.begin.encode())
        token = token.replace(b"\x01", feed.delimiter.encode())
    start, end = _stretch(body, choose) if choose(2) else (0, 0)
    if not start:
        start = end = choose(len(body) + 1)
    return body[:start] + token + body[end:]


def _value(body: bytes, _: Feed, choose: Choose) -> bytes:
    found = _VALUE.search(body, choose(len(body))) or _VALUE.search(body)
    if found is None:
        return body
    return body[: found.start()] + VALUES[choose(len(VALUES))] + body[found.end() :]


def _nest(body: bytes, feed: Feed, choose: Choose) -> bytes:
    opened, closed = _OPENS[feed.format]
    depth = _DEPTHS[choose(len(_DEPTHS))]
    start, end = _stretch(body, choose)
    inside = body[start:end]
    return body[:start] + opened * depth + inside + closed * (depth - choose(2)) + body[end:]


_WITHIN = (_flip, _cut, _repeat, _swap, _token, _token, _value, _value, _nest)


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, 1, mtime=0)


def _unpacked(body: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(body, LIMIT)
    except zlib.error:
        return body


def _as(encoding: str) -> Callable[[bytes], bytes]:
    return lambda body: body.decode("utf-8", "replace").encode(encoding, "replace")


_ENCODINGS: tuple[Callable[[bytes], bytes], ...] = (
    _packed,
    lambda body: _packed(body)[:-5],
    lambda body: _packed(body) + _packed(body),
    lambda body: b"\xef\xbb\xbf" + body,
    _as("utf-16"),
    _as("utf-16-be"),
    _as("gb18030"),
    lambda body: body.decode("gb18030", "replace").encode(),
    lambda body: body.replace(b"\n", b"\r\n"),
    lambda body: body.replace(b"\n", b"\r"),
)


def _in_workbook(body: bytes, feed: Feed, choose: Choose) -> bytes:
    """A workbook with a damage in one of its parts, packed again."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as package:
            parts = [(name, package.read(name)) for name in package.namelist()]
    except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, NotImplementedError, OSError):
        return _flip(body, feed, choose)
    if not parts:
        return _flip(body, feed, choose)
    at = choose(len(parts))
    name, content = parts[at]
    for _ in range(1 + choose(3)):
        content = _once(content or b"x", feed, choose, ())
    parts[at] = (name, content[:LIMIT])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in dict(parts).items():
            package.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return out.getvalue()
