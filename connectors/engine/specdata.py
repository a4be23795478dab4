"""What a loaded spec is: plain data, no open file, nothing of a submission."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.engine.specgroups import Group
from connectors.engine.specsheet import Sheet
from connectors.engine.specwords import ORDINAL, REPORTER


@dataclass(frozen=True, slots=True)
class Column:
    """One field the spec fills: where its text comes from and how it is read."""

    name: str
    type: pa.DataType
    required: bool
    how: str  # one of SOURCES
    paths: tuple[str, ...]
    codes: tuple[str, ...]  # of `which`, one a path
    options: Mapping[str, Any]

    @property
    def source(self) -> str:
        """The source paths as findings name them."""
        return " | ".join(self.paths) if self.how in ("first", "which") else " + ".join(self.paths)

    @property
    def in_header(self) -> bool:
        """Whether the value belongs to the submission and not to the record."""
        return all(path.startswith("/") for path in self.paths)


@dataclass(frozen=True, slots=True)
class PartyId:
    """One way a party is identified: a scheme, schemes told by shape, or by a type column."""

    path: str
    schemes: tuple[str, ...]
    type_path: str | None
    types: Mapping[str, str]
    check: str = "reject"  # what becomes of a record whose identifier fails: reject | warn


@dataclass(frozen=True, slots=True)
class Party:
    """How one side of a record is identified; `prefix` is counterparty_1 or counterparty_2."""

    prefix: str
    ids: tuple[PartyId, ...]
    name: str | None
    account: tuple[str, ...]
    agent: tuple[str, ...]
    person: str | None
    required: bool
    asset: bool = False  # the account is what the record speaks of: asset_reference_id

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path the party reads."""
        own = [entry.path for entry in self.ids] + [e.type_path for e in self.ids if e.type_path]
        return (*own, *([self.name] if self.name else []), *self.account, *self.agent)


@dataclass(frozen=True, slots=True)
class Key:
    """The transaction key: the first list of fields that is complete; else none."""

    alternatives: tuple[tuple[str, ...], ...]
    scope: str  # global | reporter
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """One feed, ready to decode. `version` names the spec's exact bytes (and its hatches')."""

    name: str
    title_zh: str
    title_en: str
    status: str  # public | stand-in | ours
    folder: Path
    version: str
    format: str
    encoding: str
    namespace: re.Pattern[str]
    record: tuple[str, ...]
    delimiter: str
    header_starts: str | None
    undecided: str  # quarantine | warn
    ignored: tuple[str, ...]
    kind: str
    market: str
    calendars: Mapping[str, str]  # business calendar of each of its markets
    lateness: timedelta
    key: Key | None
    columns: tuple[Column, ...]
    locals: tuple[Column, ...]
    parties: tuple[Party, ...]
    constants: Mapping[str, str]
    total_records: str | None
    total_sum: tuple[str, str] | None  # (field, header path)
    skip: tuple[tuple[str, tuple[str, ...]], ...]
    max_expanded: int
    record_else: tuple[str, ...]  # XML: where records are in a document without any at `record`
    utf16: bool  # XML: also as UTF-16 with a byte order mark
    refers: Key | None  # key of the transaction a record speaks of
    ignored_because: Mapping[str, str]  # ignored path -> why nobody reads it, where it is said
    undecided_fields: tuple[str, ...]  # of a draft; no feed that runs has any
    no_key: str  # why records are never merged, where there is no key
    catalogue: Mapping[str, Any]  # owner, legal basis, contact roles
    markets: tuple[str, ...]  # one, or those the records themselves may name
    begin: str  # FIX: what tag 8 says
    integrity: str  # FIX: verify | tolerate a wrong check sum or body length
    groups: tuple[Group, ...]  # FIX: outer ones first
    sheet: Sheet | None  # XLSX: where the table lies and what a record of it is
    empty: tuple[str, ...]  # fields that hold nothing; a value in one is of an unknown field
    not_stated: Mapping[str, str]  # canonical field -> why this source does not state it
    public: bool  # published to everybody: every vantage sees its records

    @property
    def business_calendar(self) -> str:
        """The calendars by which its records have business days."""
        return "/".join(dict.fromkeys(self.calendars.values()))

    @property
    def lateness_us(self) -> int:
        """How long after it happened a record counts as on time, in microseconds."""
        return self.lateness // timedelta(microseconds=1)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every source path the spec reads, without the ignored ones."""
        out = [path for column in (*self.columns, *self.locals) for path in column.paths]
        for column in (*self.columns, *self.locals):
            out += column.options.get("fallback", {}).get("join", [])
            out += column.options.get("otherwise", {})
            out += column.options.get("when", {})
            shift = column.options.get("shift")
            out += [shift["from"]] if isinstance(shift, dict) else []
        out += [path for party in self.parties for path in party.paths]
        out += [party.person for party in self.parties if party.person]
        out += [path for path, _ in self.skip]
        out += [p for p in (self.total_records, self.total_sum and self.total_sum[1]) if p]
        return tuple(dict.fromkeys(path for path in out if path not in (ORDINAL, REPORTER)))
