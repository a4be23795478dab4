/* Acts on receipts of goods, and what warehouses state: few beside payments, so all of them.

   question : which reports could matter?
   reads    : event, position
*/
SELECT transaction_id AS key FROM event WHERE market_segment = 'WRCT'
UNION
SELECT transaction_id FROM position WHERE market_segment = 'WRCT'
