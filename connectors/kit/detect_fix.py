"""What a file of FIX messages is: its version, and the repeating groups its messages have."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from connectors.kit.detect_layout import Layout
from connectors.kit.toml_text import text, texts

_LOOKED_AT = 4 << 20


@cache
def tags() -> Mapping[str, Any]:
    """The table `tags.toml`: names of tags, and the groups of the standard."""
    with (Path(__file__).parent / "tags.toml").open("rb") as file:
        return MappingProxyType(tomllib.load(file))


def fix(body: bytes, encoding: str) -> Layout:
    """The layout of FIX messages.

    Groups are found by their count tag; their members are those of the standard that occur, and
    what stands between two entries.

    Raises:
        ValueError: no message begins with tag 8.
    """
    begin = re.match(rb"\s*8=([^\x01|;^]+)([\x01|;^])9=", body)
    if not begin:
        raise ValueError("no tag 8")
    fields = [one.split(b"=", 1) for one in body[:_LOOKED_AT].split(begin[2]) if b"=" in one]
    sequence = [one[0].decode("ascii", "replace").strip() for one in fields]
    present = set(sequence)
    groups = {name: group for name, group in tags()["groups"].items() if group["count"] in present}
    holders = {name: _holder(group, groups, sequence) for name, group in groups.items()}
    sections: list[str] = []
    for name, group in groups.items():
        holder = holders[name]
        if "in" in group and holder is None:
            continue
        members = [tag for tag in group["members"] if tag in present]
        inner = {tag for other, of in groups.items() if name in _outer(other, holders)
                 for tag in (of["count"], of["first"], *of["members"])}  # fmt: skip
        members += sorted(_between(sequence, group) - set(members) - inner - {group["first"]})
        lines = [f"[groups.{name}]   # guess: tag {group['count']} counts it"]
        lines += [f"in = {text(holder)}"] if holder else []
        lines += [f"count = {text(group['count'])}", f"first = {text(group['first'])}"]
        lines.append(f"members = {texts(members)}")
        sections.append("\n".join(lines))
    options = {"begin": text(begin[1].decode("ascii", "replace")), "integrity": '"verify"'}
    if begin[2] != b"\x01":
        options["delimiter"] = text(begin[2].decode())
    why = {"begin": "of the first message", "integrity": "sums must be right"}
    return Layout(
        "fix", encoding, options=MappingProxyType(options), sections="\n\n".join(sections),
        why=MappingProxyType(why),
    )  # fmt: skip


def _holder(
    group: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]], sequence: list[str]
) -> str | None:
    """The group another one lies in: by the standard, or as the first messages have it."""
    name: str | None = group.get("in") or group.get("perhaps_in")
    if name is None or name not in groups:
        return None
    if "in" in group:
        return name
    return name if sequence.index(group["count"]) > sequence.index(groups[name]["first"]) else None


def _outer(name: str, holders: Mapping[str, str | None]) -> list[str]:
    """The groups a group lies in, the nearest first."""
    out = []
    holder = holders[name]
    while holder:
        out.append(holder)
        holder = holders[holder]
    return out


def _between(sequence: list[str], group: Mapping[str, Any]) -> set[str]:
    """Tags between two entries of a group in one message."""
    out: set[str] = set()
    inside: list[str] | None = None
    for tag in sequence:
        if tag in ("8", group["count"]):
            inside = None
        elif tag == group["first"]:
            out |= set(inside or ())
            inside = []
        elif inside is not None:
            inside.append(tag)
    return out
