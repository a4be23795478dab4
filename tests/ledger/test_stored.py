"""Reports in parts come back as they were given, whatever repeats in them and whatever is empty."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ledger import asof, ddl, duck, stored
from ledger.loader import Loader
from ledger.stored import Shape, split
from schemas.derive import duckdb_columns
from schemas.errors import InputError
from tests.ledger.made import DAY, NANJING, SHANGHAI, START, report, wide

WIDE = ddl.TABLES["event"]
_LEDGER = {field.name for field in ddl.ledger_fields("event")}


# What is no UUID in small letters stays the text it is.
_UETRS = [
    *(str(uuid.UUID(int=number << 60 | number)) for number in range(5)),
    "0627A4AA-C053-4ADC-9EFB-3B764E904B7B",
    f"{7:036d}",
    "",
]


def mixed(seed: int, count: int = 60) -> pa.Table:
    """Reports whose values repeat, alternate or are missing at random."""
    rng = np.random.default_rng(seed)
    rows = [
        report(
            1_000 * seed + number,
            str(rng.choice([SHANGHAI, NANJING])),
            at=START + int(rng.integers(0, 3)) * DAY,
            event_type=str(rng.choice(["PAYM", "DISC", "PLDG"])),
            purpose_code=rng.choice([None, "SALA", "GDDS"]),
            counterparty_1_region=rng.choice([None, "310000", "330200"]),
            uetr=None if seed == 0 else str(rng.choice(_UETRS[seed:])),
            asset_range_start=int(rng.integers(0, 3)) or None,
            invoice_hash=rng.choice([None, bytes(16), bytes([255] * 16), bytes(range(16))]),
        )
        for number in range(count)
    ]
    return wide(rows)


def given(tables: Sequence[pa.Table]) -> list[dict[str, Any]]:
    names = [name for name in WIDE.names if name not in _LEDGER and name != "revision_number"]
    rows = pa.concat_tables(tables).select(names).to_pylist()
    return sorted(rows, key=lambda row: row["report_id"])


def held(ledger: duck.Connection) -> list[dict[str, Any]]:
    names = [name for name in WIDE.names if name not in _LEDGER and name != "revision_number"]
    table = ledger.sql(f"SELECT {', '.join(names)} FROM event ORDER BY report_id")
    return table.cast(
        pa.schema([WIDE.field(name).with_nullable(True) for name in names])
    ).to_pylist()


def test_reports_come_back_as_they_were_given(tmp_path: Path) -> None:
    parts = [mixed(0), mixed(1).slice(7, 40), mixed(2)]
    with Loader(tmp_path / "one.duckdb", "SIMULATED") as loader:
        for position, part in enumerate(parts):
            loader.load_segment("test", position, {"event": part})
            if position != 1:
                loader.flush()
        ledger = loader.connection
        assert held(ledger) == given(parts)
        assert [row["uetr"] is None for row in given(parts)].count(True) == 60
        own = ledger.scalar("SELECT count(*) FROM stored.event")
        for part in ("profile", "envelope"):
            shared = ledger.scalar(f"SELECT count(*) FROM stored.event_{part}")
            assert 1 < shared <= own
            assert shared == ledger.scalar(f"SELECT count(DISTINCT {part}) FROM stored.event")


def test_the_relation_has_the_columns_and_types_of_the_schema() -> None:
    with duck.memory() as ledger:
        ddl.create(ledger, "SIMULATED")
        for name in ddl.IN_PARTS:
            found = [row[:2] for row in ledger.rows(f'DESCRIBE "{name}"')]
            optional = pa.schema([field.with_nullable(True) for field in ddl.TABLES[name]])
            ledger.execute(f'CREATE TABLE "like_{name}" ({", ".join(duckdb_columns(optional))})')
            assert found == [row[:2] for row in ledger.rows(f'DESCRIBE "like_{name}"')], name


def test_what_a_submission_shares_is_kept_once() -> None:
    rows = [report(number, SHANGHAI, at=START) for number in range(50)]
    reports = wide(rows)
    shared = {"submission_id", "source_uri", "source_payload_sha256"}
    for name in shared:  # one submission instead of one each
        place = reports.schema.get_field_index(name)
        one = pa.repeat(reports[name][0], 50).cast(reports.schema.field(name).type)
        reports = reports.set_column(place, reports.schema.field(name), one)
    parts = split(Shape.of("event", WIDE), reports, 5, 9)
    assert (parts.envelope.num_rows, parts.profile.num_rows) == (1, 1)
    assert (
        set(parts.rows["envelope"].to_pylist())
        == set(parts.envelope["envelope"].to_pylist())
        == {9}
    )
    assert (
        set(parts.rows["profile"].to_pylist()) == set(parts.profile["profile"].to_pylist()) == {5}
    )
    assert not shared & set(parts.rows.schema.names)


def test_a_column_is_made_with_its_first_value_and_not_by_a_failed_commit(tmp_path: Path) -> None:
    with Loader(tmp_path / "one.duckdb", "SIMULATED") as loader:
        ledger = loader.connection
        loader.load_segment("test", 0, {"event": mixed(0)})
        loader.flush()
        assert "uetr" not in stored.columns(ledger, "event")
        broken = pa.table({name: pa.nulls(1) for name in ddl.TABLES["submission"].names[1:]})
        broken = broken.append_column("submission_id", pa.array([b"x"], pa.binary()))
        broken = broken.set_column(
            broken.schema.get_field_index("data_origin"), "data_origin", pa.array(["SIMULATED"])
        )
        loader.load_segment("test", 1, {"event": mixed(1), "submission": broken})
        with pytest.raises(InputError):
            loader.flush()
        assert "uetr" not in stored.columns(ledger, "event")
        assert ledger.scalar("SELECT count(uetr) FROM event") == 0
        loader.load_segment("test", 1, {"event": mixed(1)})
        loader.flush()
        assert "uetr" in stored.columns(ledger, "event")
        assert ledger.scalar("SELECT count(uetr) FROM event") == 60


def test_an_earlier_state_of_reports_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "one.duckdb"
    with Loader(path, "SIMULATED") as loader:
        loader.load_segment("test", 0, {"event": mixed(3)})
    with duck.open(path, read_only=True) as ledger:
        cut = ledger.scalar("SELECT median(known_from) FROM event")
        known = ledger.rows("SELECT report_id FROM event WHERE known_from <= $1 ORDER BY 1", [cut])
        asof.apply(ledger, cut)
        assert ledger.rows("SELECT report_id FROM event ORDER BY 1") == known
        assert 0 < len(known) < 60
