"""Messages of several partitions come out in the order of their times."""

import numpy as np
import pytest

from connectors.ends.merging import Merge
from connectors.ends.messages import FLUSH, Message, Place

A, B, C = ("a", 0), ("b", 0), ("c", 0)


def message(place: Place, offset: int, time_ms: int, mark: bool = False) -> Message:
    return Message(place, offset, None, b"", time_ms, {"kind": FLUSH} if mark else {})


def test_nothing_is_handed_out_while_an_older_message_may_be_on_its_way() -> None:
    merge = Merge([A, B])
    merge.add([message(A, 0, 10), message(A, 1, 20)])
    assert merge.take(ended={A}, most=9) == []
    merge.add([message(B, 0, 15)])
    assert [one.timestamp_ms for one in merge.take(ended={A}, most=9)] == [10, 15]
    assert merge.take(ended={A}, most=9) == [], "another one of b may be older than 20"
    assert [one.timestamp_ms for one in merge.take(ended={A, B}, most=9)] == [20]
    assert len(merge) == 0


def test_marks_come_after_every_submission_of_their_time() -> None:
    merge = Merge([A, B, C])
    merge.add([message(A, 0, 10, mark=True), message(B, 0, 10), message(B, 1, 10, mark=True)])
    taken = merge.take(ended={A, B, C}, most=9)
    assert [(one.place, one.is_flush) for one in taken] == [(B, False), (A, True), (B, True)]


def test_what_is_far_ahead_is_named() -> None:
    merge = Merge([A, B])
    merge.add(message(A, number, number) for number in range(4))
    assert merge.ahead(3) == {A}
    assert merge.ahead(4) == set()


@pytest.mark.parametrize("seed", range(30))
def test_however_they_arrive_they_are_no_more_out_of_order_than_they_were_sent(seed: int) -> None:
    slack = 5
    draw = np.random.default_rng(seed)
    moments = np.sort(draw.integers(0, 60, 40)).tolist()
    sent: dict[Place, list[Message]] = {A: [], B: [], C: []}
    for moment in moments:
        place = (A, B, C)[draw.integers(3)]
        time_ms = moment + int(draw.integers(slack + 1))
        sent[place].append(message(place, len(sent[place]), time_ms))
    merge = Merge(sent)
    arrived = dict.fromkeys(sent, 0)
    out: list[Message] = []
    while len(out) < len(moments):
        for place, messages in sent.items():
            count = int(draw.integers(min(len(messages) - arrived[place], 6) + 1))
            merge.add(messages[arrived[place] : arrived[place] + count])
            arrived[place] += count
        ended = {place for place in sent if arrived[place] == len(sent[place])}
        out += merge.take(ended, int(draw.integers(1, 10)))
    for place, messages in sent.items():
        assert [one for one in out if one.place == place] == messages
    newest = 0
    for one in out:
        assert one.timestamp_ms >= newest - slack
        newest = max(newest, one.timestamp_ms)
