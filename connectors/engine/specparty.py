"""Parties of a spec: `[party.counterparty_1]`, and how each is identified."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from connectors.engine.specdata import Party, PartyId
from connectors.engine.speclines import Lines
from connectors.engine.specwords import (
    PARTY_ID_OPTIONS,
    PARTY_OPTIONS,
    PARTY_SCHEMES,
    PERSON_DOCUMENTS,
)

_BASIS = "_id_basis"  # every side has such a field


def parties(raw: Mapping[str, Any], schema: pa.Schema, lines: Lines) -> tuple[Party, ...]:
    """Read the sections `party`.

    Args:
        raw: The whole spec.
        schema: Canonical fields of its kind.
        lines: Whom to complain to.

    Raises:
        ConfigurationError: a side the kind does not have, a key nobody knows, or an identifier
            whose scheme is not clear.
    """
    sides = [name.removesuffix(_BASIS) for name in schema.names if name.endswith(_BASIS)]
    out = []
    for name in raw.get("party", {}):
        if name not in sides:
            lines.fail(("party",), name, f"one of {', '.join(sides)}", "rename it")
        out.append(_party(name, raw["party"][name], not schema.field(f"{name}_id").nullable, lines))
    return tuple(out)


def _party(name: str, raw: Mapping[str, Any], needed: bool, lines: Lines) -> Party:
    at = ("party", name)
    lines.known(raw, PARTY_OPTIONS, at)
    ids = tuple(_party_id(entry, at, lines) for entry in raw.get("ids", []))
    paths = {key: raw.get(key, []) for key in ("account", "agent")}
    first = {k: tuple([v] if isinstance(v, str) else v) for k, v in paths.items()}
    required = bool(raw.get("required", needed))
    return Party(
        name, ids, raw.get("name"), first["account"], first["agent"],
        raw.get("person"), required, bool(raw.get("asset")),
    )  # fmt: skip


def _party_id(entry: Mapping[str, Any], at: tuple[str, ...], lines: Lines) -> PartyId:
    lines.known(entry, PARTY_ID_OPTIONS, (*at, "ids"))
    if "from" not in entry:
        lines.fail(at, "ids", "from = a path in each entry", "add it")
    types = entry.get("types", {})
    schemes = tuple(entry.get("schemes", [entry["scheme"]] if "scheme" in entry else []))
    for scheme in (*schemes, *types.values()):
        if scheme not in (*PARTY_SCHEMES, *PERSON_DOCUMENTS):
            known = ", ".join((*PARTY_SCHEMES, *PERSON_DOCUMENTS))
            lines.fail(at, "ids", f"a scheme of {known}", "correct it")
    if bool(schemes) == bool(types) or bool(types) != ("type" in entry):
        lines.fail(at, "ids", "scheme, schemes, or type with types", "keep one way")
    check = lines.choice(entry, "check", ("reject", "warn"), "reject", at=(*at, "ids"))
    told = MappingProxyType(types)
    return PartyId(entry["from"], schemes, entry.get("type"), told, check)
