/* Legs of one transaction become variants: the auditable definition of pairing.

   question : what does each vantage know of a transaction, and do the legs agree?
   grain    : one row per (key, generation, content); late legs: one row per leg
   reads    : report (narrow columns), pairing_params (one row: wait_us, memory_us)
   units    : event_time in us UTC; amount_fen in CNY fen; 0 = absent; mask bit 4 = joint
   shown to : nobody; rules read it through tx
*/
WITH RECURSIVE generation AS (
    -- A key's first leg opens a transaction; a leg beyond the memory opens the next one.
    SELECT key, min(event_time) AS start
    FROM report
    GROUP BY key
    UNION ALL
    SELECT later.key, min(later.event_time)
    FROM generation AS g
    JOIN report AS later
        ON later.key = g.key
        AND later.event_time > g.start + (SELECT memory_us FROM pairing_params)
    GROUP BY later.key
),
leg AS (
    SELECT r.*, g.start, r.event_time <= g.start + (SELECT wait_us FROM pairing_params) AS prompt
    FROM report AS r
    ASOF JOIN generation AS g ON r.key = g.key AND r.event_time >= g.start
),
held AS (
    SELECT v.vantage, leg.*
    FROM leg
    JOIN (SELECT unnest([0, 1, 2, 3, 4]) AS vantage) AS v
        ON v.vantage = 4 OR (leg.mask >> v.vantage) & 1 = 1
    WHERE leg.prompt
),
content AS (
    -- What a vantage knows: of each column the first value that is not absent, in report order.
    SELECT
        key,
        start,
        vantage,
        min(report) AS report,
        {contents}
    FROM held
    GROUP BY key, start, vantage
),
merged AS (
    SELECT
        key,
        min(report) AS report,
        sum(1 << vantage)::UTINYINT AS mask,
        {columns}
    FROM content
    GROUP BY key, start, {columns}
),
late AS (
    -- A leg after the wait: the region bits nobody had yet, with its own content.
    SELECT
        *,
        (mask & 15) & ~coalesce(
            bit_or(mask) OVER (
                PARTITION BY key, start
                ORDER BY event_time, report
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            0
        ) AS own
    FROM leg
)
SELECT key, report, mask, {columns} FROM merged
UNION ALL
SELECT key, report, own::UTINYINT, {columns} FROM late WHERE NOT prompt AND own <> 0
