/* Loans of one bank to one borrower, or to one group, against the bank's capital.

   question : do a bank's branches together lend somebody more than a tenth of its capital?
   grain    : one crossing per (variant, vantage, bank and subject, day of statements)
   reads    : holding, group_member, capital, params
   units    : measure in basis points of capital; amounts in CNY fen; instants in us UTC
   shown to : every vantage its own rows
*/
WITH lent AS (
    -- What stood in the registers of a day. Branches report, the bank is their legal person.
    SELECT vantage, key, event_time, business_date, amount_fen,
        holder_party AS bank, other_party AS borrower
    FROM holding
    WHERE market_segment = 'LOAN' AND holder_party <> 0 AND other_party <> 0 AND amount_fen > 0
),
counted AS (
    SELECT
        'same_borrower' AS variant,
        greatest(xor(bank, ((borrower & 4294967295) << 31) | (borrower >> 32)), 1) AS subject,
        *
    FROM lent
    UNION ALL
    SELECT 'one_group', g.group_id, l.*
    FROM lent AS l
    JOIN group_member AS g
        ON g.party = l.borrower AND g.valid_from <= l.event_time AND g.valid_to > l.event_time
),
one AS (
    -- Statements of one day only: what another day says may have been paid back since.
    SELECT variant, vantage, bank, subject, borrower, event_time, business_date,
        sum(amount_fen) AS fen
    FROM counted
    GROUP BY variant, vantage, bank, subject, borrower, event_time, business_date
),
owed AS (
    SELECT variant, vantage, bank, subject, event_time, business_date,
        sum(fen) AS fen, max(fen) AS most_of_one
    FROM one
    GROUP BY variant, vantage, bank, subject, event_time, business_date
),
measured AS (
    SELECT
        o.*,
        c.net_capital_fen,
        CASE WHEN o.variant = 'same_borrower' THEN p.line_bp ELSE p.group_line_bp END AS line_bp,
        CASE WHEN o.variant = 'same_borrower' THEN p.band_2_bp ELSE p.group_band_2_bp END
            AS far_bp
    FROM owed AS o
    JOIN capital AS c
        ON c.party = o.bank
        AND c.valid_from <= o.business_date
        AND coalesce(c.valid_to, DATE '9999-12-31') >= o.business_date
    CROSS JOIN params AS p
    -- A group of which one member owes nearly everything is that borrower.
    WHERE o.variant = 'same_borrower'
        OR (o.fen - o.most_of_one) * 10000 >= c.net_capital_fen::HUGEINT * p.others_bp
),
over AS (
    SELECT * FROM measured WHERE fen * 10000 > net_capital_fen::HUGEINT * line_bp
)
SELECT
    'exposure_concentration' AS rule,
    o.variant,
    o.vantage::UTINYINT AS vantage,
    o.subject::BIGINT AS subject,
    o.event_time::BIGINT AS instant,
    (any_value(o.fen) * 10000 // any_value(o.net_capital_fen))::BIGINT AS measure,
    CASE
        WHEN any_value(o.fen) * 10000 > any_value(o.net_capital_fen::HUGEINT * o.far_bp) THEN 2
        ELSE 1
    END::UTINYINT AS band,
    list(c.key ORDER BY c.key) AS evidence
FROM over AS o
JOIN counted AS c
    ON c.variant = o.variant
    AND c.vantage = o.vantage
    AND c.bank = o.bank
    AND c.subject = o.subject
    AND c.event_time = o.event_time
    AND c.business_date = o.business_date
GROUP BY o.variant, o.vantage, o.bank, o.subject, o.event_time, o.business_date
