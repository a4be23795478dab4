/* Which controller group a party is in, and when.

   question : which parties were known to be under one controller at an instant?
   grain    : one row per (party, valid_from)
   reads    : controller_group
   units    : valid_from and valid_to in us UTC, the end not included; ids 63-bit
   shown to : joint cases only
*/
SELECT *
FROM (
    SELECT
        party,
        group_id,
        epoch_us(valid_from) AS valid_from,
        coalesce(
            epoch_us(lead(valid_from) OVER (PARTITION BY party ORDER BY valid_from)),
            9223372036854775807
        ) AS valid_to
    FROM controller_group
)
WHERE group_id <> 0
