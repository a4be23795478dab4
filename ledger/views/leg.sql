/* Reports of events as the narrow row has them: the legs that pairing merges.

   question : what does each report say of its transaction?
   grain    : one row per (report)
   reads    : event, market, group_member
   units    : event_time in us UTC; amount_fen in CNY fen; ids 63-bit, 0 = absent (a NAME links
              nothing, so such a party is absent); bits 0-3 of mask are the regions that hold it;
              of an order that was withdrawn range_start and flags are as in schemas.narrow
   shown to : joint cases only
*/
SELECT
    e.transaction_id AS key,
    e.report,
    epoch_us(e.event_timestamp) AS event_time,
    coalesce((e.amount_cny * 100)::BIGINT, 0) AS amount_fen,
    e.payer_account,
    e.payee_account,
    e.payer_party,
    e.payee_party,
    coalesce(gp.group_id, 0) AS payer_group,  -- as known when it happened
    coalesce(gq.group_id, 0) AS payee_group,
    e.asset,
    CASE
        WHEN e.event_type = 'EXEC' AND e.order_status = 'CNCL' AND e.contract_class IS NOT NULL
        THEN
            greatest(
                floor(least(coalesce(e.order_quantity, 0), 2147483647))::BIGINT
                - floor(least(coalesce(e.cumulative_quantity, 0), 2147483647))::BIGINT,
                0
            )
            + floor(least(coalesce(e.max_order_quantity, 0), 2147483647))::BIGINT * 4294967296
        ELSE coalesce(e.asset_range_start, 0)
    END AS range_start,
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
        | CASE
            WHEN e.event_type = 'EXEC' AND e.order_status = 'CNCL' AND e.contract_class IS NOT NULL
            THEN
                64
                | CASE
                    WHEN e.time_in_force IN ('IOC', 'FOK') OR e.orig_order_id IS NULL THEN 128
                    ELSE 0
                END
                | CASE WHEN e.trading_purpose = 'HEDG' THEN 256 ELSE 0 END
                | CASE WHEN e.trading_purpose = 'MKTM' THEN 512 ELSE 0 END
                | (
                    CASE e.contract_class
                        WHEN 'SHFE' THEN 1 WHEN 'INE' THEN 2 WHEN 'DCE' THEN 3
                        WHEN 'CZCE' THEN 4 WHEN 'CFFX' THEN 5 WHEN 'CFFI' THEN 6 ELSE 0
                    END
                    << 16
                )
            ELSE 0
        END
    )::UINTEGER AS flags,
    e.payer_agent,
    e.payee_agent,
    e.reporter,
    coalesce(e.asset_range_end, 0) AS range_end,
    e.invoice,
    e.contract,
    e.counterparty_1_region AS payer_region,
    e.counterparty_2_region AS payee_region,
    e.market_segment,
    e.event_type,
    (e.vantage_mask & 15)::UTINYINT AS mask,
    m.pair_wait_us,
    m.pair_memory_us
FROM event AS e
JOIN market AS m ON m.market_segment = e.market_segment
LEFT JOIN group_member AS gp
    ON gp.party = e.payer_party
    AND gp.valid_from <= epoch_us(e.event_timestamp)
    AND gp.valid_to > epoch_us(e.event_timestamp)
LEFT JOIN group_member AS gq
    ON gq.party = e.payee_party
    AND gq.valid_from <= epoch_us(e.event_timestamp)
    AND gq.valid_to > epoch_us(e.event_timestamp)
WHERE NOT e.is_duplicate AND e.known_to IS NULL
