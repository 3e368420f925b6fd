-- The parks' sealed secrets, for a change of the master key.

-- name: sealed_secrets
-- A page by park_uuid.
SELECT p.park_id, p.secret, p.previous_secret, p.park_uuid
FROM park AS p
WHERE p.park_uuid > :after
ORDER BY p.park_uuid
LIMIT :limit
