/* Drawdowns, and the payments that could carry their money on.

   question : which transactions could lie on a way that begins with a loan?
   reads    : event, params
*/
WITH RECURSIVE stated AS MATERIALIZED (
    SELECT e.transaction_id AS key, e.event_type, e.payer_party, e.payee_party,
        epoch_us(e.event_timestamp) AS instant, coalesce((e.amount_cny * 100)::BIGINT, 0) AS fen
    FROM event AS e
    WHERE e.event_type IN ('DRAW', 'PAYM')
),
-- Legs of one payment may differ in anything: a vantage may know any of it.
between AS (
    SELECT key, min(instant) AS first, max(instant) AS last, min(fen) AS low, max(fen) AS high,
        list(DISTINCT payer_party) AS payers, list(DISTINCT payee_party) AS payees
    FROM stated
    CROSS JOIN params AS p
    WHERE event_type = 'PAYM'
    GROUP BY key, p.from_drawn_fen, p.part_bp
    HAVING max(fen)::HUGEINT * 10000 >= p.from_drawn_fen::HUGEINT * p.part_bp
),
paid AS MATERIALIZED (
    SELECT key, first, last, low, high, payer, unnest(payees) AS payee
    FROM (SELECT *, unnest(payers) AS payer FROM between)
),
reached AS (
    SELECT s.key AS loan, s.key, s.instant AS since, s.fen AS drawn, s.payee_party AS holder,
        s.instant AS instant, s.fen AS low, s.fen AS high, 0 AS hops
    FROM stated AS s
    CROSS JOIN params AS p
    WHERE s.event_type = 'DRAW' AND s.fen >= p.from_drawn_fen
    UNION
    SELECT r.loan, q.key, r.since, r.drawn, q.payee, q.first, q.low, q.high, r.hops + 1
    FROM reached AS r
    JOIN paid AS q ON q.payer = r.holder AND q.last > r.instant AND q.low <= r.high
    CROSS JOIN params AS p
    WHERE r.holder <> 0
        AND r.hops < p.most_hops
        AND q.first <= r.since + p.within_days * 86400000000
        AND q.high::HUGEINT * 10000 >= r.drawn::HUGEINT * p.part_bp
        AND (r.hops = 0 OR q.high::HUGEINT * 10000 >= r.low::HUGEINT * p.kept_bp)
)
SELECT loan AS key FROM reached WHERE hops > 1
UNION
SELECT key FROM reached WHERE hops > 0
