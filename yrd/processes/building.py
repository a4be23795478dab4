"""Building the parts of a process from the settings: the one place where they are put together."""

from typing import TYPE_CHECKING

from yrd.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.intake.intake import Intake
    from pipelines.job.settings import JobSettings


def build_intake(settings: Settings, data_origin: str) -> "Intake":
    """An intake with every feed, the token key and the whole rule catalogue."""
    from connectors.engine.tokens import Tokeniser
    from connectors.feeds import load_feeds
    from ledger import duck
    from pipelines.intake.intake import Intake
    from quality.evaluate import Evaluator
    from quality.evaluate.helpers import area_index
    from quality.rules import catalogue
    from schemas.identifiers import valid

    feeds = load_feeds()
    evaluator = Evaluator(catalogue(), duck.memory, validator=valid, areas=area_index())
    key = settings.token_key.get_secret_value().encode()
    return Intake(feeds, Tokeniser(key), evaluator, data_origin)


def job_settings(settings: Settings, narrow: "Path", folder: "Path") -> "JobSettings":
    """How the stream job runs over a folder of narrow segments."""
    from pipelines.job.settings import JobSettings

    return JobSettings(
        narrow=narrow,
        folder=folder,
        java_home=settings.java_home,
        slack_us=settings.slack_us,
        parallelism=settings.parallelism,
    )
