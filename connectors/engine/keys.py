"""The two identities of a record: its transaction key, and the hash of its content."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.engine.convert import constant, to_moment
from connectors.engine.spec import Feed, Key
from schemas.hashing import hash128, to_binary16

_PARTY_CONTENT = ("id", "id_scheme", "id_basis", "account_token", "name")


def transaction_key(
    key: Key | None, columns: Mapping[str, pa.Array], submitters: pa.Array, rows: int
) -> pa.Array:
    """16 bytes naming the transaction, null where the record has no complete key.

    `key` is the feed's own, or the one it refers to another transaction by: both give the same
    bytes for the same values.

    Both sides of a trade must reach the same bytes, so the key holds the market, which alternative
    of the spec it is, and canonical values; a placeholder counts as absent.
    """
    out = pa.nulls(rows, pa.binary(16))
    if key is None:
        return out
    placeholders = pa.array(key.absent, pa.string())
    for number, names in enumerate(key.alternatives):
        values = [
            columns["market_segment"],
            constant(str(number), rows, pa.string()),
        ]
        if key.scope == "reporter":
            values.append(submitters)
        complete = np.ones(rows, np.bool_)
        for name in names:
            value = columns[name]
            values.append(value)
            complete &= value.is_valid().to_numpy(zero_copy_only=False)
            if len(placeholders) and pa.types.is_string(value.type):
                held = pc.is_in(value, value_set=placeholders).to_numpy(zero_copy_only=False)
                complete &= ~held
        keys = to_binary16(hash128(values, "transaction"))
        keys = pc.if_else(pa.array(complete), keys, pa.scalar(None, keys.type))
        out = pc.coalesce(out, keys)
    return out


def referred_key(
    key: Key, columns: Mapping[str, pa.Array], submitters: pa.Array, rows: int
) -> pa.Array:
    """The key of the transaction each record refers to: its days are days, as in that record."""
    days = {
        name: to_moment(columns[name], pa.date32())[0]
        for name in {name for alternative in key.alternatives for name in alternative}
        if name.endswith("_date") and pa.types.is_string(columns[name].type)
    }
    return transaction_key(key, {**columns, **days}, submitters, rows)


def content_hash(feed: Feed, columns: Mapping[str, pa.Array]) -> pa.Array:
    """16 bytes over every canonical value the record itself states, by column name.

    Values of the submission's header and results of dated reference data are left out: the same
    record sent again in another file must hash alike.
    """
    labels = set(feed.sheet.labels) if feed.sheet else set()
    names = {
        column.name
        for column in feed.columns
        if not column.in_header and not labels.issuperset(column.paths)
    }
    names |= {f"{party.prefix}_{part}" for party in feed.parties for part in _PARTY_CONTENT}
    return to_binary16(hash128([columns[name] for name in sorted(names)], "content"))
