"""Workbooks: what is taken from them, what is refused, and within which bounds."""

import io
import tracemalloc
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.engine.gate import RefusedError
from connectors.engine.sheetcells import cell_name, number_text
from connectors.engine.sheets import sheet_text
from connectors.engine.spec import load, parse
from connectors.engine.specsheet import Sheet
from connectors.engine.workbook import read_workbook
from connectors.feeds.registry import FOLDER
from connectors.feeds.reserve_report.write import SHEET, workbook
from schemas.errors import ConfigurationError
from tests.connectors.support import reconciles, run

SPEC = FOLDER / "reserve_report" / "spec.toml"
FEED = load(SPEC)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LIMIT = 1 << 20


def the_sheet() -> Sheet:
    assert FEED.sheet is not None
    return FEED.sheet


def book(data: str, after: str = "", **parts: str) -> bytes:
    xml = f'<worksheet xmlns="{MAIN}"><sheetData>{data}</sheetData>{after}</worksheet>'
    return workbook([(SHEET, xml)], parts={f"xl/{name}.xml": text for name, text in parts.items()})


def with_parts(extra: Mapping[str, str]) -> bytes:
    """A workbook whose relations name further parts."""
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    names = ["worksheets/sheet1.xml", *(f"{name}.xml" for name in extra)]
    types = ["worksheet", *extra]
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{kinds}/{kind}" Target="{name}"/>'
        for n, (kind, name) in enumerate(zip(types, names, strict=True), 1)
    )
    packages = "http://schemas.openxmlformats.org/package/2006"
    relations = f'<Relationships xmlns="{packages}/relationships">{related}</Relationships>'
    return relations.encode()


def cells_of(body: bytes, limit: int = LIMIT) -> dict[tuple[int, int], str]:
    return read_workbook(body, the_sheet(), limit).cells


def refusal(body: bytes, limit: int = LIMIT) -> str:
    with pytest.raises(RefusedError) as caught:
        sheet_text(body, the_sheet(), limit)
    return str(caught.value.expected)


class TestNumbers:
    @pytest.mark.parametrize(
        ("stored", "read"),
        [
            ("1234.0999999999999", "1234.1"),
            ("0.30000000000000004", "0.3"),
            ("1E-2", "0.01"),
            ("123456789012345", "123456789012345"),
            ("1.5e3", "1500"),
            ("NaN", "NaN"),
            ("0x10", "0x10"),
            ("1_000", "1_000"),
            (" 1", " 1"),
        ],
    )
    def test_stored_text_becomes_what_was_typed_or_stays_for_the_reader_to_refuse(
        self, stored: str, read: str
    ) -> None:
        assert number_text(stored) == read

    @given(st.integers(-(10**14), 10**14), st.integers(0, 5))
    def test_what_a_double_holds_of_fifteen_digits_comes_back(self, whole: int, scale: int) -> None:
        typed = Decimal(whole).scaleb(-scale)
        stored = f"{float(typed):.17g}"  # as a spreadsheet writes it
        assert Decimal(number_text(stored)) == typed

    def test_dates_come_as_dates_by_their_style(self) -> None:
        styles = (
            f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="170" '
            'formatCode="yyyy&quot;年&quot;m&quot;月&quot;"/></numFmts><cellXfs>'
            '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="10"/>'
            "</cellXfs></styleSheet>"
        )
        relations = with_parts({"styles": styles}).decode()
        body = book(
            '<row r="1"><c r="A1" s="1"><v>46203</v></c><c r="B1" s="2"><v>46174.5</v></c>'
            '<c r="C1" s="3"><v>0.986</v></c><c r="D1" s="1"><v>60</v></c></row>',
            **{"styles": styles, "_rels/workbook.xml.rels".removesuffix(".xml"): ""},
        )
        body = replaced(body, "xl/_rels/workbook.xml.rels", relations)
        assert cells_of(body) == {
            (1, 1): "2026-06-30",
            (1, 2): "2026-06-01T12:00:00",
            (1, 3): "0.986",  # a percent cell holds its fraction
            (1, 4): "60 days",  # the format's 29 February 1900
        }

    def test_shared_texts_are_looked_up_without_their_phonetic_guides(self) -> None:
        strings = (
            f'<sst xmlns="{MAIN}"><si><r><t>备付</t></r><r><t>金</t></r>'
            "<rPh><t>beifujin</t></rPh></si></sst>"
        )
        relations = with_parts({"sharedStrings": strings}).decode()
        good = book('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', sharedStrings=strings)
        assert cells_of(replaced(good, "xl/_rels/workbook.xml.rels", relations)) == {
            (1, 1): "备付金"
        }
        bad = book('<row r="1"><c r="A1" t="s"><v>7</v></c></row>', sharedStrings=strings)
        with pytest.raises(RefusedError):
            cells_of(replaced(bad, "xl/_rels/workbook.xml.rels", relations))


def replaced(body: bytes, part: str, text: str | bytes) -> bytes:
    """The package with one part replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if name != part:
                new.writestr(name, old.read(name))
        new.writestr(part, text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


PLAIN = (FOLDER / "reserve_report/examples/plain.xlsx").read_bytes()


class TestRefusals:
    @pytest.mark.parametrize(
        ("data", "said"),
        [
            ('<row r="2"/><row r="1"/>', "rows in order"),
            ('<row r="1048577"/>', "rows in order"),
            ('<row r="1" hidden="1"/>', "no hidden rows"),
            ('<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>', "cells in order"),
            ('<row r="1"><c r="XFE1"><v>1</v></c></row>', "16384 columns"),
            ('<row r="1"><c r="1A"><v>1</v></c></row>', "cells named by letters"),
            (f'<row r="1"><c r="A1" t="str"><v>{"x" * 40_000}</v></c></row>', "32767 characters"),
            ("<a>" * 60 + "</a>" * 60, "deep"),
        ],
    )
    def test_a_sheet_that_is_none_is_refused_as_a_whole(self, data: str, said: str) -> None:
        assert said in refusal(book(data))

    @pytest.mark.parametrize(
        ("part", "text", "said"),
        [
            ("xl/vbaProject.bin", b"x", "no macros"),
            ("xl/externalLinks/externalLink1.xml", b"<x/>", "no macros, external links"),
            ("xl/connections.xml", b"<x/>", "connections"),
            ("xl/embeddings/oleObject1.bin", b"x", "embedded"),
            ("[Content_Types].xml", b'<Types><Default ContentType="a.macroEnabled"/></Types>',
             "no macros"),
            ("xl/_rels/workbook.xml.rels",
             b'<R><Relationship Id="a" Type="t/x" Target="http:" TargetMode="External"/></R>',
             "no links"),
            ("xl/workbook.xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><workbook/>", "document type"),
            ("xl/workbook.xml", b"<workbook><sheets/></workbook>", "one sheet named"),
            ("xl/workbook.xml", b"<workbook>", "well-formed"),
            ("xl/worksheets/sheet1.xml", b"\xff\xfe", "well-formed"),
        ],
    )  # fmt: skip
    def test_what_runs_or_leads_elsewhere_is_refused(
        self, part: str, text: bytes, said: str
    ) -> None:
        assert said in refusal(replaced(PLAIN, part, text))

    def test_a_password_a_cut_file_and_another_zip_are_refused(self) -> None:
        assert "password" in refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
        assert "readable" in refusal(PLAIN[:900])
        other = io.BytesIO()
        with zipfile.ZipFile(other, "w") as package:
            package.writestr("a.txt", "x")
        assert "all its parts" in refusal(other.getvalue())

    def test_hidden_columns_and_too_many_cells_are_refused(self) -> None:
        cols = '<cols><col min="1" max="2" hidden="1"/></cols>'
        assert "hidden columns" in refusal(book('<row r="1"/>', after=cols))
        few = replace(the_sheet(), max_cells=10)
        with pytest.raises(RefusedError) as caught:
            read_workbook(PLAIN, few, LIMIT)
        assert "at most 10 cells" in str(caught.value.expected)

    def test_a_merged_range_wider_than_the_sheet_costs_nothing(self) -> None:
        wide = '<mergeCells><mergeCell ref="D3:XFD1048576"/></mergeCells>'
        head = (
            '<row r="3"><c r="A3" t="str"><v>项目代码</v></c><c r="D3" t="str"><v>x</v></c></row>'
        )
        start = process_time()
        refusal(book(head, after=wide))
        assert process_time() - start < 1


class TestBombs:
    def test_a_part_that_expands_beyond_the_bound_is_not_expanded(self) -> None:
        huge = b"<worksheet>" + b" " * (80 << 20)
        body = replaced(PLAIN, "xl/worksheets/sheet1.xml", huge)
        assert len(body) < 400_000
        tracemalloc.start()
        try:
            assert "below the size" in refusal(body, 64 << 20)
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()

    def test_a_size_that_lies_is_counted_while_it_is_read(self) -> None:
        body = replaced(PLAIN, "xl/worksheets/sheet1.xml", b"<worksheet>" + b" " * (8 << 20))
        at = body.rindex(b"xl/worksheets/sheet1.xml") - 46 + 24  # the size in the directory
        lying = body[:at] + (100).to_bytes(4, "little") + body[at + 4 :]
        assert refusal(lying, 4 << 20)

    def test_other_ways_of_compressing_are_refused(self) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as package:
            package.writestr("[Content_Types].xml", "<Types/>")
        assert "deflated" in refusal(out.getvalue())

    def test_many_parts_are_refused(self) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as package:
            for number in range(1_001):
                package.writestr(f"xl/a{number}", "")
        assert "1000" in refusal(out.getvalue())


class TestFuzz:
    @settings(max_examples=30, deadline=None)
    @given(st.data())
    def test_a_damaged_workbook_is_read_or_refused_with_every_record_accounted_for(
        self, data: st.DataObject
    ) -> None:
        body = bytearray(PLAIN)
        for _ in range(data.draw(st.integers(1, 6))):
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
        start = process_time()
        assert reconciles(run(FEED, bytes(body)))
        assert process_time() - start < 1

    @settings(max_examples=30, deadline=None)
    @given(st.data())
    def test_a_sheet_with_pieces_cut_or_doubled_is_accounted_for(self, data: st.DataObject) -> None:
        with zipfile.ZipFile(io.BytesIO(PLAIN)) as package:
            xml = package.read("xl/worksheets/sheet1.xml")
        pieces = xml.split(b"<c ")
        at = data.draw(st.integers(1, len(pieces) - 1))
        pieces[at] = data.draw(st.sampled_from([b"", pieces[at] * 2, pieces[-1], b'r="A9"/>']))
        body = replaced(PLAIN, "xl/worksheets/sheet1.xml", b"<c ".join(pieces))
        assert reconciles(run(FEED, body))


def test_the_workbook_and_the_csv_of_one_report_hash_alike() -> None:
    files = [
        (FOLDER / f"reserve_report/examples/plain.{kind}").read_bytes() for kind in ("xlsx", "csv")
    ]
    first, second = (run(FEED, body).batch for body in files)
    assert first["content_hash"].to_pylist() == second["content_hash"].to_pylist()
    assert len(set(first["content_hash"].to_pylist())) > 20


def test_a_cell_has_a_name() -> None:
    assert [cell_name(1, column) for column in (1, 26, 27, 702, 703, 16_384)] == [
        "A1", "Z1", "AA1", "ZZ1", "AAA1", "XFD1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('format            = "xlsx"', 'format            = "csv"', "sheet: expected a section"),
        ("head_rows = 2 ", "head_rows = 3 ", "unpivot.heads: expected 3 names"),
        ("head_rows = 2 ", "head_rows = 0 ", "head_rows: expected a number"),
        ("max_cells = 200000", "max_cells = 2000000", "max_cells: expected a number up to"),
        ("'填报人.*'", "'('", "foot: expected a list of regular expressions"),
        ('csv       = "gb18030"', 'csv       = "gbk"', "csv: expected one of"),
        (
            'market_segment        = "PAYI"',
            'market_segment        = "CMPL"',
            "a kind that CMPL has",
        ),
        ('value = "数值"', 'vlaue = "数值"', "did you mean 'value'"),
        ('by = { "元" = 0', 'to = { "元" = 0', "shift = 4 .all in 万元. or { from"),
    ],
)
def test_a_wrong_spec_says_where_and_how_to_correct_it(old: str, new: str, said: str) -> None:
    text = SPEC.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(ConfigurationError, match=said.replace("(", "\\(")):
        parse(SPEC, text.replace(old, new))


def test_a_token_field_without_a_token_is_refused_so_nobody_leaves_in_clear(tmp_path: Path) -> None:
    path = FOLDER / "entity_register" / "spec.toml"
    text = path.read_text(encoding="utf-8")
    for old, new, said in (
        ('{ from = "联系电话", token = "phone" }', '"联系电话"', "token = what it is made of"),
        ('token = "address"', 'token = "adress"', "token = one of phone"),
        ('entity_industry             = { from = "行业",',
         'entity_industry             = { from = "行业", token = "phone",', "on a field"),
        ("[party.related]", "[party.counterparty_1]", "one of entity, related"),
    ):  # fmt: skip
        assert old in text
        with pytest.raises(ConfigurationError, match=said):
            parse(path, text.replace(old, new))
