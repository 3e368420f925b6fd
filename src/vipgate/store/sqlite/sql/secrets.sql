-- The parks' sealed secrets, for a change of the master key.

-- name: sealed_secrets
-- A page by park_uuid.
SELECT p.park_uuid, p.secret, p.previous_secret
FROM park AS p
WHERE p.park_uuid > :after
ORDER BY p.park_uuid
LIMIT :limit

-- name: reseal
-- Only if unchanged since it was read: a secret rotated meanwhile must not be overwritten.
UPDATE park
SET secret = :secret, previous_secret = :previous_secret
WHERE park_uuid = :park_uuid AND secret = :was AND previous_secret IS :was_previous
