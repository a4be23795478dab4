"""What a spec may say for messages in XML: its mistakes are named, its readings are exact."""

from pathlib import Path

import pytest

from connectors.engine.spec import Feed, load
from connectors.feeds.registry import FOLDER
from schemas.errors import ConfigurationError
from tests.connectors.support import SUBMITTER, run

SPEC = (FOLDER / "pacs002/spec.toml").read_text(encoding="utf-8")
REASON = '{ from = "StsRsnInf/Rsn/*", many = ";" }'
WRONG = [
    ('record_else       = "Document/FIToFIPmtStsRpt', 'record_else = "Other/X', "record_else",
     "root"),
    ('encoding          = ["utf-8", "utf-16"]', 'encoding = ["utf-16"]', "encoding", "utf-8"),
    ('fields = ["original_uetr"]', 'fields = ["original_uert"]', "refers", "map it"),
    ('check = "warn" },', 'check = "off" },', "check", "reject, warn"),
    (REASON, '{ first = ["A", "B"], many = ";" }', "status_reason", "one path"),
    (REASON, '{ from = "A", codes = ["B"], map = { C = "D" } }', "status_reason", "keep one"),
    (REASON, '{ from = "A", codes = "B" }', "codes", "correct it"),
    (REASON, '{ from = "A", otherwise = "B" }', "status_reason", "correct it"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "field", "cure"), WRONG)
def test_a_wrong_line_is_named_with_its_cure(
    tmp_path: Path, good: str, bad: str, field: str, cure: str
) -> None:
    assert good in SPEC
    with pytest.raises(ConfigurationError) as caught:
        feed(tmp_path, SPEC.replace(good, bad, 1))
    place, _, rest = str(caught.value).partition(": ")
    assert place.startswith(str(tmp_path))
    assert field in rest
    assert cure in rest


def feed(folder: Path, text: str) -> Feed:
    (folder / "spec.toml").write_text(text, encoding="utf-8")
    return load(folder / "spec.toml")


SMALL = """
feed = "small"
title_zh = "小"
title_en = "Small"
status = "ours"
format = "xml"
encoding = "utf-8"
namespace = 'urn:small'
record = "Doc/Row"
ignored = ["*/Name"]
kind = "event"
lateness = "1 d"
business_calendar = "NATURAL"
[constants]
market_segment = "PYMT"
[fields]
action_type = { from = "Act", codes = ["NEWT", "MODI"], otherwise = { "Part" = "MODI" } }
intragroup_indicator = "Group"
"extension.parts" = { from = "Part", many = "; " }
"extension.deep" = { from = "*/Name/@lang", many = "," }
[party.counterparty_1]
ids = [
    { from = "Id", schemes = ["LEI", "BIC"], check = "warn" },
    { from = "$reporter", schemes = ["CNAPS12"] },
]
"""


def rows(folder: Path, *records: str) -> tuple[list[dict[str, object]], list[str]]:
    body = '<Doc xmlns="urn:small">' + "".join(f"<Row>{one}</Row>" for one in records) + "</Doc>"
    decoded = run(feed(folder, SMALL), body.encode())
    return decoded.batch.to_pylist(), decoded.findings["rule_id"].to_pylist()


def test_a_code_list_takes_codes_as_they_are_and_doubts_others(tmp_path: Path) -> None:
    found, rules = rows(tmp_path, "<Act>NEWT</Act>", "<Act>WHAT</Act>", "<Act>MODI</Act>")
    assert [row["action_type"] for row in found] == ["NEWT", "MODI"]
    assert rules == ["ENG-UNKNOWN-CODE"]


def test_what_is_given_otherwise_goes_by_what_the_record_has(tmp_path: Path) -> None:
    found, rules = rows(
        tmp_path, "<Part>a</Part>", "<Act>NEWT</Act><Part>a</Part>", "<Group>1</Group>"
    )
    assert [row["action_type"] for row in found] == ["MODI", "NEWT"]
    assert rules == ["ENG-REQUIRED"]  # neither the code nor anything that stands for it


def test_repeated_values_are_joined_in_order_and_absent_ones_are_null(tmp_path: Path) -> None:
    found, rules = rows(
        tmp_path,
        "<Act>NEWT</Act><Part>b</Part><Part> </Part><Part>a</Part>",
        "<Act>NEWT</Act>",
        '<Act>NEWT</Act><Part>c</Part><A><Name lang="zh"/></A><B><Name lang="en"/></B>',
    )
    parts = [dict(row["extension"]) for row in found]  # type: ignore[call-overload]
    assert parts == [{"parts": "b; a"}, {}, {"parts": "c", "deep": "zh,en"}]
    assert rules == []


def test_truth_is_written_as_xml_has_it(tmp_path: Path) -> None:
    found, rules = rows(
        tmp_path, *(f"<Act>NEWT</Act><Group>{v}</Group>" for v in ("true", "0", "TRUE"))
    )
    assert [row["intragroup_indicator"] for row in found] == [True, False]
    assert rules == ["ENG-VALUE"]


def test_who_is_not_named_is_the_reporter_and_a_wrong_name_is_a_mark(tmp_path: Path) -> None:
    found, rules = rows(
        tmp_path, "<Act>NEWT</Act>", "<Act>NEWT</Act><Id>XYZBDEFF</Id>", "<Act>NEWT</Act><Id>?</Id>"
    )
    assert [(r["counterparty_1_id"], r["counterparty_1_id_scheme"]) for r in found] == [
        (SUBMITTER, "CNAPS12"),
        ("XYZBDEFF", "BIC"),
        (SUBMITTER, "CNAPS12"),
    ]
    assert rules == ["ENG-IDENTIFIER"]
