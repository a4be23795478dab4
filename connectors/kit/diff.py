"""What changed at the source: a good file against one that is held.

Fields are compared by name, by how alike names and values' shapes are, and by their order.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.engine.spec import Feed
from connectors.kit.detect_layout import Layout
from connectors.kit.hints import likeness
from connectors.kit.masks import masked
from connectors.kit.profile import Field, Profile
from connectors.kit.steps import known_codes, reads

_RENAMED = 0.5  # likeness of name and values together
_SAME_VALUES = 0.6  # weight of the values beside the name


@dataclass(frozen=True, slots=True)
class Change:
    """One change: what kind, which field, what it was and is; never a value."""

    kind: str  # added filled removed renamed type code order layout
    field: str
    before: str
    now: str
    told: str


def changes(
    feed: Feed, before: Profile, now: Profile, layouts: tuple[Layout, Layout] | None = None
) -> list[Change]:
    """What is different, most telling first.

    Args:
        feed: The spec that read the good file.
        before: Of the last good files.
        now: Of the files that are held.
        layouts: What both look like from outside, where it is known.
    """
    out: list[Change] = []
    if layouts is not None:
        out += _layout(*layouts)
    old = {field.path: field for field in before.fields}
    new = {field.path: field for field in now.fields}
    gone = [field for path, field in old.items() if path not in new]
    come = [field for path, field in new.items() if path not in old]
    pairs = _renamed(gone, come)
    for was, is_ in pairs:
        out.append(Change("renamed", is_.path, was.path, is_.path, f"{was.path} is now {is_.path}"))
    paired = {field.path for pair in pairs for field in pair}
    used = reads(feed)
    for field in gone:
        if field.path not in paired and field.records == before.records and field.path in used:
            told = f"no record has it, it filled {', '.join(used[field.path])}"
            out.append(Change("removed", field.path, field.shape, "", told))
    for field in come:
        if field.path not in paired:
            share = f"{field.records} of {now.records} records"
            looks = " ".join(field.masks[:2]) or "empty"
            out.append(Change("added", field.path, "", field.shape, f"in {share}: {looks}"))
    for path in [path for path in old if path in new]:
        if path in feed.empty and new[path].records:
            out.append(_filled(new[path], now))
            continue
        out += _values(feed, old[path], new[path])
    order = [path for path in old if path in new]
    if order != [path for path in new if path in old]:
        out.append(Change("order", "", "", "", "fields come in another order (harmless)"))
    return out


def _filled(field: Field, now: Profile) -> Change:
    share = f"{field.records} of {now.records} records"
    told = f"was declared empty, holds values in {share}: {' '.join(field.masks[:2])}"
    return Change("filled", field.path, "empty", field.shape, told)


def _layout(before: Layout, now: Layout) -> list[Change]:
    out = []
    for name in ("format", "encoding", "delimiter", "header_starts", "record", "namespace"):
        was, is_ = getattr(before, name), getattr(now, name)
        if was != is_:
            out.append(
                Change("layout", name, str(was), str(is_), f"{name}: {was!r} is now {is_!r}")
            )
    return out


def _values(feed: Feed, was: Field, is_: Field) -> list[Change]:
    out = []
    shapes = (was.shape, is_.shape)
    if was.shape != is_.shape and "empty" not in shapes and not _wider(*shapes):
        masks = f"{' '.join(was.masks[:1])} is now {' '.join(is_.masks[:1])}"
        out.append(Change("type", is_.path, was.shape, is_.shape, masks))
    codes = known_codes(feed, is_.path)
    if codes:
        fresh = [code for code in is_.codes if code not in codes]
        fresh += [""] if not is_.codes and is_.shape == "code" and is_.distinct > len(codes) else []
        for code in fresh:
            shown = code or "codes outside the list"
            told = f"{shown} is no code of the spec"
            out.append(Change("code", is_.path, "", code, told))
    return out


def _wider(before: str, now: str) -> bool:
    """Shapes that another sample of the same field may well have."""
    alike = (
        {"integer", "decimal", "time_packed", "date_packed", "area", "agent12"},
        {"code", "reference", "text", "flag", "integer"},
        {"decimal", "grouped", "capped"},
    )
    return any({before, now} <= group for group in alike[:2]) or {before, now} == {
        "grouped",
        "capped",
    }


def _renamed(gone: Sequence[Field], come: Sequence[Field]) -> list[tuple[Field, Field]]:
    """Fields whose name went and another of like name and like values came, best pairs first."""
    scored = []
    for was in gone:
        for is_ in come:
            name = max(likeness(was.path, is_.path), _letters(was.path, is_.path))
            same = float(was.shape == is_.shape) * 0.5 + 0.5 * bool(set(was.masks) & set(is_.masks))
            score = (1 - _SAME_VALUES) * name + _SAME_VALUES * same
            if score >= _RENAMED and (name >= 0.4 or (same == 1 and len(gone) == len(come) == 1)):
                scored.append((score, was, is_))
    scored.sort(key=lambda one: -one[0])
    out, taken = [], set()
    for _, was, is_ in scored:
        if was.path not in taken and is_.path not in taken:
            taken |= {was.path, is_.path}
            out.append((was, is_))
    return out


def _letters(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio()


def as_dict(change: Change) -> dict[str, Any]:
    """A change as plain data; a code is shown, anything else masked."""
    now = (
        change.now
        if change.kind in ("code", "layout", "renamed", "added", "filled", "type")
        else ""
    )
    return {
        "kind": change.kind,
        "field": change.field,
        "before": change.before,
        "now": now or masked(change.now),
        "told": change.told,
    }
