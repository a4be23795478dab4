"""Data that did not come and could have changed an answer about a subject."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import pyarrow as pa

from ledger.duck import Connection
from pipelines.rules.registry import Rule
from schemas.regions import NAMES
from serving.answers.words import beijing, several

Kind = Literal["feed", "held", "quarantine", "late", "legs", "total", "rule", "nothing"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Missing:
    """One sentence in both languages, and what kind of gap it is about."""

    kind: Kind
    zh: str
    en: str


def missing(
    connection: Connection, rule: Rule, keys: pa.Array, low: int, high: int
) -> tuple[Missing, ...]:
    """What is known not to have come, or not to have been usable, in a window.

    Args:
        connection: a session on a published version.
        rule: whose event codes say which feeds matter.
        keys: transactions of the subject.
        low: begin of the window, us.
        high: its end, us: feeds may deliver until then.
    """
    feeds = _feeds(connection, rule)
    days = (_day(low), _day(high))
    found = [
        *_silent(connection, feeds, days),
        *_waiting(connection, feeds, days),
        *_of_subject(connection, keys),
        *(_totals(connection, keys, days[0]) if "market_total" in rule.definition else ()),
        *_not_run(connection, rule),
    ]
    if not len(keys) and "tx" in rule.needs:
        found.insert(
            0,
            Missing(
                "nothing",
                "此期间没有任何已接受的报送提及该对象。",
                "No accepted report of that time names the subject.",
            ),
        )
    return tuple(found)


def _day(instant: int) -> str:
    at = _EPOCH + timedelta(microseconds=max(instant, 0), hours=8)
    return at.date().isoformat()


def _feeds(connection: Connection, rule: Rule) -> list[str]:
    """Feeds that deliver what the rule reads, as far as this ledger has met any."""
    types = ", ".join(f"'{code}'" for code in rule.reads) or "''"
    kinds = ["event"] + (["position"] if "holding" in rule.needs else [])
    kinds += [kind for kind in rule.accepted if kind not in (*kinds, "register")]
    found: set[str] = set()
    for kind in kinds:
        where = f"WHERE r.event_type IN ({types})" if kind == "event" else ""
        rows = connection.rows(
            f"SELECT DISTINCT s.feed FROM {kind} AS r JOIN submission AS s "
            f"ON s.submission_id = r.submission_id {where}"
        )
        found.update(str(row[0]) for row in rows)
    return sorted(found)


def _silent(connection: Connection, feeds: list[str], days: tuple[str, str]) -> list[Missing]:
    rows = connection.rows(
        "SELECT feed, region, state, min(day)::VARCHAR, max(day)::VARCHAR, count(*)::BIGINT "
        "FROM feed_health WHERE state IN ('absent', 'held') AND list_contains($feeds, feed) "
        "AND day BETWEEN $low::DATE AND $high::DATE GROUP BY ALL ORDER BY ALL",
        {"feeds": feeds, "low": days[0], "high": days[1]},
    )
    found = []
    for feed, region, state, first, last, count in rows:
        name = NAMES.get(region, (region, region))
        when_zh = first if first == last else f"{first} 至 {last}（{count} 天）"
        when_en = f"on {first}" if first == last else f"on {count} days, {first} to {last}"
        if state == "absent":
            found.append(
                Missing(
                    "feed",
                    f"{feed}：{name[0]} {when_zh}没有报送。",
                    f"{feed}: nothing came from {name[1]} {when_en}.",
                )
            )
        else:
            found.append(
                Missing(
                    "held",
                    f"{feed}：{name[0]} {when_zh}有报送被整体挂起。",
                    f"{feed}: held as a whole from {name[1]} {when_en}.",
                )
            )
    return found


def _waiting(connection: Connection, feeds: list[str], days: tuple[str, str]) -> list[Missing]:
    rejected, quarantined = connection.rows(
        "SELECT coalesce(sum(rejected), 0)::BIGINT, coalesce(sum(quarantined), 0)::BIGINT "
        "FROM submission WHERE list_contains($feeds, feed) "
        "AND beijing(received_at)::DATE BETWEEN $low::DATE AND $high::DATE",
        {"feeds": feeds, "low": days[0], "high": days[1]},
    )[0]
    if not rejected and not quarantined:
        return []
    return [
        Missing(
            "quarantine",
            f"同期这些数据源有 {rejected} 条被退回、{quarantined} 条在隔离，可能与之有关。",
            f"Of these feeds {rejected} records were rejected and {quarantined} are in quarantine "
            "from that time; some may concern it.",
        )
    ]


def _of_subject(connection: Connection, keys: pa.Array) -> list[Missing]:
    """Late reports of the subject's transactions, and legs that never came."""
    connection.register("_keys", pa.table({"key": keys.cast(pa.int64())}))
    try:
        late, first = connection.rows(
            "SELECT count(*)::BIGINT, max(epoch_us(known_from)) FROM event "
            "WHERE is_late AND NOT is_duplicate AND transaction_id IN (SELECT key FROM _keys)"
        )[0]
        legs = dict(
            connection.rows(
                "SELECT status, count(*)::BIGINT FROM reconciliation "
                "WHERE transaction IN (SELECT key FROM _keys) AND known_to IS NULL GROUP BY status"
            )
        )
    finally:
        connection.unregister("_keys")
    found = []
    if late:
        found.append(
            Missing(
                "late",
                f"该对象有 {late} 条报送迟到，最后一条 {beijing(first)} 收到；此前的结论未含它们。",
                f"{several(late, 'report', 'reports')} of the subject came late, the last at "
                f"{beijing(first)}; what was concluded before is without them.",
            )
        )
    if one_sided := legs.get("one_sided"):
        found.append(
            Missing(
                "legs",
                f"该对象有 {one_sided} 笔交易只收到一方的报送。",
                f"Of {several(one_sided, 'transaction', 'transactions')} of the subject an "
                "expected side never reported.",
            )
        )
    if apart := legs.get("mismatched"):
        found.append(
            Missing(
                "legs",
                f"该对象有 {apart} 笔交易双方报送不一致。",
                f"The two sides disagree about {several(apart, 'transaction', 'transactions')} of "
                "the subject.",
            )
        )
    return found


def _totals(connection: Connection, keys: pa.Array, first: str) -> list[Missing]:
    """Contracts of the subject of which the exchange's total of some day did not come."""
    connection.register("_keys", pa.table({"key": keys.cast(pa.int64())}))
    try:
        rows = connection.rows(_WITHOUT_TOTAL, {"first": first})
    finally:
        connection.unregister("_keys")
    return [
        Missing(
            "total",
            f"合约 {contract}：{days} 个交易日没有交易所公布的成交量，所占份额无法判断。",
            f"Contract {contract}: no total of the exchange for "
            f"{several(days, 'trading day', 'trading days')}; a share of it cannot be judged.",
        )
        for contract, days in rows
    ]


# Trading days from a day on until the subject's last trade in each contract, without a total.
_WITHOUT_TOTAL = """
WITH mine AS (
    SELECT market_segment, contract, max(business_ordinal) AS last
    FROM trade_side
    WHERE vantage = 4 AND market_segment IN ('EQTY', 'FUTR') AND key IN (SELECT key FROM _keys)
    GROUP BY ALL
),
asked AS (
    SELECT m.market_segment, m.contract, c.business_ordinal
    FROM mine AS m
    JOIN calendar AS c
        ON c.calendar = CASE m.market_segment WHEN 'EQTY' THEN 'SSE' ELSE 'SHFE' END
        AND c.business_date >= $first::DATE
        AND c.business_ordinal <= m.last
)
SELECT a.contract, count(*)::BIGINT
FROM asked AS a
ANTI JOIN market_total AS t
    ON t.vantage = 4
    AND t.market_segment = a.market_segment
    AND t.contract = a.contract
    AND t.business_ordinal = a.business_ordinal
GROUP BY a.contract
ORDER BY a.contract
"""


def _not_run(connection: Connection, rule: Rule) -> list[Missing]:
    rows = connection.rows(
        "SELECT evaluated, reason FROM rule_run WHERE rule = $rule "
        "ORDER BY known_from DESC LIMIT 1",
        {"rule": rule.name},
    )
    if rows and rows[0][0]:
        return []
    reason = str(rows[0][1]) if rows else ""
    more_zh, more_en = (f"：{reason}", f": {reason}") if reason else ("", "")
    return [
        Missing(
            "rule",
            f"规则 {rule.name} 在此账本中未评估{more_zh}。",
            f"Rule {rule.name} was not evaluated in this ledger{more_en}.",
        )
    ]
