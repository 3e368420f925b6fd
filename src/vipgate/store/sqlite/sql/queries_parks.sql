-- Searches in the request log and the rollups that differ on PostgreSQL. `/* and z */` becomes z for one park.

-- name: newest_rejected
-- All requests without 1001: filtered by code inside the index, then read.
SELECT {request_columns}
FROM (
    SELECT q.park_id, q.seqno
    FROM request AS q
    WHERE q.code <> '1001' AND q.seqno >= :floor AND q.seqno < :before
        AND (:code IS NULL OR q.code = :code) /* and AND q.park_id = :park_id */
    ORDER BY q.seqno DESC
    LIMIT :limit
) AS found
CROSS JOIN request AS q
{request_tables}
WHERE q.park_id = found.park_id AND q.seqno = found.seqno
ORDER BY q.seqno DESC

-- name: money_by_day
-- Each park's days are adjacent under its key: a loop over the parks is faster than an index by day.
SELECT d.day, d.pay_type, sum(d.inserted), sum(d.updated), sum(d.pay_value_fen)
FROM park AS p
CROSS JOIN daily AS d
WHERE /* and p.park_id = :park_id AND */ d.park_id = p.park_id AND d.day >= :since_day AND d.day < :until_day
GROUP BY d.day, d.pay_type
ORDER BY d.day, d.pay_type

-- name: answers_by_day
-- A sum over all parks includes strangers, whose park_id is 0.
SELECT a.day, a.code, sum(a.requests), sum(a.received)
FROM (SELECT park_id FROM park UNION ALL SELECT 0) AS p
CROSS JOIN daily_answer AS a
WHERE /* and p.park_id = :park_id AND */ a.park_id = p.park_id AND a.day >= :since_day AND a.day < :until_day
GROUP BY a.day, a.code
ORDER BY a.day, a.code

-- name: sum_of_money
-- Grows with every change of these days' rollups: a cached sum is valid while this stays the same.
SELECT coalesce(sum(d.inserted + d.updated), 0)
FROM park AS p
CROSS JOIN daily AS d
WHERE d.park_id = p.park_id AND d.day >= :since_day AND d.day < :until_day

-- name: sum_of_answers
-- The same for the answers.
SELECT coalesce(sum(a.requests), 0)
FROM (SELECT park_id FROM park UNION ALL SELECT 0) AS p
CROSS JOIN daily_answer AS a
WHERE a.park_id = p.park_id AND a.day >= :since_day AND a.day < :until_day

-- name: answers_by_park
SELECT a.day, p.park_uuid, a.code, a.requests, a.received
FROM (SELECT park_id, park_uuid FROM park UNION ALL SELECT 0, NULL) AS p
CROSS JOIN daily_answer AS a
WHERE a.park_id = p.park_id AND a.day >= :since_day AND a.day < :until_day
ORDER BY p.park_uuid NULLS FIRST, a.day, a.code

-- name: search_parks
-- Parks whose name or uuid contains :text; ignores the case of Latin letters.
SELECT {park_columns}
FROM park AS p
WHERE p.park_uuid > :after AND (instr(lower(p.name), lower(:text)) > 0 OR instr(lower(p.park_uuid), lower(:text)) > 0)
ORDER BY p.park_uuid
LIMIT :limit

-- name: held_replaces
-- Replaces held for approval that were sent since a time, newest kept body first. No other request has its body kept under
-- this code. A replace that has since taken effect, or was replayed by staff, is left out.
SELECT p.park_uuid, p.name, q.body_sha256, max(q.seqno), max(q.body_bytes),
    CASE WHEN p.replace_allowed = q.body_sha256 THEN p.replace_allowed_until_us END
FROM park AS p
CROSS JOIN rejected_body AS b
CROSS JOIN request AS q
WHERE /* and p.park_id = :park_id AND */ p.hold_replaces
    AND b.park_id = p.park_id AND q.park_id = b.park_id AND q.seqno = b.seqno AND q.code = '403'
    AND EXISTS (
        SELECT 1 FROM request AS l INDEXED BY request_held
        WHERE l.park_id = q.park_id AND l.code = '403' AND l.body_sha256 = q.body_sha256 AND l.generation >= q.generation
            AND l.seqno >= :since
    )
    AND NOT EXISTS (
        SELECT 1 FROM request AS l INDEXED BY request_replace
        WHERE l.park_id = q.park_id AND l.complete AND l.body_sha256 = q.body_sha256 AND l.generation > q.generation
    )
    AND NOT EXISTS (
        SELECT 1 FROM request AS l INDEXED BY request_replay
        WHERE l.park_id = q.park_id AND l.replay_of = q.seqno AND l.code = '1001'
    )
GROUP BY p.park_id, q.body_sha256
ORDER BY max(q.seqno) DESC
LIMIT :limit
