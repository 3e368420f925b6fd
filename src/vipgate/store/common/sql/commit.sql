-- The statements of a group commit that are the same on both engines. Each names its one park by value, which Citus routes to
-- the park's node without planning.

-- name: end_generation
-- Hides the old generation; its retention starts. The park counted its records until now.
UPDATE generation SET ended_us = :now_us, records = :records WHERE park_id = :park_id AND generation = :generation

-- name: start_generation
-- Starts a new generation; the rows of the old one are not modified.
INSERT INTO generation (park_id, generation, seqno, started_us) VALUES (:park_id, :generation, :seqno, :now_us)

-- name: same_replace
-- The last `complete=1` with this body, and the generation that it started. Generations are numbered in commit order.
SELECT q.seqno, q.generation
FROM request AS q
WHERE q.park_id = :park_id AND q.complete AND q.body_sha256 = :body_sha256
ORDER BY q.generation DESC
LIMIT 1

-- name: replace_under_id
-- The recent `complete=1` that was stored under a webhook-id.
SELECT q.seqno, q.body_sha256
FROM request AS q
WHERE q.park_id = :park_id AND q.complete AND q.webhook_id = :webhook_id AND q.seqno >= :since
ORDER BY q.seqno DESC
LIMIT 1

-- name: keep_rejected_body
-- Keeps the body of a rejected request, which the operator can inspect and replay.
INSERT INTO rejected_body (park_id, seqno, bytes, body) VALUES (:park_id, :seqno, :bytes, :body)

-- name: drop_rejected_bodies
-- Deletes the oldest bodies of a park beyond either bound; the sum runs from the newest to the oldest.
DELETE FROM rejected_body
WHERE park_id = :park_id AND seqno IN (
    SELECT b.seqno
    FROM (
        SELECT seqno, row_number() OVER newest AS place, sum(bytes) OVER newest AS bytes_so_far
        FROM rejected_body
        WHERE park_id = :park_id
        WINDOW newest AS (ORDER BY seqno DESC)
    ) AS b
    WHERE b.place > :bodies_max OR b.bytes_so_far > :bytes_max
)
