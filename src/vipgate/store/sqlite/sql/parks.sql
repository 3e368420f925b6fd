-- Reads of parks that differ on PostgreSQL.

-- name: park_accesses
-- What the push pipeline needs to authenticate the parks in :park_uuids, a JSON array. One row, a JSON array of arrays with
-- hexadecimal secrets: the driver releases the GIL at every row.
SELECT json_group_array(json_array(
    p.park_uuid, p.enabled, hex(p.secret), hex(p.previous_secret), p.allow_list, p.rate_per_minute,
    p.require_hmac, p.charset
))
FROM json_each(:park_uuids) AS wanted
CROSS JOIN park AS p
WHERE p.park_uuid = wanted.value
