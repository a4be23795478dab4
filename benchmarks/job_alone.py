"""`python -m benchmarks.job_alone RUN`: the stream job over the narrow rows of a run's folder."""

import sys
from pathlib import Path

from pipelines.job.embedded import run_embedded
from pipelines.job.segments import segment_count
from yrd.processes.building import job_settings
from yrd.processes.layout import Layout
from yrd.settings import Settings

if __name__ == "__main__":
    layout = Layout(Path(sys.argv[1]))
    run_embedded(
        job_settings(Settings(), layout, segments=segment_count(layout.narrow), batch_rows=5_000)
    )
