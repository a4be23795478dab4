"""A spec changed to what its source has become: proposed as a unified diff, never written here."""

import difflib
import re
from collections.abc import Sequence

from connectors.engine.spec import Feed
from connectors.kit.diff import Change
from connectors.kit.guess import guesses
from connectors.kit.hints import hints
from connectors.kit.profile import Profile
from connectors.kit.toml_text import text

# Shapes of days, moments and amounts: another way to write the same.
_WRITTEN = (
    *("moment", "moment_no_zone", "moment_blank", "moment_packed_blank", "moment_fix"),
    *("moment_packed", "date", "date_packed", "date_slash", "decimal", "grouped", "capped"),
)
_LAYOUT = ("encoding", "delimiter", "header_starts")


def patch(feed: Feed, spec: str, found: Sequence[Change], now: Profile, name: str) -> str:
    """A proposed spec as a unified diff against the text of the present one; empty if no change.

    Renamed fields are renamed; new ones are read where a canonical field is free and near, else
    ignored under a reason that says they await a decision; new codes stand for '?'; a date or an
    amount written otherwise is read so. All of that is marked as a guess: the patched spec gets no
    certificate before somebody has looked at it.
    """
    text_now = with_layout(spec, found)
    for change in found:
        if change.kind == "renamed":
            text_now = _rename(text_now, change.before, change.now)
        elif change.kind == "code" and change.now:
            text_now = _code(text_now, change.field, change.now)
        elif change.kind == "type":
            text_now = _retyped(text_now, change)
    added = [change.field for change in found if change.kind in ("added", "filled")]
    for path in (change.field for change in found if change.kind == "filled"):
        text_now = _not_empty(text_now, path)
    text_now = _add(feed, text_now, added, now)
    lines = difflib.unified_diff(
        spec.splitlines(keepends=True), text_now.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return "".join(lines)


def with_layout(spec: str, found: Sequence[Change]) -> str:
    """The spec with the encoding and separators of `layout` changes."""
    for change in found:
        if change.kind == "layout" and change.field in _LAYOUT:
            spec = _top(spec, change.field, change.now)
    return spec


def patched(feed: Feed, spec: str, found: Sequence[Change], now: Profile) -> str:
    """The proposed spec whole; see `patch`."""
    difference = patch(feed, spec, found, now, "spec.toml")
    return apply(spec, difference) if difference else spec


def apply(before: str, difference: str) -> str:
    """Apply a unified diff made by `patch` to the text it was made from."""
    out: list[str] = []
    lines = before.splitlines(keepends=True)
    at = 0
    for line in difference.splitlines(keepends=True)[2:]:
        hunk = re.match(r"@@ -(\d+)(?:,(\d+))? ", line)
        if hunk:
            start = int(hunk[1]) - (hunk[2] != "0")
            out += lines[at:start]
            at = start
        elif line[0] == "-":
            at += 1
        elif line[0] == "+":
            out.append(line[1:])
        else:
            out.append(lines[at])
            at += 1
    return "".join([*out, *lines[at:]])


def _rename(spec: str, before: str, now: str) -> str:
    """Every quoted mention of a path, also as the beginning of a longer one."""
    quoted = re.escape(text(before)[1:-1])
    return re.sub(rf'(?<=["\']){quoted}(?=["\'])', lambda _: text(now)[1:-1], spec)


def _top(spec: str, name: str, value: str) -> str:
    line = re.compile(rf"^({name}\s*=\s*).*$", re.MULTILINE)
    if line.search(spec):
        return line.sub(lambda found: found[1] + text(value), spec, count=1)
    return re.sub(r"^(format\s*=.*)$", lambda f: f"{f[1]}\n{name} = {text(value)}", spec,
                  count=1, flags=re.MULTILINE)  # fmt: skip


def _code(spec: str, path: str, code: str) -> str:
    """The code in every map of the path, with '?' as what it means."""
    out = []
    for line in spec.splitlines(keepends=True):
        if _reads(line, path):
            entry = rf'\1, {_key(code)} = "?" }}'
            out.append(re.sub(r"((?:map|types) = \{[^}]*?)\s*\}", entry, line))
        else:
            out.append(line)
    return "".join(out)


def _key(code: str) -> str:
    return code if re.fullmatch(r"[A-Za-z0-9_-]+", code) else text(code)


def _reads(line: str, path: str) -> bool:
    """Whether a line takes a field's values: as its path, or as `from` or `type` of a table."""
    quoted = re.escape(text(path))
    return bool(re.search(rf"(?:^[^=]*|\b(?:from|type)\s*)=\s*{quoted}", line))


def _retyped(spec: str, change: Change) -> str:
    """The lines that read a field whose values look different now, read as the new look is."""
    out = []
    told = f"   # guess: values were {change.before}, are {change.now}: {change.told}"
    for line in spec.splitlines():
        mine = _reads(line, change.field)
        out.append(_with_options(line, change) + told if mine else line)
    return "\n".join(out) + "\n"


def _with_options(line: str, change: Change) -> str:
    """A line with the options of the new look in place of those of the old one."""
    looks = {shape.name: shape.options for shape in hints().shapes}
    if change.before not in _WRITTEN or change.now not in _WRITTEN:
        return line
    name, _, value = line.partition(" = ")
    value = value.partition("   #")[0].strip()
    if value.startswith("{"):
        value = value.removeprefix("{").removesuffix("}").strip()
        value = re.sub(r',\s*(?:format|tz) = "[^"]*"|,\s*(?:grouped|capped) = true', "", value)
    else:
        value = f"from = {value}"
    now = looks[change.now]
    return f"{name} = {{ {value}{f', {now}' if now else ''} }}"


def _not_empty(spec: str, path: str) -> str:
    """The spec without a path in the list of empty fields."""
    one_line, lines = r"[^\n]*\]\s*(?:#[^\n]*)?$", r".*?^\s*\]"
    found = re.search(rf"^empty\s*=\s*\[(?:{one_line}|{lines})", spec, re.MULTILINE | re.DOTALL)
    if not found:
        return spec
    quoted = re.escape(text(path))
    own_line = rf"^[ \t]*{quoted},?[ \t]*(?:#[^\n]*)?\n"
    left = re.sub(rf"{own_line}|{quoted},?[ ]*", "", found[0], count=1, flags=re.MULTILINE)
    return spec[: found.start()] + left + spec[found.end() :]


def _add(feed: Feed, spec: str, added: Sequence[str], now: Profile) -> str:
    fields = tuple(field for field in now.fields if field.path in set(added))
    if not fields:
        return spec
    filled = {column.name for column in (*feed.columns, *feed.locals)} | set(feed.constants)
    free = [
        one for one in guesses(Profile(now.records, fields), feed.kind) if one.target not in filled
    ]
    lines = []
    for one in free:
        value = f"{{ from = {text(one.path)}, {one.options} }}" if one.options else text(one.path)
        lines.append(f"{one.target} = {value}   # guess: {one.why}")
    rest = [field.path for field in fields if field.path not in {one.path for one in free}]
    if lines:
        spec = re.sub(r"^\[fields\].*$", lambda f: "\n".join([f[0], *lines]), spec, count=1,
                      flags=re.MULTILINE)  # fmt: skip
    if rest:
        spec = _ignore(feed, spec, rest)
    return spec


def _ignore(feed: Feed, spec: str, paths: Sequence[str]) -> str:
    listed = ", ".join(map(text, paths))
    reason = "new at the source, to be decided about"
    if re.search(r"^\[ignored\]", spec, re.MULTILINE):
        line = f"{text(reason)} = [{listed}]   # guess: no field of this name was there before"
        return re.sub(r"^\[ignored\].*$", lambda f: f"{f[0]}\n{line}", spec, count=1,
                      flags=re.MULTILINE)  # fmt: skip
    given = re.search(r"^ignored\s*=\s*\[", spec, re.MULTILINE)
    if given:
        return spec[: given.end()] + listed + (", " if feed.ignored else "") + spec[given.end() :]
    block = f"[ignored]\n{text(reason)} = [{listed}]   # guess: not there before\n\n"
    return re.sub(r"^\[", lambda f: block + f[0], spec, count=1, flags=re.MULTILINE)
