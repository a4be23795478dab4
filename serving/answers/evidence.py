"""Reading what an alert rests on: its row, its transactions on each vantage, its crossings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.duck import Connection
from ledger.views import load_views
from pipelines.lanes.judged import by_definition
from pipelines.rules.registry import ParameterSet, Rule, load_parameters
from schemas.errors import InputError
from schemas.records import CROSSING
from schemas.regions import JOINT_BIT, REGIONS, VANTAGES
from serving.answers.below import openly_asked

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """`joint`: one row a transaction in (event time, id) order. `held`: (vantage, id) -> row."""

    joint: tuple[Row, ...]
    held: dict[tuple[int, int], Row]


def alert_row(connection: Connection, alert_id: str) -> Row:
    """The newest row of an alert, by its id or by the beginning of it.

    Raises:
        InputError: no alert or more than one has such an id.
    """
    if not alert_id or not alert_id.replace("-", "").isalnum():
        raise InputError("alert: id: expected letters and digits as `yrd alert list` prints them")
    found = connection.sql(
        "SELECT * REPLACE (epoch_us(first_crossing) AS first_crossing, "
        "epoch_us(last_crossing) AS last_crossing, epoch_us(joint_first) AS joint_first, "
        "epoch_us(known_from) AS known_from, "
        "list_transform(solo_first, lambda t: epoch_us(t)) AS solo_first) "
        "FROM alert WHERE starts_with(alert_id, $id) AND known_to IS NULL LIMIT 2",
        {"id": alert_id},
    ).to_pylist()
    if len(found) != 1:
        many = "more than one alert begins so; write more of it" if found else "there is none"
        raise InputError(f"alert: id {alert_id!r}: expected one of `yrd alert list`; {many}")
    return dict(found[0])


def read_evidence(connection: Connection, keys: list[int]) -> Evidence:
    """What an alert names, as every vantage holds it: transactions, statements, register entries.

    A transaction whose key came again much later is the last one before it; a loan is its first
    statement.
    """
    connection.register("_keys", pa.table({"key": pa.array(keys, pa.int64())}))
    try:
        rows = connection.sql(_paired("SELECT key FROM _keys") + _EVIDENCE).to_pylist()
    finally:
        connection.unregister("_keys")
    joint = [row for row in rows if row["vantage"] == len(REGIONS)]
    return Evidence(
        tuple(sorted(joint, key=lambda row: (row["event_time"], row["key"]))),
        {(row["vantage"], row["key"]): row for row in rows},
    )


def as_stated(of: Evidence) -> Evidence:
    """The same, with statements at the day they speak of instead of their loans' first day."""

    def at(row: Row) -> Row:
        return row | {"event_time": row["stated_at"] or row["event_time"]}

    joint = sorted(map(at, of.joint), key=lambda row: (row["event_time"], row["key"]))
    return Evidence(tuple(joint), {place: at(row) for place, row in of.held.items()})


def worth(rows: Sequence[Row]) -> int:
    """All amounts, in fen; statements of one loan speak of one debt: the highest counts."""
    debts: dict[object, int] = {}
    for row in rows:
        stated = row["market_segment"] == "LOAN" and row["event_type"] == "UPDT" and row["asset"]
        debt = (row["payer_party"], row["asset"]) if stated else row["key"]
        debts[debt] = max(debts.get(debt, 0), row["amount_fen"] or 0)
    return sum(debts.values())


class OfSubject:
    """A session in which `tx` holds only what concerns one subject: for running definitions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sql(self, text: str) -> pa.Table:
        """Run one query on it."""
        return self._connection.sql(
            f"WITH tx AS (SELECT * FROM temp.main._of_subject) SELECT * FROM ({text})"
        )


@contextmanager
def narrowed(
    connection: Connection, subject_kind: str, subject: int, of: Evidence, around: bool = False
) -> Iterator[OfSubject]:
    """Keep the transactions of the subject at hand while its rule runs on them.

    A rule over rings and fans also asks what else the others do: with `around`, everything that a
    party of the evidence takes part in is kept.
    """
    assets = {row["asset"] for row in of.joint if row["asset"]}
    parties = {subject} if subject_kind == "party" else {row["payer_party"] for row in of.joint}
    if around:
        parties |= {row[side] for row in of.joint for side in ("payer_party", "payee_party")}
    parties.discard(0)
    if subject_kind == "asset":
        where = f"asset IN ({_listed(assets)})"
    elif subject_kind == "group":
        where = f"payer_group = {subject} OR payee_group = {subject}"
    else:
        where = f"payer_party IN ({_listed(parties)}) OR payee_party IN ({_listed(parties)})"
    named = f"SELECT key FROM leg WHERE {where}"
    connection.execute(
        f"CREATE TEMP TABLE _of_subject AS {_paired(named)} SELECT * FROM tx WHERE {where}"
    )
    try:
        yield OfSubject(connection)
    finally:
        connection.execute("DROP TABLE temp.main._of_subject")


def crossings(ledger: OfSubject, rule: Rule, alert: Row, openly: bool) -> list[Row]:
    """The rule's own crossings within the alert; `openly` gives its subject's measure everywhere.

    Without it, what the subject did before the alert began and after it ended is another alert's.
    """
    sets: Sequence[ParameterSet] = load_parameters()
    if openly:
        sets = [openly_asked(one, rule) for one in sets]
    found = by_definition(ledger, rule, sets)
    named = pc.equal(found["subject"], alert["subject"])
    if rule.match == "evidence":  # a region that sees part of it names another subject
        solo = pc.not_equal(found["vantage"], JOINT_BIT)
        named = pc.or_(named, pc.and_(solo, shares(found, alert["evidence"])))
    mine = pc.and_(pc.equal(found["variant"], alert["variant"]), named)
    if not openly:
        since = pc.greater_equal(found["instant"], alert["first_crossing"])
        until = pc.less_equal(found["instant"], alert["last_crossing"])
        mine = pc.and_(mine, pc.and_(since, until))
    rows: list[Row] = found.filter(mine).to_pylist()
    return rows


def found_then(connection: Connection, rule: Rule, alert: Row) -> list[Row]:
    """The crossings behind an alert as the run that raised it found them.

    For rules whose answer rests on more than the subject's transactions: how many others somebody
    pays, whether an account slept for a year. Where crossings of several subjects that share their
    evidence are one alert, all of them are.
    """
    rows: list[Row] = connection.sql(
        f"SELECT {', '.join(CROSSING.names)} FROM crossing WHERE rule = $rule "
        "AND variant = $variant AND known_to IS NULL AND (subject = $subject OR "
        f"($shares AND CASE vantage WHEN {JOINT_BIT} THEN list_has_all($evidence, evidence) "
        "ELSE list_has_any(evidence, $evidence) END)) "
        "AND instant BETWEEN $first_crossing AND $last_crossing ORDER BY instant, vantage",
        {n: alert[n] for n in ("rule", "variant", "subject", "evidence")}
        | {n: alert[n] for n in ("first_crossing", "last_crossing")}
        | {"shares": rule.match == "evidence"},
    ).to_pylist()
    return rows


def shares(crossings: pa.Table, evidence: Sequence[int]) -> pa.Array:
    """Which crossings rest on any of these transactions."""
    lists = crossings["evidence"].combine_chunks()
    of = pc.list_parent_indices(lists).to_numpy()
    hit = pc.is_in(lists.flatten(), value_set=pa.array(evidence, pa.int64()))
    found = np.zeros(len(lists), np.bool_)
    found[of[hit.to_numpy(zero_copy_only=False)]] = True
    return pa.array(found)


def seen_by(of: Evidence, key: int) -> tuple[str, ...]:
    """Codes of the regions that hold a report of a transaction."""
    return tuple(VANTAGES[vantage] for vantage in range(len(REGIONS)) if (vantage, key) in of.held)


def _paired(keys: str) -> str:
    """A WITH clause whose `tx` pairs only the transactions with those keys, all their legs.

    The view itself pairs every report of the ledger each time it is read.
    """
    tx = load_views()["tx"].sql
    return f"WITH leg AS MATERIALIZED (SELECT * FROM leg WHERE key IN ({keys})), tx AS ({tx}) "


def _listed(ids: set[int]) -> str:
    return ", ".join(map(str, sorted(ids))) or "0"


_EVIDENCE = """
, receipts AS (
    -- Of a pledge what it secures; what is taken out or void secures nothing.
    SELECT
        vantage, key, act, coalesce(secured_fen, value_fen) AS secured_fen, value_fen AS goods_fen,
        region AS lies_in
    FROM receipt_act
    WHERE key IN (SELECT key FROM _keys)
),
transactions AS (
    SELECT
        vantage, key, event_time, event_type, market_segment, payer_party, payee_party,
        payer_account, payee_account, payer_region, asset, flags, reporter,
        payee_group, range_start,
        -- A withdrawn order has no amount and no other side but the exchange, at the broker's door.
        CASE
            WHEN flags & 64 <> 0 OR act IN ('DLVR', 'CNCL') THEN NULL
            WHEN act = 'PLDG' THEN secured_fen
            ELSE amount_fen
        END AS amount_fen,
        CASE
            WHEN flags & 64 <> 0 THEN payer_region
            WHEN payee_party = 0 THEN coalesce(lies_in, payee_region)
            ELSE payee_region
        END AS payee_region,
        goods_fen
    FROM tx LEFT JOIN receipts USING (vantage, key)
    WHERE key IN (SELECT key FROM _keys)
    QUALIFY row_number() OVER (PARTITION BY vantage, key ORDER BY start DESC) = 1
),
statements AS (
    SELECT
        vantage, key,
        -- A loan begins on its first day, whenever the first statement of it came.
        coalesce(epoch_us(effective_date::TIMESTAMP) - 28800000000, event_time) AS event_time,
        holding.event_time AS stated_at,
        event_type, market_segment, amount_fen,
        holder_party AS payer_party,
        -- An account's statement is its bank's, who holds it for the owner.
        CASE WHEN other_party = 0 THEN reporter ELSE other_party END AS payee_party,
        0::BIGINT AS payer_account, 0::BIGINT AS payee_account,
        -- Goods in store are nobody's in particular: they lie where they are seen.
        CASE WHEN market_segment <> 'WRCT' THEN holder_region ELSE list_extract(
            ['310000', '320000', '330000', '340000'],
            min(vantage) FILTER (WHERE vantage < 4) OVER (PARTITION BY key) + 1
        ) END AS payer_region,
        CASE WHEN other_party <> 0 THEN other_region ELSE list_extract(
            ['310000', '320000', '330000', '340000'],
            min(vantage) FILTER (WHERE vantage < 4) OVER (PARTITION BY key) + 1
        ) END AS payee_region,
        asset, 0::UINTEGER AS flags, reporter, grade
    FROM holding
    WHERE key IN (SELECT key FROM _keys)
    QUALIFY row_number() OVER (PARTITION BY vantage, key ORDER BY holding.event_time) = 1
)
, entries AS (
    -- What somebody gave, such as a phone: the thing given joins those who gave it.
    SELECT
        vantage, key, event_time, kind AS event_type, 'ENTR' AS market_segment,
        NULL::BIGINT AS amount_fen, party AS payer_party, 0::BIGINT AS payee_party,
        account AS payer_account, 0::BIGINT AS payee_account,
        -- whose register it stands in: the first region that holds it
        list_extract(
            ['310000', '320000', '330000', '340000'],
            min(vantage) FILTER (WHERE vantage < 4) OVER (PARTITION BY key) + 1
        ) AS payer_region,
        NULL::VARCHAR AS payee_region, token AS asset, 0::UINTEGER AS flags, 0::BIGINT AS reporter
    FROM contact
    WHERE key IN (SELECT key FROM _keys)
    QUALIFY row_number() OVER (PARTITION BY vantage, key ORDER BY kind) = 1
)
, figures AS (
    -- What an institution states of itself; money in fen, anything else has no amount here.
    SELECT
        vantage, key, event_time, measure AS event_type, 'PAYI' AS market_segment,
        CASE WHEN measure_unit = 'CNY' THEN (value * 100)::BIGINT END AS amount_fen,
        institution AS payer_party, 0::BIGINT AS payee_party,
        0::BIGINT AS payer_account, 0::BIGINT AS payee_account,
        region AS payer_region, region AS payee_region,
        0::BIGINT AS asset, 0::UINTEGER AS flags, reporter
    FROM figure
    WHERE key IN (SELECT key FROM _keys)
),
complaints AS (
    -- Who complains, and of whom.
    SELECT
        vantage, key, event_time, state AS event_type, 'CMPL' AS market_segment,
        disputed_fen AS amount_fen, complainant AS payer_party, institution AS payee_party,
        0::BIGINT AS payer_account, 0::BIGINT AS payee_account,
        region AS payer_region, institution_region AS payee_region,
        0::BIGINT AS asset, 1::UINTEGER AS flags, reporter
    FROM complaint_state
    WHERE key IN (SELECT key FROM _keys)
)
FROM transactions UNION ALL BY NAME FROM statements UNION ALL BY NAME FROM entries
UNION ALL BY NAME FROM figures UNION ALL BY NAME FROM complaints
"""
