-- Deletes expired data, in chunks small enough that no push waits for one. An index finds it across all parks; each
-- deletion names its park, also in the subquery, and so stays on one shard.

-- name: take_turn
-- One process at a time runs maintenance.
SELECT pg_try_advisory_xact_lock(%(turn)s)

-- name: expired_generation
-- A generation that can no longer be restored.
SELECT g.park_uuid, g.generation FROM generation AS g WHERE g.ended_us < %(before_us)s ORDER BY g.ended_us LIMIT 1

-- name: start_purge
-- Runs in the transaction of the first chunk: a partly deleted generation must never be restored. Skips one restored
-- meanwhile.
UPDATE generation
SET purging = true
WHERE park_uuid = %(park_uuid)s AND generation = %(generation)s AND ended_us IS NOT NULL

-- name: purge_renewals
-- By ctid: otherwise the planner might scan the whole generation for each chunk.
DELETE FROM renewal
WHERE park_uuid = %(park_uuid)s AND ctid = ANY (ARRAY(
    SELECT r.ctid
    FROM renewal AS r
    WHERE r.park_uuid = %(park_uuid)s AND r.generation = %(generation)s
    LIMIT %(chunk_rows)s
))

-- name: purge_history
DELETE FROM renewal_history
WHERE park_uuid = %(park_uuid)s AND ctid = ANY (ARRAY(
    SELECT h.ctid
    FROM renewal_history AS h
    WHERE h.park_uuid = %(park_uuid)s AND h.generation = %(generation)s
    LIMIT %(chunk_rows)s
))

-- name: purge_later
-- The retention's queue for this generation.
DELETE FROM erase_later
WHERE park_uuid = %(park_uuid)s AND ctid = ANY (ARRAY(
    SELECT e.ctid
    FROM erase_later AS e
    WHERE e.park_uuid = %(park_uuid)s AND e.generation = %(generation)s
    LIMIT %(chunk_rows)s
))

-- name: purge_generation
-- Last, when nothing refers to it any more.
DELETE FROM generation WHERE park_uuid = %(park_uuid)s AND generation = %(generation)s

-- name: expired_requests
-- A seqno starts with its time, so the index on it finds the oldest requests.
SELECT q.park_uuid, q.seqno FROM request AS q WHERE q.seqno < %(before_seqno)s ORDER BY q.seqno LIMIT %(chunk_rows)s

-- name: purge_requests
DELETE FROM request WHERE park_uuid = %(park_uuid)s AND seqno = ANY (%(seqnos)s)

-- name: expired_bodies
SELECT b.park_uuid, b.seqno FROM refused_body AS b WHERE b.seqno < %(before_seqno)s ORDER BY b.seqno LIMIT %(chunk_rows)s

-- name: purge_bodies
DELETE FROM refused_body WHERE park_uuid = %(park_uuid)s AND seqno = ANY (%(seqnos)s)

-- name: surplus_strangers
-- Requests without a proved park are kept up to a number, since anyone can send them.
SELECT q.seqno
FROM request AS q
WHERE q.park_uuid = '' AND q.seqno <= (
    SELECT s.seqno FROM request AS s WHERE s.park_uuid = '' ORDER BY s.seqno DESC LIMIT 1 OFFSET %(strangers_max)s
)
ORDER BY q.seqno
LIMIT %(chunk_rows)s
