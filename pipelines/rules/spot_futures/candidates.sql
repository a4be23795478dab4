/* Acts on receipts and futures trades of goods of which somebody, or a group, has both.

   question : which acts and trades could belong to a build-up in both markets?
   reads    : event, group_member, params
*/
WITH moved AS MATERIALIZED (
    SELECT transaction_id AS key, event_type, market_segment,
        lower(regexp_extract(source_instrument_id, '^[A-Za-z]+')) AS variety,
        unnest(CASE market_segment WHEN 'WRCT' THEN [payer_party, payee_party] ELSE [payer_party] END)
            AS party
    FROM event
    WHERE market_segment = 'FUTR' AND event_type IN ('TRAD', 'CNCL')
        OR market_segment = 'WRCT' AND event_type IN ('ISSU', 'TRFR', 'DLVR', 'CNCL')
),
-- A group may have changed since: whoever was in one together at any time.
asked AS (
    SELECT key, market_segment, variety, party AS subject FROM moved WHERE party <> 0
    UNION ALL
    SELECT m.key, m.market_segment, m.variety, g.group_id
    FROM moved AS m
    JOIN (SELECT DISTINCT party, group_id FROM group_member) AS g ON g.party = m.party
)
SELECT DISTINCT a.key
FROM asked AS a
SEMI JOIN (
    SELECT variety, subject
    FROM asked
    GROUP BY ALL
    HAVING count(DISTINCT market_segment) > 1
) AS m ON m.variety = a.variety AND m.subject = a.subject
