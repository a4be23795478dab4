/* Customers who share a phone, an address or a device, and whether they try their accounts.

   question : do several customers of no common controller share a contact?
   grain    : one crossing per (kind, vantage, contact, instant at which an entry or a probe came)
   reads    : contact, edge, tx, params
   units    : measure in customers; instants in us UTC
   shown to : every vantage its own rows
*/
WITH given AS (
    SELECT vantage, kind, token, party, account, key, event_time,
        (valid_from - DATE '1970-01-01')::BIGINT AS opens,
        coalesce((valid_to - DATE '1970-01-01')::BIGINT, 4000000) AS ends
    FROM contact
),
shared AS (
    SELECT g.*
    FROM given AS g
    SEMI JOIN (
        SELECT vantage, kind, token
        FROM given
        GROUP BY ALL
        HAVING count(DISTINCT party) >= (SELECT least_customers FROM params)
    ) AS enough ON enough.vantage = g.vantage AND enough.kind = g.kind AND enough.token = g.token
),
used AS (
    -- The first payments of an account, in or out.
    SELECT vantage, account, key, event_time, amount_fen
    FROM (
        SELECT vantage, payer_account AS account, key, event_time, amount_fen
        FROM tx WHERE event_code = 1
        UNION ALL
        SELECT vantage, payee_account, key, event_time, amount_fen FROM tx WHERE event_code = 1
    ) AS side
    WHERE account IN (SELECT account FROM shared WHERE account <> 0)
    QUALIFY row_number() OVER (PARTITION BY vantage, account ORDER BY event_time, key)
        <= (SELECT first_payments FROM params)
),
probe AS (
    SELECT s.vantage, s.kind, s.token, s.party, u.event_time AS instant, u.key
    FROM used AS u
    JOIN shared AS s
        ON s.vantage = u.vantage AND s.account = u.account AND s.event_time <= u.event_time
    CROSS JOIN params AS p
    WHERE u.amount_fen BETWEEN 1 AND p.most_probe_yuan * 100
        AND u.amount_fen % 100 = 0
        AND (u.event_time + 28800000000) // 86400000000 - s.opens BETWEEN 0 AND p.most_days_open
),
decision AS (
    SELECT vantage, kind, token, event_time AS instant FROM shared
    UNION
    SELECT vantage, kind, token, instant FROM probe
),
member AS (
    SELECT d.vantage, d.kind, d.token, d.instant, s.party, list(s.key) AS entries
    FROM decision AS d
    JOIN shared AS s
        ON s.vantage = d.vantage
        AND s.kind = d.kind
        AND s.token = d.token
        AND s.event_time <= d.instant
        AND (d.instant + 28800000000) // 86400000000 <= s.ends
    GROUP BY ALL
),
customer AS (
    -- Firms of one controller, and the controller itself, are one customer.
    SELECT m.vantage, m.kind, m.token, m.instant, coalesce(min(e.behind), m.party) AS customer,
        m.entries
    FROM member AS m
    LEFT JOIN edge AS e
        ON e.vantage = m.vantage
        AND e.party = m.party
        AND e.role = 'CONTROLLER'
        AND e.behind <> 0
        AND e.event_time <= m.instant
    GROUP BY m.vantage, m.kind, m.token, m.instant, m.party, m.entries
),
counted AS (
    SELECT vantage, kind, token, instant, count(DISTINCT customer) AS customers,
        flatten(list(entries)) AS entries
    FROM customer
    GROUP BY vantage, kind, token, instant
),
tried AS (
    SELECT c.vantage, c.kind, c.token, c.instant, count(DISTINCT b.party) AS probers,
        list(b.key) AS probes
    FROM counted AS c
    JOIN probe AS b
        ON b.vantage = c.vantage
        AND b.kind = c.kind
        AND b.token = c.token
        AND b.instant <= c.instant
    GROUP BY c.vantage, c.kind, c.token, c.instant
)
SELECT
    'shared_identity' AS rule,
    c.kind AS variant,
    c.vantage::UTINYINT AS vantage,
    c.token::BIGINT AS subject,
    c.instant::BIGINT AS instant,
    c.customers::BIGINT AS measure,
    CASE WHEN t.probers >= p.least_probers THEN 2 ELSE 1 END::UTINYINT AS band,
    list_sort(list_distinct(list_concat(c.entries, coalesce(t.probes, [])))) AS evidence
FROM counted AS c
LEFT JOIN tried AS t
    ON t.vantage = c.vantage AND t.kind = c.kind AND t.token = c.token AND t.instant = c.instant
CROSS JOIN params AS p
WHERE c.customers BETWEEN p.least_customers AND p.most_customers
