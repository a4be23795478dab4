/* Transactions as each vantage knows them.

   question : what does each region, and what do all together, know of every transaction?
   grain    : one row per (vantage, key, start)
   reads    : leg
   units    : event_time and start in us UTC; amount_fen in CNY fen; ids 63-bit, 0 = absent;
              vantage 0-3 the regions, 4 joint
   shown to : every vantage its own rows
*/
WITH RECURSIVE counted AS (
    SELECT *, (count(*) OVER (PARTITION BY key))::INTEGER AS legs FROM leg
),
together AS (
    SELECT * EXCLUDE (legs) FROM counted WHERE legs > 1
),
generation AS (
    -- A key's first leg opens a transaction; a leg beyond the memory opens the next one.
    SELECT key, min(event_time) AS start, any_value(pair_memory_us) AS pair_memory_us
    FROM together
    GROUP BY key
    UNION ALL
    SELECT g.key, min(later.event_time), any_value(g.pair_memory_us)
    FROM generation AS g
    JOIN together AS later ON later.key = g.key AND later.event_time > g.start + g.pair_memory_us
    GROUP BY g.key, g.start
),
placed AS (
    SELECT l.*, g.start, l.event_time <= g.start + l.pair_wait_us AS prompt
    FROM together AS l
    ASOF JOIN generation AS g ON l.key = g.key AND l.event_time >= g.start
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
    JOIN vantages() AS v ON v.mask = CASE WHEN own.prompt THEN own.mask ELSE own.new_bits + 16 END
),
known AS (
    -- Of each column the first value that is not absent, in report order (arg_min skips null).
    SELECT
        vantage,
        key,
        start,
        min(report) AS report,
        count(*)::INTEGER AS legs,
        coalesce(arg_min(nullif(event_time, 0), report), 0) AS event_time,
        coalesce(arg_min(nullif(amount_fen, 0), report), 0) AS amount_fen,
        coalesce(arg_min(nullif(payer_account, 0), report), 0) AS payer_account,
        coalesce(arg_min(nullif(payee_account, 0), report), 0) AS payee_account,
        coalesce(arg_min(nullif(payer_party, 0), report), 0) AS payer_party,
        coalesce(arg_min(nullif(payee_party, 0), report), 0) AS payee_party,
        coalesce(arg_min(nullif(payer_group, 0), report), 0) AS payer_group,
        coalesce(arg_min(nullif(payee_group, 0), report), 0) AS payee_group,
        coalesce(arg_min(nullif(asset, 0), report), 0) AS asset,
        coalesce(arg_min(nullif(range_start, 0), report), 0) AS range_start,
        coalesce(arg_min(nullif(instrument, 0), report), 0) AS instrument,
        coalesce(arg_min(nullif(business_ordinal, 0), report), 0) AS business_ordinal,
        coalesce(arg_min(nullif(event_code, 0), report), 0) AS event_code,
        coalesce(arg_min(nullif(flags, 0), report), 0) AS flags,
        coalesce(arg_min(nullif(payer_agent, 0), report), 0) AS payer_agent,
        coalesce(arg_min(nullif(payee_agent, 0), report), 0) AS payee_agent,
        coalesce(arg_min(nullif(reporter, 0), report), 0) AS reporter,
        coalesce(arg_min(nullif(range_end, 0), report), 0) AS range_end,
        coalesce(arg_min(nullif(invoice, 0), report), 0) AS invoice,
        coalesce(arg_min(nullif(contract, 0), report), 0) AS contract,
        arg_min(payer_region, report) AS payer_region,
        arg_min(payee_region, report) AS payee_region,
        arg_min(market_segment, report) AS market_segment,
        arg_min(event_type, report) AS event_type
    FROM held
    GROUP BY vantage, key, start
),
every AS (
    SELECT * FROM known
    UNION ALL BY NAME
    -- Where there is one leg, there is nothing to merge: half the keys, without the cost.
    SELECT v.vantage, counted.*, event_time AS start
    FROM counted
    JOIN vantages() AS v ON v.mask = counted.mask & 15
    WHERE legs = 1
)
SELECT
    vantage, key, key AS transaction_id, start, report, legs,
    event_time, amount_fen, payer_account, payee_account, payer_party, payee_party,
    payer_group, payee_group, asset, range_start, instrument, business_ordinal, event_code, flags,
    payer_agent, payee_agent, reporter, range_end, invoice, contract,
    payer_region, payee_region, market_segment, event_type
FROM every
