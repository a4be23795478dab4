"""A wrong spec is refused with file, line, field and cure."""

import hmac
from pathlib import Path

import pyarrow as pa
import pytest

from connectors.engine import tokens
from connectors.engine.spec import load
from connectors.engine.tokens import Tokeniser
from connectors.feeds.registry import FOLDER, load_feeds
from schemas.errors import ConfigurationError, PrerequisiteError

SPEC = (FOLDER / "loan_register/spec.toml").read_text(encoding="utf-8")

WRONG = [
    ('kind              = "position"', 'kind = "postion"', "kind", "did you mean 'position'"),
    ('encoding          = "gb18030"', 'encoding = "gbk"', "encoding", "gb18030"),
    ('lateness          = "1 d"', 'lateness = "soon"', "lateness", "10 min"),
    ('undecided         = "quarantine"', 'undecide = "quarantine"', "undecide",
     "did you mean 'undecided'"),
    ("outstanding_amount      =", "outstandin_amount =", "fields.outstandin_amount",
     "did you mean 'outstanding_amount'"),
    ('percent = true', 'precent = true', "fields.fixed_rate_leg_1", "did you mean 'percent'"),
    ('effective_date          = "贷款发放日期"', 'effective_date = { percent = true, from = "x" }',
     "fields.effective_date", "decimal field"),
    ('tz = "+08:00"', 'tz = "Beijing"', "fields.event_timestamp", "'+08:00'"),
    ('is = "region"', 'is = "regoin"', "fields.counterparty_1_region", "identifier kind"),
    ("pattern = '[A-T][0-9]{2}'", "pattern = '[A-T'", "counterparty_2_industry",
     "regular expression"),
    ('A01 = "USCC"', 'A01 = "USSC"', "party.counterparty_2.ids", "USCC"),
    ("[constants]", "[constant]", "constant", "did you mean 'constants'"),
    ('market_segment       = "LOAN"', "", "constants", "market_segment"),
    ('effective_date          = "贷款发放日期"',
     'effective_date = { from = "a", first = ["b"] }', "fields.effective_date", "exactly one of"),
    ('effective_date          = "贷款发放日期"',
     'effective_date = { from = "a", python = "os:system" }', "fields.effective_date", "hatches"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "field", "cure"), WRONG)
def test_a_wrong_line_is_named_with_its_cure(
    tmp_path: Path, good: str, bad: str, field: str, cure: str
) -> None:
    assert good in SPEC
    text = SPEC.replace(good, bad, 1)
    path = tmp_path / "spec.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    message = str(caught.value)
    place, _, rest = message.partition(": ")
    file, _, line = place.rpartition(":")
    assert file == str(path)
    if bad:
        written = [n for n, row in enumerate(text.splitlines(), 1) if bad.splitlines()[0] in row]
        assert int(line) in written or text.splitlines()[int(line) - 1].startswith("[")
    assert rest.startswith(field) or field in rest.split(":")[0]
    assert cure in message


def test_toml_errors_carry_the_parsers_line(tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text('feed = "a"\nfeed = "b"\n')
    with pytest.raises(ConfigurationError, match=r"spec\.toml: expected TOML: .*line 2"):
        load(path)
    with pytest.raises(ConfigurationError, match="check the name"):
        load(tmp_path / "absent.toml")


def test_every_feed_of_the_folder_loads_and_its_version_follows_its_text(tmp_path: Path) -> None:
    feeds = load_feeds()
    assert set(feeds) == {path.parent.name for path in FOLDER.glob("*/spec.toml")}
    assert all(feed.market and feed.lateness_us > 0 for feed in feeds.values())
    assert len({feed.version for feed in feeds.values()}) == len(feeds)
    copy = tmp_path / "spec.toml"
    copy.write_text(SPEC, encoding="utf-8")
    assert load(copy).version == feeds["loan_register"].version
    copy.write_text(SPEC + "\n# a comment\n", encoding="utf-8")
    assert load(copy).version != feeds["loan_register"].version


class TestTokens:
    def test_a_token_is_stable_and_differs_by_key_and_kind(self) -> None:
        column = pa.array(["LP-381|6222", None, "LP-381|6222", "LP-382|6222"])
        first = Tokeniser(b"a" * 16).tokens("account", column).to_pylist()
        assert first[0] == first[2] == Tokeniser(b"a" * 16).tokens("account", column)[0].as_py()
        assert first[1] is None
        assert first[0] != first[3]  # one number at two banks stays two
        assert first[0] != Tokeniser(b"b" * 16).tokens("account", column)[0].as_py()
        assert first[0] != Tokeniser(b"a" * 16).tokens("document", column)[0].as_py()
        made = hmac.digest(b"a" * 16, b"account\x1fLP-381|6222", "sm3").hex()
        assert first[0] == made

    def test_the_key_is_in_no_text_of_it(self) -> None:
        tokeniser = Tokeniser(b"very secret key!")
        assert "secret" not in repr(tokeniser) + str(tokeniser)

    def test_a_short_key_and_a_missing_sm3_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ConfigurationError, match="at least 16 bytes"):
            Tokeniser(b"short")
        monkeypatch.setattr(tokens.hashlib, "algorithms_available", {"sha256"})
        with pytest.raises(PrerequisiteError, match="SM3"):
            Tokeniser(b"a" * 16)
