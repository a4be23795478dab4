"""`make bench`: every stage's cost on this machine, in CPU-seconds and as ratios of one run.

Prints a table and stores `var/bench/<stamp>.json`. Wall times and absolute figures vary with the
machine and with what else it does; a calibration loop runs before and after, and the ratios are
what to compare. Some stages alone: `python -m benchmarks decode rules`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.sizes import Bench
from benchmarks.stages import ONLY_BY_NAME, STAGES


def main(arguments: Sequence[str] | None = None) -> Path:
    """Run the chosen stages, or all of them; returns where the result is stored."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "stages", nargs="*", help=f"some of {', '.join(STAGES)}; default all but large"
    )
    parser.add_argument("--small", type=int, default=Bench.small, help="reports of the short tape")
    parser.add_argument("--large", type=int, default=Bench.large, help="reports of the long tape")
    parser.add_argument("--records", type=int, default=Bench.records, help="records decoded a feed")
    parser.add_argument(
        "--megabytes", type=int, default=Bench.megabytes, help="of a submission of stage large"
    )
    parser.add_argument("--folder", type=Path, default=Path("var/bench"))
    chosen = parser.parse_args(arguments)
    if unknown := sorted(set(chosen.stages) - set(STAGES)):
        parser.error(f"stage {unknown[0]}: expected some of {', '.join(STAGES)}")
    bench = Bench(
        chosen.folder.resolve(), chosen.small, chosen.large, chosen.records, chosen.megabytes
    )
    bench.folder.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {"machine": machine.describe(), "sizes": vars(chosen)}
    result["calibration, CPU-s before"] = machine.calibrate()
    for name, value in result["machine"].items():
        _say(name, value)
    for name in chosen.stages or [one for one in STAGES if one not in ONLY_BY_NAME]:
        _say(f"== {name}", "")
        result[name] = STAGES[name](bench)
        for key, value in result[name].items():
            _say(key, value)
    result["calibration, CPU-s after"] = machine.calibrate()
    for key in ("calibration, CPU-s before", "calibration, CPU-s after"):
        _say(key, round(result[key], 3))
    target = bench.folder / f"{result['machine']['date']}.json"
    target.write_text(json.dumps(result, indent=1, default=str) + "\n")
    _say("stored in", target)
    return target


def _say(key: str, value: object) -> None:
    print(f"{key:<64} {value}", flush=True)


if __name__ == "__main__":
    main()
