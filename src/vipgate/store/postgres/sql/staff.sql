-- Accounts, sessions, tokens, the invitation, and the audit log. On Citus these tables are on the coordinator only, and no
-- statement here uses another table.

-- name: count_users
SELECT count(*) FROM staff_user

-- name: add_user
-- Does nothing if the name is taken.
INSERT INTO staff_user (name, role, password, sees_plates, enabled, language, created_us, last_login_us)
VALUES (%(name)s, %(role)s, %(password)s, %(sees_plates)s, %(enabled)s, %(language)s, %(created_us)s, %(last_login_us)s)
ON CONFLICT (name) DO NOTHING

-- name: find_user
SELECT name, role, password, sees_plates, enabled, language, created_us, last_login_us
FROM staff_user
WHERE name = %(name)s

-- name: list_users
SELECT name, role, password, sees_plates, enabled, language, created_us, last_login_us
FROM staff_user
ORDER BY name
LIMIT %(limit)s

-- name: change_user
UPDATE staff_user
SET role = %(role)s, password = %(password)s, sees_plates = %(sees_plates)s, enabled = %(enabled)s, language = %(language)s
WHERE name = %(name)s

-- name: note_login
UPDATE staff_user SET last_login_us = %(created_us)s WHERE name = %(staff_user)s

-- name: add_session
INSERT INTO session (digest, staff_user, csrf, created_us, seen_us, expires_us, plates_until_us, peer)
VALUES (%(digest)s, %(staff_user)s, %(csrf)s, %(created_us)s, %(seen_us)s, %(expires_us)s, %(plates_until_us)s, %(peer)s)

-- name: drop_expired_sessions
-- Each login deletes some of them.
DELETE FROM session
WHERE digest IN (SELECT digest FROM session WHERE expires_us <= %(now_us)s ORDER BY expires_us LIMIT %(limit)s)

-- name: find_session
-- A valid session with its account, if that is enabled.
SELECT s.digest, s.staff_user, s.csrf, s.created_us, s.seen_us, s.expires_us, s.plates_until_us, s.peer,
    u.name, u.role, u.password, u.sees_plates, u.enabled, u.language, u.created_us, u.last_login_us
FROM session AS s
JOIN staff_user AS u ON u.name = s.staff_user
WHERE s.digest = %(digest)s AND s.expires_us > %(now_us)s AND u.enabled

-- name: touch_session
UPDATE session SET seen_us = %(seen_us)s, expires_us = %(expires_us)s WHERE digest = %(digest)s

-- name: show_plates
UPDATE session SET plates_until_us = %(until_us)s WHERE digest = %(digest)s

-- name: hide_plates
-- In all sessions of an account that may no longer see them.
UPDATE session SET plates_until_us = 0 WHERE staff_user = %(name)s

-- name: end_session
DELETE FROM session WHERE digest = %(digest)s

-- name: end_sessions_of
DELETE FROM session WHERE staff_user = %(name)s

-- name: list_sessions
-- Newest first.
SELECT digest, staff_user, csrf, created_us, seen_us, expires_us, plates_until_us, peer
FROM session
WHERE staff_user = %(name)s AND expires_us > %(now_us)s
ORDER BY created_us DESC
LIMIT %(limit)s

-- name: drop_invitation
DELETE FROM invitation

-- name: add_invitation
INSERT INTO invitation (digest, expires_us) VALUES (%(digest)s, %(expires_us)s)

-- name: find_invitation
-- Valid only until the first account exists.
SELECT digest
FROM invitation
WHERE digest = %(digest)s AND expires_us > %(now_us)s AND NOT EXISTS (SELECT 1 FROM staff_user)

-- name: next_token
SELECT coalesce(max(number), 0) + 1 FROM token

-- name: add_token
-- Does nothing if an unrevoked token has this name.
INSERT INTO token (number, name, digest, scopes, park_uuid, masked, created_us)
VALUES (%(number)s, %(name)s, %(digest)s, %(scopes)s, %(park_uuid)s, %(masked)s, %(created_us)s)
ON CONFLICT (name) WHERE revoked_us IS NULL DO NOTHING

-- name: find_token
SELECT number, name, digest, scopes, park_uuid, masked, created_us, used_us, revoked_us
FROM token
WHERE digest = %(digest)s AND revoked_us IS NULL

-- name: list_tokens
-- Revoked ones last.
SELECT number, name, digest, scopes, park_uuid, masked, created_us, used_us, revoked_us
FROM token
ORDER BY revoked_us IS NOT NULL, name, number
LIMIT %(limit)s

-- name: revoke_token
UPDATE token SET revoked_us = %(now_us)s WHERE name = %(name)s AND revoked_us IS NULL

-- name: token_used_before
-- Whether the last recorded use is old enough to record another.
SELECT number FROM token WHERE number = %(number)s AND (used_us IS NULL OR used_us < %(before_us)s)

-- name: use_token
UPDATE token SET used_us = %(now_us)s WHERE number = %(number)s

-- name: staff_turn
-- One transaction at a time numbers entries; on SQLite each holds the file's lock anyway.
SELECT pg_advisory_xact_lock(%(turn)s)

-- name: next_deed
SELECT coalesce(max(number), 0) + 1 FROM deed

-- name: add_deed
INSERT INTO deed (number, at_us, who, action, park_uuid, subject, detail, peer)
VALUES (%(number)s, %(at_us)s, %(who)s, %(action)s, %(park_uuid)s, %(subject)s, %(detail)s, %(peer)s)

-- name: deeds
-- A page of the audit log, newest first.
SELECT number, at_us, who, action, park_uuid, subject, detail, peer
FROM deed
WHERE number < %(before)s
ORDER BY number DESC
LIMIT %(limit)s

-- name: deeds_of
-- The entries of one user.
SELECT number, at_us, who, action, park_uuid, subject, detail, peer
FROM deed
WHERE who = %(who)s AND number < %(before)s
ORDER BY number DESC
LIMIT %(limit)s

-- name: deeds_at
-- The entries of one park.
SELECT number, at_us, who, action, park_uuid, subject, detail, peer
FROM deed
WHERE park_uuid = %(park_uuid)s AND number < %(before)s
ORDER BY number DESC
LIMIT %(limit)s

-- name: deeds_of_at
-- The entries of one user about one park.
SELECT number, at_us, who, action, park_uuid, subject, detail, peer
FROM deed
WHERE who = %(who)s AND park_uuid = %(park_uuid)s AND number < %(before)s
ORDER BY number DESC
LIMIT %(limit)s
