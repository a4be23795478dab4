/* Payments of subjects that many persons paid multiples of the unit.

   question : which payments could belong to money taken from the public?
   reads    : event, group_member, params
*/
WITH paid AS MATERIALIZED (
    SELECT transaction_id AS key, payer_party, payee_party,
        counterparty_1_nature = 'I' AND (amount_cny * 100)::BIGINT % p.unit_fen = 0 AS is_credit
    FROM event
    CROSS JOIN params AS p
    WHERE event_type = 'PAYM'
),
party AS (
    SELECT payee_party AS party
    FROM paid
    WHERE is_credit AND payee_party <> 0
    GROUP BY payee_party
    HAVING count(DISTINCT payer_party) >= (SELECT least_persons FROM params)
),
-- A group may have changed since: whoever was in one together at any time.
together AS MATERIALIZED (
    SELECT DISTINCT group_id, party FROM group_member WHERE group_id <> 0
),
grouped AS (
    SELECT party
    FROM together
    WHERE group_id IN (
        SELECT t.group_id
        FROM together AS t
        JOIN paid ON paid.payee_party = t.party
        WHERE paid.is_credit
        GROUP BY t.group_id
        HAVING count(DISTINCT paid.payer_party) >= (SELECT least_persons FROM params)
    )
),
subject AS MATERIALIZED (SELECT party FROM party UNION SELECT party FROM grouped)
SELECT key FROM paid SEMI JOIN subject ON subject.party = paid.payee_party WHERE is_credit
UNION
SELECT key FROM paid SEMI JOIN subject ON subject.party = paid.payer_party
