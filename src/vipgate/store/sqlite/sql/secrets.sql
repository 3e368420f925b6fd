-- The parks' sealed secrets, for a change of the master key.

-- name: sealed_secrets
-- A page in the order of park_uuid.
SELECT p.park_uuid, p.secret, p.previous_secret
FROM park AS p
WHERE p.park_uuid > :after
ORDER BY p.park_uuid
LIMIT :limit

-- name: reseal
-- Only over what was read: a secret that was rotated meanwhile must not come back.
UPDATE park
SET secret = :secret, previous_secret = :previous_secret
WHERE park_uuid = :park_uuid AND secret = :was AND previous_secret IS :was_previous
