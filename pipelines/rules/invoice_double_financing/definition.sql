/* One invoice or contract behind financings at different institutions.

   question : does one invoice or contract stand behind open financings at different institutions?
   grain    : one crossing per (variant, vantage, paper, financing that begins)
   reads    : tx, holding, params
   units    : measure in institutions; instants in us UTC
   shown to : every vantage its own rows
*/
WITH act AS (
    -- What a bill's buyer or pledgee does; a package is one bill whatever its sub-ranges.
    SELECT
        vantage, asset, key, event_time, invoice, contract,
        payee_party AS institution,
        event_code IN (6, 7) AS opens  -- DISC, PLDG; the others close: RDEM, CNCL, RLSE
    FROM tx
    WHERE event_code IN (6, 7, 9, 10, 11) AND asset <> 0
),
opening AS (
    SELECT
        o.vantage, o.asset, o.key, o.event_time, o.invoice, o.contract, o.institution,
        coalesce(min(c.event_time), 9223372036854775807) AS closed
    FROM act AS o
    LEFT JOIN act AS c
        ON NOT c.opens
        AND c.vantage = o.vantage
        AND c.asset = o.asset
        AND c.event_time >= o.event_time
    WHERE o.opens AND o.institution <> 0
    GROUP BY o.vantage, o.asset, o.key, o.event_time, o.invoice, o.contract, o.institution
),
bill AS (
    -- A bill that is sold on before it is closed stays one financing: that of its first buyer.
    SELECT
        vantage,
        asset,
        arg_min(key, (event_time, key)) AS key,
        min(event_time) AS begins,
        least(closed, max(event_time) + p.bill_tenor_days * 86400000000) AS ends,
        arg_min(institution, (event_time, key)) AS institution,
        coalesce(arg_min(invoice, (event_time, key)) FILTER (WHERE invoice <> 0), 0) AS invoice,
        coalesce(arg_min(contract, (event_time, key)) FILTER (WHERE contract <> 0), 0) AS contract
    FROM opening, params AS p
    GROUP BY vantage, asset, closed, p.bill_tenor_days
),
loan AS (
    -- A loan is open from its first day through its last, or until a statement says nothing is owed.
    SELECT
        vantage,
        asset,
        arg_min(key, (event_time, key)) AS key,
        epoch_us(min(effective_date)::TIMESTAMP) - 28800000000 AS begins,
        least(
            coalesce(
                epoch_us(max(expiration_date)::TIMESTAMP) + 86400000000 - 28800000000,
                9223372036854775807
            ),
            coalesce(min(event_time) FILTER (WHERE amount_fen = 0), 9223372036854775807)
        ) AS ends,
        holder_party AS institution,
        coalesce(arg_min(invoice, (event_time, key)) FILTER (WHERE invoice <> 0), 0) AS invoice,
        coalesce(arg_min(contract, (event_time, key)) FILTER (WHERE contract <> 0), 0) AS contract
    FROM holding
    WHERE holder_party <> 0 AND asset <> 0 AND effective_date IS NOT NULL
    GROUP BY vantage, holder_party, asset
),
financing AS (
    SELECT vantage, asset, key, begins, ends, institution, invoice, contract FROM bill
    UNION ALL
    SELECT vantage, asset, key, begins, ends, institution, invoice, contract FROM loan
),
papered AS (
    SELECT 'same_invoice' AS variant, invoice AS paper, * FROM financing WHERE invoice <> 0
    UNION ALL
    SELECT 'same_contract', contract, * FROM financing WHERE contract <> 0
),
open AS (
    -- For each financing that begins, those on the same paper that are open then, itself included.
    -- A contract counts only where the invoices are not known to be different deliveries or the
    -- same one: the first is lawful, the second is same_invoice already.
    SELECT
        d.variant,
        d.vantage,
        d.paper,
        d.begins AS instant,
        d.key AS deciding,
        g.key,
        g.institution
    FROM papered AS d
    JOIN papered AS g
        ON g.variant = d.variant
        AND g.vantage = d.vantage
        AND g.paper = d.paper
        AND (g.begins, g.key) <= (d.begins, d.key)
        AND g.ends > d.begins
        AND (d.variant = 'same_invoice' OR d.key = g.key OR d.invoice = 0 OR g.invoice = 0)
)
SELECT
    'invoice_double_financing' AS rule,
    variant,
    vantage::UTINYINT AS vantage,
    paper::BIGINT AS subject,
    instant::BIGINT AS instant,
    count(DISTINCT institution)::BIGINT AS measure,
    CASE WHEN measure >= p.band_2_institutions THEN 2 ELSE 1 END::UTINYINT AS band,
    list_sort(list_distinct(list(key))) AS evidence
FROM open, params AS p
GROUP BY variant, vantage, paper, instant, deciding, p.least_institutions, p.band_2_institutions
HAVING measure >= p.least_institutions
