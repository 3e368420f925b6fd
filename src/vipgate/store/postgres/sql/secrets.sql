-- The parks' sealed secrets, for a change of the master key.

-- name: sealed_secrets
-- A page by park_uuid.
SELECT p.park_uuid, p.secret, p.previous_secret
FROM park AS p
WHERE p.park_uuid > %(after)s
ORDER BY p.park_uuid
LIMIT %(limit)s

-- name: reseal
-- Only if unchanged since it was read: a secret rotated meanwhile must not be overwritten.
UPDATE park
SET secret = %(secret)s, previous_secret = %(previous_secret)s
WHERE park_uuid = %(park_uuid)s AND secret = %(was)s AND previous_secret IS NOT DISTINCT FROM %(was_previous)s
