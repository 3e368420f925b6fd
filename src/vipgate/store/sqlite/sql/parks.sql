-- Parks, their secrets and their generations, for the commands and the push pipeline.

-- name: park_access
-- What the push pipeline needs to authenticate a park, by the unique index.
SELECT park_uuid, enabled, secret, previous_secret, allow_list, rate_per_minute,
    require_hmac, charset
FROM park
WHERE park_uuid = :park_uuid

-- name: park_accesses
-- The same for the parks in :park_uuids, a JSON array. One row, a JSON array of arrays with hexadecimal secrets: the driver
-- releases the GIL at every row.
SELECT json_group_array(json_array(
    p.park_uuid, p.enabled, hex(p.secret), hex(p.previous_secret), p.allow_list, p.rate_per_minute,
    p.require_hmac, p.charset
))
FROM json_each(:park_uuids) AS wanted
CROSS JOIN park AS p
WHERE p.park_uuid = wanted.value

-- name: add_park
-- Does nothing if the park exists.
INSERT INTO park (park_uuid, name, charset, secret, secret_changed_us, created_us)
VALUES (:park_uuid, :name, :charset, :secret, :now_us, :now_us)
ON CONFLICT (park_uuid) DO NOTHING

-- name: add_first_generation
-- Every park starts with generation 1.
INSERT INTO generation (park_id, generation, started_us)
SELECT id, 1, created_us FROM park WHERE park_uuid = :park_uuid

-- name: find_park
-- One park with the record count of its current generation.
SELECT p.park_uuid, p.name, p.enabled, p.generation, g.records, p.secret_changed_us,
    p.previous_secret IS NOT NULL AS has_previous_secret, p.secret_used, p.secret_used_us, p.last_push_us,
    p.allow_list, p.rate_per_minute, p.created_us, p.require_hmac, p.hold_replaces, p.charset,
    p.charset_changed_us
FROM park AS p
JOIN generation AS g ON g.park_id = p.id AND g.generation = p.generation
WHERE p.park_uuid = :park_uuid

-- name: list_parks
-- A page of parks by park_uuid.
SELECT p.park_uuid, p.name, p.enabled, p.generation, g.records, p.secret_changed_us,
    p.previous_secret IS NOT NULL AS has_previous_secret, p.secret_used, p.secret_used_us, p.last_push_us,
    p.allow_list, p.rate_per_minute, p.created_us, p.require_hmac, p.hold_replaces, p.charset,
    p.charset_changed_us
FROM park AS p
JOIN generation AS g ON g.park_id = p.id AND g.generation = p.generation
WHERE p.park_uuid > :after
ORDER BY p.park_uuid
LIMIT :limit

-- name: change_park
-- NULL leaves a column as it is; a rate of 0 removes the limit.
UPDATE park
SET name = coalesce(:name, name),
    enabled = coalesce(:enabled, enabled),
    allow_list = coalesce(:allow_list, allow_list),
    rate_per_minute = nullif(coalesce(:rate_per_minute, rate_per_minute), 0),
    require_hmac = coalesce(:require_hmac, require_hmac),
    hold_replaces = coalesce(:hold_replaces, hold_replaces),
    charset_changed_us = CASE WHEN coalesce(:charset, charset) = charset THEN charset_changed_us ELSE :now_us END,
    charset = coalesce(:charset, charset)
WHERE park_uuid = :park_uuid

-- name: allow_replace
-- Approves the next `complete=1` with this body, once, until the approval expires.
UPDATE park
SET replace_allowed = :body_sha256, replace_allowed_until_us = :until_us
WHERE park_uuid = :park_uuid

-- name: withdraw_allowance
-- Withdraws the approval of this body; does nothing if it was used or another body has been approved since.
UPDATE park
SET replace_allowed = NULL, replace_allowed_until_us = NULL
WHERE park_uuid = :park_uuid AND replace_allowed = :body_sha256

-- name: drop_held_bodies
-- Deletes the kept bodies of a held replace.
DELETE FROM refused_body
WHERE park_id = :park_id AND seqno IN (
    SELECT q.seqno
    FROM refused_body AS b
    CROSS JOIN request AS q
    WHERE b.park_id = :park_id AND q.park_id = b.park_id AND q.seqno = b.seqno AND q.code = '403'
        AND q.body_sha256 = :body_sha256
)

-- name: rotate_secret
-- Not while a previous secret is valid: a second rotation would lock out a park that has not yet seen the first.
UPDATE park
SET previous_secret = secret, secret = :secret, secret_changed_us = :now_us, secret_used = NULL, secret_used_us = NULL
WHERE park_uuid = :park_uuid AND previous_secret IS NULL

-- name: retire_secret
UPDATE park SET previous_secret = NULL WHERE park_uuid = :park_uuid AND previous_secret IS NOT NULL

-- name: generations
-- Newest first.
SELECT g.generation, g.generation = p.generation AS current, g.records, g.seqno, g.started_us, g.ended_us
FROM park AS p
JOIN generation AS g ON g.park_id = p.id
WHERE p.park_uuid = :park_uuid AND NOT g.purging
ORDER BY g.generation DESC

-- name: current_generation
-- The transaction already holds the lock of the whole file.
SELECT p.generation FROM park AS p WHERE p.park_uuid = :park_uuid

-- name: end_current_generation
-- Hides the current generation.
UPDATE generation
SET ended_us = :now_us
WHERE park_id = (SELECT id FROM park WHERE park_uuid = :park_uuid) AND generation = :current

-- name: revive_generation
-- Clears the end of the restored generation. Does nothing if it is purged or being purged.
UPDATE generation
SET ended_us = NULL
WHERE park_id = (SELECT id FROM park WHERE park_uuid = :park_uuid) AND generation = :generation AND NOT purging

-- name: point_to_generation
UPDATE park SET generation = :generation WHERE park_uuid = :park_uuid
