/* Payments of accounts whose holder gave a contact that others gave too.

   question : which payments could try an account?
   reads    : event, register, params
*/
WITH given AS (
    SELECT entity_account AS account, entity_party AS party,
        unnest([phone_token, address_token, device_token]) AS token
    FROM register
),
shared AS (
    SELECT account
    FROM given
    WHERE account <> 0 AND token IN (
        SELECT token FROM given
        WHERE token IS NOT NULL
        GROUP BY token
        HAVING count(DISTINCT party) >= (SELECT least_customers FROM params)
    )
)
SELECT transaction_id AS key
FROM event SEMI JOIN shared ON shared.account = event.payer_account
WHERE event_type = 'PAYM'
UNION
SELECT transaction_id
FROM event SEMI JOIN shared ON shared.account = event.payee_account
WHERE event_type = 'PAYM'
