"""What a container of the image runs: `python -m deploy.node ROLE`.

ROLE is `jobmanager`, `taskmanager`, or `job SETTINGS`, which hands the live job to the cluster,
says its id and ends. The same configuration and scripts as on this machine, with the service's name
as the address.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

from deploy import flink
from deploy.stack import Stack, load
from pipelines.job.embedded import newest_checkpoint
from pipelines.job.settings import LiveSettings

SERVICE = "jobmanager"
SCRIPTS = {SERVICE: "jobmanager.sh", "taskmanager": "taskmanager.sh"}
JOB = "job"
FOLDER = Path("/var/yrd")  # the volume every Flink container sees
CONNECTORS = Path("/opt/yrd/connector")
OWN = Path("/tmp/yrd")  # noqa: S108 - inside the container


def main(role: str, *arguments: str) -> None:
    """Prepare a home and become the role's process, or submit the job."""
    stack = load()
    home = flink.prepare(
        stack, FOLDER if role == SERVICE else OWN, next(CONNECTORS.glob("*.jar")), None
    )
    defaults = (flink.package() / "conf" / "config.yaml").read_text(encoding="utf-8")
    written = configuration(stack, role, flink.java_options(defaults))
    (home.conf / "config.yaml").write_text(written, encoding="utf-8")
    if role == JOB:
        settings = LiveSettings.from_json(arguments[0])
        settings.folder.mkdir(parents=True, exist_ok=True)
        settings = replace(settings, recover=newest_checkpoint(settings.folder))
        path = OWN / "job.json"
        path.write_text(settings.to_json(), encoding="utf-8")
        rest = f"{SERVICE}:{stack.ports['flink_rest']}"
        sys.stdout.write(f"JobID {flink.submit(home, rest, path)}\n")
        return
    command = home.command(SCRIPTS[role], "start-foreground")
    os.execvp(command[0], command)  # noqa: S606 - the container's main process


def configuration(stack: Stack, role: str, java: str) -> str:
    """A role's config.yaml: that of this machine, with services in the place of addresses."""
    written = flink.configuration(stack, FOLDER / "checkpoints", java, host=SERVICE)
    if role != SERVICE:  # only the job manager is found by its service's name
        kept = [line for line in written.splitlines() if not line.startswith("taskmanager.host:")]
        written = "\n".join(kept) + "\n"
    written = written.replace("bind-host: jobmanager", "bind-host: 0.0.0.0")
    return written.replace("bind-address: jobmanager", "bind-address: 0.0.0.0")


if __name__ == "__main__":
    main(*sys.argv[1:])
