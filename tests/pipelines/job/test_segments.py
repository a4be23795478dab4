from pathlib import Path

import numpy as np
import pytest

from pipelines.job.segments import (
    Message,
    decode,
    encode,
    read_parts,
    read_segment,
    segment_count,
    split,
    watermark_of,
    write_segment,
)
from schemas.errors import InputError
from schemas.narrow import NARROW


def rows(count: int) -> np.ndarray:
    made = np.zeros(count, NARROW)
    made["key"] = np.arange(1, count + 1)
    return made


def test_a_segment_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = write_segment(tmp_path / "narrow", 0, rows(7)[::2], 123_456)
    message = read_segment(path)
    for size in (1, 2, 3, 100):
        parts = list(read_parts(path, size))
        asked = list(split(message, size))
        assert [part.watermark_us for part in parts] == [part.watermark_us for part in asked]
        assert all(np.array_equal(a.rows, b.rows) for a, b in zip(parts, asked, strict=True))
    assert message.watermark_us == 123_456
    assert message.rows["key"].tolist() == [1, 3, 5, 7]
    assert [file.name for file in path.parent.iterdir()] == ["seg-00000.bin"]


def test_only_the_last_part_of_a_message_carries_its_watermark() -> None:
    parts = list(split(Message(9, rows(5)), 2, before_us=4))
    assert [part.watermark_us for part in parts] == [4, 4, 9]
    assert np.concatenate([part.rows for part in parts])["key"].tolist() == [1, 2, 3, 4, 5]


def test_a_message_without_rows_still_moves_the_watermark() -> None:
    (only,) = split(Message(9, rows(0)), 100)
    assert watermark_of(encode(only)) == 9
    assert len(decode(encode(only)).rows) == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"",
        lambda data: b"PAR1" + data[4:],
        lambda data: data[:8] + b"\x02" + data[9:],
        lambda data: data[:12] + b"\x40" + data[13:],
    ],
    ids=["cut", "longer", "empty", "other magic", "other version", "other width"],
)
def test_a_spoilt_message_is_refused_with_its_place(spoil: object) -> None:
    with pytest.raises(InputError, match=r"^seg: expected"):
        decode(spoil(encode(Message(1, rows(2)))), where="seg")  # type: ignore[operator]


def test_a_gap_in_the_numbers_is_refused(tmp_path: Path) -> None:
    write_segment(tmp_path, 0, rows(1), 0)
    assert segment_count(tmp_path) == 1
    write_segment(tmp_path, 2, rows(1), 0)
    with pytest.raises(InputError, match="without a gap"):
        segment_count(tmp_path)
    with pytest.raises(InputError, match="expected narrow segments"):
        segment_count(tmp_path / "none")
