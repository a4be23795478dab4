"""The report page as text: what it says, that it adds up, that it is safe to open."""

import base64
import hashlib
import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from ledger import duck
from ledger.loader import Loader
from pipelines.rules.registry import load_rules
from serving.answers.explain import explanation
from serving.desk.page import report
from serving.desk.page.compose import rule_name, stylesheet
from tests.ledger.filled import fill
from tests.serving.desk import samples
from yrd.cli import COMMANDS


@pytest.fixture(scope="module")
def page() -> str:
    told = [samples.structuring(), samples.pass_through(), samples.double_financing()]
    return report(samples.summary(), told)


def plain(page: str) -> str:
    body = page.split("<body>", 1)[1]
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def shown(page: str, name: str) -> int:
    found = re.search(rf'data-count="{name}">([\d,]+)<', page)
    assert found, name
    return int(found[1].replace(",", ""))


def test_the_same_input_gives_the_same_bytes(page: str) -> None:
    told = [samples.structuring(), samples.pass_through(), samples.double_financing()]
    assert report(samples.summary(), told) == page


def test_it_says_first_of_all_that_the_data_are_simulated(page: str) -> None:
    assert plain(page).index("模拟数据 SIMULATED") < 60
    assert "<title>SIMULATED" in page


def test_the_counts_shown_add_up(page: str) -> None:
    parts = ("accepted", "rejected", "quarantined", "duplicates", "pending")
    assert shown(page, "submitted") == sum(shown(page, part) for part in parts) == 203_412
    assert "相加相等" in page
    assert "请勿使用" not in page


def test_each_feed_has_a_line_of_its_own_where_feeds_were_counted(page: str) -> None:
    counts = {"submitted": 1_234, "accepted": 1_200, "rejected": 30, "quarantined": 4}
    feeds = {"camt053": counts | {"kind": "position", "duplicates": 0}}
    listed = report(samples.summary() | {"by_feed": feeds}, [])
    line = listed[listed.index("camt053") :].split("</tr>")[0]
    assert '<td>余额 <span lang="en" class="en">position</span></td>' in line
    assert re.findall(r"<td>([^<]+)</td>", line) == [
        "1,234",
        "1,200",
        "30",
        "4",
        "0",
        "0",
    ]
    assert "数据源" not in page


def test_counts_that_do_not_add_up_are_called_out() -> None:
    page = report(samples.summary() | {"rejected": 2_309}, [])
    assert "相差 1 条" in page
    assert "相加相等" not in page


def test_hidden_alerts_are_told_apart_by_whether_an_operator_sees_them(page: str) -> None:
    text = plain(page)
    assert "87 alerts, 31 of them hidden by the split" in text
    assert "24 of these are hidden also from any single national operator" in text
    assert "7 are hidden from the regions, but one national operator holds" in text
    assert "3 were raised by a region alone and not jointly" in text


def test_planted_found_missed_and_false_are_shown_and_a_run_without_labels_has_none(
    page: str,
) -> None:
    text = plain(page)
    assert "72 schemes were planted: 66 found, 6 missed; 12 alerts are false" in text
    assert "漏报 missed 3" in text
    without = report(samples.summary() | {"score": None}, [])
    assert "Planted" not in without


def test_each_alert_has_its_story_and_all_its_pictures(page: str) -> None:
    assert page.count('<section id="a') == 3
    assert page.count('class="versus"') == 3
    assert page.count('class="pic flow jointly') == 3
    assert page.count('class="pic flow solo') == 12
    for told in (samples.structuring(), samples.pass_through(), samples.double_financing()):
        for sentence in told.sentences_zh + told.sentences_en:
            assert html.escape(sentence) in page
        assert told.alert.alert_id in page
    assert "票据登记机构持有全部证据" in page


def test_every_rule_has_a_short_name_of_its_own_in_both_languages() -> None:
    names = [rule_name(rule) for rule in load_rules()]
    for chinese, english in names:
        assert re.search(r"[\u4e00-\u9fff]", chinese) and english.isascii()
        assert cell_len(f"{chinese} {english}") <= 32, "a table of eighty columns has no more room"
    assert len(names) == len({zh for zh, _ in names}) == len({en for _, en in names})


def test_ids_are_unique_and_links_lead_to_them(page: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_it_carries_no_script_no_style_attribute_and_nothing_from_outside(page: str) -> None:
    assert "<script" not in page
    assert not re.search(r"<[^>]+\sstyle=", page)
    assert not re.search(r"<[^>]+\son\w+=", page)
    assert not re.search(r'(?:src|href)="(?!#|data:,)', page)
    assert "@import" not in page
    assert "url(" not in page


def test_its_policy_allows_its_one_stylesheet_and_nothing_else(page: str) -> None:
    [css] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert css == stylesheet()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    allowed = html.unescape(policy)
    assert f"style-src 'sha256-{digest}'" in allowed
    assert "default-src 'none'" in allowed
    assert "unsafe" not in allowed


def test_hostile_text_is_shown_and_not_run() -> None:
    told = samples.local()
    nasty = "<img src=x onerror=alert(1)>{{ 7*7 }}\u202e"
    told = replace(
        told,
        alert=replace(told.alert, alert_id=nasty, operator_sees=nasty),
        rule=replace(told.rule, question_zh=nasty, legal_status=nasty),
        sentences_zh=(nasty,),
    )
    page = report(samples.summary() | {"output_sha256": nasty}, [told])
    assert "<img" not in page
    assert "\u202e" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;{{ 7*7 }}\ufffd") >= 6


def test_an_unknown_origin_is_refused() -> None:
    with pytest.raises(KeyError):
        report(samples.summary() | {"data_origin": "MAYBE"}, [])


def test_real_and_public_data_are_not_called_simulated() -> None:
    for origin, word in (("REAL", "真实数据"), ("PUBLIC", "公开数据")):
        page = report(samples.summary() | {"data_origin": origin}, [])
        assert word in page
        assert "SIMULATED" not in page


def test_long_evidence_is_cut_and_the_cut_is_said() -> None:
    page = report(samples.summary(), [samples.large()])
    assert "另有 357 笔未列出" in page
    assert "360 more parties are not listed" in page


def test_what_it_says_to_type_are_commands_there_are(page: str) -> None:
    typed = [
        html.unescape(text) for text in re.findall(r"<code>(\.venv/bin/yrd [^<]+)</code>", page)
    ]
    assert len(typed) == 5
    assert {line.split()[1] for line in typed} <= set(COMMANDS)


def test_a_value_beyond_the_line_without_an_alert_is_explained(page: str) -> None:
    assert "Beyond the line and hollow" not in page
    told = samples.local()
    quiet = tuple(
        replace(cover, first_crossing=None, lead_us=None, status="none") for cover in told.coverage
    )
    assert "Beyond the line and hollow" in report(
        samples.summary(), [replace(told, coverage=quiet)]
    )


def test_alerts_of_a_ledger_are_told_and_drawn(tmp_path: Path) -> None:
    with Loader(tmp_path / "ledger.duckdb", "SIMULATED") as loader:
        fill(loader)
    with duck.open(tmp_path / "ledger.duckdb", read_only=True) as ledger:
        ids = [row[0] for row in ledger.rows("SELECT alert_id FROM alerts ORDER BY alert_id")]
        told = [explanation(ledger, one) for one in ids]
    assert told
    page = report(samples.summary(), told)
    for one in told:
        assert one.alert.alert_id in page
        assert all(sentence in html.unescape(page) for sentence in one.sentences_en)
    assert page.count('class="pic flow solo') == 4 * len(told)
