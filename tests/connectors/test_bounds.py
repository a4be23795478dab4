"""What a decoder keeps between submissions is bounded, whatever it is sent."""

import json

import pyarrow as pa
import pytest

from connectors.engine import remembered
from connectors.engine.cells import PATH_LIMIT
from connectors.engine.cells_csv import CsvScanner
from connectors.engine.cells_json import JsonScanner
from connectors.engine.cells_xml import XmlScanner
from connectors.engine.engine import Decoder
from connectors.engine.remembered import Remembered
from connectors.feeds.registry import FOLDER, load_feeds
from tests.connectors.support import TOKENISER, submission

FEEDS = load_feeds()
SPACE = "urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"


def test_ever_new_keys_start_the_path_book_afresh() -> None:
    decoder = Decoder(FEEDS["bill_exchange"], TOKENISER)
    most = 0
    for number in range(14):
        line = json.dumps({f"k{number}_{key}": "1" for key in range(700)})
        decoded = decoder.decode([submission(line.encode())])
        assert decoded.counts[0].quarantined == 1
        most = max(most, len(decoder._book.names))
        scanner = decoder._scanner
        assert isinstance(scanner, JsonScanner)
        assert scanner._table.nodes <= 1024 + 700
    assert PATH_LIMIT < most <= PATH_LIMIT + 701
    assert len(decoder._book.names) < PATH_LIMIT, "it did start afresh"


def test_ever_new_roots_keep_a_bounded_number_of_tables() -> None:
    decoder = Decoder(FEEDS["pacs008"], TOKENISER)
    scanner = decoder._scanner
    assert isinstance(scanner, XmlScanner)
    for number in range(70):
        space = SPACE if number % 2 else "urn:another"
        root = f'<Document xmlns="{space}" xmlns:x="urn:{number}" x:n="1">'
        record = "<FIToFICstmrCdtTrf><CdtTrfTxInf><!-- c --></CdtTrfTxInf></FIToFICstmrCdtTrf>"
        decoder.decode([submission(f"{root}{record}</Document>".encode())])
        assert len(scanner._heads) + len(scanner._doubted) <= 33
        assert len(scanner._tables) <= 32


def test_ever_new_headers_keep_a_bounded_number_of_them() -> None:
    decoder = Decoder(FEEDS["loan_register"], TOKENISER)
    head, _, rows = (FOLDER / "loan_register/examples/plain.csv").read_bytes().partition(b"\n")
    scanner = decoder._scanner
    assert isinstance(scanner, CsvScanner)
    for number in range(80):
        decoder.decode([submission(head.rstrip(b"\r") + f",n{number}\n".encode() + rows)])
        assert len(scanner._headers) <= 65


def test_a_flood_of_accounts_keeps_a_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "TEXT_BYTES", 1 << 16)
    memory = Remembered(lambda new: (TOKENISER.tokens("account", new),), [pa.string()])
    call = 500 * (8 + 64)
    for start in range(0, 20_000, 500):
        texts = pa.array([f"A{n:07d}" for n in range(start, start + 500)])
        assert memory.columns(texts)[0].null_count == 0
        assert memory.nbytes <= (1 << 16) + call
