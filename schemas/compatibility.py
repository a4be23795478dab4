"""Is a changed schema compatible with the one before?

A description is the field table as plain data, one entry a kind and field. Two descriptions compare
to a list of changes, each breaking, compatible or only documentation. The version follows: a
breaking change raises the first number, a compatible one the second, documentation the third.
Descriptions that were released lie in `schemas/released/` and are never edited.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import pyarrow as pa

from schemas.errors import ConfigurationError
from schemas.fields import IMPLEMENTED_KINDS, SCHEMA_VERSION, Field, arrow_type, fields

RELEASED = Path(__file__).parent / "released"

Entry = Mapping[str, Any]
Description = Mapping[str, Any]
Version = tuple[int, int, int]


class Impact(IntEnum):
    """What a change asks of those who write or read records."""

    DOCUMENTATION = 0
    COMPATIBLE = 1
    BREAKING = 2


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; `what` says it in words and names no value of a record."""

    kind: str
    field: str
    impact: Impact
    what: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.field}: {self.what} ({self.impact.name.lower()})"


def _entry(field: Field) -> dict[str, Any]:
    return {
        "type": field.type_text,
        "nullable": field.nullable,
        "unit": field.unit,
        "level": field.level,
        "person": field.person,
        "source": field.source,
        "zh": field.zh,
        "en": field.en,
    }


def describe(
    table: Mapping[str, Field] | None = None, version: str = SCHEMA_VERSION
) -> dict[str, Any]:
    """The description of a field table, by default of the one in force."""
    chosen = (fields() if table is None else table).values()
    return {
        "version": version,
        "kinds": {
            kind: {field.name: _entry(field) for field in chosen if kind in field.kinds}
            for kind in IMPLEMENTED_KINDS
        },
    }


def _holds(old: pa.DataType, new: pa.DataType) -> bool:
    """Whether every value of the old type is a value of the new one, read the same way."""
    is_ = pa.types
    if is_.is_dictionary(old) and is_.is_dictionary(new):
        return _holds(old.index_type, new.index_type) and bool(old.value_type == new.value_type)
    if is_.is_decimal128(old) and is_.is_decimal128(new):
        whole = new.precision - new.scale >= old.precision - old.scale
        return bool(whole and new.scale >= old.scale)
    if is_.is_integer(old) and is_.is_integer(new):
        signs = is_.is_signed_integer(old), is_.is_signed_integer(new)
        room = new.bit_width - old.bit_width
        return bool(signs[0] == signs[1] and room >= 0) or bool(signs == (False, True) and room > 0)
    return bool(old == new)


def _type_change(old: Any, new: Any) -> tuple[Impact, str]:  # noqa: ANN401 # entries are plain data
    if _holds(arrow_type(old), arrow_type(new)):
        return Impact.COMPATIBLE, f"type widened from {old} to {new}"
    return Impact.BREAKING, f"type changed from {old} to {new}, which does not hold every old value"


def _null_change(old: Any, new: Any) -> tuple[Impact, str]:  # noqa: ANN401
    if old and not new:
        return Impact.BREAKING, "optional became required: reports without it are refused"
    return Impact.BREAKING, "required became optional: readers that rely on a value meet null"


def _sensitivity_change(old: Any, new: Any) -> tuple[Impact, str]:  # noqa: ANN401
    if (new or 0) < (old or 0) if isinstance(old, int) else (new or "") < (old or ""):
        return Impact.BREAKING, f"sensitivity lowered from {old} to {new}: more people may see it"
    return Impact.COMPATIBLE, f"sensitivity raised from {old} to {new}"


def _unit_change(old: Any, new: Any) -> tuple[Impact, str]:  # noqa: ANN401
    return Impact.BREAKING, f"unit changed from {old} to {new}: old values mean something else"


def _text_change(_old: Any, _new: Any) -> tuple[Impact, str]:  # noqa: ANN401
    return Impact.DOCUMENTATION, "documentation changed"


_JUDGES: Mapping[str, Callable[[Any, Any], tuple[Impact, str]]] = {
    "type": _type_change,
    "nullable": _null_change,
    "unit": _unit_change,
    "level": _sensitivity_change,
    "person": _sensitivity_change,
    "source": _text_change,
    "zh": _text_change,
    "en": _text_change,
}


def _of_kind(kind: str, old: Mapping[str, Entry], new: Mapping[str, Entry]) -> Iterator[Change]:
    added = [name for name in new if name not in old]
    for name, entry in old.items():
        if name not in new:
            twin = next(
                (
                    n
                    for n in added
                    if new[n]["type"] == entry["type"] and new[n]["en"] == entry["en"]
                ),
                None,
            )
            what = f"renamed to {twin}" if twin else "removed"
            yield Change(kind, name, Impact.BREAKING, what)
            continue
        for part, judge in _JUDGES.items():
            if entry[part] != new[name][part]:
                yield Change(kind, name, *judge(entry[part], new[name][part]))
    for name in added:
        if new[name]["nullable"]:
            yield Change(kind, name, Impact.COMPATIBLE, "optional field added")
        else:
            yield Change(kind, name, Impact.BREAKING, "required field added: old records lack it")


def compare(old: Description, new: Description) -> list[Change]:
    """Every difference between two descriptions, the gravest first.

    A rename is a removal and an addition, so it breaks, even of an optional field.
    """
    changes: list[Change] = []
    for kind in {**old["kinds"], **new["kinds"]}:
        before, after = old["kinds"].get(kind), new["kinds"].get(kind)
        if after is None:
            changes.append(Change(kind, "*", Impact.BREAKING, "kind removed"))
        elif before is None:
            changes.append(Change(kind, "*", Impact.COMPATIBLE, "kind added"))
        else:
            changes.extend(_of_kind(kind, before, after))
    return sorted(changes, key=lambda change: -change.impact)


def _version(text: str) -> Version:
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise ConfigurationError(
            "schema version: expected three numbers such as 1.0.0; correct schemas/fields.py"
        )
    return int(parts[0]), int(parts[1]), int(parts[2])


def next_version(old: str, changes: list[Change]) -> str:
    """The lowest version a schema may carry after these changes.

    Example:
        >>> next_version("1.4.2", [Change("event", "x", Impact.COMPATIBLE, "optional field added")])
        '1.5.0'
    """
    major, minor, patch = _version(old)
    worst = max((change.impact for change in changes), default=None)
    if worst is None:
        return old
    if worst is Impact.BREAKING:
        return f"{major + 1}.0.0"
    return (
        f"{major}.{minor + 1}.0" if worst is Impact.COMPATIBLE else f"{major}.{minor}.{patch + 1}"
    )


def check_version(old: Description, new: Description) -> list[Change]:
    """The changes between two descriptions, refused if the new version is too low for them.

    Raises:
        ConfigurationError: the version must be raised; the message lists why.
    """
    changes = compare(old, new)
    needed = next_version(old["version"], changes)
    if _version(new["version"]) < _version(needed):
        reasons = "; ".join(str(change) for change in changes[:5])
        raise ConfigurationError(
            f"schema version {new['version']}: expected at least {needed} after {old['version']}: "
            f"{reasons}; raise SCHEMA_VERSION in schemas/fields.py and save the description"
        )
    return changes


def released() -> list[dict[str, Any]]:
    """Every released description, oldest version first."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in RELEASED.glob("*.json")]
    return sorted(found, key=lambda description: _version(description["version"]))
