"""What a Flink container runs: `python -m deploy.node jobmanager` or `taskmanager`.

The same configuration and scripts as on this machine, with the service's name as the address.
"""

import os
import sys
from pathlib import Path

from deploy import flink
from deploy.stack import load

SERVICE = "jobmanager"
FOLDER = Path("/var/yrd")
CONNECTORS = Path("/opt/yrd/connector")


def main(role: str) -> None:
    """Prepare a home and become the role's process."""
    stack = load()
    own = FOLDER if role == SERVICE else Path("/tmp/yrd")  # noqa: S108 - inside the container
    home = flink.prepare(stack, own, next(CONNECTORS.glob("*.jar")), None)
    written = flink.configuration(
        stack,
        FOLDER / "checkpoints",
        flink.java_options((flink.package() / "conf" / "config.yaml").read_text(encoding="utf-8")),
        host=SERVICE,
    )
    if role != SERVICE:  # only the job manager is found by its service's name
        kept = [line for line in written.splitlines() if not line.startswith("taskmanager.host:")]
        written = "\n".join(kept) + "\n"
    written = written.replace("bind-host: jobmanager", "bind-host: 0.0.0.0")
    written = written.replace("bind-address: jobmanager", "bind-address: 0.0.0.0")
    (home.conf / "config.yaml").write_text(written, encoding="utf-8")
    command = home.command(f"{role}.sh", "start-foreground")
    os.execvp(command[0], command)  # noqa: S606 - the container's main process


if __name__ == "__main__":
    main(sys.argv[1])
