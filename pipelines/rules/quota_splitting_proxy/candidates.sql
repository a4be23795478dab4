/* Cross-border payments of natural persons.

   question : which payments could be remittances of split currency?
   reads    : event
*/
SELECT transaction_id AS key
FROM event
WHERE event_type = 'PAYM' AND cross_border_indicator = 'Y' AND counterparty_1_nature = 'I'
