"""The catalogue of validation rules: data in `catalogue/*.toml`, loaded and checked here.

A rule of scope `record` is a boolean SQL expression over the canonical columns of one record:
true = fine, false = broken, null = does not apply. A rule of scope `ledger` is a query over
the relation `reports` that returns the `_row` of every report at fault, judged over the ledger in
sets of equal values of its `within` columns (`quality.sets`). Beside the canonical columns an
expression may use the helper columns of `quality.evaluate.helpers` (`_ok_`, `_area_`, `_known_`,
`_day_`), for what SQL cannot say.

`fatal` rejects a record, `warning` marks it. A rule is in force for records received (Beijing
date) from `valid_from` up to, not including, `valid_to`.
"""

import datetime
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from schemas.errors import ConfigurationError
from schemas.fields import IMPLEMENTED_KINDS, fields

CATALOGUE = Path(__file__).parent / "catalogue"
BASE_RECORDS = CATALOGUE / "base_records.toml"
STAGES = ("identity", "format", "code", "required", "cross_field", "plausibility", "set")
SEVERITIES = ("fatal", "warning")
SCOPES = ("record", "ledger")
HELPER_PREFIXES = ("_ok_", "_area_", "_known_", "_day_")

_ID = re.compile(r"[A-Z]{3,4}-\d{3}")
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_WORD = re.compile(r"\b[a-z_][a-z0-9_]*\b")
_KEYS = {
    "id", "version", "severity", "stage", "scope", "kinds", "markets", "event_types",
    "source_systems", "field", "standard", "zh", "en", "expression", "query", "within",
    "valid_from", "valid_to", "examples",
}  # fmt: skip
_NEEDED = _KEYS - {
    "scope", "event_types", "source_systems", "expression", "query", "within", "valid_to",
}  # fmt: skip
_START = datetime.date(1900, 1, 1)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One dated validation rule.

    `field` is the canonical name of the field at fault; the source's own path for it is looked up
    where the feed is known. `zh` and `en` say what was expected, with an example, and hold no
    value of a record. `passing` and `failing` are groups of rows laid over the market's base
    record: one row for a record rule, several for a rule over sets.
    """

    id: str
    version: int
    severity: str
    stage: str
    scope: str
    kinds: tuple[str, ...]
    markets: tuple[str, ...]
    event_types: tuple[str, ...]
    source_systems: tuple[str, ...]
    field: str
    standard: str
    zh: str
    en: str
    sql: str
    valid_from: datetime.date
    valid_to: datetime.date | None
    passing: tuple[Row, ...]
    failing: tuple[Row, ...]
    file: str
    columns: tuple[str, ...]  # canonical columns the SQL and conditions read
    helpers: tuple[str, ...]  # helper columns the SQL reads
    within: tuple[str, ...]  # columns whose equal values make a set; of scope `ledger` only

    @property
    def outcome(self) -> str:
        """What a finding of this rule does to the record: `rejected` or `warning`."""
        return "rejected" if self.severity == "fatal" else "warning"

    def applies(self, kind: str, market: str) -> bool:
        """Whether the rule is for records of this kind and market."""
        return kind in self.kinds and market in self.markets


def _refuse(file: str, name: str, part: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"{file}: rule {name}: {part}: expected {expected}")


def _rows(file: str, name: str, part: str, value: object) -> tuple[Row, ...]:
    rows: list[Any] = value if isinstance(value, list) else [value]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise _refuse(file, name, f"examples.{part}", "a table of column values, or a list of them")
    return tuple(MappingProxyType(dict(row)) for row in rows)


def referenced(sql: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The canonical columns and the helper columns that an SQL text names, each sorted.

    Example:
        >>> referenced("_ok_uetr AND side = 'price'")
        (('side', 'uetr'), ('_ok_uetr',))
    """
    words = set(_WORD.findall(_LITERAL.sub("''", sql)))
    helpers = {word for word in words if word.startswith(HELPER_PREFIXES)}
    bases = {re.sub("^_[a-z]+_", "", word, count=1) for word in helpers}
    known = fields()
    return tuple(sorted((words | bases) & known.keys())), tuple(sorted(helpers))


def _within(
    file: str, name: str, raw: Mapping[str, Any], helpers: Sequence[str]
) -> tuple[str, ...]:
    """The columns that make a set; none for a record rule."""
    within = tuple(raw.get("within", ()))
    if raw.get("scope") != "ledger":
        if within:
            raise _refuse(file, name, "within", "nothing, because the rule looks at one record")
        return ()
    if not within or not set(within) <= fields().keys():
        raise _refuse(file, name, "within", "canonical fields that make a set, such as ['uetr']")
    if helpers:
        raise _refuse(file, name, "query", f"canonical columns; the ledger has no {helpers[0]}")
    if raw["severity"] != "warning":
        raise _refuse(file, name, "severity", "warning: the submitter was answered before")
    return within


def _rule(file: str, raw: Mapping[str, Any]) -> Rule:
    name = str(raw.get("id", "without an id"))
    if not _ID.fullmatch(name):
        raise _refuse(file, name, "id", "letters, a dash and three digits, such as 'PYMT-101'")
    if extra := raw.keys() - _KEYS:
        raise _refuse(file, name, min(extra), f"one of {', '.join(sorted(_KEYS))}")
    if missing := _NEEDED - raw.keys():
        raise _refuse(file, name, min(missing), "a value")
    scope = raw.get("scope", "record")
    text = {"record": "expression", "ledger": "query"}.get(scope)
    if text is None:
        raise _refuse(file, name, "scope", " or ".join(SCOPES))
    for part, value, allowed in (
        ("severity", raw["severity"], SEVERITIES),
        ("stage", raw["stage"], STAGES),
        *(("kinds", kind, IMPLEMENTED_KINDS) for kind in raw["kinds"]),
    ):
        if value not in allowed:
            raise _refuse(file, name, part, f"one of {', '.join(allowed)}")
    if text not in raw:
        raise _refuse(file, name, text, f"SQL, because the scope is {scope}")
    kinds = set(raw["kinds"])
    known = fields().get(raw["field"])
    if known is None or not kinds <= set(known.kinds):
        raise _refuse(file, name, "field", f"a canonical field of kind {' and '.join(kinds)}")
    examples = raw["examples"]
    if not {"pass", "fail"} == examples.keys():
        raise _refuse(file, name, "examples", "one 'pass' and one 'fail'")
    columns, helpers = referenced(raw[text])
    within = _within(file, name, raw, helpers)
    columns = tuple(sorted({*columns, *within}))
    if wrong := [column for column in columns if not kinds <= set(fields()[column].kinds)]:
        raise _refuse(file, name, text, f"columns of all its kinds; {wrong[0]} is not")
    conditions = {"event_types": "event_type", "source_systems": "source_system_code"}
    columns = tuple(sorted({*columns, *(c for part, c in conditions.items() if raw.get(part))}))
    valid_from, valid_to = raw["valid_from"], raw.get("valid_to")
    if valid_to is not None and valid_to <= valid_from:
        raise _refuse(file, name, "valid_to", "a date after valid_from")
    return Rule(
        id=name,
        version=raw["version"],
        severity=raw["severity"],
        stage=raw["stage"],
        scope=scope,
        kinds=tuple(raw["kinds"]),
        markets=tuple(raw["markets"]),
        event_types=tuple(raw.get("event_types", ())),
        source_systems=tuple(raw.get("source_systems", ())),
        field=raw["field"],
        standard=raw["standard"],
        zh=raw["zh"],
        en=raw["en"],
        sql=raw[text].strip(),
        valid_from=valid_from,
        valid_to=valid_to,
        passing=_rows(file, name, "pass", examples["pass"]),
        failing=_rows(file, name, "fail", examples["fail"]),
        file=file,
        columns=columns,
        helpers=helpers,
        within=within,
    )


def _check_versions(rules: Sequence[Rule]) -> None:
    """Refuse two entries of one id that are in force on the same day."""
    seen: dict[str, Rule] = {}
    for rule in sorted(rules, key=lambda r: (r.id, r.valid_from, r.version)):
        before = seen.get(rule.id)
        if before is not None and (
            before.valid_to is None
            or before.valid_to > rule.valid_from
            or before.version >= rule.version
        ):
            raise _refuse(
                rule.file,
                rule.id,
                "id",
                f"an id no other rule in force has ({before.file} has it too); end the older "
                "version with valid_to and raise the version",
            )
        seen[rule.id] = rule


def parse(file: str, text: str) -> list[Rule]:
    """Read the rules of one catalogue file. `[defaults]` holds keys shared by all its rules.

    Raises:
        ConfigurationError: the file is not TOML or a rule is wrong; names file, rule and part.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: expected valid TOML; {error}") from error
    defaults = {"valid_from": _START, "version": 1} | table.get("defaults", {})
    return [_rule(file, {**defaults, **raw}) for raw in table.get("rule", [])]


def load(folder: Path) -> tuple[Rule, ...]:
    """Every rule of a catalogue folder, ordered by id and version.

    Raises:
        ConfigurationError: a file or rule is wrong, or two rules of one id are in force together.
    """
    rules = [
        rule
        for path in sorted(folder.glob("*.toml"))
        if path.name != BASE_RECORDS.name
        for rule in parse(f"{folder.name}/{path.name}", path.read_text("utf-8"))
    ]
    _check_versions(rules)
    return tuple(sorted(rules, key=lambda rule: (rule.id, rule.version)))


@cache
def catalogue() -> tuple[Rule, ...]:
    """The rules of this release."""
    return load(CATALOGUE)
