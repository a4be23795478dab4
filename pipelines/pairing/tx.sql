/* One row per transaction and vantage: what rules read.

   question : what does each vantage hold?
   grain    : one row per (vantage, key, generation)
   reads    : variant
   units    : as variant
   shown to : every vantage its own rows
*/
SELECT v.vantage, variant.* EXCLUDE (mask)
FROM variant
JOIN (SELECT unnest([0, 1, 2, 3, 4]) AS vantage) AS v ON (variant.mask >> v.vantage) & 1 = 1
