-- Reads of the ledger and the request log.

-- name: stream
-- All current records of a park, oldest change first.
SELECT {stored}
FROM renewal AS r INDEXED BY renewal_position
WHERE r.park_id = :park_id AND r.generation = {current_generation}
    AND r.position >= :since_us AND r.position < :until_us AND r.revision > 0
ORDER BY r.position

-- name: stream_plate
-- The current records of one plate.
SELECT {stored}
FROM renewal AS r INDEXED BY renewal_plate
WHERE r.park_id = :park_id AND r.generation = {current_generation}
    AND r.plate = :plate AND r.plate > '' AND r.position >= :since_us AND r.position < :until_us
ORDER BY r.position

-- name: newest
-- A page of current records, newest change first, older than a position.
SELECT {stored}
FROM renewal AS r INDEXED BY renewal_position
WHERE r.park_id = :park_id AND r.generation = {current_generation} AND r.position < :before AND r.revision > 0
ORDER BY r.position DESC
LIMIT :limit

-- name: newest_of_plate
-- The same for one plate.
SELECT {stored}
FROM renewal AS r INDEXED BY renewal_plate
WHERE r.park_id = :park_id AND r.generation = {current_generation}
    AND r.plate = :plate AND r.plate > '' AND r.position < :before
ORDER BY r.position DESC
LIMIT :limit

-- name: find_record
-- One current record by its order number.
SELECT {stored}
FROM renewal AS r
WHERE r.park_id = :park_id AND r.generation = {current_generation} AND r.pay_partner = :pay_partner

-- name: history
-- The replaced versions, newest first.
SELECT {h.record}, h.revision, h.seqno, h.position, h.replaced_seqno
FROM renewal_history AS h
WHERE h.park_id = :park_id AND h.generation = {current_generation}
    AND h.pay_partner = :pay_partner AND h.revision < :before
ORDER BY h.revision DESC
LIMIT :limit

-- name: daily
SELECT d.day, d.pay_type, d.inserted, d.updated, d.pay_value_fen FROM daily AS d WHERE d.park_id = :park_id

-- name: daily_answers
SELECT d.day, d.code, d.requests, d.received FROM daily_answer AS d WHERE d.park_id = :park_id

-- name: request_log_entry
-- By seqno alone: a caller who quotes one may know nothing else. On Citus every shard is queried, each by its index.
SELECT {request_columns}
FROM request AS q
{request_tables}
WHERE q.seqno = :seqno /* and AND q.park_id = :park_id */

-- name: rejected_body
SELECT b.body FROM rejected_body AS b WHERE b.seqno = :seqno /* and AND b.park_id = :park_id */
