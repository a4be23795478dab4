"""What the ledger costs: loading, the end of a run, and explaining an alert."""

import shutil
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.rules import on_time
from benchmarks.sizes import Bench
from benchmarks.taking import stored
from connectors.ends.tape import Tape
from pipelines.job.outputs import Outputs
from pipelines.lanes.stream import run_plain
from pipelines.pairing.kernel import RECON
from serving.answers.explain import explanation
from serving.publish import open_version
from serving.publish.versions import current
from yrd.processes.concluding import conclude
from yrd.processes.loading import open_loader

SOURCE = "benchmark"
SLACK = timedelta(minutes=10)  # the default of YRD_SLACK_MINUTES


def ledger(bench: Bench) -> dict[str, Any]:
    """CPU us a report of loading and concluding, all threads of the database included."""
    units = stored(bench)
    tape = Tape(bench.demo(bench.small))
    folder = bench.folder / "ledger"
    shutil.rmtree(folder, ignore_errors=True)
    numbers = range(len(list((units / "submissions").glob("seg-*.arrow"))))
    rows = on_time(units / "narrow")
    crossings = run_plain([rows], [int(rows["event_time"].max(initial=0))])
    found = Outputs(crossings, np.empty(0, RECON), Counter())
    known = datetime.fromisoformat(str(tape.manifest["received_to"]))
    origin = str(tape.manifest["data_origin"])
    with TemporaryDirectory() as scratch, open_loader(Path(scratch), origin) as loader:
        loader.take_unit(SOURCE, units, 0)  # imports and compiled kernels: paid once a process
    start = time.process_time()
    with open_loader(folder, origin) as loader:
        opened = time.process_time()
        for number in numbers:
            loader.take_unit(SOURCE, units, number)
        loader.loader.flush()
        loaded = time.process_time()
        result = conclude(loader.loader, folder, found, SOURCE, known, SLACK)
        done = time.process_time()
    connection, _ = open_version(folder)
    version = current(folder)
    told = 0.0
    with connection:
        alerts = [row[0] for row in connection.rows(_SOME)]
        for alert in alerts:
            before = time.process_time()
            explanation(connection, alert)
            told += time.process_time() - before
    reports = max(version.reports, 1)
    return {
        "reports": version.reports,
        "bytes a report": round(version.size / reports),
        "opening an empty ledger, CPU-s": round(opened - start, 2),
        "loading, us a report": round((loaded - opened) / reports * 1e6, 2),
        "conclusion, us a report": round((done - loaded) / reports * 1e6, 2),
        "explanation, CPU-s an alert": round(told / max(len(alerts), 1), 2),
        "output_sha256": result["output_sha256"],
    }


_SOME = """
SELECT alert_id FROM alert WHERE known_to IS NULL
QUALIFY row_number() OVER (PARTITION BY rule ORDER BY alert_id) <= 2 ORDER BY alert_id
"""
