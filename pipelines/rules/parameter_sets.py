"""Parameter sets: the numbers of the rules, who agreed to them, and from when they hold.

A set has joint values, for the joint vantage and for every region without values of its own, and
may have regional ones: a region's own bands for its solo vantage, which no other vantage ever uses.
A crossing is judged by the set in force on the Beijing day of its instant; an alert names the set
in force at its first crossing and keeps that name.

Kernels and definitions know one set of numbers. `judgements` says which runs of them are needed and
what may be taken of each: almost always one run, of which everything is taken.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.rules.declared import Rule
from pipelines.rules.tables import Table
from schemas.errors import ConfigurationError
from schemas.regions import JOINT_BIT, REGIONS

Values = Mapping[str, Mapping[str, int]]  # rule -> parameter -> value
EVER = 1 << 62
ALL_VANTAGES = (1 << (JOINT_BIT + 1)) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEIJING = timedelta(hours=8)
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Agreement:
    """One region's word: its code, who spoke for it, and on which day."""

    region: str
    by: str
    on: date


@dataclass(frozen=True, slots=True)
class Regional:
    """A region's own values, for its solo vantage only, and its agreement to them."""

    agreement: Agreement
    values: Values


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """One set of values; what it does not name is the rule's default.

    `agreed` names all four regions, or none; then `not_agreed` says what the set is instead.
    """

    version: str
    valid_from: date
    values: Values
    agreed: tuple[Agreement, ...] = ()
    not_agreed: str = ""
    regional: Mapping[str, Regional] = field(default_factory=dict)

    @property
    def agreed_by(self) -> str:
        """Who agreed and when, in a few words."""
        if not self.agreed:
            return self.not_agreed
        return "; ".join(f"{one.region} {one.by}, {one.on.isoformat()}" for one in self.agreed)

    def of(self, rule: Rule, vantage: int = JOINT_BIT) -> Mapping[str, int]:
        """Every parameter of the rule by name, as one vantage (0-3 a region, 4 joint) has it."""
        agreed = dict(self.values.get(rule.name, _NOTHING))
        if vantage != JOINT_BIT and (own := self.regional.get(REGIONS[vantage])):
            agreed |= own.values.get(rule.name, _NOTHING)
        return MappingProxyType(
            {name: agreed.get(name, p.default) for name, p in rule.parameters.items()}
        )

    def changed(self, rule: str, **values: int) -> "ParameterSet":
        """A set with other joint values for one rule: for trying a rule, never for alerts."""
        merged = {**self.values, rule: {**self.values.get(rule, {}), **values}}
        return self._trial(merged, self.regional)

    def changed_in(self, region: str, rule: str, **values: int) -> "ParameterSet":
        """A set with other values for one rule in one region's own: for trying, never for alerts.

        Args:
            region: its code.
            rule: by name.
            values: by parameter.
        """
        own = self.regional.get(region)
        before = own.values if own else {}
        agreement = own.agreement if own else Agreement(region, "trial", self.valid_from)
        merged = {**before, rule: {**before.get(rule, {}), **values}}
        return self._trial(self.values, {**self.regional, region: Regional(agreement, merged)})

    def _trial(self, values: Values, regional: Mapping[str, Regional]) -> "ParameterSet":
        version = self.version.removesuffix("+trial") + "+trial"
        return ParameterSet(
            version, self.valid_from, values, self.agreed, self.not_agreed, regional
        )

    def as_dict(self) -> dict[str, Any]:
        """The set as JSON values; `from_dict` reads it."""
        return {
            "version": self.version,
            "valid_from": self.valid_from.isoformat(),
            "values": _plain(self.values),
            "agreed": [_agreement(one) for one in self.agreed],
            "not_agreed": self.not_agreed,
            "regional": {
                region: {"agreement": _agreement(own.agreement), "values": _plain(own.values)}
                for region, own in self.regional.items()
            },
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "ParameterSet":
        """Read what `as_dict` gave."""
        return cls(
            version=told["version"],
            valid_from=date.fromisoformat(told["valid_from"]),
            values=told["values"],
            agreed=tuple(_agreement_of(one) for one in told["agreed"]),
            not_agreed=told["not_agreed"],
            regional={
                region: Regional(_agreement_of(own["agreement"]), own["values"])
                for region, own in told["regional"].items()
            },
        )


InForce = ParameterSet | Sequence[ParameterSet]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One run of a rule with one set of numbers, and which of its crossings are taken.

    `vantages` has their bits; an instant (us) is in [`since_us`, `until_us`).
    """

    values: Mapping[str, int]
    vantages: int
    since_us: int
    until_us: int

    @property
    def takes_all(self) -> bool:
        """Whether every crossing of the run is taken."""
        return (self.vantages, self.since_us, self.until_us) == (ALL_VANTAGES, -EVER, EVER)

    def takes(
        self, vantages: npt.NDArray[Any], instants: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        """Which crossings are taken."""
        inside: npt.NDArray[np.bool_] = (
            (self.vantages >> vantages.astype(np.int64) & 1 == 1)
            & (self.since_us <= instants)
            & (instants < self.until_us)
        )
        return inside


def judgements(rule: Rule, sets: InForce) -> tuple[Judgement, ...]:
    """The runs a rule needs so that every vantage and instant is judged by its own numbers.

    Args:
        rule: with its defaults.
        sets: one set, which then holds always, or several, each from its day on; the oldest holds
            before all.

    Returns:
        Runs whose taken crossings are parts of a whole: no vantage and instant is in two.
    """
    ordered = [sets] if isinstance(sets, ParameterSet) else list(sets)
    ordered.sort(key=lambda each: each.valid_from)
    runs: dict[tuple[tuple[tuple[str, int], ...], int, int], int] = {}
    for vantage in range(JOINT_BIT + 1):
        periods: list[tuple[tuple[tuple[str, int], ...], int]] = []
        for number, each in enumerate(ordered):
            values = tuple(each.of(rule, vantage).items())
            if not periods or periods[-1][0] != values:
                periods.append((values, -EVER if number == 0 else begins(each.valid_from)))
        ends = [since for _, since in periods[1:]] + [EVER]
        for (values, since), until in zip(periods, ends, strict=True):
            key = (values, since, until)
            runs[key] = runs.get(key, 0) | 1 << vantage
    return tuple(
        Judgement(MappingProxyType(dict(values)), vantages, since, until)
        for (values, since, until), vantages in runs.items()
    )


def begins(day: date) -> int:
    """00:00 Beijing time of a day, us UTC."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - _BEIJING
    return (midnight - _EPOCH) // timedelta(microseconds=1)


def read_set(path: Path, rules: Mapping[str, Rule]) -> ParameterSet:
    """Read and check one set.

    Raises:
        ConfigurationError: it names a rule, parameter or region that does not exist, or only some
            regions agreed.
    """
    where = f"parameters/{path.name}"
    try:
        table = Table(where, tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{where}: {error}; correct the file") from error
    values = _values(where, table.read("values", dict, "[values.rule]", default={}), rules)
    version = table.read("version", str, 'a version, such as "2026.1"')
    valid_from = table.read("valid_from", date, "a date, such as 2026-01-01")
    not_agreed = table.read("not_agreed", str, "a sentence", default="")
    spoken = table.read("agreed", dict, "[agreed.310000] and the other regions", default={})
    agreed = tuple(_read_agreement(where, region, row) for region, row in sorted(spoken.items()))
    if bool(agreed) == bool(not_agreed) or (agreed and set(spoken) != set(REGIONS)):
        raise ConfigurationError(
            f"{where}: agreed: expected [agreed.CODE] with by and on for each of "
            f"{', '.join(REGIONS)}, or not_agreed, a sentence saying what the set is instead; "
            "write one of the two"
        )
    if any(one.on > valid_from for one in agreed):
        raise ConfigurationError(
            f"{where}: valid_from: expected a day not before the last agreement; move it"
        )
    regional = {}
    for region, row in table.read("regional", dict, "[regional.320000]", default={}).items():
        own = Table(f"{where}: regional.{region}", row)
        theirs = _values(own.where, own.read("values", dict, "values.rule"), rules)
        agreement = _read_agreement(where, region, own.left)
        if agreement.on > valid_from:
            raise ConfigurationError(
                f"{own.where}: on: expected a day not after valid_from; correct it"
            )
        regional[region] = Regional(agreement, theirs)
    table.done()
    return ParameterSet(version, valid_from, values, agreed, not_agreed, MappingProxyType(regional))


def _read_agreement(where: str, region: str, row: Mapping[str, Any]) -> Agreement:
    if region not in REGIONS:
        raise ConfigurationError(
            f"{where}: {region}: expected a region, one of {', '.join(REGIONS)}; correct it"
        )
    table = Table(f"{where}: {region}", row)
    by = table.read("by", str, "who agreed for the region, office and name")
    on = table.read("on", date, "the day of it, such as 2026-01-01")
    table.done()
    return Agreement(region, by, on)


def _values(where: str, named: Mapping[str, Any], rules: Mapping[str, Rule]) -> Values:
    for rule, values in named.items():
        if rule not in rules:
            raise ConfigurationError(f"{where}: values.{rule}: expected a rule's name; correct it")
        for name, value in values.items():
            known = name in rules[rule].parameters
            if not known or not isinstance(value, int) or isinstance(value, bool):
                raise ConfigurationError(
                    f"{where}: values.{rule}.{name}: expected a whole number for a parameter "
                    f"of the rule; correct it"
                )
    return MappingProxyType({rule: MappingProxyType(dict(v)) for rule, v in named.items()})


def _plain(values: Values) -> dict[str, dict[str, int]]:
    return {rule: dict(named) for rule, named in values.items()}


def _agreement(one: Agreement) -> dict[str, str]:
    return {"region": one.region, "by": one.by, "on": one.on.isoformat()}


def _agreement_of(told: Mapping[str, str]) -> Agreement:
    return Agreement(told["region"], told["by"], date.fromisoformat(told["on"]))
