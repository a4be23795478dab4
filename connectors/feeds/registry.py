"""Every feed of this installation by name: those that ship with it, and folders from outside."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

from connectors.engine.spec import Feed, load
from schemas.errors import ConfigurationError

FOLDER = Path(__file__).parent
SPEC = "spec.toml"


def load_feeds(folders: Sequence[Path] = ()) -> Mapping[str, Feed]:
    """Load every spec below this folder and below the folders given.

    Args:
        folders: Each a feed's folder (it has a `spec.toml`), or a folder of such folders.

    Raises:
        ConfigurationError: a spec is wrong, is not named as its folder, or two have one name; or a
            folder holds no feed.
    """
    return _load(tuple(folders))


@cache
def _load(folders: tuple[Path, ...]) -> Mapping[str, Feed]:
    feeds: dict[str, Feed] = {}
    for folder in (FOLDER, *folders):
        for path in specs(folder):
            feed = load(path)
            if feed.name != path.resolve().parent.name:
                raise ConfigurationError(
                    f"{path}: feed: expected the folder's name {path.resolve().parent.name!r}; "
                    "rename one of them"
                )
            if feed.name in feeds:
                raise ConfigurationError(
                    f"{path}: feed: expected a name no other feed has, {feeds[feed.name].folder} "
                    "has it; rename this one"
                )
            feeds[feed.name] = feed
    return MappingProxyType(feeds)


def specs(folder: Path) -> list[Path]:
    """The spec files of a feed's folder or of a folder of feeds.

    Raises:
        ConfigurationError: there is none.
    """
    own = folder / SPEC
    found = [own] if own.is_file() else sorted(folder.glob(f"*/{SPEC}"))
    if not found:
        raise ConfigurationError(
            f"{folder}: expected a feed's folder with a {SPEC}, or a folder of such folders; "
            "correct YRD_FEEDS"
        )
    return found
