/* Money of a drawn loan that comes back to its borrower, or to the borrower's group, through others.

   question : does a loan's money return within days, through one bridge or more?
   grain    : one crossing per (variant, vantage, loan, payment that brings money back)
   reads    : tx, params
   units    : measure in CNY fen; instants in us UTC
   shown to : every vantage its own rows
*/
WITH RECURSIVE moved AS MATERIALIZED (
    SELECT vantage, key, event_time, event_code, amount_fen, payer_party, payee_party, payee_group
    FROM tx
    WHERE event_code IN (1, 20) AND payee_party <> 0  -- PAYM, DRAW
),
drawn AS (
    SELECT m.*
    FROM moved AS m
    CROSS JOIN params AS p
    WHERE m.event_code = 20 AND m.amount_fen >= p.from_drawn_fen
),
paid AS (
    SELECT *
    FROM moved
    WHERE event_code = 1 AND payer_party <> 0 AND payer_party <> payee_party
),
-- A way begins at the borrower as the loan is drawn. Each bridge passes on, within the days, nearly
-- all that came in, later than it came. A way ends at the borrower or in its group; no party is on
-- it twice. Of each length the first so many ways of a loan are followed.
way AS (
    SELECT
        d.vantage, d.key AS loan, d.event_time AS since, d.amount_fen AS drawn,
        d.payee_party AS borrower, d.payee_group AS of_group,
        d.payee_party AS holder, d.event_time AS instant, d.amount_fen AS fen,
        '' AS ends, 0 AS hops, false AS same_again, []::BIGINT[] AS keys,
        [d.payer_party] AS met,  -- the lender is no bridge: what it gets is paid back
        false AS cut
    FROM drawn AS d
    UNION ALL
    SELECT
        w.vantage, w.loan, w.since, w.drawn, w.borrower, w.of_group,
        q.payee_party, q.event_time, q.amount_fen,
        CASE
            WHEN q.payee_party = w.borrower THEN 'to_borrower'
            WHEN w.of_group <> 0 AND q.payee_group = w.of_group THEN 'to_affiliate'
            ELSE ''
        END,
        w.hops + 1,
        q.amount_fen = w.fen,
        list_append(w.keys, q.key),
        list_append(w.met, q.payee_party),
        w.cut OR count(*) OVER (PARTITION BY w.vantage, w.loan) > p.most_ways
    FROM way AS w
    JOIN paid AS q
        ON q.vantage = w.vantage
        AND q.payer_party = w.holder
        AND q.event_time > w.instant
        AND q.amount_fen <= w.fen
    CROSS JOIN params AS p
    WHERE w.ends = ''
        AND w.hops < p.most_hops
        AND q.event_time <= w.since + p.within_days * 86400000000
        AND q.amount_fen::HUGEINT * 10000 >= w.drawn::HUGEINT * p.part_bp
        -- What the borrower pays first may be a part of the loan.
        AND (w.hops = 0 OR q.amount_fen::HUGEINT * 10000 >= w.fen::HUGEINT * p.kept_bp)
        AND NOT list_contains(w.met, q.payee_party)
    QUALIFY row_number() OVER (
        PARTITION BY w.vantage, w.loan ORDER BY q.event_time, q.key, w.keys
    ) <= p.most_ways
),
-- Who gives back exactly what it got from the borrower has cancelled a purchase.
home AS (
    SELECT *
    FROM (SELECT *, bool_or(cut) OVER (PARTITION BY vantage, loan) AS is_cut FROM way)
    WHERE ends <> '' AND hops > 1 AND NOT (ends = 'to_borrower' AND hops = 2 AND same_again)
    QUALIFY row_number() OVER (
        PARTITION BY ends, vantage, loan, list_last(keys) ORDER BY hops, keys
    ) = 1
),
summed AS (
    -- A payment of the borrower that seems to come back more than once cannot make more than it was.
    SELECT
        h.*,
        least(sum(h.fen) OVER so_far, h.drawn::HUGEINT) AS returned,
        flatten(list(h.keys) OVER so_far) AS so_far_keys
    FROM home AS h
    WINDOW so_far AS (
        PARTITION BY h.ends, h.vantage, h.loan ORDER BY h.instant, list_last(h.keys)
    )
)
SELECT
    'loan_round_trip' AS rule,
    s.ends AS variant,
    s.vantage::UTINYINT AS vantage,
    CASE WHEN s.ends = 'to_borrower' THEN s.borrower ELSE s.of_group END::BIGINT AS subject,
    s.instant::BIGINT AS instant,
    s.returned::BIGINT AS measure,
    CASE WHEN s.returned * 10000 >= s.drawn::HUGEINT * p.band_2_bp THEN 2 ELSE 1 END::UTINYINT
        AS band,
    list_sort(list_distinct(list_prepend(s.loan, s.so_far_keys))) AS evidence,
    s.is_cut AS search_cut
FROM summed AS s
CROSS JOIN params AS p
WHERE s.returned * 10000 >= s.drawn::HUGEINT * p.returned_bp
