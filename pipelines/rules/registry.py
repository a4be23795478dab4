"""Rules as declared: `rule.toml` of every folder, and the agreed parameter sets.

Everything a rule may be asked about itself is here; a mistake in a declaration is named by file
and field when the rules are loaded, not when one fires.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipelines.lanes.entry import SUBJECTS_OF
from schemas.errors import ConfigurationError
from schemas.narrow import EVENT_CODES

FOLDER = Path(__file__).parent
PURPOSES = ("aml", "anti_fraud", "prudential", "conduct", "fundraising", "statistics")
LANES = ("stream", "ledger")
SUBJECTS = ("account", "party", "group", "asset", "instrument", "institution", "pair", "set")
STATUS_OF_NUMBER = ("L", "L-", "E", "I", "A")
STATUS_OF_USE = ("as written", "extended", "analogy")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of a rule: its default, its unit, and who published it."""

    name: str
    default: int
    unit: str
    status_of_number: str
    status_of_use: str
    citation: str


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of asking the rule's question: its subject and how the law's text is used."""

    name: str
    subject: str
    status_of_use: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far back the rule looks; an episode ends when it passes without a crossing."""

    business_days: int
    microseconds: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as its folder declares it. Bands are levels 1, 2, ... with (zh, en)."""

    name: str
    question: tuple[str, str]
    measure: tuple[str, str]
    purpose: str
    lane: str
    group: str
    reads: tuple[str, ...]
    needs: tuple[str, ...]
    match: str
    accepted: tuple[str, ...]
    calendar: str
    horizon: Horizon
    unit: str
    variants: tuple[Variant, ...]
    bands: tuple[tuple[str, str], ...]
    parameters: Mapping[str, Parameter]
    joining_can_lower: bool
    valid_from: date
    valid_to: date | None
    folder: Path

    @property
    def definition(self) -> str:
        """The auditable definition, SQL over `tx`, `params` and `calendar`."""
        return (self.folder / "definition.sql").read_text(encoding="utf-8")

    def variant(self, name: str) -> Variant:
        """The variant of that name.

        Raises:
            KeyError: the rule has none.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise KeyError(name)

    def legal_status(self, variant: str) -> str:
        """How far the law carries this variant, for the alert: use and weakest number.

        Example:
            >>> load_rules()["structuring"].legal_status("same_customer")
            'extended; numbers: L, L-, I'
        """
        used = {parameter.status_of_number for parameter in self.parameters.values()}
        numbers = ", ".join(status for status in STATUS_OF_NUMBER if status in used)
        return f"{self.variant(variant).status_of_use}; numbers: {numbers}"


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """One agreed set of values; what it does not name is the rule's default."""

    version: str
    agreed_by: str
    valid_from: date
    values: Mapping[str, Mapping[str, int]]

    def of(self, rule: Rule) -> Mapping[str, int]:
        """Every parameter of the rule by name."""
        agreed = self.values.get(rule.name, {})
        return MappingProxyType(
            {name: agreed.get(name, p.default) for name, p in rule.parameters.items()}
        )

    def changed(self, rule: str, **values: int) -> "ParameterSet":
        """A set with other values for one rule: for trying a rule, never for alerts."""
        merged = {**self.values, rule: {**self.values.get(rule, {}), **values}}
        return ParameterSet(f"{self.version}+trial", self.agreed_by, self.valid_from, merged)


class _Table:
    """A TOML table read key by key: what is missing, of another type or left over is an error."""

    def __init__(self, where: str, table: Mapping[str, Any]) -> None:
        self.where, self.left = where, dict(table)

    def read(self, key: str, kind: type, example: str, *, default: Any = None) -> Any:  # noqa: ANN401
        value = self.left.pop(key, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ConfigurationError(f"{self.where}: {key}: expected {example}; add or correct it")
        return value

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        value: str = self.read(key, str, f"one of {', '.join(allowed)}")
        if value not in allowed:
            raise ConfigurationError(
                f"{self.where}: {key}: expected one of {', '.join(allowed)}; correct it"
            )
        return value

    def texts(self, key: str) -> tuple[str, str]:
        table = _Table(f"{self.where}: {key}", self.read(key, dict, 'zh = "..." and en = "..."'))
        pair = (table.read("zh", str, "a sentence"), table.read("en", str, "a sentence"))
        table.done()
        return pair

    def done(self) -> None:
        if self.left:
            raise ConfigurationError(
                f"{self.where}: {sorted(self.left)[0]}: expected no such field; remove it"
            )


def _variants(where: str, rows: list[Any]) -> tuple[Variant, ...]:
    out = []
    for row in rows:
        table = _Table(f"{where}: variants", row)
        zh, en = (table.read(key, str, "a few words") for key in ("zh", "en"))
        out.append(
            Variant(
                name=table.read("name", str, "a short name"),
                subject=table.choice("subject", SUBJECTS),
                status_of_use=table.choice("status_of_use", STATUS_OF_USE),
                zh=zh,
                en=en,
            )
        )
        table.done()
    if not out or len({variant.name for variant in out}) != len(out):
        raise ConfigurationError(f"{where}: variants: expected at least one, names not repeated")
    return tuple(out)


def _parameters(where: str, rows: Mapping[str, Any]) -> Mapping[str, Parameter]:
    out = {}
    for name, row in rows.items():
        table = _Table(f"{where}: parameters.{name}", row)
        out[name] = Parameter(
            name=name,
            default=table.read("default", int, "a whole number, such as 3"),
            unit=table.read("unit", str, "a unit, such as 'CNY fen'"),
            status_of_number=table.choice("status_of_number", STATUS_OF_NUMBER),
            status_of_use=table.choice("status_of_use", STATUS_OF_USE),
            citation=table.read("citation", str, "where the number comes from"),
        )
        table.done()
    return MappingProxyType(out)


def read_rule(folder: Path) -> Rule:
    """Read and check one rule's declaration.

    Raises:
        ConfigurationError: a field is missing, unknown or not among its choices.
    """
    where = f"{folder.name}/rule.toml"
    try:
        table = _Table(where, tomllib.loads((folder / "rule.toml").read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{where}: {error}; correct the file") from error
    horizon = _Table(f"{where}: horizon", table.read("horizon", dict, "business_days = 10"))
    days = horizon.read("business_days", int, "a number of days", default=0)
    microseconds = horizon.read("microseconds", int, "a number of us", default=0)
    horizon.done()
    if (days > 0) == (microseconds > 0):
        raise ConfigurationError(
            f"{where}: horizon: expected business_days or microseconds; name one"
        )
    lane = table.choice("lane", LANES)
    rule = Rule(
        name=table.read("name", str, "the folder's name"),
        question=table.texts("question"),
        measure=table.texts("measure"),
        purpose=table.choice("purpose", PURPOSES),
        lane=lane,
        group=table.read("group", str, "a key group, such as 'party'", default=""),
        reads=tuple(table.read("reads", list, 'event codes, such as ["PAYM"]')),
        needs=tuple(table.read("needs", list, 'relations, such as ["holding"]', default=["tx"])),
        match=table.choice("match", ("subject", "evidence")),
        accepted=tuple(table.read("accepted", list, 'kinds, such as ["event"]')),
        calendar=table.read("calendar", str, "a calendar, such as 'BANK'"),
        horizon=Horizon(days, microseconds),
        unit=table.read("unit", str, "a unit, such as 'CNY fen'"),
        variants=_variants(where, table.read("variants", list, "[[variants]]")),
        bands=tuple(
            (band.get("zh", ""), band.get("en", ""))
            for band in table.read("bands", list, "[[bands]]")
        ),
        parameters=_parameters(where, table.read("parameters", dict, "[parameters.name]")),
        joining_can_lower=table.read("joining_can_lower", bool, "true or false"),
        valid_from=table.read("valid_from", date, "a date, such as 2026-01-01"),
        valid_to=table.left.pop("valid_to", None),
        folder=folder,
    )
    table.done()
    if rule.name != folder.name:
        raise ConfigurationError(f"{where}: name: expected the folder's name; correct it")
    if unknown := set(rule.reads) - set(EVENT_CODES):
        raise ConfigurationError(
            f"{where}: reads: expected event codes of schemas.narrow; {sorted(unknown)[0]} is none"
        )
    if not all(zh and en for zh, en in rule.bands) or not rule.bands:
        raise ConfigurationError(
            f"{where}: bands: expected zh and en for each of at least one band"
        )
    if rule.lane == "stream":
        _routed(where, rule)
    return rule


def _routed(where: str, rule: Rule) -> None:
    """Make sure that all that is said of a subject meets in one bucket of the rule's key group."""
    if rule.group not in SUBJECTS_OF:
        raise ConfigurationError(
            f"{where}: group: expected a key group for the stream lane, one of "
            f"{', '.join(SUBJECTS_OF)}; name it"
        )
    for variant in rule.variants:
        if variant.subject not in SUBJECTS_OF[rule.group]:
            raise ConfigurationError(
                f"{where}: variants: {variant.name}: subject: expected one of "
                f"{', '.join(SUBJECTS_OF[rule.group])} in the group {rule.group!r}; another group "
                "brings the reports of such a subject together"
            )


@cache
def load_rules(folder: Path = FOLDER) -> Mapping[str, Rule]:
    """Every rule by name, in name order.

    Raises:
        ConfigurationError: a declaration is wrong; the message names file, field and cure.
    """
    folders = sorted(path.parent for path in folder.glob("*/rule.toml"))
    return MappingProxyType({path.name: read_rule(path) for path in folders})


@cache
def load_parameters(folder: Path = FOLDER / "parameters") -> tuple[ParameterSet, ...]:
    """Every agreed parameter set, oldest first.

    Raises:
        ConfigurationError: a set names a rule or parameter that does not exist.
    """
    rules = load_rules()
    sets = []
    for path in sorted(folder.glob("*.toml")):
        where = f"parameters/{path.name}"
        table = _Table(where, tomllib.loads(path.read_text(encoding="utf-8")))
        values: Mapping[str, Mapping[str, int]] = table.read("values", dict, "[values.rule]")
        for rule, named in values.items():
            if rule not in rules:
                raise ConfigurationError(
                    f"{where}: values.{rule}: expected a rule's name; correct it"
                )
            for name, value in named.items():
                if name not in rules[rule].parameters or not isinstance(value, int):
                    raise ConfigurationError(
                        f"{where}: values.{rule}.{name}: expected a whole number for a parameter "
                        f"of the rule; correct it"
                    )
        sets.append(
            ParameterSet(
                version=table.read("version", str, 'a version, such as "2026.1"'),
                agreed_by=table.read("agreed_by", str, "who agreed to it"),
                valid_from=table.read("valid_from", date, "a date, such as 2026-01-01"),
                values=MappingProxyType({k: MappingProxyType(dict(v)) for k, v in values.items()}),
            )
        )
        table.done()
    if not sets:
        raise ConfigurationError("parameters: expected at least one set; add one")
    return tuple(sorted(sets, key=lambda one: one.valid_from))


def parameters_on(day: date | None = None) -> ParameterSet:
    """The set in force on a day (of event time); without one, the newest.

    Raises:
        ConfigurationError: no set was in force yet.
    """
    sets = load_parameters()
    if day is None:
        return sets[-1]
    in_force = [one for one in sets if one.valid_from <= day]
    if not in_force:
        raise ConfigurationError(
            f"parameters: expected a set in force on {day.isoformat()}; add one valid from then"
        )
    return in_force[-1]
