/* One borrower who owes several lenders at once, most of whom lent within a short time.

   question : does somebody run from lender to lender for credit?
   grain    : one crossing per (variant, vantage, borrower, instant at which a loan becomes known)
   reads    : loan_state, params
   units    : measure in lenders; instants in us UTC; amounts in CNY fen
   shown to : every vantage its own rows
*/
WITH stated AS MATERIALIZED (
    SELECT vantage, key, event_time, act, loan, number, former, contract, lender, borrower,
        borrower_is_person, owed_fen, effective_date, expiration_date, reporter
    FROM loan_state
    WHERE borrower <> 0 AND lender <> 0 AND loan <> 0
),
borrower AS (
    SELECT vantage, borrower, bool_or(borrower_is_person) AS is_person
    FROM stated
    GROUP BY vantage, borrower
    HAVING count(DISTINCT lender) >= (
        SELECT CASE WHEN bool_or(borrower_is_person) THEN least_lenders ELSE least_lenders_firm END
        FROM params
    )
),
said AS MATERIALIZED (
    SELECT s.*, b.is_person
    FROM stated AS s
    JOIN borrower AS b ON b.vantage = s.vantage AND b.borrower = s.borrower
),
decision AS (
    -- A loan is known from the first that is said of it.
    SELECT DISTINCT vantage, borrower, min(event_time) AS instant
    FROM said
    GROUP BY vantage, borrower, lender, reporter, loan
),
known AS (
    -- At each decision what was said of each loan until then.
    SELECT d.vantage, d.borrower, d.instant, s.is_person, s.lender, s.reporter, s.loan,
        (d.instant + 28800000000) // 86400000000 AS day,
        arg_min(s.key, (s.event_time, s.key)) AS key,
        any_value(s.number) AS number,
        any_value(s.contract) AS contract,
        (min(s.effective_date) - DATE '1970-01-01')::BIGINT AS begins,
        max(s.event_time) AS told,
        arg_max(s.owed_fen, (s.event_time, s.key)) AS owed_fen,
        (arg_max(s.expiration_date, (s.event_time, s.key)) - DATE '1970-01-01')::BIGINT AS expires
    FROM decision AS d
    JOIN said AS s
        ON s.vantage = d.vantage AND s.borrower = d.borrower AND s.event_time <= d.instant
    GROUP BY d.vantage, d.borrower, d.instant, s.is_person, s.lender, s.reporter, s.loan
),
owed AS (
    -- A loan is open while something is owed, through its last day, until another one says that it
    -- pays it off, or until a register of its branch lacks it: registers are complete.
    SELECT k.*
    FROM known AS k
    ANTI JOIN stated AS r
        ON r.act = 'BALANCE'
        AND r.vantage = k.vantage
        AND r.reporter = k.reporter
        AND r.event_time > k.told
        AND r.event_time <= k.instant
    ANTI JOIN said AS n
        ON n.vantage = k.vantage
        AND n.borrower = k.borrower
        AND n.former = k.number
        AND n.event_time <= k.instant
    WHERE coalesce(k.owed_fen, 1) > 0 AND coalesce(k.expires >= k.day, true)
),
shared AS (
    -- Lenders who share one contract lend together: they count as one.
    SELECT *, min(lender) OVER (
        PARTITION BY vantage, borrower, instant, coalesce(contract, key::VARCHAR)
    ) AS lead
    FROM owed
),
counted AS (
    SELECT s.vantage, s.borrower, s.instant, bool_or(s.is_person) AS is_person,
        count(DISTINCT s.lead) AS lenders,
        count(DISTINCT s.lead) FILTER (WHERE s.day - s.begins < p.new_days) AS lenders_new,
        sum(coalesce(s.owed_fen, 0)) AS owed_fen,
        list(s.key) AS keys
    FROM shared AS s
    CROSS JOIN params AS p
    GROUP BY s.vantage, s.borrower, s.instant
)
SELECT
    'multi_lender' AS rule,
    CASE WHEN c.is_person THEN 'person' ELSE 'firm' END AS variant,
    c.vantage::UTINYINT AS vantage,
    c.borrower::BIGINT AS subject,
    c.instant::BIGINT AS instant,
    c.lenders::BIGINT AS measure,
    CASE
        WHEN c.owed_fen >= CASE WHEN c.is_person THEN p.band_2_person_fen ELSE p.band_2_firm_fen END
            THEN 2
        ELSE 1
    END::UTINYINT AS band,
    list_sort(list_distinct(c.keys)) AS evidence
FROM counted AS c
CROSS JOIN params AS p
WHERE c.lenders >= CASE WHEN c.is_person THEN p.least_lenders ELSE p.least_lenders_firm END
    AND c.lenders_new >= CASE WHEN c.is_person THEN p.least_new ELSE p.least_new_firm END
