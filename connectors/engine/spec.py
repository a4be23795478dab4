"""A feed's spec: load it, check it, and say exactly what is wrong with it.

Reading is TOML because YAML reads `on`, `NO`, `010176` and `12:30` as something else and drops
duplicate keys. What is loaded is a `Feed` of `specdata`; this module is the door to both.
"""

import hashlib
import tomllib
from pathlib import Path

from connectors.engine.specdata import Column, Feed, Key, Party, PartyId
from connectors.engine.speclines import Lines
from connectors.engine.specsections import Sections
from schemas.errors import ConfigurationError

__all__ = ["Column", "Feed", "Key", "Party", "PartyId", "load", "parse"]
_NAMED = 12  # undecided fields named in one message


def load(path: Path, draft: bool = False) -> Feed:
    """Load and check a spec file.

    Args:
        path: The file; its folder is the feed's.
        draft: Load it also where fields are still undecided, to look at it, not to run it.

    Raises:
        ConfigurationError: it cannot be read or breaks a rule of the language; the message names
            file, line, field, what was expected and the cure.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: expected a spec in UTF-8; check the name") from error
    return parse(path, text, draft)


def parse(path: Path, text: str, draft: bool = False) -> Feed:
    """Check the text of a spec as if it stood in `path`; see `load`."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        told = str(error).replace("Cannot overwrite a value", "a name once, it is said again")
        raise ConfigurationError(f"{path}: expected TOML: {told}; correct that line") from error
    version = hashlib.sha256(text.encode())
    hatches = path.with_name("hatches.py")
    if hatches.is_file():
        version.update(hatches.read_bytes())
    feed = Sections(path, raw, Lines(path, text)).feed(version.hexdigest()[:16])
    if feed.undecided_fields and not draft:
        names = ", ".join(feed.undecided_fields[:_NAMED])
        more = len(feed.undecided_fields) - _NAMED
        Lines(path, text).fail(
            (),
            "undecided_fields",
            f"an empty list, it names {names}{f' and {more} more' if more > 0 else ''}",
            "read each in [fields], [local] or [party...], or list it in [ignored] with a reason, "
            "and take it out of undecided_fields",
        )
    return feed
