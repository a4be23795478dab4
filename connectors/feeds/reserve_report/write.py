"""Write the reserve report as a workbook or as CSV: one sheet, months over businesses."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from html import escape

import pyarrow as pa

# One row a figure of one institution's report, in the unit the row states.
RECORD = pa.schema(
    [
        pa.field(name, pa.string(), nullable=False)
        for name in ("code", "title", "unit", "month", "business", "value")
    ]
)
SHEET = "备付金报告"
KEEP = ("项目代码", "项目名称", "计量单位")
CSV_ENCODING = "gb18030"
_TITLE = "支付机构客户备付金非现场报告(模拟)"
_WHEN = (2026, 1, 1, 0, 0, 0)  # of the parts: the same report gives the same bytes
_NAMESPACE = "http://schemas.openxmlformats.org"

Cells = dict[tuple[int, int], str]  # by row and column from 1; numbers as plain decimal text


def layout(
    records: pa.Table, header: Mapping[str, str]
) -> tuple[Cells, list[tuple[int, int, int, int]]]:
    """Where each text stands, and which ranges of the head are merged.

    Args:
        records: Columns of `RECORD`; months and businesses appear in order of first mention.
        header: `institution`, `name`, `filled_on` (2026-07-05).
    """
    rows = records.to_pylist()
    heads = list(dict.fromkeys((row["month"], row["business"]) for row in rows))
    items = list(dict.fromkeys((row["code"], row["title"], row["unit"]) for row in rows))
    cells: Cells = {(1, 1): _TITLE}
    labels = ("机构编码", "机构名称", "填报日期")
    for at, (label, key) in enumerate(
        zip(labels, ("institution", "name", "filled_on"), strict=True)
    ):
        cells[2, 2 * at + 1], cells[2, 2 * at + 2] = label, header[key]
    merges = [(1, 1, 1, len(KEEP) + len(heads))]
    for column, name in enumerate(KEEP, 1):
        cells[3, column] = name
        merges.append((3, column, 4, column))
    first = len(KEEP) + 1
    for at, (month, business) in enumerate(heads):
        if at == 0 or heads[at - 1][0] != month:
            cells[3, first + at] = month
            width = sum(one == month for one, _ in heads)
            merges.append((3, first + at, 3, first + at + width - 1))
        cells[4, first + at] = business
    for row, item in enumerate(items, 5):
        for column, text in enumerate(item, 1):
            cells[row, column] = text
    for one in rows:
        row = 5 + items.index((one["code"], one["title"], one["unit"]))
        cells[row, first + heads.index((one["month"], one["business"]))] = one["value"]
    cells[5 + len(items), 1] = "填报人:(略)"
    return cells, [m for m in merges if (m[0], m[1]) != (m[2], m[3])]


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one report as a workbook."""
    cells, merges = layout(records, header)
    numbers = {place for place in cells if place[0] >= 5 and place[1] > len(KEEP)}
    return workbook([(SHEET, sheet_xml(cells, merges, numbers))])


def write_csv(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one report as CSV: a head cell that goes on is left empty."""
    cells, _ = layout(records, header)
    out = io.StringIO(newline="")
    wide = max(column for _, column in cells)
    writer = csv.writer(out, lineterminator="\r\n")
    for row in range(1, max(row for row, _ in cells) + 1):
        writer.writerow([cells.get((row, column), "") for column in range(1, wide + 1)])
    return out.getvalue().encode(CSV_ENCODING)


def sheet_xml(
    cells: Mapping[tuple[int, int], str],
    merges: Sequence[tuple[int, int, int, int]],
    numbers: set[tuple[int, int]],
) -> str:
    """One worksheet part; texts inline, `numbers` as numbers."""
    rows: dict[int, list[str]] = {}
    for (row, column), text in sorted(cells.items()):
        place = f"{_letters(column)}{row}"
        if (row, column) in numbers:
            rows.setdefault(row, []).append(f'<c r="{place}"><v>{text}</v></c>')
        else:
            body = f"<is><t>{escape(text)}</t></is>"
            rows.setdefault(row, []).append(f'<c r="{place}" t="inlineStr">{body}</c>')
    data = "".join(f'<row r="{row}">{"".join(parts)}</row>' for row, parts in rows.items())
    ranges = "".join(
        f'<mergeCell ref="{_letters(left)}{top}:{_letters(right)}{bottom}"/>'
        for top, left, bottom, right in merges
    )
    merged = f'<mergeCells count="{len(merges)}">{ranges}</mergeCells>' if merges else ""
    name = f"{_NAMESPACE}/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{name}"><sheetData>{data}</sheetData>{merged}</worksheet>'


def workbook(
    sheets: Sequence[tuple[str, str]],
    parts: Mapping[str, str] | None = None,
    states: Mapping[str, str] | None = None,
) -> bytes:
    """A workbook package around worksheet parts.

    Args:
        sheets: (name, worksheet XML).
        parts: Further parts by path, or others in place of those made here.
        states: `hidden` by sheet name.
    """
    kinds = f"{_NAMESPACE}/officeDocument/2006/relationships"
    packages = f"{_NAMESPACE}/package/2006"
    main = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    listed, related, typed = "", "", ""
    files: dict[str, str] = {}
    for number, (name, xml) in enumerate(sheets, 1):
        state = (states or {}).get(name)
        shown = f' state="{state}"' if state else ""
        listed += f'<sheet name="{escape(name)}" sheetId="{number}"{shown} r:id="rId{number}"/>'
        target = f"worksheets/sheet{number}.xml"
        related += f'<Relationship Id="rId{number}" Type="{kinds}/worksheet" Target="{target}"/>'
        typed += f'<Override PartName="/xl/{target}" ContentType="{main}.worksheet+xml"/>'
        files[f"xl/{target}"] = xml
    files = {
        "[Content_Types].xml": (
            f'<Types xmlns="{packages}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{main}.sheet.main+xml"/>'
            f"{typed}</Types>"
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{packages}/relationships">'
            f'<Relationship Id="rId1" Type="{kinds}/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>"
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_NAMESPACE}/spreadsheetml/2006/main" xmlns:r="{kinds}">'
            f"<sheets>{listed}</sheets></workbook>"
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{packages}/relationships">{related}</Relationships>'
        ),
    } | files
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for path, text in (files | dict(parts or {})).items():
            head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            package.writestr(zipfile.ZipInfo(path, _WHEN), head + text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
