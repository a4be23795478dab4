/* Acts on warehouse receipts: issued, pledged, released, passed on, split, merged, delivered, void.

   question : what happened to every receipt, and to whom is it pledged for how much?
   grain    : one row per (vantage, key)
   reads    : event
   units    : event_time in us UTC; grams of the goods; secured_fen and value_fen in CNY fen, null =
              not stated; taker is the pledgee, or the new owner; status is that after the act; ids
              63-bit, 0 = absent: batch is what the goods are (variety, brand, lot, weight), goods
              where they lie as well (warehouse, bay); number and parents as the registry writes
              them; vantage 0-3 the regions, 4 joint
   shown to : every vantage its own rows
*/
WITH newest AS (
    -- A correction takes the place of what it corrects; an act that was cancelled is none.
    SELECT *
    FROM event
    WHERE market_segment = 'WRCT' AND asset <> 0 AND NOT is_duplicate AND known_to IS NULL
    QUALIFY row_number() OVER (
        PARTITION BY transaction_id ORDER BY revision_number DESC, known_from DESC, report
    ) = 1
),
act AS (
    SELECT
        *,
        (notional_quantity * CASE quantity_unit_of_measure
            WHEN 'TNE' THEN 1000000 WHEN 'KGM' THEN 1000
        END)::BIGINT AS grams,
        -- null where a part is not stated
        source_instrument_id || '|' || goods_brand || '|' || goods_lot || '|' || grams AS which,
        which || '|' || warehouse_id || '|' || goods_bay AS which_and_where
    FROM newest
    WHERE action_type <> 'EROR'
)
SELECT
    v.vantage,
    n.transaction_id AS key,
    n.report,
    epoch_us(n.event_timestamp) AS event_time,
    n.event_type AS act,
    n.asset AS receipt,
    n.asset_reference_id AS number,
    string_split(replace(n.parent_asset_id, ' ', ''), ';') AS parents,  -- null = none
    n.pledge_status AS status,
    n.receipt_class = 'STD' AS is_standard,
    n.payer_party AS owner,
    n.payee_party AS taker,
    n.pledge_rank::INTEGER AS pledge_rank,
    (n.secured_amount * 100)::BIGINT AS secured_fen,
    (n.amount_cny * 100)::BIGINT AS value_fen,
    n.source_instrument_id AS variety,
    n.instrument,
    n.underlying_identification AS grade,
    n.goods_brand AS brand,
    n.goods_lot AS lot,
    n.goods_bay AS bay,
    n.warehouse_id AS warehouse,
    n.asset_region AS region,
    n.grams,
    id_of(('0x' || md5(n.which)[1:16])::UBIGINT) AS batch,
    id_of(('0x' || md5(n.which_and_where)[1:16])::UBIGINT) AS goods,
    n.effective_date,
    n.expiration_date,
    n.reporter
FROM act AS n
JOIN vantages() AS v ON v.mask = n.vantage_mask & 15
