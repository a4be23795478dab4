/* One subject without a licence that pools money of many and settles it to merchants in a rhythm.

   question : who stands between many payers and many merchants with their money on its accounts?
   grain    : one crossing per (variant, vantage, subject, settlement from the one on that reaches the lines)
   reads    : tx, payment_licence, account, params
   units    : measure in CNY fen; days are business days of the banks; instants in us UTC
   shown to : every vantage its own rows
*/
WITH exempt AS (
    -- Whoever holds a licence may do this, and money on a custody account is not one's own.
    SELECT vantage, party, 0 AS account, event_time, valid_from, valid_to
    FROM payment_licence
    WHERE coalesce(status, 'ACTIVE') = 'ACTIVE' AND party <> 0
    UNION ALL
    SELECT vantage, 0, account, event_time, valid_from, valid_to
    FROM account
    WHERE account_type IN ('SPECIAL', 'RESERVE') AND account <> 0
),
paid AS (
    SELECT *, DATE '1970-01-01' + ((event_time + 28800000000) // 86400000000)::INTEGER AS date
    FROM tx
    WHERE event_code = 1 AND amount_fen > 0
),
-- Money in: of natural persons, to somebody's own account. Money out: to firms, from one's own.
own_in AS (
    SELECT * FROM paid AS t
    WHERE t.flags & 1 = 1 AND t.payer_party <> 0 AND NOT EXISTS (
        SELECT 1 FROM exempt AS x
        WHERE x.vantage = t.vantage
            AND (x.party = t.payee_party OR (x.account = t.payee_account AND x.party = 0))
            AND x.event_time <= t.event_time
            AND t.date BETWEEN x.valid_from AND coalesce(x.valid_to, t.date)
    )
),
own_out AS (
    SELECT * FROM paid AS t
    WHERE t.flags & 2 = 0 AND t.payee_party <> 0 AND NOT EXISTS (
        SELECT 1 FROM exempt AS x
        WHERE x.vantage = t.vantage
            AND (x.party = t.payer_party OR (x.account = t.payer_account AND x.party = 0))
            AND x.event_time <= t.event_time
            AND t.date BETWEEN x.valid_from AND coalesce(x.valid_to, t.date)
    )
),
taken AS (
    SELECT 'one_party' AS variant, vantage, payee_party AS subject, payee_party AS own,
        payer_party AS other, business_ordinal AS day, key, amount_fen
    FROM own_in
    WHERE payee_party <> 0 AND payee_party <> payer_party
    UNION ALL
    SELECT 'one_group', vantage, payee_group, payee_party, payer_party, business_ordinal, key,
        amount_fen
    FROM own_in
    WHERE payee_group <> 0 AND payee_group <> payer_group
),
given AS (
    SELECT 'one_party' AS variant, vantage, payer_party AS subject, payer_party AS own,
        payee_party AS other, business_ordinal AS day, event_time, key, amount_fen
    FROM own_out
    WHERE payer_party <> 0 AND payee_party <> payer_party
    UNION ALL
    SELECT 'one_group', vantage, payer_group, payer_party, payee_party, business_ordinal,
        event_time, key, amount_fen
    FROM own_out
    WHERE payer_group <> 0 AND payer_group <> payee_group
),
-- Only who has enough payers and enough payees can have a crossing.
between AS (
    SELECT variant, vantage, subject
    FROM taken
    GROUP BY ALL
    HAVING count(DISTINCT other) >= (SELECT least_payers FROM params)
    INTERSECT
    SELECT variant, vantage, subject
    FROM given
    GROUP BY ALL
    HAVING count(DISTINCT other) >= (SELECT least_merchants FROM params)
),
pooled AS (
    SELECT t.* FROM taken AS t
    SEMI JOIN between AS b
        ON b.variant = t.variant AND b.vantage = t.vantage AND b.subject = t.subject
),
-- A merchant is who was paid on a day before; since when this settlement has been due.
settled AS (
    SELECT g.*, max(g.day) OVER (
        PARTITION BY g.variant, g.vantage, g.subject, g.other ORDER BY g.day
        RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS day_before
    FROM given AS g
    SEMI JOIN between AS b
        ON b.variant = g.variant AND b.vantage = g.vantage AND b.subject = g.subject
),
settlement AS (
    SELECT variant, vantage, subject, day, max(day_before) AS since, max(event_time) AS instant,
        sum(amount_fen) AS fen
    FROM settled
    WHERE day_before IS NOT NULL
    GROUP BY ALL
),
takings AS (
    SELECT variant, vantage, subject, day, sum(amount_fen) AS fen FROM pooled GROUP BY ALL
),
-- Settlements that pay on nearly all that was taken from the one before to this, so many days ago.
matched AS (
    SELECT s.variant, s.vantage, s.subject, s.day, s.since, s.instant, s.fen, l.lag
    FROM settlement AS s
    CROSS JOIN params AS p
    JOIN (SELECT unnest(range(1, 64)) AS lag) AS l ON l.lag <= p.most_lag_days
    JOIN takings AS t
        ON t.variant = s.variant AND t.vantage = s.vantage AND t.subject = s.subject
        AND t.day > s.since - l.lag AND t.day <= s.day - l.lag
    GROUP BY s.variant, s.vantage, s.subject, s.day, s.since, s.instant, s.fen, l.lag,
        p.least_passed_bp
    HAVING s.fen <= sum(t.fen)
        AND s.fen::HUGEINT * 10000 >= sum(t.fen) * p.least_passed_bp
),
begun AS (
    SELECT *, coalesce(
        day - lag(day) OVER rhythm > (SELECT most_gap_days FROM params), true
    ) AS begins
    FROM matched
    WINDOW rhythm AS (PARTITION BY variant, vantage, subject, lag ORDER BY day)
),
numbered AS (
    SELECT *, sum(begins::INTEGER) OVER (
        PARTITION BY variant, vantage, subject, lag ORDER BY day
    ) AS run
    FROM begun
),
run_of AS (
    SELECT *,
        row_number() OVER so_far AS place,
        sum(fen) OVER so_far AS total,
        count(*) OVER (PARTITION BY variant, vantage, subject, lag, run) AS length
    FROM numbered
    WINDOW so_far AS (PARTITION BY variant, vantage, subject, lag, run ORDER BY day)
),
rhythm AS (
    SELECT * FROM run_of WHERE length >= (SELECT least_settlements FROM params)
),
-- What belongs to each settlement of a rhythm: its takings, and the payments to merchants.
part AS (
    SELECT r.variant, r.vantage, r.subject, r.lag, r.run, r.place, t.key, t.other, t.own,
        t.amount_fen AS fen_in, 0 AS fen_out
    FROM rhythm AS r
    JOIN pooled AS t
        ON t.variant = r.variant AND t.vantage = r.vantage AND t.subject = r.subject
        AND t.day > r.since - r.lag AND t.day <= r.day - r.lag
    UNION ALL
    SELECT r.variant, r.vantage, r.subject, r.lag, r.run, r.place, g.key, g.other, g.own,
        0, g.amount_fen
    FROM rhythm AS r
    JOIN settled AS g
        ON g.variant = r.variant AND g.vantage = r.vantage AND g.subject = r.subject
        AND g.day = r.day AND g.day_before IS NOT NULL
),
-- From the settlement on at which the lines are reached.
reached AS (
    SELECT r.variant, r.vantage, r.subject, r.lag, r.run, r.place, r.instant, r.total,
        row_number() OVER (
            PARTITION BY r.variant, r.vantage, r.subject, r.lag, r.run ORDER BY r.place
        ) AS nth
    FROM rhythm AS r
    CROSS JOIN params AS p
    JOIN part AS m
        ON m.variant = r.variant AND m.vantage = r.vantage AND m.subject = r.subject
        AND m.lag = r.lag AND m.run = r.run AND m.place <= r.place
    WHERE r.place >= p.least_settlements AND r.total >= p.least_fen
    GROUP BY r.variant, r.vantage, r.subject, r.lag, r.run, r.place, r.instant, r.total,
        p.least_payers, p.least_merchants
    HAVING count(DISTINCT m.other) FILTER (m.fen_in > 0) >= p.least_payers
        AND count(DISTINCT m.other) FILTER (m.fen_out > 0) >= p.least_merchants
),
-- A group of which one party takes and gives nearly all the money is that party.
one_alone AS (
    SELECT DISTINCT variant, vantage, subject, lag, run, place
    FROM (
        SELECT r.variant, r.vantage, r.subject, r.lag, r.run, r.place,
            sum(m.fen_in) AS own_in, sum(sum(m.fen_in)) OVER whole AS all_in,
            sum(m.fen_out) AS own_out, sum(sum(m.fen_out)) OVER whole AS all_out
        FROM reached AS r
        JOIN part AS m
            ON m.variant = r.variant AND m.vantage = r.vantage AND m.subject = r.subject
            AND m.lag = r.lag AND m.run = r.run AND m.place <= r.place
        WHERE r.variant = 'one_group'
        GROUP BY r.variant, r.vantage, r.subject, r.lag, r.run, r.place, m.own
        WINDOW whole AS (
            PARTITION BY r.variant, r.vantage, r.subject, r.lag, r.run, r.place
        )
    )
    CROSS JOIN params AS p
    WHERE own_in * 10000 >= all_in * p.least_passed_bp
        AND own_out * 10000 >= all_out * p.least_passed_bp
),
told AS (
    -- Two rhythms that fit are told as the one with more settlements, then the quicker one.
    SELECT *
    FROM reached AS r
    ANTI JOIN one_alone AS o
        ON o.variant = r.variant AND o.vantage = r.vantage AND o.subject = r.subject
        AND o.lag = r.lag AND o.run = r.run AND o.place = r.place
    QUALIFY row_number() OVER (
        PARTITION BY r.variant, r.vantage, r.subject, r.instant ORDER BY r.place DESC, r.lag
    ) = 1
)
SELECT
    'second_clearing' AS rule,
    r.variant,
    r.vantage::UTINYINT AS vantage,
    r.subject::BIGINT AS subject,
    r.instant::BIGINT AS instant,
    r.total::BIGINT AS measure,
    CASE WHEN r.total >= p.band_2_fen THEN 2 ELSE 1 END::UTINYINT AS band,
    list_sort(list_distinct(list(e.key))) AS evidence
FROM told AS r
CROSS JOIN params AS p
JOIN part AS e
    ON e.variant = r.variant AND e.vantage = r.vantage AND e.subject = r.subject
    AND e.lag = r.lag AND e.run = r.run AND e.place <= r.place
    AND (r.nth = 1 OR e.place > r.place - p.least_settlements)
GROUP BY r.variant, r.vantage, r.subject, r.instant, r.total, p.band_2_fen
