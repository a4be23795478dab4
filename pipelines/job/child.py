"""The process that holds the mini-cluster: started by `pipelines.job.embedded`, one run each.

It prepares the environment that PyFlink reads (Java, the module path of the interpreter inside the
JVM, the log configuration), lays out the graph and waits for its end. What became of the run is
written to `result.json` in the run's folder.
"""

import fcntl
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from pipelines.job.settings import JobSettings, flink_path

RESULT = "result.json"


def main(settings_path: str, module_path: str, java_home: str, recover: str) -> int:
    """Run the job once.

    Args:
        settings_path: file with `JobSettings` as JSON.
        module_path: PYTHONPATH for the interpreter inside the JVM; `.pth` files are not read there.
        java_home: folder of the Java runtime.
        recover: folder of the checkpoint to go on from, or "".

    Returns:
        Exit code: 0 finished, 1 the job failed (the reason is in `result.json`).
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    settings = JobSettings.from_json(Path(settings_path).read_text())
    folder = settings.folder
    lock = (folder / "lock").open("w")  # held until this process ends, however it ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _write(folder, {"status": "failed", "reason": "another process is at work on this run"})
        return 1
    _prepare(settings, module_path, java_home)
    started = time.perf_counter()
    try:
        from pyflink.datastream import StreamExecutionEnvironment

        from pipelines.job.graph import configuration, embedded

        env = StreamExecutionEnvironment.get_execution_environment(
            configuration(_options(settings, recover))
        )
        env.set_parallelism(settings.parallelism)
        embedded(env, settings)
        ready = time.perf_counter()
        env.execute("yrd")
    except Exception as error:
        _write(folder, {"status": "failed", "reason": _reason(error)})
        return 1
    _write(
        folder,
        {
            "status": "finished",
            "startup_s": round(ready - started, 3),
            "run_s": round(time.perf_counter() - ready, 3),
        },
    )
    return 0


def _end_with_parent() -> None:
    """End this process's whole group when the parent is gone: a second run would double output."""
    while os.read(0, 1):  # a buffered read would hold a lock at the interpreter's end
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _prepare(settings: JobSettings, module_path: str, java_home: str) -> None:
    log_file = settings.folder / "flink.log"
    log4j = settings.folder / "log4j.properties"
    log4j.write_text(
        "rootLogger.level = INFO\n"
        "rootLogger.appenderRef.file.ref = File\n"
        "appender.file.name = File\n"
        "appender.file.type = File\n"
        f"appender.file.fileName = {log_file}\n"
        "appender.file.append = true\n"
        "appender.file.layout.type = PatternLayout\n"
        "appender.file.layout.pattern = %d{ISO8601} %-5p %c{1} %m%n\n"
    )
    jvm = [f"-Xmx{settings.heap_mb}m", "-XX:+UseParallelGC", *settings.java_options]
    if settings.quick_start:
        jvm.append("-XX:TieredStopAtLevel=1")
    os.environ.update(
        {
            "JAVA_HOME": java_home,
            "PYTHONPATH": module_path,
            # The interpreter inside the JVM takes its library from the first python3 of the path.
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "LC_ALL": "C.UTF-8",  # else Java cannot name a file in Chinese
            "LOG4J_PROPERTIES": str(log4j),
            "FLINK_LOG_DIR": str(settings.folder),
            "JVM_ARGS": " ".join(jvm),
        }
    )


def _options(settings: JobSettings, recover: str) -> dict[str, str]:
    checkpoints = settings.folder / "checkpoints"
    options = {
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "python.execution-mode": "thread",
        "pipeline.object-reuse": "true",
        "pipeline.max-parallelism": "128",
        "pipeline.auto-watermark-interval": f"{settings.watermark_ms} ms",
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "3",
        "restart-strategy.fixed-delay.delay": "200 ms",
        "rest.port": "0",
        "rest.bind-port": "0",
        "execution.checkpointing.interval": f"{settings.checkpoint_ms} ms",
        "execution.checkpointing.dir": flink_path(checkpoints),
        "execution.checkpointing.storage": "filesystem",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    }
    if recover:
        options["execution.state-recovery.path"] = flink_path(Path(recover))
        options["execution.state-recovery.claim-mode"] = "CLAIM"
    return options


def _reason(error: BaseException) -> str:
    """The innermost cause of a Java exception chain, or the Python error; one line."""
    causes = [text for text in str(error).splitlines() if text.lstrip().startswith("Caused by:")]
    text = causes[-1] if causes else f"{type(error).__name__}: {error}".splitlines()[0]
    return text.replace("Caused by:", "").strip()


def _write(folder: Path, result: dict[str, object]) -> None:
    unfinished = folder / f"{RESULT}.part"
    unfinished.write_text(json.dumps(result))
    unfinished.replace(folder / RESULT)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
