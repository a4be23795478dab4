"""What is taken together, in which order, and what is a repeat."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.ends.tape import Tape, TapeWriter
from pipelines.intake.plan import Unit, plan

START = datetime(2026, 3, 2, 1, tzinfo=UTC)
SLACK = timedelta(minutes=10)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    folder = tmp_path_factory.mktemp("plan") / "tape"
    with TapeWriter(folder, "SIMULATED") as writer:
        for n in range(700):
            body = b"same" if n in (5, 300, 301) else f"body {n}".encode()
            submitter = "B" if n == 301 else "A"
            writer.add("pacs008", submitter, START + timedelta(minutes=n), body)
    return Tape(folder)


def flat(units: tuple[Unit, ...]) -> list[tuple[int, int]]:
    return [(p.segment, row) for unit in units for p in unit.parts for row in p.rows]


def test_every_submission_is_taken_once_in_order(tape: Tape) -> None:
    units = plan(tape, unit_bytes=2_000)
    assert [unit.number for unit in units] == [0, 1, 2]
    assert all(unit.submissions for unit in units)
    assert flat(units) == sorted(flat(units))
    assert sum(unit.submissions for unit in units) == len(set(flat(units))) == 700


def test_the_same_bytes_of_the_same_submitter_are_a_repeat_and_of_another_are_not(
    tape: Tape,
) -> None:
    repeats = [(p.segment, row) for u in plan(tape) for p in u.parts for row in p.repeats]
    assert repeats == [(1, 300 - 256)]


def test_a_shuffle_moves_submissions_by_less_than_the_slack_and_loses_none(tape: Tape) -> None:
    slack_us = int(SLACK.total_seconds() * 1e6)
    shuffled = flat(plan(tape, shuffle=7, slack_us=slack_us))
    assert sorted(shuffled) == flat(plan(tape))
    assert shuffled != flat(plan(tape))
    minutes = [segment * 256 + row for segment, row in shuffled]
    newest = 0
    for minute in minutes:
        newest = max(newest, minute)
        assert newest - minute < SLACK.total_seconds() / 60


def test_a_shuffle_does_not_change_what_a_repeat_is(tape: Tape) -> None:
    shuffled = plan(tape, shuffle=3, slack_us=int(SLACK.total_seconds() * 1e6))
    assert {(p.segment, row) for u in shuffled for p in u.parts for row in p.repeats} == {(1, 44)}


def test_a_unit_knows_when_the_last_of_its_submissions_came(tape: Tape) -> None:
    for unit in plan(tape, unit_bytes=2_000):
        newest = max(part.segment * 256 + row for part in unit.parts for row in part.rows)
        assert unit.received_us == int((START + timedelta(minutes=newest)).timestamp() * 1e6)
