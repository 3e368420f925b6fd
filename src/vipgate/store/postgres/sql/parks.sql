-- Parks, their secrets and their generations, for the commands and the push pipeline.

-- name: park_access
-- What the push pipeline needs to authenticate a park, by the primary key.
SELECT p.park_uuid, p.enabled, p.secret, p.previous_secret, p.allow_list, p.rate_per_minute,
    p.require_hmac, p.charset
FROM park AS p
WHERE p.park_uuid = %(park_uuid)s

-- name: park_accesses
-- The same for several parks.
SELECT p.park_uuid, p.enabled, p.secret, p.previous_secret, p.allow_list, p.rate_per_minute,
    p.require_hmac, p.charset
FROM park AS p
WHERE p.park_uuid = ANY(%(park_uuids)s)

-- name: add_park
-- Does nothing if the park exists.
INSERT INTO park (park_uuid, name, charset, secret, secret_changed_us, created_us)
VALUES (%(park_uuid)s, %(name)s, %(charset)s, %(secret)s, %(now_us)s, %(now_us)s)
ON CONFLICT (park_uuid) DO NOTHING

-- name: add_first_generation
-- Every park starts with generation 1.
INSERT INTO generation (park_uuid, generation, started_us) VALUES (%(park_uuid)s, 1, %(now_us)s)

-- name: find_park
-- One park with the record count of its current generation.
SELECT p.park_uuid, p.name, p.enabled, p.generation, g.records, p.secret_changed_us,
    p.previous_secret IS NOT NULL AS has_previous_secret, p.secret_used, p.secret_used_us, p.last_push_us,
    p.allow_list, p.rate_per_minute, p.created_us, p.require_hmac, p.hold_replaces, p.charset,
    p.charset_changed_us
FROM park AS p
JOIN generation AS g ON g.park_uuid = p.park_uuid AND g.generation = p.generation
WHERE p.park_uuid = %(park_uuid)s

-- name: list_parks
-- A page of parks by park_uuid.
SELECT p.park_uuid, p.name, p.enabled, p.generation, g.records, p.secret_changed_us,
    p.previous_secret IS NOT NULL AS has_previous_secret, p.secret_used, p.secret_used_us, p.last_push_us,
    p.allow_list, p.rate_per_minute, p.created_us, p.require_hmac, p.hold_replaces, p.charset,
    p.charset_changed_us
FROM park AS p
JOIN generation AS g ON g.park_uuid = p.park_uuid AND g.generation = p.generation
WHERE p.park_uuid > %(after)s
ORDER BY p.park_uuid
LIMIT %(limit)s

-- name: change_park
-- NULL leaves a column as it is; a rate of 0 removes the limit.
UPDATE park
SET name = coalesce(%(name)s, name),
    enabled = coalesce(%(enabled)s, enabled),
    allow_list = coalesce(%(allow_list)s, allow_list),
    rate_per_minute = nullif(coalesce(%(rate_per_minute)s, rate_per_minute), 0),
    require_hmac = coalesce(%(require_hmac)s, require_hmac),
    hold_replaces = coalesce(%(hold_replaces)s, hold_replaces),
    charset_changed_us = CASE
        WHEN coalesce(%(charset)s, charset) = charset THEN charset_changed_us ELSE %(now_us)s
    END,
    charset = coalesce(%(charset)s, charset)
WHERE park_uuid = %(park_uuid)s

-- name: allow_replace
-- Approves the next `complete=1` with this body, once, until the approval expires.
UPDATE park
SET replace_allowed = %(body_sha256)s, replace_allowed_until_us = %(until_us)s
WHERE park_uuid = %(park_uuid)s

-- name: withdraw_allowance
-- Withdraws the approval of this body; does nothing if it was used or another body has been approved since.
UPDATE park
SET replace_allowed = NULL, replace_allowed_until_us = NULL
WHERE park_uuid = %(park_uuid)s AND replace_allowed = %(body_sha256)s

-- name: drop_held_bodies
-- Deletes the kept bodies of a held replace.
DELETE FROM refused_body AS b
WHERE b.park_uuid = %(park_uuid)s AND b.seqno IN (
    SELECT q.seqno
    FROM request AS q
    WHERE q.park_uuid = %(park_uuid)s AND q.code = '403' AND q.body_sha256 = %(body_sha256)s
)

-- name: rotate_secret
-- Not while a previous secret is valid: a second rotation would lock out a park that has not yet seen the first.
UPDATE park
SET previous_secret = secret, secret = %(secret)s, secret_changed_us = %(now_us)s, secret_used = NULL,
    secret_used_us = NULL
WHERE park_uuid = %(park_uuid)s AND previous_secret IS NULL

-- name: retire_secret
UPDATE park SET previous_secret = NULL WHERE park_uuid = %(park_uuid)s AND previous_secret IS NOT NULL

-- name: generations
-- Newest first.
SELECT g.generation, g.generation = p.generation AS current, g.records, g.seqno, g.started_us, g.ended_us
FROM park AS p
JOIN generation AS g ON g.park_uuid = p.park_uuid
WHERE p.park_uuid = %(park_uuid)s AND NOT g.purging
ORDER BY g.generation DESC

-- name: current_generation
-- Takes the park's lock, as every push does.
SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s FOR UPDATE

-- name: end_current_generation
-- Hides the current generation.
UPDATE generation SET ended_us = %(now_us)s WHERE park_uuid = %(park_uuid)s AND generation = %(current)s

-- name: revive_generation
-- Clears the end of the restored generation. Does nothing if it is purged or being purged.
UPDATE generation
SET ended_us = NULL
WHERE park_uuid = %(park_uuid)s AND generation = %(generation)s AND NOT purging

-- name: point_to_generation
UPDATE park SET generation = %(generation)s WHERE park_uuid = %(park_uuid)s
