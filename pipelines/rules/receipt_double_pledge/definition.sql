/* Goods that secure more than they are: pledged twice, pledged when gone, pledged beyond the stock.

   question : does money rest on pledged goods that are not there, or are pledged to others as well?
   grain    : one crossing per (variant, vantage, subject, day at whose end it stands)
   reads    : receipt_act, stock, params
   units    : measure in CNY fen; instants in us UTC, the last of a Beijing day; weights in grams
   shown to : every vantage its own rows
*/
WITH RECURSIVE act AS MATERIALIZED (
    SELECT *, (event_time + 28800000000) // 86400000000 AS day FROM receipt_act
),
receipt AS MATERIALIZED (
    -- What each receipt is, as first told. A part of a split receipt is no receipt of other goods.
    SELECT vantage, number, any_value(receipt) AS receipt, bool_or(act = 'SPLT') AS is_part,
        arg_min(is_standard, (event_time, key)) AS is_standard,
        arg_min(goods, (event_time, key)) AS goods,
        arg_min(batch, (event_time, key)) AS batch,
        arg_min(grams, (event_time, key)) AS grams,
        arg_min(variety, (event_time, key)) AS variety,
        arg_min(warehouse, (event_time, key)) AS warehouse
    FROM act
    GROUP BY vantage, number
),
inside AS (
    SELECT vantage, parents[1] AS whole, number AS part
    FROM act
    WHERE act = 'SPLT' AND parents IS NOT NULL
    UNION
    SELECT vantage, number, unnest(parents) FROM act WHERE act = 'MERG'
),
contains AS (
    -- Every receipt contains itself, what it was split into and what was merged into it.
    SELECT vantage, number AS whole, number AS part FROM receipt
    UNION
    SELECT c.vantage, c.whole, i.part
    FROM contains AS c
    JOIN inside AS i ON i.vantage = c.vantage AND i.whole = c.part
),
given AS (
    -- A pledge that names no amount secures all that is owed: the goods' value.
    SELECT vantage, key, number, taker, pledge_rank, event_time, day AS opens,
        coalesce(secured_fen, value_fen, 0) AS fen, coalesce(value_fen, 0) AS value_fen,
        lead(day) OVER (PARTITION BY vantage, number, taker ORDER BY event_time, key) AS renewed
    FROM act
    WHERE act = 'PLDG' AND taker <> 0
),
pledge AS MATERIALIZED (
    -- Open at the end of a day from `opens` to before `ends`; a release that names nobody ends all.
    SELECT g.vantage, g.key, g.number, g.taker, g.pledge_rank, g.event_time, g.opens, g.fen,
        g.value_fen, least(coalesce(g.renewed, 4000000), coalesce(min(r.day), 4000000)) AS ends
    FROM given AS g
    LEFT JOIN act AS r
        ON r.act = 'RLSE'
        AND r.vantage = g.vantage
        AND r.number = g.number
        AND r.taker IN (g.taker, 0)
        AND r.event_time >= g.event_time
    GROUP BY g.vantage, g.key, g.number, g.taker, g.pledge_rank, g.event_time, g.opens, g.fen,
        g.value_fen, g.renewed
),
burden AS MATERIALIZED (
    -- What pledges rest on, three ways: a receipt, the goods in their place, the lot anywhere.
    -- `piece` tells apart what may secure money side by side.
    SELECT 'receipt' AS level, w.receipt AS subject, c.whole, p.number AS piece, p.*
    FROM pledge AS p
    JOIN contains AS c ON c.vantage = p.vantage AND c.part = p.number
    JOIN receipt AS w ON w.vantage = c.vantage AND w.number = c.whole
    UNION ALL
    SELECT 'goods', w.goods, '', c.whole, p.*
    FROM pledge AS p
    JOIN contains AS c ON c.vantage = p.vantage AND c.part = p.number
    JOIN receipt AS w ON w.vantage = c.vantage AND w.number = c.whole
    WHERE NOT w.is_standard AND NOT w.is_part AND w.goods <> 0
    UNION ALL
    SELECT 'lot', w.batch, '', w.goods::VARCHAR, p.*
    FROM pledge AS p
    JOIN contains AS c ON c.vantage = p.vantage AND c.part = p.number
    JOIN receipt AS w ON w.vantage = c.vantage AND w.number = c.whole
    CROSS JOIN params AS r
    WHERE NOT w.is_standard AND NOT w.is_part AND w.batch <> 0 AND w.goods <> 0
        AND w.grams % r.whole_grams <> 0
),
shared AS MATERIALIZED (
    SELECT b.*
    FROM burden AS b
    SEMI JOIN (
        SELECT level, vantage, subject
        FROM burden
        GROUP BY ALL
        HAVING count(DISTINCT taker) >= (SELECT least_pledgees FROM params)
    ) AS s ON s.level = b.level AND s.vantage = b.vantage AND s.subject = b.subject
),
live AS (
    -- At the end of each day on which a pledge was given, all that are open.
    SELECT d.day, s.*
    FROM (SELECT DISTINCT level, vantage, subject, opens AS day FROM shared) AS d
    JOIN shared AS s
        ON s.level = d.level
        AND s.vantage = d.vantage
        AND s.subject = d.subject
        AND s.opens <= d.day
        AND s.ends > d.day
),
piece AS MATERIALIZED (
    SELECT level, vantage, subject, whole, day, piece, sum(fen) AS fen,
        max(value_fen) AS value_fen, min((event_time, key)) AS since, list(key) AS keys,
        list(taker) AS takers,
        count(pledge_rank) > count(DISTINCT pledge_rank) AS is_equal
    FROM live
    GROUP BY ALL
),
worth AS (
    SELECT p.vantage, p.whole, p.day, max(a.value_fen) AS value_fen
    FROM (SELECT DISTINCT vantage, whole, day FROM piece WHERE level = 'receipt') AS p
    JOIN act AS a ON a.vantage = p.vantage AND a.number = p.whole AND a.day <= p.day
    GROUP BY ALL
),
held AS (
    SELECT p.level, p.vantage, p.subject, p.day,
        bool_or(p.is_equal) AS is_equal,
        count(*) AS pieces,
        bool_and(p.piece = p.whole) AS is_whole,
        sum(p.fen) AS fen,
        arg_min(p.fen, p.since) AS first_fen,
        -- The whole is worth what was said of it, or what its parts are worth, whichever is more.
        greatest(
            coalesce(any_value(w.value_fen), 0),
            coalesce(sum(p.value_fen) FILTER (WHERE p.piece <> p.whole), 0)
        ) AS value_fen,
        len(list_distinct(flatten(list(p.takers)))) AS pledgees,
        flatten(list(p.keys)) AS keys
    FROM piece AS p
    LEFT JOIN worth AS w
        ON p.level = 'receipt' AND w.vantage = p.vantage AND w.whole = p.whole AND w.day = p.day
    GROUP BY p.level, p.vantage, p.subject, p.day
),
twice AS (
    SELECT
        CASE level
            WHEN 'goods' THEN 'same_goods'
            WHEN 'lot' THEN 'same_lot'
            ELSE CASE WHEN is_equal THEN 'equal_rank' ELSE 'over_value' END
        END AS variant,
        vantage, subject, day, keys,
        fen - CASE WHEN level = 'receipt' THEN value_fen ELSE first_fen END AS gap_fen
    FROM held
    WHERE pledgees >= (SELECT least_pledgees FROM params)
        AND (pieces > 1 OR (level = 'receipt' AND is_whole))
),
gone AS (
    SELECT 'goods_gone' AS variant, p.vantage, w.receipt AS subject, greatest(p.opens, v.day) AS day,
        list(p.key) || [v.key] AS keys, sum(p.fen) AS gap_fen
    FROM pledge AS p
    JOIN receipt AS w ON w.vantage = p.vantage AND w.number = p.number
    JOIN (
        SELECT vantage, number, min(day) AS day, arg_min(key, (event_time, key)) AS key
        FROM act
        WHERE act = 'CNCL' OR coalesce(status = 'CNCL', act = 'DLVR')
        GROUP BY vantage, number
    ) AS v ON v.vantage = p.vantage AND v.number = p.number
    WHERE p.ends > greatest(p.opens, v.day)
    GROUP BY p.vantage, w.receipt, greatest(p.opens, v.day), v.key
),
weighed AS (
    -- Each standard receipt once, whoever holds pledges on it.
    SELECT s.vantage, s.place, s.key AS stated, s.grams AS stock_grams, w.number,
        (s.event_time + 28800000000) // 86400000000 AS day,
        any_value(w.grams) AS grams, sum(p.fen) AS fen, list(p.key) AS keys
    FROM stock AS s
    JOIN receipt AS w
        ON w.vantage = s.vantage
        AND w.is_standard
        AND w.variety = s.variety
        AND w.warehouse = s.warehouse
    JOIN pledge AS p
        ON p.vantage = w.vantage
        AND p.number = w.number
        AND p.opens <= (s.event_time + 28800000000) // 86400000000
        AND p.ends > (s.event_time + 28800000000) // 86400000000
    GROUP BY ALL
),
measured AS (
    SELECT vantage, place, day, stated, flatten(list(keys)) || [stated] AS keys,
        CASE
            WHEN sum(grams) * 10000
                > stock_grams::HUGEINT * (10000 + (SELECT stock_slack_bp FROM params))
            THEN sum(fen)::HUGEINT * (sum(grams) - stock_grams) // sum(grams)
            ELSE 0
        END AS gap_fen
    FROM weighed
    GROUP BY vantage, place, day, stated, stock_grams
),
over AS (
    -- Told when it begins and when it grows, not every day that it lasts.
    SELECT 'over_stock' AS variant, vantage, place AS subject, day, keys, gap_fen
    FROM measured
    QUALIFY gap_fen > coalesce(lag(gap_fen) OVER (PARTITION BY vantage, place ORDER BY day), 0)
),
every AS (
    SELECT variant, vantage, subject, day, gap_fen, keys FROM twice
    UNION ALL
    SELECT variant, vantage, subject, day, gap_fen, keys FROM gone
    UNION ALL
    SELECT variant, vantage, subject, day, gap_fen, keys FROM over
)
SELECT
    'receipt_double_pledge' AS rule,
    e.variant,
    e.vantage::UTINYINT AS vantage,
    e.subject::BIGINT AS subject,
    (e.day + 1) * 86400000000 - 28800000001 AS instant,
    e.gap_fen::BIGINT AS measure,
    CASE WHEN e.gap_fen >= p.band_2_gap_fen THEN 2 ELSE 1 END::UTINYINT AS band,
    list_sort(list_distinct(e.keys)) AS evidence
FROM every AS e
CROSS JOIN params AS p
WHERE e.gap_fen >= p.least_gap_fen
