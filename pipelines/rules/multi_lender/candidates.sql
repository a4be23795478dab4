/* What is said of the loans of borrowers with enough lenders, and one statement of each register.

   question : which statements and movements could matter?
   reads    : event, position, params
*/
WITH said AS MATERIALIZED (
    SELECT transaction_id AS key, payer_party AS lender, payee_party AS borrower,
        counterparty_2_nature = 'I' AS is_person
    FROM event
    WHERE market_segment = 'LOAN'
    UNION ALL
    SELECT transaction_id, payer_party, payee_party, counterparty_2_nature = 'I'
    FROM position
    WHERE market_segment = 'LOAN'
),
many AS (
    SELECT borrower
    FROM said
    GROUP BY borrower
    HAVING count(DISTINCT lender) >= (
        SELECT CASE WHEN bool_or(said.is_person) THEN least_lenders ELSE least_lenders_firm END
        FROM params
    )
)
SELECT key FROM said SEMI JOIN many ON many.borrower = said.borrower
UNION
-- That a lender sent a register of a day tells which of its loans are paid back.
SELECT min(transaction_id)
FROM position
WHERE market_segment = 'LOAN' AND NOT is_duplicate
GROUP BY reporter, business_date, submission_id
