/* Transactions as each vantage knows them.

   question : what does each region, and what do all together, know of every transaction?
   grain    : one row per (vantage, key, start)
   reads    : event, market
   units    : event_time and start in us UTC; amount_fen in CNY fen; ids 63-bit, 0 = absent;
              vantage 0-3 the regions, 4 joint
   shown to : every vantage its own rows
*/
WITH RECURSIVE leg AS (
    -- Reports as the narrow row has them; a NAME links nothing, so such a party is absent.
    SELECT
        e.transaction_id AS key,
        e.report,
        epoch_us(e.event_timestamp) AS event_time,
        coalesce((e.amount_cny * 100)::BIGINT, 0) AS amount_fen,
        e.payer_account,
        e.payee_account,
        CASE WHEN e.counterparty_1_id_basis = 'NAME' THEN 0
            ELSE id63(e.counterparty_1_party_key) END AS payer_party,
        CASE WHEN e.counterparty_2_id_basis = 'NAME' THEN 0
            ELSE id63(e.counterparty_2_party_key) END AS payee_party,
        0::BIGINT AS payer_group,  -- controller groups: none are computed yet
        0::BIGINT AS payee_group,
        e.asset,
        coalesce(e.asset_range_start, 0) AS range_start,
        e.instrument,
        e.business_ordinal,
        event_code_of(e.event_type)::SMALLINT AS event_code,
        (
            CASE WHEN e.counterparty_1_nature = 'I' THEN 1 ELSE 0 END
            | CASE WHEN e.counterparty_2_nature = 'I' THEN 2 ELSE 0 END
            | CASE WHEN e.cross_border_indicator = 'Y' THEN 4 ELSE 0 END
            | CASE WHEN e.transaction_key IS NULL THEN 8 ELSE 0 END
            | CASE WHEN e.counterparty_1_id_basis = 'NAME' THEN 16 ELSE 0 END
            | CASE WHEN e.counterparty_2_id_basis = 'NAME' THEN 32 ELSE 0 END
        )::UINTEGER AS flags,
        e.reporter,
        coalesce(e.asset_range_end, 0) AS range_end,
        id63(e.invoice_hash) AS invoice,
        id63(e.contract_hash) AS contract,
        e.counterparty_1_region AS payer_region,
        e.counterparty_2_region AS payee_region,
        e.market_segment,
        e.event_type,
        (e.vantage_mask & 15)::UTINYINT AS mask,
        m.pair_wait_us,
        m.pair_memory_us
    FROM event AS e
    JOIN market AS m ON m.market_segment = e.market_segment
    WHERE NOT e.is_duplicate AND e.known_to IS NULL
),
generation AS (
    -- A key's first leg opens a transaction; a leg beyond the memory opens the next one.
    SELECT key, min(event_time) AS start, any_value(pair_memory_us) AS pair_memory_us
    FROM leg
    GROUP BY key
    UNION ALL
    SELECT g.key, min(later.event_time), any_value(g.pair_memory_us)
    FROM generation AS g
    JOIN leg AS later ON later.key = g.key AND later.event_time > g.start + g.pair_memory_us
    GROUP BY g.key, g.start
),
placed AS (
    SELECT leg.*, g.start, leg.event_time <= g.start + leg.pair_wait_us AS prompt
    FROM leg
    ASOF JOIN generation AS g ON leg.key = g.key AND leg.event_time >= g.start
),
own AS (
    -- The region bits a leg brings first; of a leg after the wait these are all that is new.
    SELECT
        *,
        mask & ~coalesce(
            bit_or(mask) OVER (
                PARTITION BY key, start ORDER BY event_time, report
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            0
        ) AS new_bits
    FROM placed
),
held AS (
    SELECT v.vantage, own.*
    FROM own
    JOIN (SELECT unnest([0, 1, 2, 3, 4])::UTINYINT AS vantage) AS v
        ON CASE
            WHEN v.vantage = 4 THEN own.prompt
            WHEN own.prompt THEN (own.mask >> v.vantage) & 1 = 1
            ELSE (own.new_bits >> v.vantage) & 1 = 1
        END
),
known AS (
    -- Of each column the first value that is not absent, in report order.
    SELECT
        vantage,
        key,
        start,
        min(report) AS report,
        count(*)::INTEGER AS legs,
        coalesce(arg_min(event_time, report) FILTER (WHERE event_time <> 0), 0) AS event_time,
        coalesce(arg_min(amount_fen, report) FILTER (WHERE amount_fen <> 0), 0) AS amount_fen,
        coalesce(arg_min(payer_account, report) FILTER (WHERE payer_account <> 0), 0) AS payer_account,
        coalesce(arg_min(payee_account, report) FILTER (WHERE payee_account <> 0), 0) AS payee_account,
        coalesce(arg_min(payer_party, report) FILTER (WHERE payer_party <> 0), 0) AS payer_party,
        coalesce(arg_min(payee_party, report) FILTER (WHERE payee_party <> 0), 0) AS payee_party,
        coalesce(arg_min(payer_group, report) FILTER (WHERE payer_group <> 0), 0) AS payer_group,
        coalesce(arg_min(payee_group, report) FILTER (WHERE payee_group <> 0), 0) AS payee_group,
        coalesce(arg_min(asset, report) FILTER (WHERE asset <> 0), 0) AS asset,
        coalesce(arg_min(range_start, report) FILTER (WHERE range_start <> 0), 0) AS range_start,
        coalesce(arg_min(instrument, report) FILTER (WHERE instrument <> 0), 0) AS instrument,
        coalesce(arg_min(business_ordinal, report) FILTER (WHERE business_ordinal <> 0), 0) AS business_ordinal,
        coalesce(arg_min(event_code, report) FILTER (WHERE event_code <> 0), 0) AS event_code,
        coalesce(arg_min(flags, report) FILTER (WHERE flags <> 0), 0) AS flags,
        coalesce(arg_min(reporter, report) FILTER (WHERE reporter <> 0), 0) AS reporter,
        coalesce(arg_min(range_end, report) FILTER (WHERE range_end <> 0), 0) AS range_end,
        coalesce(arg_min(invoice, report) FILTER (WHERE invoice <> 0), 0) AS invoice,
        coalesce(arg_min(contract, report) FILTER (WHERE contract <> 0), 0) AS contract,
        arg_min(payer_region, report) FILTER (WHERE payer_region IS NOT NULL) AS payer_region,
        arg_min(payee_region, report) FILTER (WHERE payee_region IS NOT NULL) AS payee_region,
        arg_min(market_segment, report) FILTER (WHERE market_segment IS NOT NULL) AS market_segment,
        arg_min(event_type, report) FILTER (WHERE event_type IS NOT NULL) AS event_type
    FROM held
    GROUP BY vantage, key, start
)
SELECT
    vantage, key, key AS transaction_id, start, report, legs,
    event_time, amount_fen, payer_account, payee_account, payer_party, payee_party,
    payer_group, payee_group, asset, range_start, instrument, business_ordinal, event_code, flags,
    reporter, range_end, invoice, contract,
    payer_region, payee_region, market_segment, event_type
FROM known
