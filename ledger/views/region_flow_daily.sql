/* Money that customers moved between areas, per business day.

   question : which pairs of areas grew faster than their own history?
   grain    : one row per (business_date, payer_region, payee_region)
   reads    : tx, calendar
   units    : amount_fen in CNY fen; business_date of the bank calendar; four regions only: at least
   shown to : all four supervisors
*/
SELECT
    c.business_date,
    coalesce(t.payer_region, 'OUT') AS payer_region,
    coalesce(t.payee_region, 'OUT') AS payee_region,
    count(*)::BIGINT AS transfers,
    sum(t.amount_fen)::BIGINT AS amount_fen,
    wan_yuan(sum(t.amount_fen)::BIGINT) AS amount_wan_yuan
FROM tx AS t
JOIN calendar AS c ON c.calendar = 'BANK' AND c.business_ordinal = t.business_ordinal
WHERE t.vantage = 4 AND t.market_segment = 'PYMT'
    AND t.event_type = 'PAYM'  -- returns, statuses and transfers between institutions are other events
GROUP BY ALL
