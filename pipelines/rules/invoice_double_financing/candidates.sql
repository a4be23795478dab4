/* Financings on paper that enough institutions name: through whatever shares a key or an asset.

   question : which acts on bills and statements of loans could matter?
   reads    : event, position, params
*/
WITH said AS MATERIALIZED (
    SELECT transaction_id AS key, asset, invoice, contract, payee_party AS institution
    FROM event
    WHERE event_type IN ('DISC', 'PLDG', 'RDEM', 'RLSE', 'CNCL')
    UNION ALL
    SELECT transaction_id, asset, invoice, contract, payer_party FROM position
),
-- Legs of one transaction fill each other: what one of them lacks, another says.
named AS MATERIALIZED (SELECT DISTINCT key, asset FROM said WHERE asset <> 0),
paper AS (
    SELECT DISTINCT a.asset, s.kind, s.paper
    FROM (
        SELECT key, 'invoice' AS kind, invoice AS paper FROM said WHERE invoice <> 0
        UNION
        SELECT key, 'contract', contract FROM said WHERE contract <> 0
    ) AS s
    JOIN named AS a USING (key)
),
institution AS (
    SELECT DISTINCT a.asset, s.institution FROM said AS s JOIN named AS a USING (key)
),
enough AS (
    SELECT p.kind, p.paper
    FROM paper AS p
    JOIN institution AS i USING (asset)
    GROUP BY p.kind, p.paper
    HAVING count(DISTINCT i.institution) >= (SELECT least_institutions FROM params)
)
SELECT DISTINCT a.key
FROM named AS a
SEMI JOIN (SELECT p.asset FROM paper AS p SEMI JOIN enough USING (kind, paper)) AS t USING (asset)
