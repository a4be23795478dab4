"""The profile of a closed day: a few small tables, whatever the size of the day.

DuckDB counts, Great Expectations judges (`quality.suites.checkpoint`). Every row has a `label` that
names it in the results: a market, an institution, a registry; never an account or an amount.

All five kinds of reports count. A day is a business date. Its history are the twenty business dates
before it that the ledger holds. Only what holds now is counted (`known_to` null) and exact repeats
are not.
"""

import datetime
from collections.abc import Mapping

import pyarrow as pa

from ledger.duck import Connection
from quality.sets import sets_of_day
from schemas.errors import InputError
from schemas.fields import IMPLEMENTED_KINDS, arrow_schema
from schemas.regions import AREA_TO_REGION
from schemas.visibility import markets

HISTORY_DAYS = 20
LEAST_HISTORY = 5  # days below which nothing is expected by habit
LEAST_EXPECTED = 5  # reports below which silence says nothing about a reporter
HABIT = 0.5  # share of the history from which a reporter or market is expected

_COLUMNS = (
    "report_id", "market_segment", "business_date", "event_type", "action_type",
    "reporting_region", "data_origin", "counterparty_1_id_basis", "cross_border_indicator",
    "event_timestamp", "received_at", "is_late", "amount_cny", "counterparty_1_account_token",
    "counterparty_2_account_token", "counterparty_2_id", "asset_reference_id",
    "report_submitting_entity_id", "settlement_amount", "notional_amount_leg_1",
    "outstanding_amount",
)  # fmt: skip
# An order, a status and a stock of goods state no amount of money; nothing is missing there.
_AMOUNT = "coalesce(settlement_amount, notional_amount_leg_1, outstanding_amount) IS NOT NULL"
_CURRENT = "known_to IS NULL AND NOT is_duplicate"


def _every_kind(columns: str, where: str) -> str:
    """The same question to the table of each kind."""
    return " UNION ALL ".join(
        f"SELECT {columns} FROM {kind} WHERE {where}" for kind in IMPLEMENTED_KINDS
    )


def _reports_of(kind: str) -> str:
    """A kind's columns of `today`; what the kind does not have is empty."""
    own = arrow_schema(kind).names
    columns = [name if name in own else f"NULL AS {name}" for name in _COLUMNS]
    return (
        f"SELECT '{kind}' AS kind, {', '.join(columns)} FROM {kind} "
        f"WHERE business_date = $day AND {_CURRENT}"
    )


_HISTORY = f"""
CREATE OR REPLACE TEMP TABLE history AS
SELECT business_date FROM (
    SELECT DISTINCT business_date FROM ({_every_kind("business_date", _CURRENT)})
) WHERE business_date < $day ORDER BY business_date DESC LIMIT {HISTORY_DAYS};
"""

_DAILY = f"""
CREATE OR REPLACE TEMP TABLE daily AS
SELECT market_segment AS market, report_submitting_entity_id AS reporter, business_date,
       count(*)::BIGINT AS reports
FROM ({_every_kind("market_segment, report_submitting_entity_id, business_date", _CURRENT)})
WHERE business_date = $day OR business_date IN (SELECT business_date FROM history)
GROUP BY ALL;
"""

_TODAY = f"""
CREATE OR REPLACE TEMP TABLE today AS
{" UNION ALL ".join(_reports_of(kind) for kind in IMPLEMENTED_KINDS)};
"""

_TRADED = ", ".join(
    f"'{name}'" for name, market in markets().items() if {"event", "position"} & set(market.kinds)
)
_MARKETS = f"""
WITH past AS (
    SELECT market, business_date, sum(reports)::BIGINT AS reports FROM daily
    WHERE business_date <> $day GROUP BY ALL
), usual AS (
    SELECT market, median(reports)::DOUBLE AS typical, count(*)::BIGINT AS days,
           market IN ({_TRADED}) AS traded
    FROM past GROUP BY market
), now AS (
    SELECT market_segment AS market,
           bool_or(traded) AS traded,
           count(*)::BIGINT AS reports,
           (count(*) - count(DISTINCT report_id))::BIGINT AS repeated_ids,
           count(DISTINCT data_origin)::BIGINT AS origins,
           avg(is_late::INT)::DOUBLE AS late_share,
           max(CASE WHEN kind = 'event' THEN event_timestamp END) AS newest,
           max(CASE WHEN kind = 'position'
                    THEN date_diff('hour', event_timestamp, received_at) END)::DOUBLE / 24
               AS days_to_receive,
           avg((amount_cny IS NULL)::INT) FILTER (WHERE traded AND {_AMOUNT})::DOUBLE AS no_amount,
           avg((counterparty_2_id IS NULL)::INT) FILTER (WHERE traded)::DOUBLE AS no_second_party,
           CASE WHEN market_segment = 'PYMT'
                THEN avg((counterparty_1_account_token IS NULL)::INT)
                     FILTER (WHERE {_AMOUNT})::DOUBLE END
               AS no_payer_account,
           CASE WHEN market_segment = 'PYMT'
                THEN avg((counterparty_2_account_token IS NULL)::INT)
                     FILTER (WHERE {_AMOUNT})::DOUBLE END
               AS no_payee_account,
           CASE WHEN market_segment IN ('BILL', 'LOAN')
                THEN avg((asset_reference_id IS NULL)::INT)::DOUBLE END AS no_asset
    FROM (SELECT *, kind IN ('event', 'position') AS traded FROM today) GROUP BY market_segment
), expected AS (
    SELECT market FROM usual
    WHERE days >= {LEAST_HISTORY} AND days >= {HABIT} * (SELECT count(*) FROM history)
)
SELECT coalesce(now.market, usual.market) AS label,
       coalesce(now.reports, 0) AS reports,
       usual.typical,
       -- Registers, figures and complaints come when there is something to say.
       CASE WHEN usual.days >= {LEAST_HISTORY} AND coalesce(now.traded, usual.traded)
            THEN coalesce(now.reports, 0) / usual.typical END AS volume_ratio,
       repeated_ids, origins, late_share,
       date_diff('minute', newest,
                 ($day + 1)::TIMESTAMP::TIMESTAMPTZ - INTERVAL 8 HOUR)::DOUBLE / 60
           AS silent_hours,
       days_to_receive, no_amount, no_second_party, no_payer_account, no_payee_account, no_asset
FROM usual FULL JOIN now ON now.market = usual.market
WHERE now.market IS NOT NULL OR usual.market IN (SELECT market FROM expected)
ORDER BY label
"""

_CODES = """
SELECT market_segment || ' ' || event_type || ' ' || action_type AS label,
       market_segment, event_type, action_type, reporting_region, data_origin,
       counterparty_1_id_basis, cross_border_indicator, count(*)::BIGINT AS reports
FROM today GROUP BY ALL ORDER BY ALL
"""

_HABITUAL = f"""(
WITH seen AS (
    SELECT market, reporter, count(*) AS days, median(reports)::DOUBLE AS typical FROM daily
    WHERE business_date <> $day GROUP BY ALL
), market_days AS (
    SELECT market, count(DISTINCT business_date) AS days FROM daily
    WHERE business_date <> $day GROUP BY ALL
)
SELECT seen.market || ' ' || seen.reporter AS label, seen.market, seen.reporter,
       'habit' AS expected_by, seen.typical AS expected,
       coalesce(daily.reports, 0)::DOUBLE AS received,
       (daily.reports IS NOT NULL)::INT::DOUBLE AS share
FROM seen
JOIN market_days ON market_days.market = seen.market
LEFT JOIN daily ON daily.market = seen.market AND daily.reporter = seen.reporter
     AND daily.business_date = $day
WHERE seen.days >= {LEAST_HISTORY} AND seen.days >= {HABIT} * market_days.days
  AND (market_days.days >= {HABIT} * (SELECT count(*) FROM history)
       OR seen.market IN (SELECT DISTINCT market_segment FROM today))
)"""


def _named_sql() -> str:
    """Reporters that the other side's reports name, in markets where two legs are expected."""
    areas = ", ".join(f"'{area}'" for area in AREA_TO_REGION)
    parts = []
    for market in markets().values():
        if market.legs_both < 2 or not market.sides:
            continue
        inside = " AND ".join(f"{side} IN ({areas})" for side in market.sides)
        first, second = market.agents
        for agent in market.agents:
            parts.append(
                f"SELECT DISTINCT market_segment AS market, transaction_id, {agent} AS reporter "
                f"FROM event WHERE business_date = $day AND {_CURRENT} "
                f"AND market_segment = '{market.market}' AND transaction_key IS NOT NULL "
                f"AND {inside} AND {first} <> {second}"
            )
    return f"""(
        WITH named AS ({" UNION ".join(parts)}),
        sent AS (
            SELECT DISTINCT market_segment AS market, transaction_id,
                   report_submitting_entity_id AS reporter
            FROM event WHERE {_CURRENT} AND business_date BETWEEN $day - 5 AND $day + 5
        )
        SELECT named.market || ' ' || named.reporter AS label, named.market, named.reporter,
               'named by the other side' AS expected_by,
               count(*)::DOUBLE AS expected, count(sent.reporter)::DOUBLE AS received,
               (count(sent.reporter) / count(*))::DOUBLE AS share
        FROM named
        JOIN institution ON institution.institution_id = named.reporter
        LEFT JOIN sent ON sent.market = named.market AND sent.reporter = named.reporter
             AND sent.transaction_id = named.transaction_id
        WHERE institution.area IN ({areas})
        GROUP BY ALL
    )"""


_TOTALS = f"""
WITH published AS (
    SELECT market_segment AS market, breakdown AS contract, max(measure_value) AS quantity
    FROM indicator
    WHERE business_date = $day AND measure = 'TRADE_QTY' AND period_frequency = 'D' AND {_CURRENT}
    GROUP BY ALL
), trade AS (
    SELECT market_segment AS market, source_instrument_id AS contract, event_type,
           venue_of_execution || '/' || venue_trade_id AS number,
           side IN ('SELL', 'SHRT') AS sells, notional_quantity AS quantity
    FROM event
    WHERE business_date >= $day AND event_type IN ('TRAD', 'CNCL') AND {_CURRENT}
      AND market_segment IN (SELECT market FROM published)
      AND (business_date = $day OR event_type = 'CNCL')
), told AS (
    SELECT market, contract, sells, sum(quantity) AS quantity FROM trade AS done
    ANTI JOIN (SELECT market, number FROM trade WHERE event_type = 'CNCL') AS cancelled
        ON cancelled.market = done.market AND cancelled.number = done.number
    WHERE event_type = 'TRAD'
    GROUP BY ALL
)
-- Each trade counts once in a total, and one of its sides may belong to nobody who reports here.
SELECT published.market || ' ' || published.contract AS label,
       any_value(published.quantity) < max(told.quantity) AS above,
       (max(told.quantity) / nullif(any_value(published.quantity), 0))::DOUBLE AS share
FROM published JOIN told USING (market, contract)
GROUP BY label ORDER BY label
"""


def profile(connection: Connection, day: datetime.date) -> Mapping[str, pa.Table]:
    """Profile one business date of a ledger.

    Args:
        connection: a ledger opened to read; temporary tables are made in the session.
        day: the business date.

    Returns:
        `markets`, `codes`, `reporters`, `sets`, `totals`: tables with one row a market, combination
        of codes, expected reporter, rule over sets with registry, act and reporter, and contract
        whose total an exchange published and whose trades were reported.

    Raises:
        InputError: the ledger holds nothing for that day.
    """
    held = connection.rows(
        "SELECT min(business_date), max(business_date), "
        "count(*) FILTER (business_date = $day) FROM ("
        f"{_every_kind('business_date', 'true')})",
        {"day": day},
    )[0]
    if not held[2]:
        between = f"one from {held[0]} to {held[1]}" if held[0] else "a ledger that holds reports"
        raise InputError(f"quality day: {day}: expected a business date with reports, {between}")
    for statement in (_HISTORY, _DAILY, _TODAY):
        connection.execute(statement, {"day": day})
    parameters = {"day": day}
    return {
        "markets": connection.sql(_MARKETS, parameters),
        "codes": connection.sql(_CODES),
        "reporters": connection.sql(
            f"""
            SELECT * REPLACE (CASE WHEN expected >= {LEAST_EXPECTED} THEN share END AS share),
                   received = 0 AND expected >= {LEAST_EXPECTED} AS silent
            FROM ({_HABITUAL} UNION ALL {_named_sql()}) ORDER BY ALL
            """,
            parameters,
        ),
        "sets": sets_of_day(connection, day),
        "totals": connection.sql(_TOTALS, parameters),
    }
