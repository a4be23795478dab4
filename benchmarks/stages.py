"""What `make bench` measures, in the order in which it measures it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from benchmarks.decode import decode
from benchmarks.loading import ledger
from benchmarks.paths import job, path
from benchmarks.rules import rules
from benchmarks.sizes import Bench
from benchmarks.taking import intake, profile

Stage = Callable[[Bench], dict[str, Any]]
STAGES: Mapping[str, Stage] = MappingProxyType(
    {
        "decode": decode,
        "intake": intake,
        "ledger": ledger,
        "path": path,
        "job": job,
        "rules": rules,
        "profile": profile,
    }
)
