"""`make bench`: every stage's cost on this machine, in CPU-seconds and as ratios of one run.

Prints a table and stores `var/bench/<stamp>.json`. Wall times and absolute figures vary with the
machine; the ratios are what to compare. Run one stage with `python -m benchmarks STAGE ...`.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.stages import decoding, judging, ledger, paths, rules

STAGES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "decode": decoding,
    "quality": judging,
    "rules": rules,
    "ledger": ledger,
    "path": paths,
}


def main(chosen: list[str]) -> None:
    """Run the chosen stages, or all of them."""
    unknown = sorted(set(chosen) - set(STAGES))
    if unknown:
        sys.exit(f"benchmarks: unknown stage {unknown[0]}; expected {', '.join(STAGES)}")
    folder = Path("var/bench")
    folder.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {"machine": machine.describe(), "before": machine.calibrate()}
    for name in chosen or STAGES:
        print(f"== {name}", flush=True)
        result[name] = STAGES[name](folder)
        for key, value in result[name].items():
            print(f"   {key:<44} {value}", flush=True)
    result["after"] = machine.calibrate()
    target = folder / f"{result['machine']['date']}.json"
    target.write_text(json.dumps(result, indent=1, default=str) + "\n")
    print(f"calibration loop {result['before']:.3f} s before, {result['after']:.3f} s after")
    print(f"stored in {target}")


main(sys.argv[1:])
