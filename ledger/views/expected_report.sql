/* Which institution should have reported which payment, and when its report came.

   question : whose report of a payment is there, late or missing, and who else told of it?
   grain    : one row per (vantage, key, institution)
   reads    : event, institution
   units    : times in us UTC; reported_us and told_us times of receipt of the first report of
              itself and of somebody else, null = none came; amounts in CNY fen; time_gap_us in
              us; institution is the id of who reports; business_ordinal counts bank days; vantage
              0-3 the regions, which expect the reports of their own institutions only, 4 joint
   shown to : every vantage its own rows
*/
WITH filed AS (
    -- Payments of which two reports are due (PYMT in schemas/visibility.toml), as first reported:
    -- what is corrected later was wrong when it came.
    SELECT
        e.transaction_id AS key,
        e.reporter,
        epoch_us(e.event_timestamp) AS event_time,
        e.business_ordinal,
        e.business_date,
        epoch_us(e.known_from) AS received_us,
        coalesce((e.amount_cny * 100)::BIGINT, 0) AS amount_fen,
        (e.vantage_mask & 15)::UTINYINT AS mask,
        e.debtor_agent_id AS payer_agent_id,
        e.creditor_agent_id AS payee_agent_id
    FROM event AS e
    WHERE
        e.market_segment = 'PYMT'
        AND e.event_type = 'PAYM'
        AND e.transaction_key IS NOT NULL
        AND e.debtor_agent_id <> e.creditor_agent_id
        AND e.revision_number = 0
        AND NOT e.is_duplicate
        AND e.known_to IS NULL
),
known AS (
    SELECT
        reporter AS institution,
        institution_id,
        valid_from,
        valid_to,
        CASE area
            WHEN '310000' THEN 0 WHEN '320000' THEN 1 WHEN '330000' THEN 2 WHEN '330200' THEN 2
            WHEN '340000' THEN 3
        END AS region
    FROM institution
),
two_sided AS (
    -- Each report names two institutions that owe one; who is closed or elsewhere owes none.
    SELECT f.*, p.institution AS payer_side, p.region AS payer_place,
        q.institution AS payee_side, q.region AS payee_place
    FROM filed AS f
    JOIN known AS p
        ON p.institution_id = f.payer_agent_id
        AND p.region IS NOT NULL
        AND f.business_date BETWEEN p.valid_from AND coalesce(p.valid_to, f.business_date)
    JOIN known AS q
        ON q.institution_id = f.payee_agent_id
        AND q.region IS NOT NULL
        AND f.business_date BETWEEN q.valid_from AND coalesce(q.valid_to, f.business_date)
),
owed AS (
    SELECT *, payer_side AS institution, payer_place AS place FROM two_sided
    UNION ALL
    SELECT *, payee_side, payee_place FROM two_sided
)
SELECT
    v.vantage,
    o.key,
    o.institution,
    min(o.event_time) AS event_time,
    min(o.business_ordinal) AS business_ordinal,
    max(o.amount_fen) AS amount_fen,
    max(o.amount_fen) - min(o.amount_fen) AS amount_gap_fen,
    max(o.event_time) - min(o.event_time) AS time_gap_us,
    min(o.received_us) FILTER (o.reporter = o.institution) AS reported_us,
    min(o.received_us) FILTER (o.reporter <> o.institution) AS told_us
FROM owed AS o
JOIN vantages() AS v
    ON v.mask = CASE WHEN o.place < 4 THEN o.mask & (1 << o.place) ELSE 0 END
GROUP BY v.vantage, o.key, o.institution
