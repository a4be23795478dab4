"""The Flink cluster of the pip package: its configuration, its folder of jars, its commands.

The package's `lib` cannot be used as it is: a cluster that runs Python over Kafka also needs the
Python jar (kept in `opt`) and the Kafka connector, else it cannot read the graph it is sent. So
`FLINK_LIB_DIR` is a folder of links.
"""

import http.client
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.stack import Stack
from pipelines.job.embedded import java_home, module_path
from schemas.errors import PrerequisiteError, YrdError

_JOB_ID = re.compile(r"JobID ([0-9a-f]{32})")


@dataclass(frozen=True)
class Home:
    """Where a cluster's files are, and with what it is started.

    Args:
        folder: Folder of the cluster: configuration, jars, logs, checkpoints.
        connector: The Kafka connector jar.
        java: Java home.
    """

    folder: Path
    connector: Path
    java: Path

    @property
    def conf(self) -> Path:
        """Folder of the configuration."""
        return self.folder / "conf"

    @property
    def jars(self) -> Path:
        """Folder of links to jars."""
        return self.folder / "lib"

    def environment(self) -> dict[str, str]:
        """Variables the package's scripts and the interpreters inside the JVMs need."""
        return {
            "JAVA_HOME": str(self.java),
            "FLINK_CONF_DIR": str(self.conf),
            "FLINK_LIB_DIR": str(self.jars),
            "FLINK_LOG_DIR": str(self.folder),
            "PYTHONPATH": ":".join(str(path) for path in module_path()),
            # The interpreter inside a JVM takes its library from the first python3 of the path.
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "LC_ALL": "C.UTF-8",  # else Java cannot name a file in Chinese
        }

    def command(self, script: str, *arguments: str) -> list[str]:
        """A command line that runs one of the package's scripts in this home."""
        variables = [f"{name}={value}" for name, value in self.environment().items()]
        return ["/usr/bin/env", *variables, str(package() / "bin" / script), *arguments]


def package() -> Path:
    """The pyflink package's folder, without importing it.

    Raises:
        PrerequisiteError: it is not installed.
    """
    found = importlib.util.find_spec("pyflink")
    if found is None or found.origin is None:
        raise PrerequisiteError("flink: expected the package apache-flink; run `make setup`")
    return Path(found.origin).resolve().parent


def prepare(stack: Stack, folder: Path, connector: Path, chosen_java: Path | None) -> Home:
    """Write a cluster's configuration and folder of links."""
    home = Home(folder.resolve(), connector.resolve(), java_home(chosen_java))
    home.conf.mkdir(parents=True, exist_ok=True)
    source = package()
    for path in (source / "conf").glob("log4j*.properties"):
        shutil.copy(path, home.conf / path.name)
    defaults = (source / "conf" / "config.yaml").read_text(encoding="utf-8")
    written = configuration(stack, home.folder / "checkpoints", java_options(defaults))
    (home.conf / "config.yaml").write_text(written, encoding="utf-8")
    if home.jars.exists():
        shutil.rmtree(home.jars)
    home.jars.mkdir()
    jars = [*(source / "lib").glob("*.jar"), *(source / "opt").glob("flink-python-*.jar")]
    for jar in (*jars, home.connector):
        (home.jars / jar.name).symlink_to(jar)
    return home


def java_options(defaults: str) -> str:
    """The package's own options that open Java's modules, from its config.yaml."""
    match = re.search(r"^ +all: (--add-exports.*)$", defaults, re.MULTILINE)
    if match is None:
        raise PrerequisiteError("flink: expected env.java.opts.all in the package's config.yaml")
    return match[1]


def configuration(stack: Stack, checkpoints: Path, java: str, host: str = "127.0.0.1") -> str:
    """The cluster's config.yaml."""
    entries: Mapping[str, object] = {
        "jobmanager.rpc.address": host,
        "jobmanager.rpc.port": stack.ports["flink_rpc"],
        "jobmanager.bind-host": host,
        "jobmanager.memory.process.size": f"{stack.memory['job_manager']}m",
        "jobmanager.execution.failover-strategy": "region",
        "taskmanager.host": host,
        "taskmanager.bind-host": host,
        "taskmanager.numberOfTaskSlots": stack.slots,
        "taskmanager.memory.process.size": f"{stack.memory['task_manager']}m",
        # The state lies on the heap and Python beside it; nothing here uses managed memory.
        "taskmanager.memory.managed.size": "64m",
        "taskmanager.memory.jvm-overhead.min": "384m",
        "rest.address": host,
        "rest.bind-address": host,
        "rest.port": stack.ports["flink_rest"],
        "parallelism.default": stack.task_managers * stack.slots,
        "heartbeat.interval": "2 s",
        "heartbeat.timeout": "10 s",
        "execution.checkpointing.dir": checkpoints.resolve().as_uri(),
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "env.java.opts.all": java,
    }
    return "".join(f"{name}: {value}\n" for name, value in entries.items())


def ask(stack: Stack, path: str, method: str = "GET") -> dict[str, Any] | None:
    """An object the cluster's REST interface answers with; None where it does not."""
    answer = _answer(stack, path, method)
    return answer if isinstance(answer, dict) else None


def ask_list(stack: Stack, path: str) -> list[dict[str, Any]]:
    """A list the cluster's REST interface answers with; empty where it does not."""
    answer = _answer(stack, path, "GET")
    return answer if isinstance(answer, list) else []


def _answer(stack: Stack, path: str, method: str) -> Any:  # noqa: ANN401 - any JSON
    connection = http.client.HTTPConnection(stack.rest, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        content = answer.read()
        return json.loads(content) if answer.status < 300 and content else None
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def submit(home: Home, rest: str, settings: Path) -> str:
    """Hand the live job to the cluster; return its id.

    Args:
        home: A prepared cluster home.
        rest: Where the cluster answers, host:port.
        settings: File with `pipelines.job.live.LiveSettings` as JSON.

    Raises:
        YrdError: the cluster refused it; the message has its reason.
    """
    script = Path(__file__).resolve().parents[1] / "pipelines" / "job" / "live.py"
    command = home.command(
        "flink", "run", "--jobmanager", rest, "--detached", "-py", str(script), str(settings)
    )
    ended = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, timeout=300, check=False
    )
    match = _JOB_ID.search(ended.stdout)
    if ended.returncode or match is None:
        log = home.folder / "submit.log"
        log.write_text(ended.stdout + ended.stderr)
        raise YrdError(f"flink: expected the cluster to take the job; see {log}")
    return match[1]
