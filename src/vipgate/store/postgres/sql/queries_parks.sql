-- Searches in the request log and the rollups that differ on SQLite. `/* and z */` becomes z for one park.

-- name: newest_rejected
-- All requests without 1001.
SELECT {request_columns}
FROM request AS q
{request_tables}
WHERE q.code <> '1001' AND q.seqno >= :floor AND q.seqno < :before
    AND (CAST(:code AS text) IS NULL OR q.code = :code) /* and AND q.park_id = :park_id */
ORDER BY q.seqno DESC
LIMIT :limit

-- name: money_by_day
SELECT d.day, d.pay_type, sum(d.inserted)::bigint, sum(d.updated)::bigint, sum(d.pay_value_fen)::bigint
FROM daily AS d
WHERE d.day >= :since_day AND d.day < :until_day /* and AND d.park_id = :park_id */
GROUP BY d.day, d.pay_type
ORDER BY d.day, d.pay_type

-- name: answers_by_day
SELECT a.day, a.code, sum(a.requests)::bigint, sum(a.received)::bigint
FROM daily_answer AS a
WHERE a.day >= :since_day AND a.day < :until_day /* and AND a.park_id = :park_id */
GROUP BY a.day, a.code
ORDER BY a.day, a.code

-- name: sum_of_money
-- Grows with every change of these days' rollups: a cached sum is valid while this stays the same.
SELECT coalesce(sum(d.inserted + d.updated), 0)::bigint
FROM daily AS d
WHERE d.day >= :since_day AND d.day < :until_day /* and AND d.park_id = :park_id */

-- name: sum_of_answers
-- The same for the answers.
SELECT coalesce(sum(a.requests), 0)::bigint
FROM daily_answer AS a
WHERE a.day >= :since_day AND a.day < :until_day /* and AND a.park_id = :park_id */

-- name: answers_by_park
SELECT a.day, p.park_uuid, a.code, a.requests, a.received
FROM daily_answer AS a
LEFT JOIN park AS p ON p.park_id = a.park_id
WHERE a.day >= :since_day AND a.day < :until_day /* and AND a.park_id = :park_id */
ORDER BY p.park_uuid NULLS FIRST, a.day, a.code

-- name: search_parks
-- Parks whose name or uuid contains the text; ignores the case of Latin letters, as SQLite does.
SELECT {park_columns}
FROM park AS p
WHERE p.park_uuid > :after AND (
    strpos(lower(p.name COLLATE "C"), lower(:text COLLATE "C")) > 0
    OR strpos(lower(p.park_uuid), lower(:text COLLATE "C")) > 0
) /* and AND p.park_id = :park_id */
ORDER BY p.park_uuid
LIMIT :limit

-- name: held_replaces
-- Replaces held for approval that were sent since a time, newest kept body first. No other request has its body kept under
-- this code. A replace that has since taken effect, or was replayed by staff, is left out. The list of parks that can be reached
-- is named for each table: Citus does not take it from one to the other, and would ask every node.
SELECT p.park_uuid, p.name, q.body_sha256, max(q.seqno), max(q.body_bytes),
    CASE WHEN p.replace_allowed = q.body_sha256 THEN p.replace_allowed_until_us END
FROM park AS p
JOIN rejected_body AS b ON b.park_id = p.park_id
JOIN request AS q ON q.park_id = b.park_id AND q.seqno = b.seqno
WHERE p.hold_replaces AND b.seqno > '' AND q.code = '403'
    /* and AND p.park_id = :park_id AND b.park_id = :park_id AND q.park_id = :park_id */
    AND EXISTS (
        SELECT 1 FROM request AS l
        WHERE l.park_id = q.park_id AND l.code = '403' AND l.body_sha256 = q.body_sha256 AND l.generation >= q.generation
            AND l.seqno >= :since /* and AND l.park_id = :park_id */
    )
    AND NOT EXISTS (
        SELECT 1 FROM request AS l
        WHERE l.park_id = q.park_id AND l.complete AND l.body_sha256 = q.body_sha256 AND l.generation > q.generation
            /* and AND l.park_id = :park_id */
    )
    AND NOT EXISTS (
        SELECT 1 FROM request AS l
        WHERE l.park_id = q.park_id AND l.replay_of = q.seqno AND l.code = '1001' /* and AND l.park_id = :park_id */
    )
GROUP BY p.park_id, q.body_sha256
ORDER BY max(q.seqno) DESC
LIMIT :limit
