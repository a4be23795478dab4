"""The process of a live intake: `python -m yrd.processes.live_intake FILE` until it is ended.

FILE holds prefix, servers, group, folder of the vault and data origin as JSON. Killed at any point
it loses nothing and doubles nothing: start it again. It ends when the process that started it does.
"""

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from connectors.ends.kafka import Intake, read_all
from connectors.vault import Vault
from pipelines.intake.messages import TABLE_TOPICS, MessageIntake
from pipelines.job.live import NarrowSender
from yrd.logs import configure
from yrd.processes.adopting import demand_certificates
from yrd.processes.building import build_intake
from yrd.settings import Settings

MAX_SUBMISSIONS = 400  # of a transaction: enough for the rules to be cheap, few enough to be prompt


def main(path: str) -> None:
    """Consume raw messages until the process is told to end."""
    import structlog

    told = json.loads(Path(path).read_text(encoding="utf-8"))
    settings = Settings()
    configure(settings)
    log = structlog.get_logger()
    demand_certificates(settings, told["feeds"])
    prefix, servers = told["prefix"], told["servers"]
    vault = Vault(Path(told["vault"]), lambda reading: log.info("vault read", reading=str(reading)))
    transform = MessageIntake(
        intake=build_intake(settings, told["data_origin"]),
        sender=NarrowSender(told["partitions"]),
        prefix=prefix,
        body=lambda sha256: vault.get(sha256, "live intake"),
        keep=vault.put,
        slack_us=settings.slack_us,
        wait_us=told["wait_us"],
    )
    intake = Intake(
        servers,
        [f"{prefix}raw.{feed}" for feed in told["feeds"]],
        group=f"{prefix}intake",
        transactional_id=f"{prefix}intake",
        transform=transform,
        max_records=MAX_SUBMISSIONS,
    )
    transform.remember(read_all(servers, [prefix + TABLE_TOPICS["submissions"]]))
    ended, parent = False, os.getppid()

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal ended
        ended = True

    signal.signal(signal.SIGTERM, end)
    intake.run(lambda: ended or os.getppid() != parent)
    intake.close()


if __name__ == "__main__":
    main(sys.argv[1])
