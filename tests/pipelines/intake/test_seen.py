"""A live intake knows what came before, and does not grow by knowing it."""

import pyarrow as pa

from pipelines.intake.seen import Seen


def sent(*pairs: tuple[str, int]) -> pa.Table:
    hashes = [bytes([number]) * 32 for _, number in pairs]
    columns = {"submitter": [submitter for submitter, _ in pairs], "sha256": hashes}
    return pa.table(columns | {"submission_id": hashes})


def test_the_same_bytes_of_one_submitter_are_a_repeat_and_of_another_are_not() -> None:
    seen = Seen()
    first = sent(("a", 1), ("b", 1), ("a", 1), ("a", 2))
    assert seen.repeats(first).tolist() == [False, False, True, False]
    assert seen.repeats(first).tolist() == [False, False, True, False], "asking notes nothing"
    seen.note(first)
    assert seen.repeats(sent(("a", 2), ("c", 1), ("b", 1))).tolist() == [True, False, True]


def test_the_last_ones_are_remembered_and_no_more_than_the_limit() -> None:
    seen = Seen(limit=6)
    for number in range(40):
        seen.note(sent(("a", number)))
        assert len(seen) <= 6
        last = [("a", at) for at in range(max(0, number - 2), number + 1)]
        assert seen.repeats(sent(*last)).all(), "at least half of the limit"
    assert not seen.repeats(sent(("a", 0), ("a", 33))).any()
