/* One borrower who owes several lenders at once, most of whom lent within a short time.

   question : does somebody run from lender to lender for credit?
   grain    : one crossing per (variant, vantage, borrower, instant at which a loan becomes known)
   reads    : loan_state, params
   units    : measure in lenders; instants in us UTC; amounts in CNY fen
   shown to : every vantage its own rows
*/
WITH borrower AS (
    SELECT vantage, borrower, bool_or(borrower_is_person) AS is_person
    FROM loan_state
    WHERE borrower <> 0 AND lender <> 0 AND loan <> 0
    GROUP BY vantage, borrower
    HAVING count(DISTINCT lender) >= (
        SELECT CASE WHEN bool_or(borrower_is_person) THEN least_lenders ELSE least_lenders_firm END
        FROM params
    )
),
said AS (
    SELECT s.*, b.is_person
    FROM loan_state AS s
    JOIN borrower AS b ON b.vantage = s.vantage AND b.borrower = s.borrower
    WHERE s.lender <> 0 AND s.loan <> 0
),
loan AS (
    -- A loan is known from the first that is said of it.
    SELECT vantage, borrower, is_person, lender, reporter, loan,
        arg_min(key, (event_time, key)) AS key,
        min(event_time) AS known,
        min(effective_date) AS begins,
        any_value(number) AS number,
        any_value(contract) AS contract
    FROM said
    GROUP BY vantage, borrower, is_person, lender, reporter, loan
),
register AS (
    SELECT DISTINCT vantage, reporter, event_time FROM loan_state WHERE act = 'BALANCE'
),
replaced AS (
    -- The lender of a new loan says which one it pays off.
    SELECT vantage, borrower, former AS number, min(event_time) AS since
    FROM said
    WHERE former IS NOT NULL
    GROUP BY vantage, borrower, former
),
decision AS (
    SELECT DISTINCT vantage, borrower, known AS instant FROM loan
),
known AS (
    -- At each decision the newest that was said of each loan until then.
    SELECT d.vantage, d.borrower, d.instant, s.lender, s.reporter, s.loan,
        max(s.event_time) AS told,
        arg_max(s.owed_fen, (s.event_time, s.key)) AS owed_fen,
        arg_max(s.expiration_date, (s.event_time, s.key)) AS expires
    FROM decision AS d
    JOIN said AS s
        ON s.vantage = d.vantage AND s.borrower = d.borrower AND s.event_time <= d.instant
    GROUP BY d.vantage, d.borrower, d.instant, s.lender, s.reporter, s.loan
),
newest AS (
    SELECT k.vantage, k.borrower, k.instant, k.reporter, max(r.event_time) AS event_time
    FROM (SELECT DISTINCT vantage, borrower, instant, reporter FROM known) AS k
    JOIN register AS r
        ON r.vantage = k.vantage AND r.reporter = k.reporter AND r.event_time <= k.instant
    GROUP BY k.vantage, k.borrower, k.instant, k.reporter
),
owed AS (
    -- A loan is open while something is owed, through its last day, until another one replaces it,
    -- or until a register of its lender lacks it: registers are complete.
    SELECT k.vantage, k.borrower, k.instant, k.lender, coalesce(k.owed_fen, 0) AS owed_fen,
        l.is_person, l.key, l.contract,
        (k.instant + 28800000000) // 86400000000 - (l.begins - DATE '1970-01-01')::BIGINT AS age
    FROM known AS k
    JOIN loan AS l
        ON l.vantage = k.vantage
        AND l.borrower = k.borrower
        AND l.lender = k.lender
        AND l.reporter = k.reporter
        AND l.loan = k.loan
    LEFT JOIN newest AS n
        ON n.vantage = k.vantage
        AND n.borrower = k.borrower
        AND n.instant = k.instant
        AND n.reporter = k.reporter
    LEFT JOIN replaced AS r
        ON r.vantage = l.vantage
        AND r.borrower = l.borrower
        AND r.number = l.number
        AND r.since <= k.instant
    WHERE coalesce(k.owed_fen, 1) > 0
        AND coalesce((k.expires - DATE '1970-01-01')::BIGINT, 4000000)
            >= (k.instant + 28800000000) // 86400000000
        AND coalesce(n.event_time, k.told) <= k.told
        AND r.since IS NULL
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
        count(DISTINCT s.lead) FILTER (WHERE s.age < p.new_days) AS lenders_new,
        sum(s.owed_fen) AS owed_fen,
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
