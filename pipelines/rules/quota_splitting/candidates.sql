/* Deals of persons, and the payments to or from them on the days around.

   question : which transactions could belong to split currency?
   reads    : event, params
*/
WITH deal AS (
    SELECT DISTINCT transaction_id AS key, payer_party AS person, event_type AS act,
        (epoch_us(event_timestamp) + 28800000000) // 86400000000 AS day
    FROM event
    WHERE event_type IN ('PURC', 'SELL')
),
paid AS (
    SELECT transaction_id AS key, payer_party, payee_party,
        (epoch_us(event_timestamp) + 28800000000) // 86400000000 AS day
    FROM event
    WHERE event_type = 'PAYM'
),
-- A leg may state another instant by seconds: a day of room on either side.
near AS (
    SELECT p.key, d.act, d.person, p.payer_party AS other
    FROM paid AS p
    JOIN deal AS d ON d.person = p.payee_party
    CROSS JOIN params AS r
    WHERE d.act = 'PURC' AND d.day - p.day BETWEEN -1 AND r.most_days_between + 1
    UNION ALL
    SELECT p.key, d.act, d.person, p.payee_party
    FROM paid AS p
    JOIN deal AS d ON d.person = p.payer_party
    CROSS JOIN params AS r
    WHERE d.act = 'SELL' AND p.day - d.day BETWEEN -1 AND r.most_days_between + 1
)
SELECT key FROM deal
UNION
SELECT key
FROM near
SEMI JOIN (
    SELECT act, other
    FROM near
    GROUP BY ALL
    HAVING count(DISTINCT person) >= (SELECT least_persons FROM params)
) AS enough ON enough.act = near.act AND enough.other = near.other
