"""The top-level lines of a spec as they were found in a sample."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Layout:
    """The top-level lines of a spec, with the reason of each guess by name of the line."""

    format: str
    encoding: str
    record: str = ""
    namespace: str = ""
    delimiter: str = ","
    header_starts: str | None = None
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    sections: str = ""  # further sections the format needs, as TOML
    why: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
