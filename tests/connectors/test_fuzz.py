"""Random documents: the engine reads in them what lxml, csv and json read."""

import csv
import io
import json
import os
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from connectors.engine.cells import Cells, PathBook
from connectors.engine.cells_csv import CsvScanner
from connectors.engine.cells_json import JsonScanner
from connectors.engine.cells_xml import XmlScanner
from connectors.engine.scan import Unit
from connectors.feeds.registry import load_feeds

FEEDS = load_feeds()
# The soak asks for more, and for other ones every time.
LONG = "YRD_FUZZ_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("YRD_FUZZ_EXAMPLES", "150"))
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=not LONG,
)
PIECES = [
    "abc", "  ", "中文", "\n", "&amp;", "&lt;", "&#x4e2d;", "&#65;", "&quot;", "&gt;", "1.5", "\t",
    "<![CDATA[<x>&amp;]]>", "<!-- c <b> -->", '<?pi a="b>"?>', "&#xA;", "😀", "&#128512;", "\r\n",
    "<![CDATA[]]>", "]]", "<![CDATA[\r\n]]>",
]  # fmt: skip
text = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
attribute = st.lists(
    st.sampled_from(["EUR", "&amp;", ">", "a b", "\t", "&#x9;", "'", "中", "&#10;", "/", "="]),
    max_size=3,
).map("".join)


@st.composite
def xml_documents(draw: Callable) -> str:  # type: ignore[type-arg]
    prefix = draw(st.sampled_from(["", "a:", "ns1:"]))
    space = f'xmlns{":" + prefix[:-1] if prefix else ""}="{NAMESPACE}"'

    def tag(name: str, content: str, extra: str = "") -> str:
        if content == "" and draw(st.booleans()):
            return f"<{prefix}{name}{extra}/>"
        gap = draw(st.sampled_from(["", " ", "\n"]))
        return f"<{prefix}{name}{extra}>{content}</{prefix}{name}{gap}>"

    def record() -> str:
        parts = []
        if draw(st.booleans()):
            parts.append(tag("PmtId", tag("EndToEndId", draw(text))))
        if draw(st.booleans()):
            quoted = draw(
                st.sampled_from([' Ccy="%s"', ' Ccy = "%s" x="1"', "\n z='>' Ccy=\"%s\""])
            )
            parts.append(tag("IntrBkSttlmAmt", draw(text), quoted % draw(attribute)))
        if draw(st.booleans()):
            parts.append(tag("Dbtr", tag("Nm", draw(text))))
        joint = draw(st.sampled_from(["", " ", "<!-- <CdtTrfTxInf> -->", "<?x <a>?>"]))
        return tag("CdtTrfTxInf", joint.join(parts) or " ")

    records = "\n".join(record() for _ in range(draw(st.integers(1, 4))))
    start = draw(st.sampled_from(["", '<?xml version="1.0"?>\n', "\ufeff"]))
    head = tag("GrpHdr", tag("MsgId", "m"))
    inner = tag("FIToFICstmrCdtTrf", head + records)
    return f"{start}<{prefix}Document {space}>{inner}</{prefix}Document>"


SCANNER = XmlScanner(FEEDS["pacs008"], PathBook())  # kept: node tables must not mix documents


@BOUNDED
@given(xml_documents())
def test_xml_cells_equal_lxml(document: str) -> None:
    body = document.encode()
    try:
        tree = etree.fromstring(body, etree.XMLParser(resolve_entities=False))
    except etree.XMLSyntaxError:
        scanned, refused = SCANNER.scan([Unit(0, body)])
        assert refused
        return
    scanned, refused = SCANNER.scan([Unit(0, body)])
    assert not refused
    cells = Cells(scanned)
    records = tree.findall(f".//{{{NAMESPACE}}}CdtTrfTxInf")
    assert cells.count == len(records)
    for path in ("PmtId/EndToEndId", "IntrBkSttlmAmt", "IntrBkSttlmAmt/@Ccy", "Dbtr/Nm"):
        got = cells.column(path)[0].to_pylist()
        for value, record in zip(got, records, strict=True):
            place, _, name = path.partition("/@")
            found = record.find("/".join(f"{{{NAMESPACE}}}{step}" for step in place.split("/")))
            if found is None:
                assert value is None
            elif name:
                assert value == (found.get(name) or None)  # blank is absent
            else:
                assert value == ("".join(found.xpath(".//text()")).strip(" \t\r\n") or None)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.text(max_size=8),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
objects = st.dictionaries(st.sampled_from(["a", "b", "é", "键", "x y"]), scalars, max_size=4)


@BOUNDED
@given(st.lists(objects, min_size=1, max_size=5), st.booleans(), st.booleans())
def test_json_cells_equal_the_standard_parser(
    rows: list[dict[str, object]], ascii_only: bool, indented: bool
) -> None:
    scanner = JsonScanner(FEEDS["bill_exchange_json"], PathBook())
    whole = {"data": rows, "org": "x"}
    body = json.dumps(whole, ensure_ascii=ascii_only, indent=2 if indented else None).encode(
        "utf-8", "surrogatepass"
    )
    scanned, refused = scanner.scan([Unit(0, body)])
    try:
        body.decode()
        json.dumps(rows, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate is no text
        assert refused
        return
    assert not refused
    cells = Cells(scanned)
    assert cells.count == len(rows)
    for key in ("a", "b", "é" if not ascii_only else "\\u00e9"):
        wanted = [row.get("é" if key.startswith("\\u") else key) for row in rows]
        got = cells.column(key)[0].to_pylist()
        for value, want in zip(got, wanted, strict=True):
            assert value == (
                None
                if want is None or want == ""
                else want
                if isinstance(want, str)
                else json.dumps(want)
            )


@BOUNDED
@given(st.binary(max_size=60) | st.text('{}[]",:0123456789eE+-.truefalsn\\ \n', max_size=40))
def test_the_json_scanner_accepts_exactly_what_the_standard_parser_does(
    inside: bytes | str,
) -> None:
    raw = inside.encode() if isinstance(inside, str) else inside
    body = b'{"data":[{"v":' + raw + b"}]}"

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            raise ValueError("repeated key")
        return dict(pairs)

    def refuse(_: str) -> None:
        raise ValueError("no JSON constant")

    repeated = False
    try:
        value = json.loads(body.decode(), parse_constant=refuse)
        good = bool(value["data"])
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        good = False
    else:
        try:
            json.loads(body.decode(), object_pairs_hook=unique)
        except ValueError:
            repeated = True
    scanned, refused = JsonScanner(FEEDS["bill_exchange_json"], PathBook()).scan([Unit(0, body)])
    if repeated:
        assert refused or scanned.status.any()
    else:
        assert bool(refused) != good


cell = st.text(st.characters(codec="gb18030", exclude_characters="\n\r\0"), max_size=6)


@BOUNDED
@given(st.lists(st.lists(cell, min_size=3, max_size=3), min_size=1, max_size=6), st.booleans())
def test_csv_cells_equal_the_standard_reader(rows: list[list[str]], windows: bool) -> None:
    spec = FEEDS["loan_register"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n" if windows else "\n")
    writer.writerow(["a", "b", "c"])
    writer.writerows(rows)
    scanner = CsvScanner(spec, PathBook())
    scanner._needed = set()
    scanned, refused = scanner.scan([Unit(0, out.getvalue().encode("gb18030"))])
    assert not refused
    cells = Cells(scanned)
    columns = [cells.column(name)[0].to_pylist() for name in ("a", "b", "c")]
    wanted = [[value or None for value in row] for row in rows]  # blank is absent
    assert [list(row) for row in zip(*columns, strict=True)] == wanted
