/* Statements of loans that have a class: no other balance calls for a provision.

   question : which statements could call for a provision?
   reads    : position
*/
SELECT p.transaction_id AS key
FROM position AS p
WHERE p.market_segment = 'LOAN' AND p.credit_classification IS NOT NULL
