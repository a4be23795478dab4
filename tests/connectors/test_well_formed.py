"""The XML scanner checks what it reads: it never accepts what expat refuses, and reads alike.

Documents that begin as an earlier one did are not shown to expat unless the scanner is in doubt.
Each broken document is scanned behind a sound one, and again by a scanner that always asks expat.
"""

import os
import random
from collections.abc import Iterator
from xml.parsers import expat

import numpy as np
import pytest

from connectors.engine.cells import Cells, PathBook, Scanned
from connectors.engine.cells_xml import XmlScanner
from connectors.engine.gate import RefusedError
from connectors.engine.scan import Unit
from connectors.feeds.registry import FOLDER, load_feeds

FEED = load_feeds()["pacs008"]
SOUND = (FOLDER / "pacs008/examples/plain.xml").read_bytes()
SPACE = "urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"
SMALL = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{SPACE}" xmlns:x="urn:x" x:v="1">'
    "<FIToFICstmrCdtTrf><GrpHdr><MsgId>a&amp;b</MsgId></GrpHdr><CdtTrfTxInf>\r\n"
    '<PmtId a="1" b = "2&#10;"><TxId>中文&#x4e2d;</TxId></PmtId><Dbtr/><Purp ><Cd x:y="3">]]</Cd >'
    "</Purp></CdtTrfTxInf></FIToFICstmrCdtTrf></Document>\n"
).encode()
EXAMPLES = int(os.environ.get("YRD_FUZZ_EXAMPLES", "150")) * 30
PIECES = [
    b"<", b">", b"</", b"/>", b"/", b"=", b'"', b"'", b"&", b";", b"&amp;", b"&amp", b"&lt;",
    b"&apos;", b"&quot;", b"&gt;", b"&#0;", b"&#9;", b"&#x1F;", b"&#xD800;", b"&#xFFFE;",
    b"&#x110000;", b"&#1114111;", b"&#;", b"&#x;", b"&#xg;", b"&nbsp;", b"&#X41;",
    b"&#00000000065;", b"]]>", b"]]", b"]", b"\0", b"\x01", b"\x0b", b"\x1f", b"\x7f", b"\x80",
    b"\xc0\x80", b"\xc1\xbf", b"\xc2\x85", b"\xe0\x80\x80", b"\xe4\xb8\xad", b"\xed\xa0\x80",
    b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"\xef\xbf\xbd", b"\xef\xbb\xbf", b"\xf0\x80\x80\x80",
    b"\xf0\x9f\x98\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xff", b"<!-- c -->",
    b"<!-- -- -->", b"<![CDATA[<]]>", b"<?pi a?>", b"<?xml version='1.0'?>", b"<!DOCTYPE a>",
    b"<a>", b"</a>", b"<a/>", b"<a b='c'/>", b"<a b='c'b='d'/>", b"<a b='c' b='d'/>", b"<a b/>",
    b"<a b=c/>", b"<a b='<'/>", b"<x:a/>", b"<y:a/>", b"<x:a x:b='1' x:b='2'/>",
    b"<a xmlns:z='urn:x' z:b='1' x:b='2'/>", b"<a xmlns=''/>", b"<a xmlns='urn:x'/>", b"<x:xmlns/>",
    b"<xmlns:a/>", b"<a xmlns:xml='u'/>", b"<a xml:lang='en'/>", b"<1/>", b"<-a/>", b"<a:b:c/>",
    b"<:a/>", b"<a:/>", b"<\xe4\xb8\xad/>", b"</ a>", b"< a/>", b"<a / >", b"<a\x0b/>", b"\r",
    b"\r\n", b"\t", b" ", b"\n", b"&#13;", b"<Document/>", b"<Cd x:y='1' y='2' x:z='3'/>",
    b"xmlns:q='urn:x' q:v='1'", b"a", b"-", b"\xc2\xa0",
]  # fmt: skip


class Asking(XmlScanner):
    """A scanner that shows every document to expat."""

    def _head(self, *_: object) -> None:
        return None


def well_formed(body: bytes) -> bool:
    try:
        expat.ParserCreate(encoding="utf-8", namespace_separator=" ").Parse(body, True)
    except expat.ExpatError:
        return False
    return True


def broken(draw: random.Random, body: bytes) -> bytes:
    out = bytearray(body)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        at = draw.randrange(len(out) or 1)
        what = draw.random()
        if what < 0.35:
            out[at:at] = draw.choice(PIECES)
        elif what < 0.5:
            out[at : at + draw.randrange(1, 6)] = draw.choice(PIECES)
        elif what < 0.65:
            del out[at : at + draw.choice((1, 1, 2, 9))]
        elif what < 0.75:
            out[at : at + 1] = bytes([draw.randrange(256)])
        elif what < 0.8:
            del out[at + 1 :]
        elif what < 0.9:
            other = draw.randrange(len(out) or 1)
            out[at:at] = out[other : other + draw.randrange(60)]
        else:  # at a place that matters: around markup
            marks = [n for n, byte in enumerate(out) if byte in b"<>=&/\"'"]
            place = draw.choice(marks or [0]) + draw.randrange(2)
            out[place:place] = draw.choice(PIECES)
    return bytes(out)


def outcome(scanned: Scanned, refused: dict[int, RefusedError], number: int) -> object:
    if number in refused:
        return (refused[number].rule, refused[number].expected)
    first, last = scanned.unit_cells[number : number + 2]
    rows = scanned.cells[first:last].tolist()
    move = int(np.flatnonzero(scanned.unit == number)[0])
    records = scanned.records[scanned.unit == number].tolist()
    cells = [
        (a, z, scanned.book.names[path], record - move if record >= 0 else -1, int(flag))
        for (a, z, path, record, _), flag in zip(rows, scanned.flags[first:last], strict=True)
    ]
    return cells, records


def documents(count: int, seed: int) -> Iterator[bytes]:
    draw = random.Random(seed)
    for number in range(count):
        yield broken(draw, SOUND if number % 4 == 0 else SMALL)


def test_the_scanner_accepts_nothing_that_expat_refuses_and_reads_alike() -> None:
    seed = random.randrange(2**32) if "YRD_FUZZ_EXAMPLES" in os.environ else 17
    made = list(documents(EXAMPLES, seed))
    scanner, asking = XmlScanner(FEED, PathBook()), Asking(FEED, PathBook())
    accepted = 0
    for at in range(0, len(made), 50):
        # the sound ones in front are what makes the others begin alike
        units = [Unit(0, body) for body in (SMALL, SOUND, *made[at : at + 50])]
        quick = scanner.scan(units)
        slow = asking.scan(units)
        for number in range(len(units)):
            body = bytes(units[number].body)
            found = outcome(*quick, number)
            assert found == outcome(*slow, number), (seed, body)
            taken = number not in quick[1]
            accepted += taken
            assert not taken or well_formed(body), (seed, body)
    assert accepted > len(made) / 20, "some of them must be sound for the comparison to mean much"


def test_usual_documents_are_not_shown_to_expat(monkeypatch: pytest.MonkeyPatch) -> None:
    scanner = XmlScanner(FEED, PathBook())
    asked = []
    monkeypatch.setattr(
        "connectors.engine.cells_xml.check_xml", lambda body, _: asked.append(bytes(body))
    )
    commented = SOUND.replace(b"<GrpHdr>", b"<GrpHdr><!-- c -->")
    scanned, refused = scanner.scan([Unit(0, SOUND)] * 3 + [Unit(0, commented), Unit(0, SOUND)])
    assert not refused
    head = SOUND[: SOUND.index(b"<FIToFI")] + b"</Document>"
    assert asked == [head, commented]
    texts = Cells(scanned).column("PmtId/TxId")[0].to_pylist()
    assert texts == texts[:2] * 5


def test_a_record_of_another_namespace_refuses_its_own_document_only() -> None:
    head = f'<Document xmlns="{SPACE}" xmlns:o="urn:other"><FIToFICstmrCdtTrf>'
    tail = "</FIToFICstmrCdtTrf></Document>"
    good = f"{head}<CdtTrfTxInf><Purp/></CdtTrfTxInf>{tail}".encode()
    foreign = f"{head}<o:CdtTrfTxInf><Purp/></o:CdtTrfTxInf>{tail}".encode()
    for order in ([good, foreign, good], [foreign, good, foreign, good]):
        scanner = XmlScanner(FEED, PathBook())
        refused = scanner.scan([Unit(0, body) for body in order])[1]
        assert sorted(refused) == [n for n, body in enumerate(order) if body is foreign]
        assert {error.rule for error in refused.values()} == {"ENG-NAMESPACE"}


def test_many_empty_elements_behind_text_have_room() -> None:
    inside = "x<Purp/>" * 5000
    body = SMALL.replace(b"<Dbtr/>", inside.encode())
    for warm in (False, True):
        scanner = XmlScanner(FEED, PathBook())
        if warm:
            scanner.scan([Unit(0, SMALL)])
        scanned, refused = scanner.scan([Unit(0, body)])
        assert not refused
        names = [scanned.book.names[path] for path in scanned.cells[:, 2]]
        assert names.count("Purp") == 5000
        assert names.count(".") == 5000
