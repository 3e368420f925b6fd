-- Deletes expired data, as far as it differs on PostgreSQL.

-- name: purge_renewals
DELETE FROM renewal
WHERE rowid IN (
    SELECT rowid FROM renewal WHERE park_id = :park_id AND generation = :generation LIMIT :chunk_rows
)

-- name: purge_history
DELETE FROM renewal_history
WHERE park_id = :park_id AND generation = :generation AND (pay_partner, revision) IN (
    SELECT pay_partner, revision FROM renewal_history
    WHERE park_id = :park_id AND generation = :generation
    LIMIT :chunk_rows
)

-- name: purge_later
-- The retention's queue for this generation.
DELETE FROM erase_later
WHERE park_id = :park_id AND generation = :generation AND pay_partner IN (
    SELECT pay_partner FROM erase_later WHERE park_id = :park_id AND generation = :generation LIMIT :chunk_rows
)

-- name: purge_cards
DELETE FROM card
WHERE park_id = :park_id AND generation = :generation AND (card, position) IN (
    SELECT card, position FROM card WHERE park_id = :park_id AND generation = :generation LIMIT :chunk_rows
)

-- name: purge_request_log
-- A seqno starts with its time, so the index on it finds the oldest requests.
DELETE FROM request
WHERE (park_id, seqno) IN (SELECT park_id, seqno FROM request WHERE seqno < :before_seqno ORDER BY seqno LIMIT :chunk_rows)

-- name: purge_rejected_bodies
DELETE FROM rejected_body
WHERE (park_id, seqno) IN (
    SELECT park_id, seqno FROM rejected_body WHERE seqno < :before_seqno ORDER BY seqno LIMIT :chunk_rows
)

-- name: purge_strangers
-- Requests without a proved park are kept up to a number, since anyone can send them.
DELETE FROM request
WHERE park_id = 0 AND seqno IN (
    SELECT seqno FROM request
    WHERE park_id = 0 AND seqno <= (
        SELECT seqno FROM request WHERE park_id = 0 ORDER BY seqno DESC LIMIT 1 OFFSET :strangers_max
    )
    ORDER BY seqno
    LIMIT :chunk_rows
)
