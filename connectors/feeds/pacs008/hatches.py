"""What payment specs cannot say: through which system, over which kind of account, across a border.

A payment crosses the border where its two agents lie on different sides of it, or where a resident
pays a non-resident. Residence follows from the account (NRA, FTN and OSA accounts belong to
non-residents) or from the country of residence a message states. What neither says is unknown:
most domestic messages say nothing, and a guess would be read as a fact.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.convert import as_kind, mapped
from schemas.fields import arrow_schema

_SCHEMA = arrow_schema("event")
_BORDER = ["unknown", "Y", "N"]
_SYSTEMS = ["HVPS", "CIPS"]
_ABROAD_ACCOUNTS = pa.array(["NRA", "FTN", "OSA"])
_SIDE = 5  # columns of one side
Mask = NDArray[np.bool_]


def system(columns: list[pa.Array], options: Mapping[str, Any]) -> tuple[pa.Array, Mask]:
    """CIPS where the message names it as its clearing system, else the domestic one.

    Args:
        columns: Text of the clearing system's code and of its proprietary name.
        options: Of the spec line; not used.
    """
    del options
    named = np.zeros(len(columns[0]), np.bool_)
    for text in columns:
        if text.null_count < len(text):
            named |= _true(pc.equal(text, "CIPS"))
    kind = _SCHEMA.field("source_system_code").type
    return as_kind(pa.array(named.astype(np.int32)), _SYSTEMS, kind), np.zeros_like(named)


def account_type(columns: list[pa.Array], options: Mapping[str, Any]) -> tuple[pa.Array, Mask]:
    """The account type where it is one of ours; other schemes' types are left out.

    Args:
        columns: Text of the type, in order of preference.
        options: `codes` has the types that are ours.
    """
    text = pc.coalesce(*columns)
    kind = _SCHEMA.field("counterparty_1_account_type").type
    typed, other = mapped(text, {code: code for code in options["codes"]}, kind)
    return typed, np.zeros_like(other)


def border(columns: list[pa.Array], options: Mapping[str, Any]) -> tuple[pa.Array, Mask]:
    """Whether a payment crosses the border: Y, N or unknown.

    Args:
        columns: Of the payer: country of residence, account type, BIC, member id and country of
            the agent; then the same of the payee.
        options: Of the spec line; not used.
    """
    del options
    rows = len(columns[0])
    out = np.zeros(rows, np.int32)
    told = [column for number, column in enumerate(columns) if number % _SIDE != _MEMBER]
    if any(column.null_count < rows for column in told):  # else every agent is known by CNAPS code
        here = [_agent_here(columns[at : at + _SIDE], rows) for at in (0, _SIDE)]
        home = [_resident(columns[at : at + _SIDE], rows) for at in (0, _SIDE)]
        places = (here[0] >= 0) & (here[1] >= 0)
        persons = (home[0] >= 0) & (home[1] >= 0)
        crosses = (places & (here[0] != here[1])) | (persons & (home[0] != home[1]))
        out[places & persons & ~crosses] = 2
        out[crosses] = 1
    kind = _SCHEMA.field("cross_border_indicator").type
    return as_kind(pa.array(out), _BORDER, kind), np.zeros(rows, np.bool_)


_RESIDENCE, _TYPE, _BIC, _MEMBER, _COUNTRY = range(_SIDE)


def _agent_here(side: list[pa.Array], rows: int) -> NDArray[np.int8]:
    """1 where the agent is in the mainland, 0 where it is abroad, -1 unknown."""
    out = np.full(rows, -1, np.int8)
    cnaps = _true(pc.match_substring_regex(side[_MEMBER], r"\A[0-9]{12}\z"))
    for country in (side[_COUNTRY], pc.utf8_slice_codeunits(side[_BIC], 4, 6)):
        given = country.is_valid().to_numpy(zero_copy_only=False)
        out[given] = _true(pc.equal(country, "CN"))[given]
    out[cnaps] = 1
    return out


def _resident(side: list[pa.Array], rows: int) -> NDArray[np.int8]:
    """1 where the holder is a resident, 0 where not, -1 unknown."""
    out = np.full(rows, -1, np.int8)
    given = side[_RESIDENCE].is_valid().to_numpy(zero_copy_only=False)
    out[given] = _true(pc.equal(side[_RESIDENCE], "CN"))[given]
    out[_true(pc.is_in(side[_TYPE], value_set=_ABROAD_ACCOUNTS))] = 0
    return out


def _true(column: pa.Array) -> Mask:
    found: Mask = pc.fill_null(column, False).to_numpy(zero_copy_only=False)
    return found
