/* Payments of parties and groups whom many persons paid and who paid many firms.

   question : which payments could belong to money that is pooled and settled?
   reads    : event, group_member, params
*/
WITH paid AS MATERIALIZED (
    SELECT transaction_id AS key, payer_party, payee_party, counterparty_1_nature = 'I' AS takes,
        counterparty_2_nature IS DISTINCT FROM 'I' AS gives
    FROM event
    WHERE event_type = 'PAYM'
),
-- A group may have changed since: whoever was in one together at any time.
together AS MATERIALIZED (
    SELECT DISTINCT group_id, party FROM group_member WHERE group_id <> 0
),
party AS (
    SELECT payee_party AS party
    FROM paid
    WHERE takes AND payee_party <> 0
    GROUP BY payee_party
    HAVING count(DISTINCT payer_party) >= (SELECT least_payers FROM params)
    INTERSECT
    SELECT payer_party
    FROM paid
    WHERE gives AND payer_party <> 0
    GROUP BY payer_party
    HAVING count(DISTINCT payee_party) >= (SELECT least_merchants FROM params)
),
grouped AS (
    SELECT t.group_id
    FROM together AS t
    JOIN paid ON paid.payee_party = t.party
    WHERE paid.takes
    GROUP BY t.group_id
    HAVING count(DISTINCT paid.payer_party) >= (SELECT least_payers FROM params)
    INTERSECT
    SELECT t.group_id
    FROM together AS t
    JOIN paid ON paid.payer_party = t.party
    WHERE paid.gives
    GROUP BY t.group_id
    HAVING count(DISTINCT paid.payee_party) >= (SELECT least_merchants FROM params)
),
subject AS MATERIALIZED (
    SELECT party FROM party
    UNION
    SELECT party FROM together WHERE group_id IN (SELECT group_id FROM grouped)
)
SELECT key FROM paid SEMI JOIN subject ON subject.party = paid.payee_party WHERE takes
UNION
SELECT key FROM paid SEMI JOIN subject ON subject.party = paid.payer_party WHERE gives
