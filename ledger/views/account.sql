/* Accounts as registered: whose they are, where they are kept.

   question : which accounts does each region have in its register, and whose are they?
   grain    : one row per (vantage, key)
   reads    : register
   units    : event_time in us UTC (start of the Beijing day the entry speaks of); ids 63-bit,
              0 = absent; dates Beijing, valid_to the last day, null = open; vantage 0-3 the
              regions, 4 joint
   shown to : every vantage its own rows
*/
SELECT
    v.vantage,
    r.report AS key,
    epoch_us(r.event_timestamp) AS event_time,
    r.entity_account AS account,
    r.entity_party AS party,
    r.account_type,
    r.account_agent_id AS agent_id,
    r.entity_region AS region,
    token_id(r.phone_token) AS phone,
    token_id(r.address_token) AS address,
    token_id(r.device_token) AS device,
    r.valid_from,
    r.valid_to,
    r.reporter
FROM register AS r
JOIN vantages() AS v ON v.mask = r.vantage_mask & 15
WHERE r.register_type = 'ACCOUNT' AND NOT r.is_duplicate AND r.known_to IS NULL
