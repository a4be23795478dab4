"""The live stack in containers: started by `docker compose`, its job submitted by a service of it.

The machine this project was built on runs no Docker: what is here was tried against a stand-in for
the `docker` command, never against containers.
"""

import json
import re
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from connectors.ends.kafka import create_topics
from deploy import flink
from deploy.compose import INSIDE, TARGET
from deploy.node import FOLDER
from deploy.stack import Stack
from pipelines.job.settings import LiveSettings
from schemas.errors import PrerequisiteError, YrdError

_START_S = 120
_JOB_ID = re.compile(r"JobID ([0-9a-f]{32})")


class ComposeStack:
    """The stack of docker-compose.yml; what `deploy.native.NativeStack` is without Docker.

    Args:
        stack: What the compose file was made from.
        file: The compose file.
    """

    def __init__(self, stack: Stack, file: Path = TARGET) -> None:
        self.stack, self._file = stack, file

    @property
    def folder(self) -> Path:
        """Where to look when something ended: the compose file (`docker compose logs`)."""
        return self._file

    def up(self) -> None:
        """Build the image, start the containers, and make the topics.

        Raises:
            YrdError: compose failed; its own message is above.
            PrerequisiteError: the broker does not answer after two minutes.
        """
        self._compose("up", "--detach", "--wait", "--build")
        deadline = time.monotonic() + _START_S
        while True:  # a container that runs is not yet a broker that answers
            try:
                create_topics(self.stack.servers, self.stack.topics())
                return
            except PrerequisiteError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def down(self) -> None:
        """Stop and remove the containers; the volumes stay."""
        self._compose("down")

    def submit(self, settings: LiveSettings) -> str:
        """Have the service `job` hand the job to the cluster; return the job's id.

        Inside the containers the broker has another address and the run another folder. If that
        folder holds a checkpoint, the job goes on from the newest one.

        Raises:
            YrdError: compose or the cluster refused it.
        """
        inside = replace(
            settings,
            servers=INSIDE,
            folder=FOLDER / "runs" / settings.transaction_prefix,
            recover=None,
        )
        said = self._compose(
            "run", "--rm", "--no-TTY", "job", "job", json.dumps(json.loads(inside.to_json()))
        )
        match = _JOB_ID.search(said)
        if match is None:
            raise YrdError(
                "docker compose run job: expected the id of a job; see its message above"
            )
        return match[1]

    def cancel(self, job: str) -> None:
        """End a job; its checkpoints stay."""
        flink.ask(self.stack, f"/jobs/{job}?mode=cancel", "PATCH")

    def _compose(self, *arguments: str) -> str:
        docker = shutil.which("docker") or "docker"
        ended = subprocess.run(  # noqa: S603
            [docker, "compose", "--file", str(self._file), *arguments],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise YrdError(
                f"docker compose {arguments[0]}: expected it to work; see its message above"
            )
        return ended.stdout


def docker_runs() -> bool:
    """Whether a Docker engine answers on this machine."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    asked = subprocess.run(  # noqa: S603
        [docker, "info", "--format", "{{.ServerVersion}}"], capture_output=True, check=False
    )
    return asked.returncode == 0
