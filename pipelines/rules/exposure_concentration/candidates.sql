/* Statements of loans of borrowers, and of groups, whom a bank could lend too much.

   question : which statements could belong to a sum over a line?
   reads    : position, group_member, capital, params
*/
WITH lent AS MATERIALIZED (
    SELECT transaction_id AS key, payer_party AS bank, payee_party AS borrower, business_date,
        (amount_cny * 100)::BIGINT AS fen
    FROM position
    WHERE market_segment = 'LOAN' AND amount_cny > 0
),
-- A figure may be corrected, and statements come twice: all of them together are never too few.
least AS (
    SELECT party AS bank, min(net_capital_fen)::HUGEINT AS fen FROM capital GROUP BY party
),
-- A group may have changed since: whoever was in one together at any time.
together AS (
    SELECT DISTINCT group_id, party FROM group_member
),
pair AS (
    SELECT l.bank, l.borrower
    FROM lent AS l
    JOIN least AS c ON c.bank = l.bank
    GROUP BY l.bank, l.borrower, l.business_date, c.fen
    HAVING sum(l.fen) * 10000 > c.fen * (SELECT line_bp FROM params)
),
grouped AS (
    SELECT l.bank, t.group_id
    FROM lent AS l
    JOIN together AS t ON t.party = l.borrower
    JOIN least AS c ON c.bank = l.bank
    GROUP BY l.bank, t.group_id, l.business_date, c.fen
    HAVING sum(l.fen) * 10000 > c.fen * (SELECT group_line_bp FROM params)
)
SELECT key FROM lent SEMI JOIN pair ON pair.bank = lent.bank AND pair.borrower = lent.borrower
UNION
SELECT key
FROM lent
JOIN together ON together.party = lent.borrower
SEMI JOIN grouped
    ON grouped.bank = lent.bank AND grouped.group_id = together.group_id
