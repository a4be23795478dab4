/* Cancels: how often a client withdraws orders in one contract on one trading day.

   question : whose withdrawn orders reach an exchange's line: one account's, a client's, a group's?
   grain    : one crossing per (variant, vantage, subject, contract, trading day, deciding cancel)
   reads    : tx, params
   units    : measure in cancels; sizes in lots; event_time in us UTC; days are trading days
   shown to : every vantage its own rows
*/
WITH withdrawn AS (
    -- Orders withdrawn on request, not of hedgers or market makers, in contracts of the register.
    SELECT
        vantage, key, event_time, business_ordinal AS day, instrument AS contract,
        payer_account AS account, payer_party AS party, payer_group AS controller,
        (flags::BIGINT >> 16) & 15 AS class,  -- schemas.contracts.CONTRACT_CLASSES, from 1
        range_start & 4294967295 AS lots, range_start >> 32 AS most
    FROM tx
    WHERE
        event_code = 17  -- EXEC
        AND flags & 64 = 64  -- cancelled
        AND flags & 896 = 0  -- not immediate, hedging or market making
        AND (flags::BIGINT >> 16) & 15 <> 0
),
counted AS (
    -- Every cancel counts for how many there are; those that are large, for that as well.
    SELECT
        w.*,
        'frequent' AS kind,
        CASE WHEN class = 6 THEN p.frequent_times_index ELSE p.frequent_times END AS line
    FROM withdrawn AS w, params AS p
    UNION ALL
    SELECT
        w.*,
        'large',
        CASE
            WHEN class <= 2 THEN p.large_times_shfe
            WHEN class = 3 THEN p.large_times_dce
            WHEN class = 4 THEN p.large_times_czce
            ELSE p.large_times_cffex
        END
    FROM withdrawn AS w, params AS p
    WHERE
        CASE
            WHEN class <= 2 THEN lots >= p.large_lots_shfe
            WHEN class = 3 THEN most > 0 AND lots * 10000 > most * p.large_share_dce_bp
            WHEN class = 4 THEN lots >= p.large_lots_czce
            ELSE most > 0 AND lots * 10000 >= most * p.large_share_cffex_bp
        END
),
level AS (
    -- A client is made of accounts, a controller group of clients.
    SELECT *, 'party' AS level, party AS whole, account AS part FROM counted WHERE party <> 0
    UNION ALL
    SELECT *, 'group', controller, party FROM counted WHERE controller <> 0
),
running AS (
    SELECT
        *,
        count(*) OVER (
            PARTITION BY vantage, level, whole, contract, day, kind, part
            ORDER BY event_time, key ROWS UNBOUNDED PRECEDING
        ) AS of_part,
        count(*) OVER (
            PARTITION BY vantage, level, whole, contract, day, kind
            ORDER BY event_time, key ROWS UNBOUNDED PRECEDING
        ) AS of_whole
    FROM level
),
compared AS (
    -- Whether one part reached the line by itself: then the whole adds nothing to it.
    SELECT
        *,
        max(CASE WHEN part <> 0 AND of_part >= line THEN 1 ELSE 0 END) OVER (
            PARTITION BY vantage, level, whole, contract, day, kind
            ORDER BY event_time, key ROWS UNBOUNDED PRECEDING
        ) AS reached
    FROM running
),
measured AS (
    SELECT *, 'account' AS subject_kind, part AS subject, of_part AS measure
    FROM compared
    WHERE level = 'party' AND part <> 0
    UNION ALL
    SELECT *, level, whole, of_whole
    FROM compared
    WHERE reached = 0
),
banded AS (
    SELECT
        m.*,
        (measure * 10000 >= line * p.least_bp)::INTEGER
        + (measure >= line * p.band_2_lines)::INTEGER AS band,
        ((measure - 1) * 10000 >= line * p.least_bp)::INTEGER
        + (measure - 1 >= line * p.band_2_lines)::INTEGER AS band_before
    FROM measured AS m, params AS p
),
crossed AS (
    -- Unless every one is asked for, a crossing is the cancel by which a band is reached.
    SELECT b.*
    FROM banded AS b, params AS p
    WHERE CASE WHEN p.once_a_band = 1 THEN band > band_before ELSE band > 0 END
)
SELECT
    'cancel_ratio' AS rule,
    c.kind || '_' || c.subject_kind AS variant,
    c.vantage::UTINYINT AS vantage,
    c.subject::BIGINT AS subject,
    c.event_time AS instant,
    c.measure::BIGINT AS measure,
    c.band::UTINYINT AS band,
    list_sort(
        list(e.key ORDER BY e.event_time DESC, e.key DESC)[1:p.evidence_limit]
    ) AS evidence
FROM crossed AS c
JOIN params AS p ON true
JOIN level AS e USING (vantage, level, whole, contract, day, kind)
WHERE
    (e.event_time, e.key) <= (c.event_time, c.key)
    AND (c.subject_kind <> 'account' OR e.part = c.part)
GROUP BY
    c.kind, c.subject_kind, c.vantage, c.subject, c.contract, c.day, c.event_time, c.key,
    c.measure, c.band, p.evidence_limit
