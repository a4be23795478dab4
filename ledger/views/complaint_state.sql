/* States of complaints, each with its clocks.

   question : which complaints does each region hold, and how far did each get?
   grain    : one row per (vantage, key)
   reads    : complaint, institution
   units    : event_time in us UTC; disputed_fen in CNY fen, null = not stated; complainant, phone
              and institution (the party of its legal person) 63-bit ids, 0 = absent; is_newest
              marks the last state of a complaint; vantage 0-3 the regions, 4 joint
   shown to : every vantage its own rows
*/
WITH stated AS (
    SELECT
        c.report AS key,
        id_of(('0x' || md5(c.report_submitting_entity_id || '|' || c.source_trade_id)[1:16])::UBIGINT)
            AS complaint,
        epoch_us(c.event_timestamp) AS event_time,
        c.complaint_state AS state,
        c.complaint_category AS category,
        c.complaint_cause AS cause,
        c.complaint_channel AS channel,
        c.complaint_outcome AS outcome,
        c.institution_id,
        coalesce(n.party, 0) AS institution,
        c.institution_region,
        c.complaint_region AS region,
        CASE
            WHEN c.complainant_id_basis = 'NAME' THEN 0
            ELSE id63(c.complainant_party_key)
        END AS complainant,
        token_id(c.phone_token) AS phone,
        (c.amount_cny * 100)::BIGINT AS disputed_fen,
        c.complaint_received_at AS received_at,
        c.complaint_accepted_at AS accepted_at,
        c.complaint_due_at AS due_at,
        c.complaint_answered_at AS answered_at,
        c.complaint_closed_at AS closed_at,
        c.reporter,
        c.vantage_mask,
        row_number() OVER (
            PARTITION BY c.report_submitting_entity_id, c.source_trade_id
            ORDER BY c.event_timestamp DESC, c.report
        ) = 1 AS is_newest
    FROM complaint AS c
    LEFT JOIN (
        SELECT institution_id, arg_max(party, valid_from) AS party FROM institution GROUP BY ALL
    ) AS n ON n.institution_id = c.institution_id
    WHERE NOT c.is_duplicate AND c.known_to IS NULL
)
SELECT v.vantage, stated.* EXCLUDE (vantage_mask)
FROM stated
JOIN vantages() AS v ON v.mask = stated.vantage_mask & 15
