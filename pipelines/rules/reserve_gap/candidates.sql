/* Statements of accounts that a register calls accounts for clients' money.

   question : which statements could speak of a payment institution's reserve?
   reads    : position, register
*/
SELECT p.transaction_id AS key
FROM position AS p
WHERE p.payer_account IN (
    SELECT r.entity_account
    FROM register AS r
    WHERE r.register_type = 'ACCOUNT' AND r.account_type = 'SPECIAL'
)
