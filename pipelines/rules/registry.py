"""The rules there are, built-in ones and an installation's own, and the agreed parameter sets."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipelines.rules.declared import FAMILIES, Horizon, Parameter, Rule, Variant, read_rule
from pipelines.rules.parameter_sets import InForce, ParameterSet, read_set
from schemas.errors import ConfigurationError

__all__ = [
    "FAMILIES",
    "FOLDER",
    "Horizon",
    "InForce",
    "Parameter",
    "ParameterSet",
    "Rule",
    "Variant",
    "drafts",
    "in_force",
    "load_parameters",
    "load_rules",
    "parameters_on",
    "read_rule",
    "use_folders",
]

FOLDER = Path(__file__).parent
UNDECIDED = "?"  # what a drafted declaration says where nobody has decided yet

_own: list[Path] = []  # folders of rules of an installation's own, set once at the edge


def use_folders(folders: Sequence[Path]) -> None:
    """Let rules of an installation's own join the built-in ones; they are of the ledger lane.

    Called before anything asks for the rules; another call replaces the former and reads again.
    """
    if folders or _own:
        _own[:] = folders
        load_rules.cache_clear()
        load_parameters.cache_clear()


@cache
def load_rules(folder: Path = FOLDER) -> Mapping[str, Rule]:
    """Every rule by name, in name order; drafts with undecided fields are left out (`drafts`).

    Raises:
        ConfigurationError: a declaration is wrong; the message names file, field and cure.
    """
    found = {path.parent.name: read_rule(path.parent) for path in folder.glob("*/rule.toml")}
    for path in (path for own in _own if folder == FOLDER for path in own.glob("*/rule.toml")):
        if _undecided(path):
            continue
        rule = read_rule(path.parent)
        if rule.name in found:
            raise ConfigurationError(
                f"{path}: name: expected one that no other rule has; rename the folder and the rule"
            )
        if rule.lane != "ledger":
            raise ConfigurationError(
                f"{path}: lane: expected ledger: a rule of your own is SQL only; correct it"
            )
        found[rule.name] = rule
    return MappingProxyType({name: found[name] for name in sorted(found)})


def drafts() -> Mapping[str, tuple[str, ...]]:
    """Rules of an installation's own that nobody finished: name -> fields to decide."""
    paths = sorted(path for own in _own for path in own.glob("*/rule.toml"))
    return {path.parent.name: fields for path in paths if (fields := _undecided(path))}


def _undecided(path: Path) -> tuple[str, ...]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: {error}; correct the file") from error
    return tuple(_open_fields("", table))


def _open_fields(place: str, value: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _open_fields(f"{place}.{name}" if place else name, inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            yield from _open_fields(f"{place}[{number}]", inner)
    elif isinstance(value, str) and value.startswith(UNDECIDED):
        yield place


def in_force(parameters: InForce | None = None) -> InForce:
    """What is given, or all agreed sets, each from its day on."""
    return load_parameters() if parameters is None else parameters


@cache
def load_parameters(folder: Path = FOLDER / "parameters") -> tuple[ParameterSet, ...]:
    """Every agreed parameter set, oldest first.

    Raises:
        ConfigurationError: a set names a rule or parameter that does not exist, there is none, or
            two have one version or one day.
    """
    rules = load_rules()
    sets = sorted(
        (read_set(path, rules) for path in folder.glob("*.toml")), key=lambda one: one.valid_from
    )
    if not sets:
        raise ConfigurationError("parameters: expected at least one set; add one")
    for name in ("version", "valid_from"):
        if len({getattr(one, name) for one in sets}) != len(sets):
            raise ConfigurationError(
                f"parameters: {name}: expected another one in each set; correct the newer file"
            )
    return tuple(sets)


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
