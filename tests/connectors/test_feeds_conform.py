"""One suite over all feeds of the package: a feed adds a folder with examples, not tests."""

import json
from functools import cache

import pytest

from connectors.feeds.registry import FOLDER, SPEC, load_feeds
from connectors.kit.certificate import BESIDE, Certificate
from connectors.kit.check import check
from connectors.kit.examples import examples, expected, plain
from yrd.processes.trying import trial

FEEDS = load_feeds()
DOCS = FOLDER.parents[1] / "docs"
ENTRY = ("owner_zh", "owner_en", "need_list", "responsibility_list", "resource_catalogue",
         "contact_role", "status")  # fmt: skip


@cache
def certificate(name: str) -> Certificate:
    feed = FEEDS[name]
    files = [(path.name, path.read_bytes()) for path in plain(feed)]
    return check(feed, (feed.folder / SPEC).read_text(encoding="utf-8"), files, trial())


@pytest.mark.parametrize("name", FEEDS)
class TestEveryFeed:
    def test_it_has_plain_and_wrong_examples_each_with_what_must_come_of_it(
        self, name: str
    ) -> None:
        feed = FEEDS[name]
        told = [expected(path) for path in examples(feed)]
        assert None not in told
        assert plain(feed)
        assert any(one and (one["findings"] or one["held"]) for one in told)

    def test_every_promise_holds_on_its_examples(self, name: str) -> None:
        made = certificate(name)
        broken = [(step.name, step.open) for step in made.steps if not step.passed]
        assert not broken
        assert made.counts["accepted"] > 0

    def test_the_certificate_it_ships_is_the_one_its_files_give(self, name: str) -> None:
        path = FEEDS[name].folder / BESIDE
        assert path.is_file(), f"yrd feed check {name} --ship"
        shipped = json.loads(path.read_text(encoding="utf-8"))
        made = json.loads(json.dumps(certificate(name).as_dict()))
        for told in (shipped, made):
            told["throughput"] = {}
        assert made == shipped, f"yrd feed check {name} --ship"

    def test_its_catalogue_entry_is_whole(self, name: str) -> None:
        given = FEEDS[name].catalogue
        assert [key for key in ENTRY if not given.get(key)] == []

    def test_a_page_of_the_documentation_describes_it(self, name: str) -> None:
        pages = [DOCS / "feeds.md", *(DOCS / "feeds").glob("*.md")]
        assert any(f"`{name}`" in page.read_text(encoding="utf-8") for page in pages)

    def test_the_simulator_can_write_it(self, name: str) -> None:
        assert (FEEDS[name].folder / "write.py").is_file()
