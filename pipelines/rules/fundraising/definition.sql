/* One subject that takes multiples of a unit from many persons and pays them a fixed rate.

   question : does somebody take money from the public and pay regularly on it?
   grain    : one crossing per (variant, vantage, subject, payment with which a line is reached)
   reads    : tx, params
   units    : measure in persons; amounts in CNY fen; instants in us UTC
   shown to : every vantage its own rows
*/
WITH side AS (
    SELECT vantage, key, event_time, amount_fen, flags, payer_party, payee_party,
        'one_party' AS variant, payer_party AS payer, payee_party AS payee
    FROM tx
    WHERE event_code = 1 AND amount_fen > 0
    UNION ALL
    SELECT vantage, key, event_time, amount_fen, flags, payer_party, payee_party,
        'one_group', payer_group, payee_group
    FROM tx
    WHERE event_code = 1 AND amount_fen > 0 AND (payer_group <> 0 OR payee_group <> 0)
),
paid_in AS (
    SELECT s.variant, s.vantage, s.payee AS subject, s.payer_party AS person, s.payee_party,
        s.event_time, s.key, s.amount_fen
    FROM side AS s
    CROSS JOIN params AS p
    WHERE s.flags & 1 = 1 AND s.payer_party <> 0 AND s.payee <> 0 AND s.payee <> s.payer
        AND s.amount_fen % p.unit_fen = 0
),
public AS (
    SELECT variant, vantage, subject
    FROM paid_in
    GROUP BY ALL
    HAVING count(DISTINCT person) >= (SELECT least_persons FROM params)
),
credit AS (
    SELECT i.*
    FROM paid_in AS i
    SEMI JOIN public AS m
        ON m.variant = i.variant AND m.vantage = i.vantage AND m.subject = i.subject
),
-- A payment to somebody who paid in, and which part of what that was until then.
returned AS (
    SELECT s.variant, s.vantage, s.payer AS subject, s.payee_party AS person, s.event_time, s.key,
        s.amount_fen * 10000 // sum(c.amount_fen) AS rate_bp
    FROM side AS s
    JOIN credit AS c
        ON c.variant = s.variant
        AND c.vantage = s.vantage
        AND c.subject = s.payer
        AND c.person = s.payee_party
        AND c.event_time < s.event_time
    GROUP BY s.variant, s.vantage, s.payer, s.payee_party, s.event_time, s.key, s.amount_fen
),
regular AS (
    SELECT
        r.*,
        row_number() OVER (
            PARTITION BY r.variant, r.vantage, r.subject, r.rate_bp, r.person
            ORDER BY r.event_time, r.key
        ) = 1 AS is_another
    FROM returned AS r
    CROSS JOIN params AS p
    WHERE r.rate_bp BETWEEN 1 AND p.most_rate_bp
),
repaid AS (
    SELECT
        *,
        sum(is_another::INTEGER) OVER (
            PARTITION BY variant, vantage, subject, rate_bp ORDER BY event_time, key
        ) AS persons
    FROM regular
),
proven AS (
    -- From here on the subject is known to pay a fixed rate.
    SELECT variant, vantage, subject, min(event_time) AS since
    FROM repaid
    WHERE persons >= (SELECT least_repaid FROM params)
    GROUP BY ALL
),
moved AS (
    SELECT c.variant, c.vantage, c.subject, c.person, c.payee_party, c.event_time, c.key,
        c.amount_fen, true AS is_in
    FROM credit AS c
    SEMI JOIN proven AS v
        ON v.variant = c.variant AND v.vantage = c.vantage AND v.subject = c.subject
    UNION ALL
    SELECT r.variant, r.vantage, r.subject, r.person, 0, r.event_time, r.key, 0, false
    FROM repaid AS r
    SEMI JOIN proven AS v
        ON v.variant = r.variant AND v.vantage = r.vantage AND v.subject = r.subject
),
marked AS (
    SELECT
        *,
        is_in AND row_number() OVER (
            PARTITION BY variant, vantage, subject, person, is_in ORDER BY event_time, key
        ) = 1 AS is_another,
        is_in AND row_number() OVER (
            PARTITION BY variant, vantage, subject, payee_party ORDER BY event_time, key
        ) = 1 AS is_another_payee
    FROM moved
),
summed AS (
    SELECT
        m.*,
        sum(m.is_another::INTEGER) OVER so_far AS persons,
        sum(m.is_another_payee::INTEGER) OVER so_far AS payees,
        sum(m.amount_fen) OVER so_far AS fen,
        row_number() OVER so_far AS place
    FROM marked AS m
    WINDOW so_far AS (PARTITION BY m.variant, m.vantage, m.subject ORDER BY m.event_time, m.key)
),
levelled AS (
    -- One step at each line, one at each doubling after it; none before a rate is known. A group of
    -- which one party takes all the money is that party.
    SELECT
        s.*,
        CASE
            WHEN s.event_time < v.since OR s.persons < p.least_persons
                OR (s.variant = 'one_group' AND s.payees = 1) THEN 0
            ELSE
                CASE WHEN s.persons >= p.line_persons
                    THEN 1 + floor(log2(s.persons / p.line_persons)) ELSE 0 END
                + CASE WHEN s.fen >= p.line_fen
                    THEN 1 + floor(log2(s.fen / p.line_fen)) ELSE 0 END
        END AS level,
        s.persons >= p.line_persons AND s.fen >= p.line_fen AS is_both
    FROM summed AS s
    JOIN proven AS v
        ON v.variant = s.variant AND v.vantage = s.vantage AND v.subject = s.subject
    CROSS JOIN params AS p
),
reached AS (
    SELECT *
    FROM levelled
    QUALIFY level > coalesce(
        lag(level) OVER (PARTITION BY variant, vantage, subject ORDER BY place), 0
    )
)
SELECT
    'fundraising' AS rule,
    r.variant,
    r.vantage::UTINYINT AS vantage,
    r.subject::BIGINT AS subject,
    r.event_time::BIGINT AS instant,
    r.persons::BIGINT AS measure,
    CASE WHEN r.is_both THEN 2 ELSE 1 END::UTINYINT AS band,
    list_sort(list_distinct(list(e.key))) AS evidence
FROM reached AS r
JOIN summed AS e
    ON e.variant = r.variant
    AND e.vantage = r.vantage
    AND e.subject = r.subject
    AND e.place <= r.place
GROUP BY r.variant, r.vantage, r.subject, r.event_time, r.place, r.persons, r.is_both
