"""What `make bench` measures, in the order in which it measures it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from benchmarks.closing import closing
from benchmarks.decode import decode
from benchmarks.elsewhere import elsewhere
from benchmarks.graphs import graphs
from benchmarks.large import large
from benchmarks.loading import ledger
from benchmarks.paths import job, path
from benchmarks.rules import rules
from benchmarks.scoring import scoring
from benchmarks.sizes import Bench
from benchmarks.state import state
from benchmarks.taking import intake, profile

Stage = Callable[[Bench], dict[str, Any]]
# Too long for every run: 2 GB through the whole path, three times. Only by name.
ONLY_BY_NAME = ("large",)
STAGES: Mapping[str, Stage] = MappingProxyType(
    {
        "decode": decode,
        "intake": intake,
        "ledger": ledger,
        "path": path,
        "job": job,
        "rules": rules,
        "elsewhere": elsewhere,
        "graphs": graphs,
        "state": state,
        "closing": closing,
        "scoring": scoring,
        "profile": profile,
        "large": large,
    }
)
