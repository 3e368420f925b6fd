-- Accounts, sessions, tokens, the invitation, and the audit log. On Citus these tables are on the coordinator only, and no
-- statement here uses another table.

-- name: count_users
SELECT count(*) FROM staff_user

-- name: add_user
-- Does nothing if the name is taken.
INSERT INTO staff_user (name, role, password, sees_plates, enabled, language, created_us, last_login_us)
VALUES (:name, :role, :password, :sees_plates, :enabled, :language, :created_us, :last_login_us)
ON CONFLICT (name) DO NOTHING

-- name: find_user
SELECT name, role, password, sees_plates, enabled, language, created_us, last_login_us
FROM staff_user
WHERE name = :name

-- name: list_users
SELECT name, role, password, sees_plates, enabled, language, created_us, last_login_us
FROM staff_user
ORDER BY name
LIMIT :limit

-- name: change_user
UPDATE staff_user
SET role = :role, password = :password, sees_plates = :sees_plates, enabled = :enabled, language = :language
WHERE name = :name

-- name: note_login
UPDATE staff_user SET last_login_us = :created_us WHERE name = :staff_user

-- name: add_session
INSERT INTO session (digest, staff_user, created_us, seen_us, expires_us, plates_until_us, peer)
VALUES (:digest, :staff_user, :created_us, :seen_us, :expires_us, :plates_until_us, :peer)

-- name: drop_expired_sessions
-- Each login deletes some of them.
DELETE FROM session
WHERE digest IN (SELECT digest FROM session WHERE expires_us <= :now_us ORDER BY expires_us LIMIT :limit)

-- name: find_session
-- A valid session with its account, if that is enabled.
SELECT s.digest, s.staff_user, s.created_us, s.seen_us, s.expires_us, s.plates_until_us, s.peer,
    u.name, u.role, u.password, u.sees_plates, u.enabled, u.language, u.created_us, u.last_login_us
FROM session AS s
JOIN staff_user AS u ON u.name = s.staff_user
WHERE s.digest = :digest AND s.expires_us > :now_us AND u.enabled

-- name: touch_session
UPDATE session SET seen_us = :seen_us, expires_us = :expires_us WHERE digest = :digest

-- name: show_plates
UPDATE session SET plates_until_us = :until_us WHERE digest = :digest

-- name: hide_plates
-- In all sessions of an account that may no longer see them.
UPDATE session SET plates_until_us = 0 WHERE staff_user = :name

-- name: end_session
DELETE FROM session WHERE digest = :digest

-- name: end_sessions_of
DELETE FROM session WHERE staff_user = :name

-- name: list_sessions
-- Newest first.
SELECT digest, staff_user, created_us, seen_us, expires_us, plates_until_us, peer
FROM session
WHERE staff_user = :name AND expires_us > :now_us
ORDER BY created_us DESC
LIMIT :limit

-- name: drop_invitation
DELETE FROM invitation

-- name: add_invitation
INSERT INTO invitation (digest, expires_us) VALUES (:digest, :expires_us)

-- name: find_invitation
-- Valid only until the first account exists.
SELECT digest
FROM invitation
WHERE digest = :digest AND expires_us > :now_us AND NOT EXISTS (SELECT 1 FROM staff_user)

-- name: next_token
SELECT coalesce(max(number), 0) + 1 FROM token

-- name: add_token
-- Does nothing if an unrevoked token has this name.
INSERT INTO token (number, name, digest, scopes, park_uuid, masked, created_us)
VALUES (:number, :name, :digest, :scopes, :park_uuid, :masked, :created_us)
ON CONFLICT (name) WHERE revoked_us IS NULL DO NOTHING

-- name: find_token
SELECT number, name, digest, scopes, park_uuid, masked, created_us, used_us, revoked_us
FROM token
WHERE digest = :digest AND revoked_us IS NULL

-- name: list_tokens
-- Revoked ones last.
SELECT number, name, digest, scopes, park_uuid, masked, created_us, used_us, revoked_us
FROM token
ORDER BY revoked_us IS NOT NULL, name, number
LIMIT :limit

-- name: revoke_token
UPDATE token SET revoked_us = :now_us WHERE name = :name AND revoked_us IS NULL

-- name: token_used_before
-- Whether the last recorded use is old enough to record another.
SELECT number FROM token WHERE number = :number AND (used_us IS NULL OR used_us < :before_us)

-- name: use_token
UPDATE token SET used_us = :now_us WHERE number = :number

-- name: next_audit_number
SELECT coalesce(max(number), 0) + 1 FROM audit_entry

-- name: add_audit_entry
INSERT INTO audit_entry (number, at_us, who, action, park_uuid, subject, detail, peer)
VALUES (:number, :at_us, :who, :action, :park_uuid, :subject, :detail, :peer)

-- name: audit_entries
-- A page of the audit log, newest first.
SELECT number, at_us, who, action, park_uuid, subject, detail, peer
FROM audit_entry
WHERE number < :before
ORDER BY number DESC
LIMIT :limit

-- name: audit_entries_of
-- The entries of one user.
SELECT number, at_us, who, action, park_uuid, subject, detail, peer
FROM audit_entry
WHERE who = :who AND number < :before
ORDER BY number DESC
LIMIT :limit

-- name: audit_entries_at
-- The entries of one park.
SELECT number, at_us, who, action, park_uuid, subject, detail, peer
FROM audit_entry
WHERE park_uuid = :park_uuid AND number < :before
ORDER BY number DESC
LIMIT :limit

-- name: audit_entries_of_at
-- The entries of one user about one park.
SELECT number, at_us, who, action, park_uuid, subject, detail, peer
FROM audit_entry
WHERE who = :who AND park_uuid = :park_uuid AND number < :before
ORDER BY number DESC
LIMIT :limit
