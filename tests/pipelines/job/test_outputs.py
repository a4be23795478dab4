"""Lines of output stay below what a broker takes, however much one step finds."""

import numpy as np
import pyarrow as pa

from pipelines.job.outputs import (
    CROSSINGS,
    LINE_BYTES,
    RECONCILIATION,
    crossing_parts,
    line,
    parse,
    recon_parts,
)
from pipelines.pairing.kernel import RECON
from schemas.records import CROSSING


def many(rows: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [
            {
                "rule": "structuring",
                "variant": "same_pair",
                "vantage": 4,
                "subject": number,
                "instant": number,
                "measure": number,
                "band": 1,
                "evidence": list(range(256)),
                "search_cut": False,
            }
            for number in range(rows)
        ],
        schema=CROSSING,
    )


def test_a_large_step_becomes_several_lines_and_none_is_lost() -> None:
    crossings = many(3_000)
    recon = np.zeros(200_000, RECON)
    recon["key"] = np.arange(len(recon))
    lines = [line(CROSSINGS, part) for part in crossing_parts(crossings)]
    lines += [line(RECONCILIATION, part) for part in recon_parts(recon.tobytes())]
    assert len(lines) > 10
    assert max(map(len, lines)) < 1 << 20
    found = parse(lines)
    assert found.crossings.equals(pa.Table.from_batches([crossings]))
    assert np.array_equal(found.recon, recon)


def test_a_small_step_is_one_line_and_an_empty_one_none() -> None:
    assert len(list(crossing_parts(many(3)))) == 1
    assert list(recon_parts(b"")) == []
    assert LINE_BYTES * 4 // 3 < 1 << 20
