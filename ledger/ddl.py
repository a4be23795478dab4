"""Tables of the ledger, derived from `schemas`; nothing about a report is written down here.

Fact tables have no primary keys (they cost a quarter of the loading time and of the size);
`ledger.checks` proves what a key would promise. A row is never deleted: `known_from` says since
when it was known, `known_to` until when it held (null = it holds). Both are times of receipt.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType

import pyarrow as pa

from ledger import stored, uuids, views
from ledger.duck import Connection
from schemas.derive import duckdb_columns
from schemas.errors import InputError
from schemas.fields import IMPLEMENTED_KINDS, SCHEMA_VERSION, arrow_schema
from schemas.hashing import from_binary16, hash128, id63
from schemas.identity import known_party, party_key
from schemas.narrow import EVENT_CODES
from schemas.records import (
    ALERT,
    CROSSING,
    FEEDBACK,
    QUARANTINE,
    RECONCILIATION,
    SUBMISSION,
)
from schemas.reference_data import calendars, institutions, read_table
from schemas.visibility import markets, pair_wait_us

FORMAT = 8
PAIR_MEMORY_US = (
    2 * 86_400_000_000
)  # a leg later than this after the first opens another transaction
IN_PARTS = (*IMPLEMENTED_KINDS, "feedback")  # kept as `ledger.stored` says
ORIGINS = ("REAL", "PUBLIC", "SIMULATED")
_LAST_DAY = date(2027, 12, 31)
_TIME = pa.timestamp("us", "UTC")
_KNOWN = (pa.field("known_from", _TIME, nullable=False), pa.field("known_to", _TIME))


def _with(schema: pa.Schema, *fields: pa.Field) -> pa.Schema:
    return pa.schema([*schema, *fields])


# What the ledger adds to a report. Ids are those of the narrow row; 0 = absent.
_PARTY_IDS = tuple(
    pa.field(name, pa.int64(), nullable=False)
    for name in (
        "transaction_id",
        "payer_account",
        "payee_account",
        "payer_party",  # absent where only a name is known: a name links nothing
        "payee_party",
        "asset",
        "instrument",
        "invoice",
        "contract",
    )
)
_AGENTS = tuple(
    pa.field(name, pa.uint16(), nullable=False) for name in ("payer_agent", "payee_agent")
)
_ACTING = (pa.field("representative", pa.int64(), nullable=False),)  # who acted for the payer
_ENTRY_IDS = tuple(
    pa.field(name, pa.int64(), nullable=False)
    for name in ("entity_party", "related_party", "entity_account")
)
_OWN_IDS: Mapping[str, tuple[pa.Field, ...]] = MappingProxyType(
    {
        "event": (*_PARTY_IDS, *_AGENTS, *_ACTING),
        "position": _PARTY_IDS,
        "register": _ENTRY_IDS,
    }
)
_LEDGER_FIELDS = (
    pa.field("report", pa.int64(), nullable=False),
    pa.field("reference_id", pa.int64(), nullable=False),
    pa.field("reporter", pa.int64(), nullable=False),
    pa.field("acknowledged", pa.int32()),  # ordinal of the record, if all it was told is ACK
    pa.field("is_duplicate", pa.bool_(), nullable=False),  # the same again, by the same submitter
    *_KNOWN,
    pa.field("cause", pa.string(), nullable=False),  # REPORT, or SPEC: same bytes, newer spec
)


def ledger_fields(kind: str) -> tuple[pa.Field, ...]:
    """What the ledger adds to a report of a kind; ids of whom it speaks of and of the row."""
    return (*_OWN_IDS.get(kind, ()), *_LEDGER_FIELDS)


TABLES: Mapping[str, pa.Schema] = MappingProxyType(
    {
        **{kind: _with(arrow_schema(kind), *ledger_fields(kind)) for kind in IMPLEMENTED_KINDS},
        "submission": SUBMISSION,
        "feedback": FEEDBACK,
        "quarantine": QUARANTINE,
        "reconciliation": _with(RECONCILIATION, *_KNOWN),
        "crossing": _with(CROSSING, pa.field("lane", pa.string(), nullable=False), *_KNOWN),
        "alert": _with(ALERT, pa.field("known_to", _TIME)),
        # Which rules ran over which business days; what is not here was not evaluated.
        "rule_run": pa.schema(
            [
                pa.field("rule", pa.string(), nullable=False),
                pa.field("lane", pa.string(), nullable=False),
                pa.field("evaluated", pa.bool_(), nullable=False),
                pa.field("reason", pa.string(), nullable=False),  # why not; empty if it ran
                pa.field("from_date", pa.date32(), nullable=False),
                pa.field("to_date", pa.date32(), nullable=False),
                pa.field("known_from", _TIME, nullable=False),
            ]
        ),
        "parameter": pa.schema(
            [
                pa.field("rule", pa.string(), nullable=False),
                pa.field("parameter_set", pa.string(), nullable=False),
                pa.field("name", pa.string(), nullable=False),
                pa.field("value", pa.int64(), nullable=False),
            ]
        ),
        "calendar": pa.schema(
            [
                pa.field("calendar", pa.string(), nullable=False),
                pa.field("business_date", pa.date32(), nullable=False),
                pa.field("business_ordinal", pa.int32(), nullable=False),
            ]
        ),
        "institution": pa.schema(
            [
                pa.field("institution_id", pa.string(), nullable=False),
                pa.field("name_zh", pa.string()),
                pa.field("name_en", pa.string()),
                pa.field("kind", pa.string()),
                pa.field("legal_person_id", pa.string()),
                pa.field("party", pa.int64(), nullable=False),  # the legal person, as in reports
                pa.field("reporter", pa.int64(), nullable=False),  # itself, as in its reports
                pa.field("area", pa.string()),
                pa.field("valid_from", pa.date32()),
                pa.field("valid_to", pa.date32()),
            ]
        ),
        # Who was put into which controller group when a day closed (`pipelines.groups`); a newer
        # row of a party takes the place of the one before, group 0 is none.
        "controller_group": pa.schema(
            [
                pa.field("party", pa.int64(), nullable=False),
                pa.field("group_id", pa.int64(), nullable=False),
                pa.field("valid_from", _TIME, nullable=False),  # 00:00 Beijing after the closing
                pa.field("known_from", _TIME, nullable=False),
            ]
        ),
        # Why: the ties between two parties of a group, as known when a day closed.
        "controller_link": pa.schema(
            [
                pa.field("party", pa.int64(), nullable=False),
                pa.field("other", pa.int64(), nullable=False),
                pa.field("test", pa.string(), nullable=False),  # which of the controller tests
                pa.field("confidence_bp", pa.int32(), nullable=False),
                pa.field("evidence", pa.list_(pa.int64()), nullable=False),
                pa.field("holds_from", pa.date32(), nullable=False),
                pa.field("holds_to", pa.date32()),
                pa.field("group_id", pa.int64(), nullable=False),
                pa.field("known_from", _TIME, nullable=False),
            ]
        ),
        # Net capital of a bank as a legal person, by the days for which the figure holds.
        "capital": pa.schema(
            [
                pa.field("party", pa.int64(), nullable=False),  # as reports of its branches name it
                pa.field("legal_person_id", pa.string(), nullable=False),
                pa.field("valid_from", pa.date32(), nullable=False),
                pa.field("valid_to", pa.date32()),
                pa.field("net_capital_fen", pa.int64(), nullable=False),
            ]
        ),
        # CNY for one unit of a currency, by the days for which the rate holds.
        "rate": pa.schema(
            [
                pa.field("currency", pa.string(), nullable=False),
                pa.field("valid_from", pa.date32(), nullable=False),
                pa.field("valid_to", pa.date32()),
                pa.field("cny", pa.decimal128(25, 13), nullable=False),
            ]
        ),
        "market": pa.schema(
            [
                pa.field("market_segment", pa.string(), nullable=False),
                pa.field("name_zh", pa.string(), nullable=False),
                pa.field("name_en", pa.string(), nullable=False),
                pa.field("pair_wait_us", pa.int64(), nullable=False),
                pa.field("pair_memory_us", pa.int64(), nullable=False),
                pa.field("holder_zh", pa.string(), nullable=False),
                pa.field("holder_en", pa.string(), nullable=False),
            ]
        ),
        # How far each source was loaded; written in the transaction of the rows themselves.
        "load_offset": pa.schema(
            [
                pa.field("source", pa.string(), nullable=False),
                pa.field("position", pa.int64(), nullable=False),
                pa.field("reports", pa.int64(), nullable=False),
                pa.field("commit_number", pa.int64(), nullable=False),
            ]
        ),
        "ledger_info": pa.schema(
            [
                pa.field("name", pa.string(), nullable=False),
                pa.field("value", pa.string(), nullable=False),
            ]
        ),
    }
)

# `vantages`: who holds what lies in the regions of a mask; jointly too, unless 16 is added. Joined
# by the mask itself: where a condition decides (any join but one of equals), DuckDB 2.0.0 fails on
# some texts ("dictionary ... changed identity"), which depends on how they lie in the file.
_MACROS = """
CREATE OR REPLACE MACRO id63(hash) AS CASE WHEN hash IS NULL THEN 0 ELSE
    greatest((('0x' || hex(hash)[1:16])::UBIGINT & 9223372036854775807::UBIGINT)::BIGINT, 1) END;
CREATE OR REPLACE MACRO id_of(high) AS CASE WHEN high IS NULL THEN 0 ELSE
    greatest((high & 9223372036854775807::UBIGINT)::BIGINT, 1) END;
CREATE OR REPLACE MACRO token_id(token) AS CASE WHEN token IS NULL THEN 0 ELSE
    greatest((('0x' || token[1:16])::UBIGINT & 9223372036854775807::UBIGINT)::BIGINT, 1) END;
CREATE OR REPLACE MACRO hash_of(high, low) AS high::BIT::BLOB || low::BIT::BLOB;
CREATE OR REPLACE MACRO beijing(instant) AS
    (instant AT TIME ZONE 'UTC') + INTERVAL 8 HOURS;
CREATE OR REPLACE MACRO instant_of(microseconds) AS make_timestamptz(microseconds);
CREATE OR REPLACE MACRO vantages() AS TABLE
    SELECT bits::UTINYINT AS mask, place::UTINYINT AS vantage
    FROM range(32) AS a(bits), range(5) AS b(place)
    WHERE CASE WHEN place = 4 THEN bits < 16 ELSE (bits >> place) & 1 = 1 END;
CREATE OR REPLACE MACRO wan_yuan(fen) AS (fen::DECIMAL(22, 0) * 0.000001)::DECIMAL(20, 2);
"""


def _event_codes() -> str:
    """The macro that numbers event types as the narrow row does."""
    cases = " ".join(f"WHEN '{text}' THEN {number}" for text, number in EVENT_CODES.items())
    return f"CREATE OR REPLACE MACRO event_code_of(type) AS CASE type {cases} ELSE 0 END"


def create(connection: Connection, data_origin: str) -> None:
    """Create all tables, macros and reference rows of an empty ledger.

    Raises:
        InputError: `data_origin` is none of REAL, PUBLIC, SIMULATED.
    """
    if data_origin not in ORIGINS:
        raise InputError(f"ledger: data_origin: expected one of {', '.join(ORIGINS)}")
    connection.execute(_MACROS + uuids.MACRO)
    connection.execute(_event_codes())
    for name, schema in TABLES.items():
        if name not in IN_PARTS:
            connection.execute(f'CREATE TABLE "{name}" ({", ".join(duckdb_columns(schema))})')
    in_parts = {name: TABLES[name] for name in IN_PARTS}
    stored.create(connection, in_parts, always=("known_to",))
    views.create(connection)
    for name, table in _reference().items():
        connection.append(name, table)
    connection.append(
        "ledger_info",
        pa.table(
            {
                "name": ["format", "schema_version", "data_origin"],
                "value": [str(FORMAT), SCHEMA_VERSION, data_origin],
            }
        ),
    )


def check_format(connection: Connection, data_origin: str | None = None) -> str:
    """Make sure a file is a ledger of this version and, if one is given, of this origin.

    Returns:
        The ledger's data origin.

    Raises:
        InputError: it is not; the message says what to do.
    """
    if "ledger_info" not in connection.tables():
        raise InputError(f"ledger: {connection.where}: expected a ledger, got another database")
    info = dict(connection.rows("SELECT name, value FROM ledger_info"))
    if info.get("format") != str(FORMAT):
        raise InputError(
            f"ledger: {connection.where}: format: expected {FORMAT}; load its tapes again"
        )
    if data_origin is not None and info["data_origin"] != data_origin:
        raise InputError(
            f"ledger: {connection.where}: data_origin: expected {info['data_origin']}, the origin "
            f"of what it holds, got {data_origin}; a ledger holds one origin, use another file"
        )
    return str(info["data_origin"])


def _reference() -> dict[str, pa.Table]:
    known = markets().values()
    holders = [market.held_nationally_by for market in known]
    return {
        "calendar": _calendar_days(),
        "institution": _institutions(),
        "rate": _rates(),
        "capital": _capital(),
        "market": pa.table(
            {
                "market_segment": [market.market for market in known],
                "name_zh": [market.zh for market in known],
                "name_en": [market.en for market in known],
                "pair_wait_us": [pair_wait_us(market.market) for market in known],
                "pair_memory_us": [PAIR_MEMORY_US] * len(known),
                "holder_zh": [holder.zh for holder in holders],
                "holder_en": [holder.en for holder in holders],
            }
        ),
    }


def _institutions() -> pa.Table:
    """The register; `party` is the id that a report has of the same legal person."""
    table = institutions().table
    legal = table["legal_person_id"].combine_chunks().cast(pa.string())
    party = pa.array(id63(from_binary16(party_key(known_party(legal)))))
    ids = table["institution_id"].combine_chunks().cast(pa.string())
    reporter = pa.array(id63(hash128([ids], "institution")))
    names = TABLES["institution"].names
    return table.append_column("party", party).append_column("reporter", reporter).select(names)


def _rates() -> pa.Table:
    table = read_table("fx_rates.csv")
    columns = [table[name] for name in ("currency", "valid_from", "valid_to", "cny_per_unit")]
    return pa.table(columns, names=TABLES["rate"].names).cast(TABLES["rate"])


def _capital() -> pa.Table:
    """Published capital of banks; a bank's party id is that of its legal person."""
    table = read_table("capital.csv").combine_chunks()
    legal = table["legal_person_id"].combine_chunks()
    party = id63(from_binary16(party_key(known_party(legal))))
    fen = [int(Decimal(cny) * 100) for cny in table["net_capital_cny"].to_pylist()]
    columns = [pa.array(party), legal, table["valid_from"], table["valid_to"], pa.array(fen)]
    return pa.table(columns, names=TABLES["capital"].names).cast(TABLES["capital"])


def _calendar_days() -> pa.Table:
    """The open days of every calendar from 2025 to its end, natural days to the end of 2027."""
    codes: list[str] = []
    days: list[date] = []
    for code in calendars():
        calendar = calendars().get(code)
        opened = calendars().open_days(
            code, max(calendar.first_day, date(2025, 1, 1)), min(calendar.last_day, _LAST_DAY)
        )
        codes += [code] * len(opened)
        days += opened
    dates = pa.array(days, pa.date32())
    ordinals = [0] * len(codes)
    for code in set(codes):
        rows = [row for row, name in enumerate(codes) if name == code]
        _, numbers = calendars().business_day(dates.take(pa.array(rows)), code)
        for row, number in zip(rows, numbers.to_pylist(), strict=True):
            ordinals[row] = number
    return pa.table(
        {
            "calendar": codes,
            "business_date": dates,
            "business_ordinal": pa.array(ordinals, pa.int32()),
        }
    )
