/* Payments of parties and groups whom many persons paid and who paid several firms more than once.

   question : which payments could belong to money that is pooled and settled?
   reads    : event, group_member, params
*/
WITH paid AS MATERIALIZED (
    SELECT transaction_id AS key, payer_party, payee_party, business_ordinal AS day,
        counterparty_1_nature = 'I' AS takes,
        counterparty_2_nature IS DISTINCT FROM 'I' AS gives,
        max(amount_cny) * 100 AS fen  -- its two reports may differ
    FROM event
    WHERE event_type = 'PAYM'
    GROUP BY ALL
),
-- A group may have changed since: whoever was in one together at any time; each party by itself.
own AS MATERIALIZED (
    SELECT DISTINCT group_id, party FROM group_member WHERE group_id <> 0
    UNION ALL
    SELECT DISTINCT -payee_party, payee_party FROM paid WHERE takes AND payee_party <> 0
),
taking AS MATERIALIZED (
    SELECT o.group_id
    FROM paid
    JOIN own AS o ON o.party = paid.payee_party
    WHERE paid.takes
    GROUP BY o.group_id
    HAVING count(DISTINCT paid.payer_party) >= (SELECT least_payers FROM params)
        AND sum(paid.fen) >= (SELECT least_fen FROM params)
),
-- A merchant is paid on two days at least; the first day of all settles nothing.
merchant AS MATERIALIZED (
    SELECT o.group_id, paid.payee_party AS party, list(DISTINCT paid.day) AS days
    FROM paid
    JOIN own AS o ON o.party = paid.payer_party
    SEMI JOIN taking AS t ON t.group_id = o.group_id
    WHERE paid.gives
    GROUP BY ALL
    HAVING min(paid.day) < max(paid.day)
),
subject AS MATERIALIZED (
    SELECT group_id
    FROM merchant
    GROUP BY group_id
    HAVING count(*) >= (SELECT least_merchants FROM params)
        AND len(list_distinct(flatten(list(days)))) > (SELECT least_settlements FROM params)
)
SELECT paid.key
FROM paid
JOIN own AS o ON o.party = paid.payee_party
SEMI JOIN subject AS s ON s.group_id = o.group_id
WHERE paid.takes
UNION
SELECT paid.key
FROM paid
JOIN own AS o ON o.party = paid.payer_party
SEMI JOIN subject AS s ON s.group_id = o.group_id
SEMI JOIN merchant AS m ON m.group_id = o.group_id AND m.party = paid.payee_party
WHERE paid.gives
