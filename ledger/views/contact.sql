/* Phones, addresses and devices that parties gave, entry by entry.

   question : which parties does each region know under one phone, address or device?
   grain    : one row per (vantage, key, kind)
   reads    : entity, account
   units    : event_time in us UTC (start of the Beijing day the entry speaks of); kind phone,
              address or device; ids 63-bit, account 0 = not an account's entry; dates Beijing,
              valid_to the last day, null = open; vantage 0-3 the regions, 4 joint
   shown to : every vantage its own rows
*/
WITH given AS (
    SELECT
        vantage, key, event_time, party, 0::BIGINT AS account, valid_from, valid_to,
        {'phone': phone, 'address': address, 'device': device} AS of
    FROM entity
    UNION ALL
    SELECT
        vantage, key, event_time, party, account, valid_from, valid_to,
        {'phone': phone, 'address': address, 'device': device}
    FROM account
),
each AS (
    SELECT * EXCLUDE (of), 'phone' AS kind, of.phone AS token FROM given
    UNION ALL
    SELECT * EXCLUDE (of), 'address', of.address FROM given
    UNION ALL
    SELECT * EXCLUDE (of), 'device', of.device FROM given
)
SELECT vantage, key, kind, token, event_time, party, account, valid_from, valid_to
FROM each
WHERE token <> 0 AND party <> 0
