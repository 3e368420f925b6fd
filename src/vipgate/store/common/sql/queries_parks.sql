-- Searches in the request log and the rollups, and the console's queries about parks. `/* and z */` becomes z for one park, and for
-- strangers, whose park_id is 0.

-- name: newest_requests
-- Requests of all parks and of strangers, newest first.
SELECT {request_columns}
FROM request AS q
{request_tables}
WHERE q.seqno >= :floor AND q.seqno < :before
    AND (CAST(:code AS text) IS NULL OR q.code = :code) /* and AND q.park_id = :park_id */
ORDER BY q.seqno DESC
LIMIT :limit

-- name: newest_requests_floor
SELECT q.seqno
FROM request AS q
WHERE q.seqno >= :since AND q.seqno < :before /* and AND q.park_id = :park_id */
ORDER BY q.seqno DESC
LIMIT 2 OFFSET :skip

-- name: newest_rejected_floor
SELECT q.seqno
FROM request AS q
WHERE q.code <> '1001' AND q.seqno >= :since AND q.seqno < :before /* and AND q.park_id = :park_id */
ORDER BY q.seqno DESC
LIMIT 2 OFFSET :skip

-- name: replays_of
-- Replays of a rejected request by staff, oldest first.
SELECT q.seqno
FROM request AS q INDEXED BY request_replay
WHERE q.park_id = :park_id AND q.replay_of = :seqno
ORDER BY q.seqno
LIMIT :limit

-- name: charge_types_of
-- In the order in which the park sent them.
SELECT c.id, c.name, c.descr, c.vip_type, c.price_fen, c.extra_days, c.create_time, c.update_time
FROM charge_type AS c
WHERE c.park_id = :park_id
ORDER BY c.place
LIMIT :limit

-- name: held_since
-- The last generation that a body started with `complete=1`: its holds came later.
SELECT coalesce(max(q.generation), 0)
FROM request AS q INDEXED BY request_replace
WHERE q.park_id = :park_id AND q.complete AND q.body_sha256 = :body_sha256

-- name: held_first
-- The first time a body was held.
SELECT q.received_us
FROM request AS q INDEXED BY request_held
WHERE q.park_id = :park_id AND q.code = '403' AND q.body_sha256 = :body_sha256 AND q.generation >= :began
ORDER BY q.generation, q.seqno
LIMIT 1

-- name: held_last
-- The last time a body was held, and how often, counted up to a bound.
SELECT q.received_us, (
    SELECT count(*)
    FROM (
        SELECT 1 FROM request AS c INDEXED BY request_held
        WHERE c.park_id = :park_id AND c.code = '403' AND c.body_sha256 = :body_sha256 AND c.generation >= :began
        LIMIT :most
    ) AS counted
)
FROM request AS q INDEXED BY request_held
WHERE q.park_id = :park_id AND q.code = '403' AND q.body_sha256 = :body_sha256 AND q.generation >= :began
ORDER BY q.generation DESC, q.seqno DESC
LIMIT 1

-- name: signatures_of
-- Pushes signed with HMAC and with MD5 among a park's newest requests, replays by staff excluded. Also, over all requests:
-- the last push signed with MD5, and the last push.
SELECT
    count(found.webhook_id), count(*) - count(found.webhook_id),
    (SELECT p.md5_used_us FROM park AS p WHERE p.park_id = :park_id),
    (SELECT p.last_push_us FROM park AS p WHERE p.park_id = :park_id)
FROM (
    SELECT q.code, q.replay_of, q.webhook_id
    FROM request AS q
    WHERE q.park_id = :park_id AND q.seqno >= :since
    ORDER BY q.seqno DESC
    LIMIT :most
) AS found
WHERE found.code = '1001' AND found.replay_of IS NULL

-- name: park_more
SELECT p.position, p.retention_days, p.charge_address, p.charge_fetched_us, p.charge_tried_us, p.charge_trouble_zh,
    p.charge_trouble_en
FROM park AS p
WHERE p.park_id = :park_id

-- name: parks_for_charge_types
SELECT p.park_uuid
FROM park AS p
WHERE p.park_uuid > '' AND p.charge_address IS NOT NULL
    AND (p.charge_tried_us IS NULL OR p.charge_tried_us < :before_us) /* and AND p.park_id = :park_id */
ORDER BY p.park_uuid
LIMIT :limit
