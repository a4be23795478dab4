"""Code lists of canonical fields: which codes there are and what each means; reads `codes.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from schemas.errors import ConfigurationError
from schemas.fields import fields


@dataclass(frozen=True, slots=True)
class Code:
    """One code of one field, with its meaning and where it comes from."""

    code: str
    zh: str
    en: str
    source: str


@cache
def code_lists() -> Mapping[str, Mapping[str, Code]]:
    """Every code list by the canonical field that uses it.

    Raises:
        ConfigurationError: `codes.toml` names a field there is none of.

    Example:
        >>> code_lists()["event_type"]["PLDG"].en
        'pledge'
        >>> code_lists()["counterparty_1_account_type"] == code_lists()["account_type"]
        True
    """
    with (Path(__file__).parent / "codes.toml").open("rb") as file:
        table = tomllib.load(file)
    out: dict[str, Mapping[str, Code]] = {}
    for name, rows in table.items():
        also = rows.pop("same_as", [])
        codes = {
            code: Code(code, row["zh"], row["en"], row["source"]) for code, row in rows.items()
        }
        for field in (name, *also):
            if field not in fields():
                raise ConfigurationError(
                    f"codes.toml: {field}: expected a canonical field; see docs/schema/fields.md"
                )
            out[field] = MappingProxyType(codes)
    return MappingProxyType(out)
