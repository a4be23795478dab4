"""The gate: what a submission must be before a kernel reads it. Refusals name a rule, no value.

Compressed bodies are expanded under a size bound and a ratio bound, in steps, so that a bomb costs
a few mebibytes. XML that the scan is not sure of passes expat with DOCTYPE refused; text passes a
strict decoder.
"""

import codecs
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from connectors.engine.spec import Feed
from connectors.stored import StoredBytes, spool

RATIO_BOUND = 200  # real reports compress to a tenth or a fiftieth
_FREE = 1 << 20  # below this size the ratio does not matter
_STEP = 1 << 20
_PACKED = 64 << 10  # of a packed body, given to zlib at once: what it leaves is copied each time
_PIECE = 16 << 20  # of a document, given to expat at once
_DECLARED = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding=["']([A-Za-z0-9._-]+)""")
_DECLARED_TEXT = re.compile(r"""(<\?xml[^>]*?encoding=["'])([A-Za-z0-9._-]+)""")
_UTF16_LITTLE, _UTF16_BIG = b"\xff\xfe", b"\xfe\xff"
_UTF32_LITTLE = b"\xff\xfe\0\0"
UTF16_BYTES = 128 << 20
_SAME_AS = {"gbk": "gb18030", "gb2312": "gb18030", "utf8": "utf-8", "ascii": "utf-8"}


Body = bytes | memoryview | StoredBytes


class RefusedError(Exception):
    """A submission, or a stretch of one, that nothing can be read from.

    Not an error of the program: the engine turns it into one quarantined record.
    """

    def __init__(self, rule: str, expected: str, field: str = "submission") -> None:
        super().__init__(rule, expected)
        self.rule, self.expected, self.field = rule, expected, field

    def bare(self) -> "RefusedError":
        """The same without the frames it passed through, to be kept.

        Those frames hold the submissions and columns of the whole call, and with the list a
        refusal is kept in they are a cycle: all of it stays until Python looks for cycles among
        old objects, which a long-lived process does rarely (docs/adr/0006).
        """
        return RefusedError(self.rule, self.expected, self.field)


class _DoctypeError(Exception):
    pass


def readable(body: Body, feed: Feed, scratch: Path | None = None) -> Body:
    """The bytes that are read, and that byte ranges count in: expanded, XML in UTF-8.

    Raises:
        RefusedError: as `expand` and `as_utf8`.
    """
    body = expand(body, feed.max_expanded, scratch)
    return as_utf8(body, feed) if feed.format == "xml" else body


def as_utf8(body: Body, feed: Feed) -> Body:
    """An XML document in UTF-16 as the same document in UTF-8; anything else comes back as it is.

    Read so only where the spec allows it, the byte order mark says it, and the XML declaration, if
    there is one, says it too. Byte ranges then count in the UTF-8 bytes.

    Raises:
        RefusedError: the declaration names another encoding, a unit is no text, or it is too large.
    """
    mark = bytes(body[:2])
    if not feed.utf16 or mark not in (_UTF16_LITTLE, _UTF16_BIG):
        return body
    if bytes(body[:4]) == _UTF32_LITTLE:  # begins as UTF-16 does, and is not
        return body
    if len(body) > UTF16_BYTES:
        raise RefusedError("ENG-SIZE", f"at most {UTF16_BYTES} bytes in UTF-16; UTF-8 may be more")
    try:
        text = str(body[2:], "utf-16-le" if mark == _UTF16_LITTLE else "utf-16-be")
    except UnicodeDecodeError as error:
        raise RefusedError("ENG-ENCODING", f"text in UTF-16 (byte {error.start} is not)") from None
    declared = _DECLARED_TEXT.match(text)
    if declared is None:
        return text.encode()
    if declared[2].lower() not in ("utf-16", "utf16"):
        raise RefusedError("ENG-ENCODING", "an XML declaration that says UTF-16, as the mark does")
    return f"{declared[1]}UTF-8{text[declared.end() :]}".encode()


def expand(body: Body, bound: int, scratch: Path | None = None) -> Body:
    """Expand a gzip body; anything else comes back as it is.

    Args:
        body: As it was sent.
        bound: Bytes it may have expanded.
        scratch: A folder to expand it in; None expands it in memory.

    Raises:
        RefusedError: it is broken, or expands beyond `bound` bytes or beyond the ratio bound.
    """
    if len(body) > bound:
        raise RefusedError("ENG-SIZE", f"at most {bound} bytes")
    if bytes(body[:2]) != b"\x1f\x8b":
        return body
    if scratch is not None:
        return spool(_expanded(body, bound), scratch)
    return b"".join(_expanded(body, bound))


def _expanded(body: Body, bound: int) -> Iterator[bytes]:
    """The content of a gzip body, which may have several members, in steps."""
    size = used = 0
    reader = zlib.decompressobj(wbits=31)
    while True:
        data = bytes(body[used : used + _PACKED])
        try:
            part = reader.decompress(data, _STEP)
        except zlib.error:
            raise RefusedError("ENG-UNREADABLE", "a whole gzip body") from None
        used += len(data) - len(reader.unused_data if reader.eof else reader.unconsumed_tail)
        size += len(part)
        if size > bound or size > _FREE + RATIO_BOUND * max(used, 1):
            raise RefusedError(
                "ENG-SIZE", f"at most {bound} bytes and {RATIO_BOUND} times the packed size"
            )
        yield part
        if reader.eof:
            if used == len(body):
                return
            reader = zlib.decompressobj(wbits=31)
        elif not data and not part:
            raise RefusedError("ENG-UNREADABLE", "a whole gzip body")


def check_xml(body: Body, feed: Feed) -> None:
    """Let expat accept a document, or refuse it.

    Raises:
        RefusedError: a DOCTYPE, another encoding than declared in the spec, or not well-formed.
    """
    start = bytes(body[:200])
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or any(b"\0" in piece for piece in _pieces(body)):
        # expat would read UTF-16 by itself, and the kernel would read other bytes than it checked
        raise RefusedError("ENG-ENCODING", f"text in {feed.encoding}, not UTF-16 or UTF-32")
    declared = _DECLARED.match(start)
    if declared:
        name = declared[1].decode().lower()
        if _SAME_AS.get(name, name) != feed.encoding:
            raise RefusedError("ENG-ENCODING", f"an XML declaration saying {feed.encoding}")
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        for piece in _pieces(body):
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except _DoctypeError:
        raise RefusedError("ENG-DOCTYPE", "a document without DOCTYPE") from None
    except expat.ExpatError as error:
        if error.code == _BAD_TOKEN and not _decodes(body):
            raise RefusedError("ENG-ENCODING", f"text in {feed.encoding}") from None
        problem = expat.ErrorString(error.code)
        raise RefusedError(
            "ENG-UNREADABLE", f"well-formed XML ({problem} at byte {parser.ErrorByteIndex})"
        ) from None


_BAD_TOKEN = expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]


def _pieces(body: Body) -> Iterator[bytes]:
    """The body in pieces of bounded size; a small one is not copied twice."""
    if len(body) <= _PIECE:
        yield bytes(body)
        return
    for start in range(0, len(body), _PIECE):
        yield bytes(body[start : start + _PIECE])


def _refuse_doctype(*_: object) -> None:
    raise _DoctypeError


def _decodes(body: Body) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in _pieces(body):
            decoder.decode(piece)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def check_text(body: bytes | memoryview, encoding: str) -> None:
    """Refuse a body that is not text of the encoding.

    Raises:
        RefusedError: a byte that cannot be decoded; the message has its position only.
    """
    try:
        str(body, encoding)
    except UnicodeDecodeError as error:
        raise RefusedError(
            "ENG-ENCODING", f"text in {encoding} (byte {error.start} is not)"
        ) from None


def blank_bad_lines(body: bytes | memoryview, encoding: str) -> tuple[bytes, tuple[int, ...]]:
    """Make undecodable lines unreadable without moving a byte.

    Returns:
        The body of equal length in which each such line is blanked but for an 'x', and the
        numbers of these lines from 1.
    """
    lines = bytes(body).split(b"\n")
    bad = []
    for number, line in enumerate(lines):
        try:
            line.decode(encoding)
        except UnicodeDecodeError:
            bad.append(number + 1)
            lines[number] = b"x".ljust(len(line))
    return b"\n".join(lines), tuple(bad)
