"""What a sample is: format, encoding, where its records lie. One small adapter a format.

An adapter answers with a `Layout`: the top-level lines of a spec. Everything found is a guess with
its reason; what the caller says (`--format`, `--encoding`, `--record`) is taken as it is.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from xml.parsers import expat

from connectors.engine.gate import RefusedError, expand
from connectors.engine.specwords import FORMATS
from connectors.kit.detect_fix import fix
from connectors.kit.detect_layout import Layout
from connectors.kit.detect_sheet import xlsx
from schemas.errors import InputError

SAMPLE_BYTES = 32 << 20
_HEADERS = re.compile(r"(?i)(grp|group|app|file|msg)?(hdr|header|head)$")
# Elements that hold one record each in the messages of ISO 20022 and of most home-made XML.
_RECORDS = re.compile(
    r"(?i)/(CdtTrfTxInf|TxInfAndSts|TxInf|Rpt|Tx|Ntry|Stat|Record|Row|Item|Entry)$"
)
_DELIMITERS = (",", "\t", ";", "|")
_NUMBERS = re.compile(r"[-+]?[0-9][0-9.,:/ -]*%?\+?")


def layout(
    body: bytes, form: str | None = None, encoding: str | None = None, record: str | None = None
) -> Layout:
    """Say what a sample is.

    Args:
        body: Its bytes; gzip is expanded.
        form: The format, if the caller knows it.
        encoding: The encoding, if the caller knows it.
        record: The path of a record, if the caller knows it.

    Raises:
        InputError: it is none of the formats, or cannot be read as the one that was said.
    """
    try:
        body = bytes(expand(body, 2 << 30))
    except RefusedError as refused:
        raise InputError(f"sample: expected {refused.expected}") from None
    why: dict[str, str] = {}
    if form is None:
        form, why["format"] = _format(body)
    if form not in FORMATS:
        raise InputError(f"--format: expected one of {', '.join(FORMATS)}")
    if encoding is None:
        encoding, why["encoding"] = _encoding(body) if form in _TEXT else ("utf-8", "")
    try:
        found = _ADAPTERS[form](body, encoding)
    except (UnicodeDecodeError, ValueError, csv.Error, expat.ExpatError, LookupError):
        raise InputError(
            f"sample: expected {form} in {encoding}, it cannot be read as that; say what it is "
            "with --format and --encoding"
        ) from None
    if record is not None:
        found = replace(found, record=record)
    return replace(found, why=MappingProxyType({**why, **found.why}))


_TEXT = ("xml", "json", "ndjson", "csv", "fix")


def _format(body: bytes) -> tuple[str, str]:
    start = body[:4096].lstrip(b"\xef\xbb\xbf \r\n\t")
    if start.startswith(b"<") or body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "xml", "begins with <"
    if body[:4] == b"PK\x03\x04":
        return "xlsx", "begins as a zip file"
    if start.startswith(b"8=") and re.match(rb"8=[^\x01|]{3,12}[\x01|]", start):
        return "fix", "begins with tag 8"
    if start[:1] in (b"{", b"["):
        lines = [line for line in body[:SAMPLE_BYTES].split(b"\n") if line.strip()][:3]
        try:
            whole = all(isinstance(json.loads(line), dict) for line in lines)
        except ValueError:
            whole = False
        if start[:1] == b"{" and whole:
            return ("ndjson", "one object a line") if len(lines) > 1 else _single(body)
        return "json", "begins as a JSON document"
    return "csv", "lines of text"


def _single(body: bytes) -> tuple[str, str]:
    """One object on one line: a document if it holds an array of objects, else one record."""
    found = _arrays(json.loads(body), ())
    if found:
        return "json", "one object that holds an array of objects"
    return "ndjson", "one object on one line"


def _encoding(body: bytes) -> tuple[str, str]:
    declared = re.match(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding=["']([A-Za-z0-9._-]+)""", body)
    if declared:
        name = declared[1].decode().lower()
        known = "gb18030" if name in ("gbk", "gb2312", "gb18030") else "utf-8"
        return known, f"the document declares {name}"
    for name in ("utf-8", "gb18030"):
        try:
            text = body[:SAMPLE_BYTES].decode(name, "strict")
        except UnicodeDecodeError as error:
            if error.start < min(len(body), SAMPLE_BYTES) - 4:
                continue
            return name, "every byte of the sample is such text"
        if name == "utf-8" and text.isascii():
            return name, "the sample is plain ASCII: ask the sender which encoding names have"
        return name, "every byte of the sample is such text; ask the sender"
    raise InputError("sample: expected text in utf-8 or gb18030; convert it, or say --encoding")


# --- XML


def _xml(body: bytes, encoding: str) -> Layout:
    text: bytes | str = body if encoding == "utf-8" else body.decode(encoding)
    if isinstance(text, str):  # expat knows no GB18030
        text = re.sub(r"^<\?xml[^>]*\?>", "", text.lstrip("﻿")).encode()
    path: list[str] = []
    counts: Counter[str] = Counter()
    leaves: Counter[str] = Counter()
    most: Counter[str] = Counter()
    open_: list[Counter[str]] = [Counter()]
    spaces: list[str] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        spaces.append(space) if not spaces else None
        path.append(local)
        here = "/".join(path)
        counts[here] += 1
        open_[-1][here] += 1
        most[here] = max(most[here], open_[-1][here])
        open_.append(Counter())
        for depth in range(1, len(path)):
            leaves["/".join(path[:depth])] += 1 + len(attributes)

    def end(_: str) -> None:
        path.pop()
        open_.pop()

    parser = expat.ParserCreate(encoding="utf-8", namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = begin, end

    def refuse(*_: object) -> None:
        raise ValueError("DOCTYPE")

    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(text, True)
    record, reason = _xml_record(counts, leaves, most)
    space = spaces[0] if spaces else ""
    return Layout(
        "xml", encoding, record, re.escape(space).replace(r"\-", "-") if space else "",
        why=MappingProxyType({"record": reason, "namespace": "of the root element"}),
    )  # fmt: skip


def _xml_record(counts: Counter[str], leaves: Counter[str], most: Counter[str]) -> tuple[str, str]:
    """The repeated element that holds most; where nothing repeats, the usual names, else a rule."""
    able = [p for p in counts if leaves[p] and not any(map(_HEADERS.search, p.split("/")))]
    repeated = [p for p in able if most[p] > 1 and p.count("/")]
    named = [p for p in able if _RECORDS.search(p) and p.count("/")]
    if named:
        best = min(named, key=lambda p: (p.count("/"), -leaves[p]))
        outer = [p for p in repeated if leaves[p] > leaves[best] and not best.startswith(p)]
        if not outer:
            return best, f"{counts[best]} times, named as records are"
    if repeated:
        best = max(repeated, key=lambda p: (leaves[p], -p.count("/")))
        return best, f"repeated {counts[best]} times, holds most of the document"
    root = next(iter(counts))
    inner = [p for p in able if p.startswith(root + "/") and p.count("/") == 2]
    inner = inner or [p for p in able if p.count("/") == 1]
    if inner:
        return max(inner, key=lambda p: leaves[p]), "holds most; the sample has one record: check"
    return root, "the root: the sample has nothing below it"


# --- JSON


def _json(body: bytes, encoding: str) -> Layout:
    document = json.loads(body.decode(encoding).lstrip("﻿"))
    if isinstance(document, list):
        return Layout("json", encoding, why=MappingProxyType({"record": "the array at the root"}))
    found = _arrays(document, ())
    if not found:
        reason = "the document is one record: it holds no array of objects"
        return Layout("json", encoding, why=MappingProxyType({"record": reason}))
    path, size = max(found.items(), key=lambda one: (one[1], -len(one[0])))
    reason = f"the array with most objects ({size})"
    return Layout("json", encoding, "/".join(path), why=MappingProxyType({"record": reason}))


def _arrays(value: Any, path: tuple[str, ...]) -> dict[tuple[str, ...], int]:  # noqa: ANN401
    """Paths of the outermost arrays that hold objects, with how many."""
    out: dict[tuple[str, ...], int] = {}
    if isinstance(value, dict):
        for key, inner in value.items():
            out |= _arrays(inner, (*path, key))
    elif isinstance(value, list):
        size = sum(isinstance(one, dict) for one in value)
        if size:
            out[path] = size
    return out


def _ndjson(_: bytes, encoding: str) -> Layout:
    return Layout("ndjson", encoding)


# --- CSV


def _csv(body: bytes, encoding: str) -> Layout:
    head = body[: 1 << 20].decode(encoding, "ignore").lstrip("﻿")
    lines = [line for line in head.splitlines()[:200] if line.strip()]
    if not lines:
        raise ValueError("empty")
    delimiter = max(_DELIMITERS, key=lambda one: _usual(lines, one))
    rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter))
    width, _ = Counter(len(row) for row in rows).most_common(1)[0]
    at = next((n for n, row in enumerate(rows) if len(row) == width and _is_header(row)), 0)
    why = {
        "delimiter": f"{width} columns in most lines",
        "header_starts": f"the first line of {width} names; {at} lines in front of it",
    }
    starts = None
    if at:
        starts = next(line for n, line in enumerate(lines) if n == at)[:60].split(delimiter)[0]
    return Layout("csv", encoding, "", "", delimiter, starts, why=MappingProxyType(why))


def _usual(lines: list[str], delimiter: str) -> tuple[int, int]:
    """How many lines have the width most lines have, if that is more than one column."""
    widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
    width, count = widths.most_common(1)[0]
    return (count, width) if width > 1 else (0, width)


def _is_header(row: list[str]) -> bool:
    names = [cell.strip() for cell in row]
    return all(names) and not any(_NUMBERS.fullmatch(name) for name in names)


_ADAPTERS: Mapping[str, Callable[[bytes, str], Layout]] = MappingProxyType(
    {"xml": _xml, "json": _json, "ndjson": _ndjson, "csv": _csv, "fix": fix, "xlsx": xlsx}
)
