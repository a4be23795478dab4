"""A live replay of the tests, as a process to be killed: `python -m tests.live.live_run FILE`.

FILE holds tape, root, var, speed and where the stack is, as JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

from deploy.native import NativeStack
from deploy.stack import load
from yrd.processes.layout import Layout
from yrd.processes.live import run_live
from yrd.settings import Settings


def main(told: dict[str, Any]) -> None:
    native = NativeStack(
        load().on_ports(**told["ports"]), Path(told["stack"]), jars=Path(told["jars"])
    )
    settings = Settings(var=Path(told["var"]))
    layout = Layout(Path(told["root"]))
    run_live(Path(told["tape"]), layout, settings, told["speed"], lambda *_: None, native)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
