"""Intake leaves nothing behind that only a search for cycles would free."""

import gc
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from connectors.feeds.registry import FOLDER
from schemas.records import RAW
from yrd.processes.building import build_intake
from yrd.settings import Settings


@pytest.fixture
def no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


def every_example() -> pa.Table:
    """All examples of all feeds as submissions: good, wrong, refused and held ones."""
    rows = [
        {
            "feed": path.parents[1].name,
            "submitter": "381290000019",
            "received_at": datetime(2026, 6, 15, 3, 0, tzinfo=UTC),
            "data_origin": "SIMULATED",
            "sha256": hashlib.sha256(path.read_bytes()).digest(),
            "size": path.stat().st_size,
            "file_name": path.name,
            "body": path.read_bytes(),
        }
        for path in sorted(FOLDER.glob("*/examples/*"))
        if not path.name.endswith(".expected.json")
    ]
    return pa.Table.from_pylist(rows, RAW)


def test_nothing_of_a_unit_outlives_it_in_a_cycle(no_collection: None) -> None:
    intake = build_intake(Settings(), "SIMULATED")
    raw = every_example()
    repeats = np.zeros(raw.num_rows, np.bool_)
    taken = intake.process(raw, repeats, 0)  # makes plans and memories, which stay
    assert {"held", "quarantined"} <= set(taken.quarantine["status"].to_pylist())
    del taken
    gc.collect()
    before = pa.total_allocated_bytes()
    intake.process(raw, repeats, 0)
    assert pa.total_allocated_bytes() == before
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    assert [type(left).__name__ for left in gc.garbage] == []
