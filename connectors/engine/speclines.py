"""Where in a spec file a key stands, and complaints that name file, line, field and cure.

`tomllib` gives no positions, so the lines of keys are found again in the text.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from schemas.errors import ConfigurationError

_SECTION = re.compile(r"\s*\[+([^\]]*)\]+\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[^\s=#\[\]{}"']+)\s*=""")
_MISSING = object()


class Lines:
    """Looks up keys of one spec file, typed, and complains with their line."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._at: dict[tuple[str, ...], int] = {}
        section: tuple[str, ...] = ()
        for number, line in enumerate(text.splitlines(), 1):
            if found := _SECTION.match(line):
                section = tuple(_names(found[1]))
                self._at.setdefault(section, number)
            elif found := _KEY.match(line):
                name = found[1]
                parts = [name[1:-1]] if name[0] in "\"'" else name.split(".")
                self._at.setdefault((*section, *parts), number)

    def fail(self, at: tuple[str, ...], name: str, expected: str, cure: str) -> NoReturn:
        """Raise a ConfigurationError about one key (its section's line where it has none)."""
        place = (*at, *([name] if name else []))
        line = 1
        for length in range(len(place), -1, -1):
            if place[:length] in self._at:
                line = self._at[place[:length]]
                break
        where = ".".join(place)
        raise ConfigurationError(f"{self._path}:{line}: {where}: expected {expected}; {cure}")

    def known(self, table: Any, names: Iterable[str], at: tuple[str, ...]) -> None:  # noqa: ANN401
        """Complain about a key the language does not have."""
        if not isinstance(table, dict):
            self.fail(at, "", "a table", "write it as a section or { ... }")
        allowed = sorted(names)
        for name in table:
            if name not in allowed:
                near = difflib.get_close_matches(name, allowed, 1)
                cure = f"did you mean {near[0]!r}?" if near else "remove it"
                self.fail(at, name, f"one of {', '.join(allowed)}", cure)

    def text(
        self,
        table: Mapping[str, Any],
        name: str,
        default: object = _MISSING,
        at: tuple[str, ...] = (),
    ) -> str:
        """A text value."""
        value = table.get(name, default)
        if value is _MISSING:
            self.fail(at, name, "a text value", "add it")
        if not isinstance(value, str):
            self.fail(at, name, "a text value in quotes", "put it in quotes")
        return value

    def texts(
        self,
        table: Mapping[str, Any],
        name: str,
        default: object = _MISSING,
        at: tuple[str, ...] = (),
    ) -> Sequence[str]:
        """A list of texts."""
        value = table.get(name, default)
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            self.fail(at, name, "a list of texts, such as ['a', 'b']", "correct it")
        return value

    def choice(
        self,
        table: Mapping[str, Any],
        name: str,
        allowed: Sequence[str],
        default: object = _MISSING,
        at: tuple[str, ...] = (),
    ) -> str:
        """One of a few texts."""
        value = table.get(name, default)
        if value not in allowed:
            near = difflib.get_close_matches(str(value), allowed, 1)
            cure = f"did you mean {near[0]!r}?" if near else "correct it"
            self.fail(at, name, f"one of {', '.join(allowed)}", cure)
        return str(value)


def _names(text: str) -> list[str]:
    """The parts of a section name; quoted parts may hold dots."""
    return [
        part[1:-1] if part[0] in "\"'" else part
        for part in re.findall(r""""[^"]*"|'[^']*'|[^\s.]+""", text)
    ]
