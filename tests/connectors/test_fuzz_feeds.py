"""Damaged submissions of every feed: nothing crashes, is lost, or costs a neighbour its place."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.feeds.registry import load_feeds
from tests.connectors.mutations import BYTES, VALUES, Choose, damaged, other_value, scratched
from tests.connectors.outcomes import Record, Watched, judge, records_of, wrongs
from tests.connectors.samples import examples_of
from tests.connectors.support import submission

FEEDS = load_feeds()
LINES = [name for name, feed in FEEDS.items() if feed.format in ("csv", "ndjson", "fix")]
TREES = [name for name, feed in FEEDS.items() if feed.format in ("xml", "json")]
# The soak asks for more, and for other ones every time.
LONG = "YRD_FUZZ_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("YRD_FUZZ_EXAMPLES", "150")) // 15
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize=not LONG,
)
# Text an element or a JSON string may hold as it is, so that the document stays what it is.
_HARMLESS = [
    value
    for value in (*VALUES, *BYTES)
    if value.decode("utf-8", "ignore").encode() == value and not set(value) & set(b'<>&"\\\n\r\t')
    and min(value, default=32) >= 32 and b"\xef\xbf" not in value
]  # fmt: skip


SAMPLES = {feed: examples_of(feed) for feed in FEEDS}
KEPT = {feed: Watched(spec) for feed, spec in FEEDS.items()}  # what it learned must not matter


def chooser(data: st.DataObject) -> Choose:
    return lambda n: data.draw(st.integers(0, n - 1))


@pytest.mark.parametrize("feed", FEEDS)
@BOUNDED
@given(data=st.data())
def test_a_damaged_submission_is_accounted_for_and_costs_its_neighbours_nothing(
    feed: str, data: st.DataObject
) -> None:
    samples, decoder, spec = SAMPLES[feed], KEPT[feed], FEEDS[feed]
    choose = chooser(data)
    good = samples[0]
    bodies = [good, damaged(samples[choose(len(samples))], spec, choose, samples), good]
    decoded = decoder.decode([submission(body) for body in bodies])
    assert wrongs(spec, bodies, decoder, decoded) == []
    first, last = records_of(decoder, 0), records_of(decoder, 2)
    assert [(r.state, r.row, r.found) for r in first] == [(r.state, r.row, r.found) for r in last]
    assert decoded.counts[0] == decoded.counts[2]
    assert decoded.counts[0].accepted > 0


def pieces_of(feed: str) -> tuple[bytes, list[bytes], bytes]:
    """What stands in front of a plain submission's records, the records, and what stands behind."""
    body = SAMPLES[feed][0]
    decoder, _, wrong = judge(FEEDS[feed], body)
    assert wrong == []
    records = records_of(decoder, 0)
    ends = [*(record.start for record in records[1:]), records[-1].end]
    pieces = [body[r.start : end] for r, end in zip(records, ends, strict=True)]
    if FEEDS[feed].format in ("csv", "ndjson") and not pieces[-1].endswith(b"\n"):
        pieces[-1] += b"\n"
    return body[: records[0].start], pieces, body[records[-1].end :]


def neighbours(feed: str, body: bytes, before: int, behind: int) -> list[Record]:
    decoder, _, wrong = judge(FEEDS[feed], body)
    assert wrong == []
    records = records_of(decoder, 0)
    return [
        Record(0, 0, r.state, r.row, r.found)
        for r in (*records[:before], *records[len(records) - behind :])
    ]


@pytest.mark.parametrize("feed", LINES)
@BOUNDED
@given(data=st.data())
def test_a_damaged_line_or_message_changes_no_other_ones_outcome(
    feed: str, data: st.DataObject
) -> None:
    head, records, tail = pieces_of(feed)
    records = [*records, *records]
    choose = chooser(data)
    at = choose(len(records))
    end = b"\n" if FEEDS[feed].format != "fix" else b""
    broken = scratched(records[at].removesuffix(end), FEEDS[feed], choose) + end
    many = (at, len(records) - at - 1)
    plain = neighbours(feed, head + b"".join(records) + tail, *many)
    records[at] = broken
    assert neighbours(feed, head + b"".join(records) + tail, *many) == plain


@pytest.mark.parametrize("feed", TREES)
@BOUNDED
@given(data=st.data())
def test_another_value_in_a_document_changes_no_other_records_outcome(
    feed: str, data: st.DataObject
) -> None:
    head, records, tail = pieces_of(feed)
    records = [*records, *records] if len(records) < 4 else records
    joint = b"," if FEEDS[feed].format == "json" else b""
    records = [record.rstrip(b" ,\r\n\t") for record in records]
    choose = chooser(data)
    at = choose(len(records))
    many = (at, len(records) - at - 1)
    plain = neighbours(feed, head + joint.join(records) + tail, *many)
    records[at] = other_value(records[at], choose, _HARMLESS)
    assert neighbours(feed, head + joint.join(records) + tail, *many) == plain
