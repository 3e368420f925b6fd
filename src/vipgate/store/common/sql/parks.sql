-- Parks, their secrets and their generations, for the commands and the push pipeline.

-- name: find_park_id
-- The short key of a park, under which everything else is stored.
SELECT k.park_id FROM park_key AS k WHERE k.park_uuid = :park_uuid

-- name: add_park_key
-- Does nothing if the park exists.
INSERT INTO park_key (park_uuid) VALUES (:park_uuid) ON CONFLICT (park_uuid) DO NOTHING

-- name: add_park
INSERT INTO park (park_id, park_uuid, name, charset, secret, secret_changed_us, created_us)
VALUES (:park_id, :park_uuid, :name, :charset, :secret, :now_us, :now_us)

-- name: add_first_generation
-- Every park starts with generation 1.
INSERT INTO generation (park_id, generation, started_us) VALUES (:park_id, 1, :now_us)

-- name: park_access
-- What the push pipeline needs to authenticate a park.
SELECT p.park_uuid, p.enabled, p.secret, p.previous_secret, p.allow_list, p.rate_per_minute, p.require_hmac, p.charset
FROM park AS p
WHERE p.park_id = :park_id

-- name: find_park
-- One park.
SELECT {park_columns}
FROM park AS p
WHERE p.park_id = :park_id

-- name: list_parks
-- A page of parks by park_uuid.
SELECT {park_columns}
FROM park AS p
WHERE p.park_uuid > :after /* and AND p.park_id = :park_id */
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
WHERE park_id = :park_id

-- name: allow_replace
-- Approves the next `complete=1` with this body, once, until the approval expires.
UPDATE park
SET replace_allowed = :body_sha256, replace_allowed_until_us = :until_us
WHERE park_id = :park_id

-- name: withdraw_allowance
-- Withdraws the approval of this body; does nothing if it was used or another body has been approved since.
UPDATE park
SET replace_allowed = NULL, replace_allowed_until_us = NULL
WHERE park_id = :park_id AND replace_allowed = :body_sha256

-- name: drop_held_bodies
-- Deletes the kept bodies of a held replace.
DELETE FROM rejected_body
WHERE park_id = :park_id AND seqno IN (
    SELECT q.seqno
    FROM request AS q
    WHERE q.park_id = :park_id AND q.code = '403' AND q.body_sha256 = :body_sha256
)

-- name: rotate_secret
-- Not while a previous secret is valid: a second rotation would lock out a park that has not yet seen the first.
UPDATE park
SET previous_secret = secret, secret = :secret, secret_changed_us = :now_us, secret_used = NULL, secret_used_us = NULL
WHERE park_id = :park_id AND previous_secret IS NULL

-- name: retire_secret
UPDATE park SET previous_secret = NULL WHERE park_id = :park_id AND previous_secret IS NOT NULL

-- name: generations
-- Newest first.
SELECT g.generation, g.generation = p.generation AS current,
    CASE WHEN g.generation = p.generation THEN p.records ELSE g.records END, g.seqno, g.started_us, g.ended_us
FROM generation AS g
JOIN park AS p ON p.park_id = g.park_id
WHERE g.park_id = :park_id AND NOT g.purging
ORDER BY g.generation DESC

-- name: lock_current_generation
-- Takes the park's lock, as every push does.
SELECT p.generation, p.records FROM park AS p WHERE p.park_id = :park_id FOR UPDATE

-- name: ended_generation
-- The record count of a generation that is not the current one.
SELECT g.records FROM generation AS g WHERE g.park_id = :park_id AND g.generation = :generation

-- name: revive_generation
-- Clears the end of the restored generation. Does nothing if it is purged or being purged.
UPDATE generation SET ended_us = NULL WHERE park_id = :park_id AND generation = :generation AND NOT purging

-- name: point_to_generation
-- Its card entries may not be complete.
UPDATE park SET generation = :generation, records = :records, cards_to = 0 WHERE park_id = :park_id
