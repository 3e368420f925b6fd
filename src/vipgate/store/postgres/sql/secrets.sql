-- The parks' sealed secrets, for a change of the master key.

-- name: reseal
-- Only if unchanged since it was read: a secret rotated meanwhile must not be overwritten.
UPDATE park
SET secret = :secret, previous_secret = :previous_secret
WHERE park_id = :park_id AND secret = :was AND previous_secret IS NOT DISTINCT FROM :was_previous
