"""What a source by its nature does not state, and whether it is public: declared with a reason.

A public tape names nobody, so it cannot state what its market requires of a report. The spec says
so field by field instead of filling in values nobody sent; the certificate repeats the reasons.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from connectors.engine.speclines import Lines
from schemas.fields import Field, arrow_schema, fields

OPEN, PUBLIC = "entitled", "public"
_PARTY = "counterparty_1_id"  # the one not-null field a source may lack: somebody acted, nameless
_NAMELESS = {"": "NAME-ONLY", "_scheme": "PSEUDONYM", "_basis": "NAME"}


def not_stated(
    raw: Mapping[str, Any], kind: str, filled: Collection[str], lines: Lines
) -> Mapping[str, str]:
    """`[not_stated]` "reason" = [canonical fields], as field -> reason.

    Args:
        raw: The whole spec.
        kind: Of its records.
        filled: Canonical fields the spec fills.
        lines: Whom to complain to.

    Raises:
        ConfigurationError: a field that is unknown, that the spec fills, or that the schema cannot
            do without.
    """
    given = raw.get("not_stated", {})
    if not isinstance(given, dict):
        lines.fail((), "not_stated", 'a table of "reason" = [fields]', "write [not_stated]")
    schema = arrow_schema(kind)
    out: dict[str, str] = {}
    for reason in given:
        for name in lines.texts(given, reason, at=("not_stated",)):
            at = ("not_stated",)
            if name not in schema.names:
                lines.fail(at, reason, f"canonical fields, {name} is none", "see docs/schema")
            if name in filled:
                told = f"fields this spec does not fill, it fills {name}"
                lines.fail(at, reason, told, "remove one of the two")
            if not schema.field(name).nullable and name != _PARTY:
                told = f"fields that may be empty, {name} may not"
                lines.fail(at, reason, told, "fill it from another field, or in [constants]")
            out[name] = reason
    return MappingProxyType(out)


def nameless(absent: Mapping[str, str]) -> dict[str, str]:
    """Constants for a first party that nobody names: an id that links nothing and nobody."""
    if _PARTY not in absent:
        return {}
    return {_PARTY + part: value for part, value in _NAMELESS.items()}


def is_public(raw: Mapping[str, Any], kind: str, filled: Collection[str], lines: Lines) -> bool:
    """Whether every vantage may see the records: `visibility = "public"`.

    Raises:
        ConfigurationError: the spec fills a field that may tell who a person or a party is.
    """
    if lines.choice(raw, "visibility", (OPEN, PUBLIC), OPEN) == OPEN:
        return False
    table = fields()
    telling = [name for name in filled if name in table and _tells_who(table[name])]
    if telling or raw.get("party"):
        named = ", ".join(sorted(telling)) or ", ".join(f"party.{one}" for one in raw["party"])
        told = f"public only where nobody is named, this spec fills {named}"
        lines.fail((), "visibility", told, "leave it out: who may see follows from the market")
    return True


def _tells_who(field: Field) -> bool:
    """Whether a field may say who a party is; what a trade was worth does not."""
    own = field.group == "parties" or field.name.endswith("_agent_id")
    return bool(field.person and own) or field.name in ("pledgee_id", "servicing_branch_id")
