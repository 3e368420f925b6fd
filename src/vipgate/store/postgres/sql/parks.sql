-- Reads of parks that differ on SQLite.

-- name: find_park_ids
-- The short keys of several parks.
SELECT k.park_uuid, k.park_id FROM park_key AS k WHERE k.park_uuid = ANY (:park_uuids)

-- name: park_accesses
-- What the push pipeline needs to authenticate several parks. Not sent to Citus.
SELECT p.park_uuid, p.enabled, p.secret, p.previous_secret, p.allow_list, p.rate_per_minute, p.require_hmac, p.charset
FROM park AS p
WHERE p.park_id = ANY (:park_ids)
