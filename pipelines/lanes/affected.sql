/* Whom late reports concern.

   question : which payers and payees may any vantage see differently because a report came late?
   grain    : one row per (payer_party, payee_party)
   reads    : event
   units    : 63-bit ids, 0 = absent
   shown to : nobody; the late path reads it
*/
WITH leg AS (
    SELECT
        transaction_id,
        CASE WHEN counterparty_1_id_basis = 'NAME' THEN 0
            ELSE id63(counterparty_1_party_key) END AS payer_party,
        CASE WHEN counterparty_2_id_basis = 'NAME' THEN 0
            ELSE id63(counterparty_2_party_key) END AS payee_party
    FROM event
    WHERE transaction_id IN (SELECT transaction_id FROM event WHERE is_late)
)
-- Legs fill each other, so a payer of one leg may have met a payee of another.
SELECT DISTINCT payer.payer_party, payee.payee_party
FROM leg AS payer
JOIN leg AS payee USING (transaction_id)
