"""Building the parts of a process from the settings: the one place where they are put together."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from yrd.settings import Settings

if TYPE_CHECKING:
    from connectors.engine.spec import Feed
    from pipelines.intake.intake import Intake
    from pipelines.job.settings import JobSettings
    from yrd.processes.layout import Layout


def build_intake(
    settings: Settings,
    data_origin: str,
    versions: "Callable[[Feed], Sequence[tuple[int, Feed]]] | None" = None,
) -> "Intake":
    """An intake with every feed, the token key and the whole rule catalogue.

    `versions` says which version of a spec reads what, instead of the record of adoptions.
    """
    from connectors.engine.tokens import Tokeniser
    from connectors.feeds.registry import load_feeds
    from connectors.kit.adopted import Adopted
    from pipelines.intake.intake import Intake
    from quality.evaluate.standard import standard

    feeds = load_feeds(settings.feed_folders)
    paths: dict[str, dict[str, str]] = {}
    for feed in feeds.values():  # what a submitter calls a field, for the answers it gets
        for market in feed.markets:
            paths.setdefault(market, {}).update({one.name: one.source for one in feed.columns})
    key = settings.token_key.get_secret_value().encode()
    rules = partial(standard, source_paths=paths)
    versions = versions or Adopted(settings.var / "feeds").spans
    return Intake(feeds, Tokeniser(key), rules, data_origin, versions)


def job_settings(
    settings: Settings, layout: "Layout", segments: int, batch_rows: int
) -> "JobSettings":
    """How the stream job runs over the narrow segments of a run, `segments` in all."""
    from pipelines.job.classes import java_options
    from pipelines.job.embedded import java_home
    from pipelines.job.settings import JobSettings

    java = java_home(settings.java_home)
    return JobSettings(
        narrow=layout.narrow,
        folder=layout.job,
        segments=segments,
        java_home=settings.java_home,
        slack_us=settings.slack_us,
        parallelism=settings.parallelism,
        batch_rows=batch_rows,
        java_options=java_options(settings.var / "cache", java),
    )
