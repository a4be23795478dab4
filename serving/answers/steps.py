"""One step of a proof: two outcomes, hashed the same way and held against each other."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from serving.answers.exports import plain


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what came out again and what was published, as SHA-256 of canonical JSON.

    `differs` names the fields that are not the same, where the items have fields.
    """

    name: str
    items: int
    again: str
    published: str
    differs: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both are the same."""
        return self.again == self.published


def step(name: str, again: Iterable[Any], published: Iterable[Any]) -> Step:
    """Hold items against items, whatever their order; items are rows, texts or lists."""
    here, there = list(again), list(published)
    lines, before = sorted(map(_line, here)), sorted(map(_line, there))
    differs = () if lines == before else _fields(here, there)
    return Step(name, len(lines), _digest(lines), _digest(before), differs)


def _fields(again: list[Any], published: list[Any]) -> tuple[str, ...]:
    """The fields whose values are not the same, all rows together; a row more shows in most."""
    if not all(isinstance(item, dict) for item in again + published):
        return ()
    names = list(dict.fromkeys(name for row in again + published for name in row))
    return tuple(name for name in names if _values(again, name) != _values(published, name))


def _values(rows: list[dict[str, Any]], name: str) -> Counter[str]:
    return Counter(_line(row.get(name)) for row in rows)


def _line(item: Any) -> str:  # noqa: ANN401
    return json.dumps(plain(item), sort_keys=True, ensure_ascii=False)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
