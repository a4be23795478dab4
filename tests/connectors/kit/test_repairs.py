"""`yrd feed diff` and `adopt`: what changed is found and repaired, old tapes stay as read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.engine.engine import Decoder, Submission
from connectors.engine.spec import Feed, parse
from connectors.engine.tokens import Tokeniser
from connectors.feeds.registry import SPEC, load_feeds
from connectors.kit.adopted import LOG, Adopted, Adoption
from connectors.kit.detect import layout
from connectors.kit.diff import Change, changes
from connectors.kit.patch import patch, patched, with_layout
from connectors.kit.profile import profile
from schemas.errors import ConfigurationError, InputError

LOANS = load_feeds()["loan_register"]
TEXT = (LOANS.folder / SPEC).read_text(encoding="utf-8")
GOOD = (LOANS.folder / "examples/plain.csv").read_bytes()
NOON = datetime(2026, 6, 15, 4, tzinfo=UTC)
KEY = Tokeniser(b"example key: 16+ bytes")

Edit = Callable[[str], str]
CASES: list[tuple[str, Edit, tuple[str, str]]] = [
    ("renamed", lambda s: s.replace("贷款余额,", "贷款本金余额,"), ("renamed", "贷款本金余额")),
    ("added", lambda s: "\n".join(f"{line},{'担保方式' if n == 0 else 'D'}" for n, line in
     enumerate(s.strip().splitlines())) + "\n", ("added", "担保方式")),
    ("code", lambda s: s.replace(",A01,", ",A09,"), ("code", "借款人证件类型")),
    ("type", lambda s: s.replace("2026-03-02", "20260302").replace("2025-03-02", "20250302")
     .replace("2026-03-09", "20260309"), ("type", "贷款发放日期")),
    ("order", lambda s: "\n".join(",".join([*(c := line.split(","))[1:2], c[0], *c[2:]])
     for line in s.strip().splitlines()) + "\n", ("order", "")),
    ("delimiter", lambda s: s.replace(",", ";"), ("layout", "delimiter")),
]  # fmt: skip


def found(now: bytes) -> tuple[list[Change], str, str]:
    layouts = layout(GOOD), layout(now)
    feed = _read_as(layouts)
    seen = profile(feed, [now])
    got = changes(LOANS, profile(LOANS, [GOOD]), seen, layouts)
    return got, patch(LOANS, TEXT, got, seen, "spec.toml"), patched(LOANS, TEXT, got, seen)


def _read_as(layouts: tuple[object, object]) -> Feed:
    changed = [
        Change("layout", name, "", str(getattr(layouts[1], name)), "")
        for name in ("encoding", "delimiter")
        if getattr(layouts[0], name) != getattr(layouts[1], name)
    ]
    return parse(LOANS.folder / SPEC, with_layout(TEXT, changed), draft=True)


def accepted(feed: Feed, body: bytes) -> int:
    one = Submission(b"\0" * 32, "381290000019", NOON, body)
    return Decoder(feed, KEY).decode([one]).counts[0].accepted


@pytest.mark.parametrize(("name", "edit", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_a_change_of_the_source_is_named_and_the_patch_is_a_diff(
    name: str, edit: Edit, wanted: tuple[str, str]
) -> None:
    now = edit(GOOD.decode("gb18030")).encode("gb18030")
    assert now != GOOD
    got, difference, repaired = found(now)
    assert wanted in [(one.kind, one.field) for one in got], got
    if name == "order":
        assert difference == ""
        return
    assert difference.startswith("--- a/")
    if name == "code":  # what it means is not known: the spec does not load before it is said
        with pytest.raises(ConfigurationError, match="expected a scheme"):
            parse(LOANS.folder / SPEC, repaired, draft=True)
        return
    feed = parse(LOANS.folder / SPEC, repaired, draft=True)
    if name in ("renamed", "added", "delimiter", "type"):
        assert accepted(feed, now) == 3 > accepted(LOANS, now)


def test_another_encoding_is_a_change_and_its_patch_reads_it() -> None:
    now = GOOD.decode("gb18030").encode()
    got, _, repaired = found(now)
    assert [(one.kind, one.field, one.now) for one in got] == [("layout", "encoding", "utf-8")]
    assert accepted(parse(LOANS.folder / SPEC, repaired), now) == 3


def test_nothing_changed_is_no_change() -> None:
    assert found(GOOD)[:2] == ([], "")


def test_a_change_shows_no_value_of_a_person() -> None:
    now = GOOD.decode("gb18030").replace("借款人证件代码", "证件号").encode("gb18030")
    got, difference, _ = found(now)
    assert "11010519491231002X" not in repr(got) + difference


def adoption(feed: Feed, spec: str, at: datetime, until: datetime | None = None) -> Adoption:
    return Adoption(feed.name, spec, at, until, at, "tester", "", "because", LOANS.version)


class TestAdoptions:
    NEW = TEXT + "\n# one more line\n"

    def version(self, text: str) -> str:
        return parse(LOANS.folder / SPEC, text).version

    def test_each_time_has_its_version_and_the_old_stays_what_it_was(self, tmp_path: Path) -> None:
        running = Adopted(tmp_path)
        assert running.spans(LOANS) == ((0, LOANS),)
        other = Adopted(tmp_path)  # another process adopts
        new = self.version(self.NEW)
        other.adopt(LOANS, self.NEW, adoption(LOANS, new, NOON), TEXT)
        assert running.in_force(LOANS, NOON).version == new
        assert running.in_force(LOANS, NOON - timedelta(seconds=1)).version == LOANS.version
        moved_on = parse(LOANS.folder / SPEC, TEXT + "\n# shipped later\n")
        before = running.in_force(moved_on, NOON - timedelta(days=1))
        assert before.version == LOANS.version
        assert [feed.version for _, feed in running.spans(LOANS)] == [LOANS.version, new]

    def test_the_versions_of_a_stretch_of_time_are_those_that_read_in_it(
        self, tmp_path: Path
    ) -> None:
        running = Adopted(tmp_path)
        day = timedelta(days=1)
        assert running.between(LOANS, NOON, NOON) == [LOANS]
        new = self.version(self.NEW)
        running.adopt(LOANS, self.NEW, adoption(LOANS, new, NOON, NOON + day), TEXT)

        def read(first: datetime, last: datetime) -> list[str]:
            return [feed.version for feed in running.between(LOANS, first, last)]

        old = LOANS.version
        assert read(NOON - day, NOON - day / 2) == [old]
        assert read(NOON - day, NOON) == [old, new]
        assert read(NOON, NOON + day / 2) == [new]
        assert read(NOON, NOON + day) == [new, old]
        assert read(NOON - day, NOON + 2 * day) == [old, new, old]

    def test_a_temporary_version_ends_by_itself(self, tmp_path: Path) -> None:
        adopted = Adopted(tmp_path)
        new = self.version(self.NEW)
        end = NOON + timedelta(hours=12)
        adopted.adopt(LOANS, self.NEW, adoption(LOANS, new, NOON, end), TEXT)
        assert adopted.in_force(LOANS, end - timedelta(microseconds=1)).version == new
        assert adopted.in_force(LOANS, end) is LOANS
        assert [at for at, _ in adopted.spans(LOANS)][1:] == [
            int(at.timestamp() * 1e6) for at in (NOON, end)
        ]

    def test_adoptions_follow_each_other_and_a_broken_record_is_named(self, tmp_path: Path) -> None:
        adopted = Adopted(tmp_path)
        new = self.version(self.NEW)
        adopted.adopt(LOANS, self.NEW, adoption(LOANS, new, NOON), TEXT)
        with pytest.raises(InputError, match="an instant after"):
            early = adoption(LOANS, new, NOON - timedelta(days=1))
            adopted.adopt(LOANS, self.NEW, early, TEXT)
        kept = tmp_path / LOANS.name / "versions" / f"{new}.toml"
        kept.write_text(TEXT + "\n# changed\n", encoding="utf-8")
        with pytest.raises(ConfigurationError, match="text its name says"):
            Adopted(tmp_path).in_force(LOANS, NOON)
        log = tmp_path / LOANS.name / LOG
        log.write_text(log.read_text(encoding="utf-8") + "{}\n", encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"adoptions\.jsonl:2"):
            Adopted(tmp_path).log(LOANS.name)
