"""FIX and IMIX: every field found, damage stays where it is, and messages nobody here made."""

import dataclasses
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.engine import chunks
from connectors.engine.cells import Cells, PathBook
from connectors.engine.cells_fix import FixScanner
from connectors.engine.engine import Decoder
from connectors.engine.scan import Unit
from connectors.engine.spec import Feed, parse
from connectors.feeds.cfets_imix import write as imix
from connectors.feeds.fixwrite import framed
from connectors.feeds.registry import FOLDER, load_feeds
from schemas.errors import ConfigurationError
from tests.connectors.support import TOKENISER, reconciles, run, submission
from tests.connectors.test_fuzz import EXAMPLES, LONG

FEEDS = load_feeds()
IMIX, ORDERS = FEEDS["cfets_imix"], FEEDS["exchange_orders"]
NAMED = pytest.mark.parametrize("name", ["cfets_imix", "exchange_orders"])
# Published redacted, so that nothing adds up; and in two encodings, so each is said.
THIRD_PARTY = {
    "cbt_execution_report_2017": ("gb18030", 1, 0),
    "ibo_lending_quote_2016": ("utf-8", 1, 0),
    "outright_repo_quote_2017": ("utf-8", 1, 0),
    "fx_ccs_market_data_2020": ("utf-8", 0, 1),
}


def example(feed: Feed, name: str) -> bytes:
    return next((feed.folder / "examples").glob(f"{name}.*[!n]")).read_bytes()


def messages(body: bytes) -> list[bytes]:
    starts = [found.start() for found in re.finditer(rb"8=[A-Z.0-9]+\x019=", body)]
    return [body[a:z] for a, z in pairwise([*starts, len(body)])]


def sound(message: bytes) -> bytes:
    """The message with BodyLength and CheckSum made right again."""
    begin, rest = message.split(b"\x019=", 1)
    body = rest.split(b"\x01", 1)[1]
    text = b"%s\x019=%d\x01%s" % (begin, body.rindex(b"10="), body[: body.rindex(b"10=")])
    return text + b"10=%03d\x01" % (sum(text) & 255)


def fields(message: bytes, feed: Feed) -> list[tuple[str, bytes]]:
    """Paths and values of a message, read the plain way: the groups' entries have no numbers."""
    groups = {group.path: group for group in feed.groups}
    out: list[tuple[str, bytes]] = []
    at = ""
    for part in message.split(b"\x01")[:-1]:
        tag, _, value = part.decode("latin-1").partition("=")
        if tag in ("8", "9", "10"):
            continue
        while at and tag not in (
            groups[at].first,
            *groups[at].members,
            *(group.count for group in feed.groups if group.parent == at),
        ):
            at = groups[at].parent
        out.append((f"{at}/{tag}" if at else tag, value.encode("latin-1")))
        inner = [g.path for g in feed.groups if g.parent == at and g.count == tag]
        at = inner[0] if inner else at
    return out


def read(feed: Feed, body: bytes) -> list[tuple[str, bytes]]:
    scanned, refused = FixScanner(feed, PathBook()).scan([Unit(0, body)])
    assert not refused
    data = scanned.body.tobytes()
    return [(scanned.book.names[number], data[a:z]) for a, z, number in scanned.cells[:, :3]]


@NAMED
def test_cells_are_the_fields_of_the_message_in_their_groups(name: str) -> None:
    for message in messages(example(FEEDS[name], "plain")):
        assert read(FEEDS[name], message) == fields(message, FEEDS[name])


@pytest.mark.parametrize("name", THIRD_PARTY)
def test_a_message_nobody_here_made_decodes_when_its_integrity_is_tolerated(
    trial_data: Path, name: str
) -> None:
    body = (trial_data / f"cfets_imix/{name}.imix").read_bytes()
    encoding, accepted, skipped = THIRD_PARTY[name]
    tolerant = dataclasses.replace(IMIX, integrity="tolerate", encoding=encoding)
    assert read(tolerant, body) == fields(body, tolerant)
    decoded = run(tolerant, body)
    count = decoded.counts[0]
    assert (count.accepted, count.skipped, count.records) == (accepted, skipped, 1)
    assert {row["outcome"] for row in decoded.findings.to_pylist()} <= {"warning"}
    strict = run(dataclasses.replace(IMIX, encoding=encoding), body)
    assert [(row["rule_id"], row["field"]) for row in strict.findings.to_pylist()] == [
        ("ENG-BODY-LENGTH", "9")
    ]
    assert strict.counts[0].quarantined == 1


def test_parties_and_times_of_a_message_nobody_here_made(trial_data: Path) -> None:
    body = (trial_data / "cfets_imix/cbt_execution_report_2017.imix").read_bytes()
    row = run(dataclasses.replace(IMIX, integrity="tolerate"), body).batch.to_pylist()[0]
    assert row["counterparty_1_id"] == "100371"
    assert row["counterparty_2_id"] == "100147"
    assert row["counterparty_1_name"] == "威海市商业银行"  # the full name, 803=124
    assert row["counterparty_2_name"] == "华泰证券股份有限公司"
    assert row["counterparty_1_account_token"] != row["counterparty_2_account_token"]
    assert row["event_timestamp"].isoformat() == "2017-07-24T07:33:36.363000+00:00"
    assert row["reporting_timestamp"].isoformat() == "2017-07-24T07:35:47.918000+00:00"
    assert str(row["price"]) == "99.4895000000000"
    assert dict(row["extension"])["yield"] == "3.6541"
    text = repr(row)
    for person in ("交易员甲", "REDACTED-PHONE", "REDACTED-ADDR"):
        assert person not in text


_CLASSES = {
    "decimal": {"PRICE", "QTY", "AMT", "FLOAT", "PRICEOFFSET"},
    "timestamp": {"UTCTIMESTAMP"},
    "date32": {"LOCALMKTDATE", "UTCDATEONLY"},
    "other": {"STRING", "CHAR", "EXCHANGE", "CURRENCY", "INT"},
}


def test_every_tag_of_the_orders_spec_is_in_the_dictionary_under_its_type(
    trial_data: Path,
) -> None:
    root = ElementTree.parse(trial_data / "fix/FIX44.xml").getroot()
    known = {row.get("number", ""): row for row in root.iterfind("fields/field")}
    ours = {"5501"}  # the user-defined tag of the profile
    for column in ORDERS.columns:
        kind = str(column.type).split("[")[0].split("128")[0]
        for path in column.paths:
            tag = path.rpartition("/")[2]
            if tag in ours:
                continue
            if not column.name.startswith("extension."):  # those stay the text they are
                assert known[tag].get("type") in _CLASSES.get(kind, _CLASSES["other"]), column.name
            codes = {value.get("enum") for value in known[tag]}
            if codes and column.how == "from" and "map" in column.options:
                assert set(column.options["map"]) <= codes, column.name
    for group in ORDERS.groups:
        assert known[group.count].get("type") == "NUMINGROUP"
        roles = {value.get("enum") for value in known[group.by or group.first]}
        assert not group.codes or set(group.codes) <= roles
    for path in ORDERS.ignored:
        tag = path.rpartition("/")[2]
        assert tag == "**" or tag in known, path


@st.composite
def damaged(draw: st.DrawFn, message: bytes) -> bytes:
    """A message with one to four places overwritten, cut out, filled in or cut off."""
    out = bytearray(message)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(out) - 1))
        what = draw(st.integers(0, 3))
        if what == 0:
            out[at] = draw(st.integers(0, 255))
        elif what == 1:
            del out[at : at + draw(st.integers(1, 60))]
        elif what == 2:
            soup = st.lists(st.sampled_from([*b"\x01=0123456789\n|8"]), min_size=1, max_size=6)
            out[at:at] = bytes(draw(soup))
        else:
            del out[at:]
        out = out or bytearray(b"x")
    return bytes(out)


def outcome(row: dict[str, object]) -> dict[str, object]:
    """A row without its place in the submission."""
    places = {"submission", "record", "source_record_locator", "byte_start", "byte_end"}
    return {name: value for name, value in row.items() if name not in places}


@NAMED
@settings(max_examples=max(EXAMPLES // 10, 1), deadline=None, derandomize=not LONG)
@given(data=st.data())
def test_a_damaged_message_costs_no_neighbour_and_no_byte(name: str, data: st.DataObject) -> None:
    feed = FEEDS[name]
    first, between, last = messages(example(feed, "plain"))[:3]
    broken = data.draw(st.lists(damaged(between), min_size=10, max_size=10))
    bodies = [first + message + last for message in broken]
    scanned, _ = FixScanner(feed, PathBook()).scan([Unit(n, b) for n, b in enumerate(bodies)])
    whole = scanned.body.tobytes()
    ends = [0, *scanned.records[:, 1].tolist()]
    for end, begin in zip(ends, [*scanned.records[:, 0].tolist(), len(whole)], strict=True):
        assert not whole[end:begin].strip(b"\r\n")  # between records there are line ends only
    decoded = run(feed, first + last, *bodies)
    assert reconciles(decoded)
    rows = decoded.batch.to_pylist()
    alone = [outcome(row) for row in rows if row["submission"] == 0]
    assert len(alone) == 2
    for number, body in enumerate(bodies, 1):
        kept = [
            outcome(row)
            for row in rows
            if row["submission"] == number and row["byte_start"] in (0, len(body) - len(last))
        ]
        assert kept == alone


@NAMED
def test_the_last_separator_hit_costs_one_message(name: str) -> None:
    good = messages(example(FEEDS[name], "plain"))
    body = good[0][:-1] + b"X" + good[1] + good[2]
    decoded = run(FEEDS[name], body)
    assert decoded.counts[0].accepted == 2
    assert decoded.findings["rule_id"].to_pylist() == ["ENG-UNREADABLE"]
    assert decoded.quarantined["byte_end"].to_pylist() == [len(good[0])]


def test_a_wrong_length_that_ends_at_the_next_trailer_swallows_nobody() -> None:
    good = messages(example(ORDERS, "plain"))
    size = int(good[0].split(b"\x019=")[1].split(b"\x01")[0])
    longer = good[0].replace(b"\x019=%d" % size, b"\x019=%d" % (size + len(good[1])))
    decoded = run(ORDERS, longer + good[1] + good[2])
    assert decoded.counts[0].accepted == 2
    assert decoded.findings["rule_id"].to_pylist() == ["ENG-BODY-LENGTH"]


def test_line_ends_between_messages_are_nothing_and_other_bytes_a_record() -> None:
    good = messages(example(ORDERS, "plain"))
    decoded = run(ORDERS, b"\r\n".join(good) + b"\n\n")
    assert decoded.counts[0].accepted == decoded.counts[0].records == len(good)
    decoded = run(ORDERS, b"log " + good[0] + b"\n" + good[1] + b"\x01\x01")
    assert (decoded.counts[0].accepted, decoded.counts[0].quarantined) == (2, 2)


def test_a_flood_of_unknown_tags_takes_no_number_from_a_known_one() -> None:
    good = messages(example(ORDERS, "plain"))
    flood = b"".join(b"%d=x\x01" % tag for tag in range(20_000, 29_000))
    hostile = sound(good[0].replace(b"\x0134=", b"\x01" + flood + b"34=", 1))
    decoded = run(ORDERS, hostile + good[1] + good[2] + good[6])
    assert reconciles(decoded)
    assert decoded.counts[0].accepted == 3


def test_groups_within_groups_are_picked_by_role_and_never_shift() -> None:
    """An entry without a value for a path leaves its neighbours' values where they are."""
    deal = messages(example(IMIX, "plain"))[0]
    entry = b"523=021-61230000\x01803=6\x01"
    first = deal.index(b"523=")
    changed = deal[:first] + entry + deal[first:]
    changed = sound(changed.replace(b"802=12", b"802=13", 1))
    before, after = (run(IMIX, one).batch.to_pylist()[0] for one in (deal, changed))
    assert after["content_hash"] == before["content_hash"]
    without = sound(deal.replace("523=华澜上海\x01803=125\x01".encode("gb18030"), b"", 1))
    short = run(IMIX, without)
    assert short.findings["rule_id"].to_pylist() == ["ENG-GROUP-COUNT"]


def test_a_cancelled_trade_leaves_the_trade_and_a_termination() -> None:
    rows = run(IMIX, example(IMIX, "cancel_keeps_the_trade")).batch.to_pylist()
    assert [(row["action_type"], row["event_type"]) for row in rows] == [
        ("NEWT", "TRAD"), ("TERM", "CNCL"),
    ]  # fmt: skip
    assert rows[0]["source_trade_id"] == rows[1]["source_trade_id"]
    assert rows[0]["transaction_key"] != rows[1]["transaction_key"]


def test_persons_and_telephones_are_ignored_with_that_reason() -> None:
    assert "telephone" in IMIX.ignored_because["party/10602"]
    dropped = {
        code for group in IMIX.groups for code, why in group.codes.items() if "person" in why
    }
    assert dropped == {"101", "126"}
    body = example(IMIX, "plain")
    assert b"021-61230000" in body
    assert "021-61230000" not in repr(run(IMIX, body).batch.to_pylist())


@NAMED
def test_chunks_cut_between_messages_change_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = FEEDS[name]
    good = example(feed, "plain")
    body = good * 12 + b"noise\n" + good + messages(good)[0][:-9] + good
    if name == "exchange_orders":  # a message inside a data field is no place to cut
        body += example(feed, "embedded_message_in_a_data_field") * 9
    whole = Decoder(feed, TOKENISER).decode([submission(body)])
    assert whole.counts[0].accepted > 30
    cut = chunks.units_of
    for limit in (1500, 6000):
        pieces = list(cut(0, body, feed, limit))
        assert b"".join(piece.body for piece in pieces) == body
        monkeypatch.setattr(
            "connectors.engine.engine.units_of",
            lambda number, data, spec, _, scratch, bound=limit: cut(
                number, data, spec, bound, scratch
            ),
        )
        decoded = Decoder(feed, TOKENISER).decode([submission(body)])
        assert decoded.counts == whole.counts
        assert decoded.batch.to_pylist() == whole.batch.to_pylist()
        assert decoded.findings.to_pylist() == whole.findings.to_pylist()
        assert decoded.quarantined.to_pylist() == whole.quarantined.to_pylist()


texts = st.text(st.characters(codec="gb18030", exclude_characters="\x01\x02"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(texts, min_size=2, max_size=2), min_size=1, max_size=5))
def test_framing_is_what_the_scanner_checks(rows: list[list[str]]) -> None:
    bodies = pa.array([f"35=8\x0155={a}\x0158={b}\x01" for a, b in rows])
    body = framed(bodies, "IMIX.1.0", "gb18030")
    scanned, refused = FixScanner(IMIX, PathBook()).scan([Unit(0, body)])
    assert not refused
    assert not scanned.status.any()
    cells = Cells(scanned)
    for at, path in enumerate(("55", "58")):
        assert cells.column(path)[0].to_pylist() == [row[at] or None for row in rows]


def test_what_is_written_is_read_back() -> None:
    decoded = run(IMIX, example(IMIX, "plain"))
    rows = {row["source_trade_id"]: row for row in decoded.batch.to_pylist()}
    assert {row["market_segment"] for row in rows.values()} == {"BOND", "MM"}
    assert imix.RECORD.field("member_1").nullable is False
    assert rows["IBO20260615000002"]["fixed_rate_leg_1"] is not None
    assert rows["IBO20260615000002"]["price"] is None
    assert rows["CBT20260615000001"]["price_notation"] == "2"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('begin             = "IMIX.1.0"\n', "", "begin"),
        ('in      = "party"', 'in      = "nobody"', "above this one"),
        ('first   = "448"', 'first   = "PartyID"', "tags of one to five digits"),
        ('by      = "452"', 'by      = "999"', "one of the group's tags"),
        ('count   = "453"', 'counts  = "453"', "did you mean 'count'"),
        ("[constants]", '[constants]\nmarket_segment = "BOND"', "say one of the two"),
        ('market = { from = "10176", map', 'market = { from = "10176", absent', "map"),
        ('"verify"  ', '"maybe"  ', "verify, tolerate"),
    ],
)
def test_a_mistake_in_a_fix_spec_is_named(old: str, new: str, said: str) -> None:
    path = FOLDER / "cfets_imix/spec.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        parse(path, text.replace(old, new, 1))


def test_scanning_units_together_is_scanning_them_apart() -> None:
    bodies = [path.read_bytes() for path in sorted((IMIX.folder / "examples").glob("*.imix"))]
    together, _ = FixScanner(IMIX, PathBook()).scan([Unit(n, b) for n, b in enumerate(bodies)])
    status, sizes = [], []
    for body in bodies:
        scanned, _ = FixScanner(IMIX, PathBook()).scan([Unit(0, body)])
        status += scanned.status.tolist()
        sizes.append(len(scanned.records))
    assert together.status.tolist() == status
    assert np.bincount(together.unit, minlength=len(bodies)).tolist() == sizes
