"""Repeating groups of a FIX spec: `[groups.<name>]`, and the roles their entries may have."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from connectors.engine.speclines import Lines

_KEYS = ("in", "count", "first", "members", "by", "codes")
_TAG = re.compile("[1-9][0-9]{0,4}")
_QUALIFIER = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Group:
    """One repeating group.

    `path` is its name below that of the group it lies in (`party/sub`), `parent` the path of that
    group, empty for the message. An entry begins with the tag `first`; `by` is the tag that says
    what an entry is, and `codes` what each of its codes means: another code is undecided.
    """

    path: str
    parent: str
    count: str
    first: str
    members: tuple[str, ...]
    by: str | None
    codes: Mapping[str, str]


def plain(path: str) -> str:
    """A path without its qualifiers.

    Example:
        >>> plain("party[452=119]/sub[803=124]/523")
        'party/sub/523'
    """
    return _QUALIFIER.sub("", path)


def groups(raw: Mapping[str, Any], lines: Lines) -> tuple[Group, ...]:
    """Read the section `groups`, outer groups first.

    Raises:
        ConfigurationError: a key is unknown or missing, a tag is no tag, or a group lies in one
            that does not stand above it.
    """
    out: dict[str, Group] = {}
    for name, entry in raw.get("groups", {}).items():
        at = ("groups", name)
        lines.known(entry, _KEYS, at)
        parent = ""
        if "in" in entry:
            if entry["in"] not in out:
                lines.fail(at, "in", "the name of a group above this one", "move it up")
            parent = out[entry["in"]].path
        group = Group(
            path=f"{parent}/{name}" if parent else name,
            parent=parent,
            count=lines.text(entry, "count", at=at),
            first=lines.text(entry, "first", at=at),
            members=tuple(lines.texts(entry, "members", (), at=at)),
            by=entry.get("by"),
            codes=MappingProxyType(dict(entry.get("codes", {}))),
        )
        tags = (group.count, group.first, *group.members)
        if not all(_TAG.fullmatch(tag) for tag in tags):
            lines.fail(at, "members", "tags of one to five digits", "correct them")
        if bool(group.codes) != (group.by in tags[1:]):
            lines.fail(at, "by", "one of the group's tags, with codes = { code = meaning }", "add")
        out[name] = group
    return tuple(out.values())


def framing(found: tuple[Group, ...]) -> tuple[str, ...]:
    """The paths the scanner checks by itself: nobody needs to decide about them."""
    counts = (f"{g.parent}/{g.count}" if g.parent else g.count for g in found)
    return ("8", "9", "10", *counts)
