"""`yrd feed new`: every field of a sample is in the draft, decided or not, and no value is."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.engine.spec import parse
from connectors.feeds.registry import load_feeds
from connectors.kit.examples import plain
from connectors.kit.hints import likeness
from connectors.kit.masks import masked
from connectors.kit.new import Draft, new_spec
from connectors.kit.profile import profile
from schemas.errors import ConfigurationError, InputError

FEEDS = load_feeds()
ONE_A_FORMAT = {feed.format: name for name, feed in sorted(FEEDS.items(), reverse=True)}
ONE_A_FORMAT["xml"] = "pacs008"
VALUES = re.compile(r"[0-9A-Za-z.+:\u4e00-\u9fff-]{5,}")


def drafted(name: str) -> tuple[Draft, bytes]:
    body = plain(FEEDS[name])[0].read_bytes()
    return new_spec("draft", body, kind=FEEDS[name].kind), body


@pytest.mark.parametrize("name", ONE_A_FORMAT.values(), ids=ONE_A_FORMAT)
class TestEveryFormat:
    def test_every_field_stands_once_and_nothing_runs_before_somebody_decided(
        self, name: str
    ) -> None:
        made, _ = drafted(name)
        paths = [field.path for field in made.profile.fields]
        decided = [one.path for one in made.guesses] + [one.path for one in made.parties]
        assert sorted([*decided, *made.undecided]) == sorted(paths)
        feed = parse(Path("draft/spec.toml"), _with_market(made.text, name), draft=True)
        assert feed.undecided_fields == made.undecided or set(feed.undecided_fields) == set(
            made.undecided
        )
        if made.undecided:
            with pytest.raises(ConfigurationError, match="undecided_fields: expected an empty"):
                parse(Path("draft/spec.toml"), _with_market(made.text, name))

    def test_a_draft_sees_the_fields_the_feed_itself_sees(self, name: str) -> None:
        made, body = drafted(name)
        own = profile(FEEDS[name], [body])
        if FEEDS[name].format not in ("fix", "xlsx"):  # groups and heads are the spec's to name
            assert {field.path for field in made.profile.fields} == {f.path for f in own.fields}
        assert made.profile.records == own.records

    def test_no_value_of_the_sample_is_written(self, name: str) -> None:
        made, body = drafted(name)
        text = body.decode(FEEDS[name].encoding, "replace")
        names = " ".join(f.path for f in made.profile.fields) + made.layout.namespace
        names += made.layout.record + made.layout.sections + str(dict(made.layout.options))
        values = {one for one in VALUES.findall(text) if one not in names and re.search(r"\d", one)}
        known = "utf-8 gb18030 pacs.008.001.08 8601 4217 20022 2260 2026-06-15"
        shown = {one for one in values if one in made.text and one not in known}
        assert not shown


def _with_market(text: str, name: str) -> str:
    return text.replace(
        'market_segment     = "?"', f'market_segment     = "{FEEDS[name].markets[0]}"'
    )


def wide(rows: int = 12) -> bytes:
    """A print of 110 columns: grouped and capped notionals, lists in cells, codes."""
    named: dict[str, Callable[[int], str]] = {
        "Dissemination Identifier": lambda n: str(900_000_000 + n),
        "Event timestamp": lambda n: f"2026-06-15T02:{n:02d}:11Z",
        "Notional amount-Leg 1": lambda n: ("79,326,002+", "1,000,000", "12,345")[n % 3],
        "Notional currency-Leg 1": lambda n: ("USD", "EUR", "CNY")[n % 3],
        "Fixed rate-Leg 1": lambda n: f"0.0{n + 10}",
        "Other payment type": lambda n: "UFRO;UFRO" if n % 2 else "",
        "Amount [CNY]": lambda n: f"{n}.50",
        "Spread*": str,
    }
    heads = [*named, *(f"Attribute {n}" for n in range(110 - len(named)))]
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(heads)
    for n in range(rows):
        writer.writerow([named[head](n) if head in named else "" for head in heads])
    return out.getvalue().encode()


def test_a_wide_public_print_is_guessed_by_name_and_shape() -> None:
    made = new_spec("prints", wide())
    found = {one.path: (one.target, one.options) for one in made.guesses}
    assert found["Notional amount-Leg 1"] == (
        "notional_amount_leg_1", "grouped = true, capped = true",
    )  # fmt: skip
    assert found["Dissemination Identifier"][0] == "source_trade_id"
    assert found["Notional currency-Leg 1"] == ("notional_currency_1", 'is = "currency"')
    shapes = {field.path: field.shape for field in made.profile.fields}
    assert shapes["Other payment type"] == "list"
    assert shapes["Amount [CNY]"] == "decimal"
    assert shapes["Spread*"] == "integer"
    assert len(made.profile.fields) == 110


def test_a_unit_in_a_columns_name_is_no_part_of_it_and_moves_the_point() -> None:
    body = "流水号,金额（万元）,余额(元)\nA1,12.5,3\nA2,1.25,4\n".encode("gb18030")
    found = {one.path: (one.target, one.options) for one in new_spec("local", body).guesses}
    assert found["金额（万元）"] == ("notional_amount_leg_1", "shift = 4")
    assert found["余额(元)"] == ("outstanding_amount", "")


@pytest.mark.parametrize(
    ("body", "form", "encoding", "record"),
    [
        (b'{"a":{"rows":[{"x":"1"},{"x":"2"}]}}', "json", "utf-8", "a/rows"),
        (b'[{"x":"1"}]', "json", "utf-8", ""),
        (b'{"x":"1"}\n{"x":"2"}\n', "ndjson", "utf-8", ""),
        (b'{"x":"1"}', "ndjson", "utf-8", ""),
        (b"<D><H><n>1</n></H><R><a>1</a></R><R><a>2</a></R></D>", "xml", "utf-8", "D/R"),
        ("名称;金额\n甲;1\n乙;2\n".encode("gb18030"), "csv", "gb18030", ""),
        ("说明文字\n名称\t金额\n甲\t1\n".encode(), "csv", "utf-8", ""),
        (b"8=FIX.4.4|9=5|35=D|10=000|", "fix", "utf-8", ""),
    ],
)
def test_a_sample_is_recognised(body: bytes, form: str, encoding: str, record: str) -> None:
    try:
        found = new_spec("x", body).layout
    except InputError as error:  # the message above is recognised, then refused for its sums
        assert form == "fix" and "ENG" in str(error)
        return
    assert (found.format, found.encoding, found.record) == (form, encoding, record)


def test_a_header_below_other_lines_is_found() -> None:
    made = new_spec("x", "日报表\n2026-06-15\n名称,金额,数量\n甲,1.5,3\n乙,2.5,4\n".encode())
    assert made.layout.header_starts == "名称"
    assert [field.path for field in made.profile.fields] == ["名称", "金额", "数量"]


@pytest.mark.parametrize("body", [b"", b"\x00\x01", b"\xff\xfe\x00", b"PK\x03\x04x", b"<a", b"{"])
def test_what_is_no_sample_is_one_sentence(body: bytes) -> None:
    with pytest.raises(InputError, match="expected"):
        new_spec("x", body)


def test_masks_keep_the_shape_only() -> None:
    assert masked("张三 13800138000 a@b.cn") == "中中 99999999999 a@a.aa"


def test_likeness_prefers_what_tells_fields_apart() -> None:
    assert likeness("invoiceNo", "trade number") < 0.6 < likeness("billPackageNo", "package number")
    assert (
        likeness("借款人证件代码", "金融机构代码") < likeness("金融机构代码", "金融机构代码") == 1
    )


def test_messages_nobody_here_made_are_drafted(trial_data: Path) -> None:
    reports = [
        sorted(folder.glob("*.xml"))[0] for folder in sorted(trial_data.glob("isda_drr/xml/*"))
    ]
    others = [*sorted(trial_data.glob("cfets_imix/*.imix")), *sorted(trial_data.glob("esma/*.csv"))]
    for path in reports:
        made = new_spec("report", path.read_bytes())
        assert made.layout.record.endswith("TradData/Rpt"), path.name
        assert made.profile.records == 1
    for path in others:
        made = new_spec("other", path.read_bytes())
        assert made.layout.format == ("fix" if path.suffix == ".imix" else "csv")
        assert made.profile.fields, path.name
