"""Every feed of this installation by name."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from connectors.engine.spec import Feed, load
from schemas.errors import ConfigurationError

FOLDER = Path(__file__).parent


@cache
def load_feeds() -> Mapping[str, Feed]:
    """Load every spec below this folder.

    Raises:
        ConfigurationError: a spec is wrong, or is not named as its folder.
    """
    feeds: dict[str, Feed] = {}
    for path in sorted(FOLDER.glob("*/spec.toml")):
        feed = load(path)
        if feed.name != path.parent.name:
            raise ConfigurationError(
                f"{path}: feed: expected the folder's name {path.parent.name!r}; rename one of them"
            )
        feeds[feed.name] = feed
    return MappingProxyType(feeds)
