-- Deletes expired data, as far as it differs on SQLite. An index finds it across all parks; each
-- deletion names its park, also in the subquery, and so stays on one shard.

-- name: try_maintenance_lock
-- One process at a time runs maintenance.
SELECT pg_try_advisory_xact_lock(:lock)

-- name: purge_renewals
-- By ctid: otherwise the planner might scan the whole generation for each chunk.
DELETE FROM renewal
WHERE park_id = :park_id AND ctid = ANY (ARRAY(
    SELECT r.ctid
    FROM renewal AS r
    WHERE r.park_id = :park_id AND r.generation = :generation
    LIMIT :chunk_rows
))

-- name: purge_history
DELETE FROM renewal_history
WHERE park_id = :park_id AND ctid = ANY (ARRAY(
    SELECT h.ctid
    FROM renewal_history AS h
    WHERE h.park_id = :park_id AND h.generation = :generation
    LIMIT :chunk_rows
))

-- name: purge_later
-- The retention's queue for this generation.
DELETE FROM erase_later
WHERE park_id = :park_id AND ctid = ANY (ARRAY(
    SELECT e.ctid
    FROM erase_later AS e
    WHERE e.park_id = :park_id AND e.generation = :generation
    LIMIT :chunk_rows
))

-- name: purge_cards
DELETE FROM card
WHERE park_id = :park_id AND ctid = ANY (ARRAY(
    SELECT c.ctid
    FROM card AS c
    WHERE c.park_id = :park_id AND c.generation = :generation
    LIMIT :chunk_rows
))

-- name: expired_requests
-- A seqno starts with its time, so the index on it finds the oldest requests.
SELECT q.park_id, q.seqno FROM request AS q WHERE q.seqno < :before_seqno ORDER BY q.seqno LIMIT :chunk_rows

-- name: purge_requests
DELETE FROM request WHERE park_id = :park_id AND seqno = ANY (:seqnos)

-- name: expired_bodies
SELECT b.park_id, b.seqno FROM rejected_body AS b WHERE b.seqno < :before_seqno ORDER BY b.seqno LIMIT :chunk_rows

-- name: purge_bodies
DELETE FROM rejected_body WHERE park_id = :park_id AND seqno = ANY (:seqnos)

-- name: surplus_strangers
-- Requests without a proved park are kept up to a number, since anyone can send them.
SELECT q.seqno
FROM request AS q
WHERE q.park_id = 0 AND q.seqno <= (
    SELECT s.seqno FROM request AS s WHERE s.park_id = 0 ORDER BY s.seqno DESC LIMIT 1 OFFSET :strangers_max
)
ORDER BY q.seqno
LIMIT :chunk_rows
