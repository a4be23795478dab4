"""`yrd feed check`: each promise that is broken fails its own step."""

import json
from dataclasses import replace
from pathlib import Path
from time import process_time

import pytest

from connectors.engine.spec import Feed, parse
from connectors.feeds.registry import FOLDER, SPEC, load_feeds
from connectors.kit.certificate import Certificate, demand, find, write
from connectors.kit.check import EXAMPLES_KEY, Trial, check
from connectors.kit.examples import plain
from connectors.kit.page import page
from schemas.errors import ConfigurationError

ENGINE_ONLY = Trial(EXAMPLES_KEY, None, process_time)
LOANS = load_feeds()["loan_register"]
TEXT = (LOANS.folder / SPEC).read_text(encoding="utf-8")
FILES = [(path.name, path.read_bytes()) for path in plain(LOANS)]


def tried(
    text: str, files: list[tuple[str, bytes]] = FILES, folder: Path | None = None
) -> Certificate:
    feed: Feed = parse(LOANS.folder / SPEC, text, draft=True)
    feed = replace(feed, folder=folder or Path("nowhere"))
    return check(feed, text, files, ENGINE_ONLY)


def failed(made: Certificate) -> set[str]:
    return {step.name for step in made.steps if not step.passed}


def test_a_good_spec_passes_twice_the_same_and_names_its_bytes() -> None:
    first, again = tried(TEXT, folder=LOANS.folder), tried(TEXT, folder=LOANS.folder)
    assert first.passed
    assert first.spec == LOANS.version
    told = [json.dumps({**one.as_dict(), "throughput": {}}) for one in (first, again)]
    assert told[0] == told[1]
    assert first.throughput["cpu_us_per_record"] > 0
    assert len(first.files) == len(FILES)


# (what is changed in the spec, into what, which steps fail)
BROKEN = [
    ('"extension.contract_id" = "贷款合同编码"', "", {"accounting", "outcomes"}),
    ('B01 = "RESIDENT_ID", ', "", {"code lists", "outcomes"}),
    ('outstanding_amount      = { from = "贷款余额", min = "0", required = true }',
     'outstanding_amount = "贷款余额"   # guess: by name', {"reviewed"}),
    ('"extension.contract_id" = "贷款合同编码"',
     '"extension.contract_id" = "贷款合同编码"\n"extension.doc" = "借款人证件代码"',
     {"clear identifiers"}),
    ('"extension.contract_id" = "贷款合同编码"',
     '"extension.contract_id" = "贷款合同编码"\n"extension.who" = "借款人名称"',
     {"clear identifiers"}),
    ('"extension.contract_id" = "贷款合同编码"',
     '"extension.contract_id" = "贷款合同编码"\n"extension.inv" = "发票号码"',
     {"clear identifiers"}),
    ('reporting_timestamp     = { from = "数据日期", format = "%Y%m%d", tz = "+08:00" }',
     'reporting_timestamp = { from = "数据日期", format = "%Y%m%d" }',
     {"time zones"}),
    ('market_segment       = "LOAN"', 'market_segment = "?"',
     {"reviewed", "required fields", "visibility"}),
    ('encoding          = "gb18030"', 'encoding = "utf-8"', {"readable"}),
    ('fixed_rate_leg_1        = { from = "利率水平", percent = true }',
     'fixed_rate_leg_1 = { from = "借款人地区代码", percent = true }\nlimit_price = "利率水平"',
     set()),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "steps"), BROKEN)
def test_a_broken_promise_fails_its_step(good: str, bad: str, steps: set[str]) -> None:
    assert good in TEXT
    if not steps:
        with pytest.raises(ConfigurationError):  # not a field of this kind
            tried(TEXT.replace(good, bad, 1))
        return
    made = tried(TEXT.replace(good, bad, 1))
    assert steps <= failed(made), [(step.name, step.open) for step in made.steps]
    assert failed(made) - steps <= {"outcomes", "required fields"}


def test_an_event_feed_without_a_key_says_why_or_fails() -> None:
    bills = load_feeds()["bill_exchange"]
    text = (bills.folder / SPEC).read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("key = "))
    files = [(path.name, path.read_bytes()) for path in plain(bills)]
    for told, passes in (("", False), ('no_key = "each act is one report"', True)):
        changed = text.replace(line, told)
        feed = parse(bills.folder / SPEC, changed)
        made = check(replace(feed, folder=Path("nowhere")), changed, files, ENGINE_ONLY)
        step = next(step for step in made.steps if step.name == "key")
        assert step.passed is passes


def test_rejected_records_beyond_the_share_fail_and_are_grouped_with_their_places() -> None:
    name = "wrong_rows.csv"
    wrong = (LOANS.folder / "examples" / name).read_bytes()
    made = tried(TEXT, [(name, wrong)])
    assert "outcomes" in failed(made)
    assert sum(one["records"] for one in made.rejects) >= made.counts["rejected"]
    assert all(one["locators"] and one["rule"] for one in made.rejects)
    text = json.dumps(made.as_dict(), ensure_ascii=False)
    assert "11010519491231002X" not in text


def test_an_example_that_becomes_something_else_fails(tmp_path: Path) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    source = LOANS.folder / "examples/plain.csv"
    (folder / "plain.csv").write_bytes(source.read_bytes())
    wanted = json.loads(source.with_name("plain.csv.expected.json").read_text(encoding="utf-8"))
    wanted["rows"][0]["source_trade_id"] = "another"
    (folder / "plain.csv.expected.json").write_text(json.dumps(wanted), encoding="utf-8")
    made = tried(TEXT, folder=tmp_path)
    assert failed(made) == {"examples"}


def test_a_page_shows_every_step_and_no_value() -> None:
    made = tried(TEXT)
    html = page(made)
    assert all(step.name in html for step in made.steps)
    assert made.spec in html
    assert "11010519491231002X" not in html


def test_a_spec_without_its_certificate_is_refused_with_the_cure(tmp_path: Path) -> None:
    feed = replace(LOANS, folder=tmp_path)
    with pytest.raises(ConfigurationError, match=r"none is there.*yrd feed check loan_register"):
        demand([feed], [tmp_path / "certificates"])
    made = tried(TEXT)
    write(made, tmp_path / "certificates" / f"{LOANS.version}.json")
    demand([feed], [tmp_path / "certificates"])
    assert find(feed, [tmp_path / "certificates"])
    other = replace(feed, version="another")
    with pytest.raises(ConfigurationError):
        demand([other], [tmp_path / "certificates"])
    write(
        replace(made, steps=(replace(made.steps[0], passed=False),)), tmp_path / "certificate.json"
    )
    with pytest.raises(ConfigurationError, match="did not pass"):
        demand([feed], [])


def test_feeds_from_outside_join_and_may_not_take_a_name(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "my_loans"
    folder.mkdir(parents=True)
    text = TEXT.replace('"loan_register"', '"my_loans"', 1)
    (folder / SPEC).write_text(text, encoding="utf-8")
    for given in (tmp_path / "mine", folder):
        assert set(load_feeds([given])) == {*load_feeds(), "my_loans"}
    (folder / SPEC).write_text(TEXT, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="folder's name 'my_loans'"):
        load_feeds([tmp_path / "mine" / "." / "my_loans" / ".." / "my_loans"])
    twin = tmp_path / "loan_register"
    twin.mkdir()
    (twin / SPEC).write_text(TEXT, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="name no other feed has"):
        load_feeds([twin])
    with pytest.raises(ConfigurationError, match="YRD_FEEDS"):
        load_feeds([tmp_path / "nothing"])
    assert FOLDER.is_dir()
