-- Searches in the request log and the rollups, and the console's queries about parks.

-- name: newest_requests
-- The requests of all parks and of strangers, newest first.
SELECT q.seqno, p.park_uuid, q.claimed, q.code, q.hint_zh, q.hint_en, q.complete, q.generation, q.received, q.inserted,
    q.updated, q.unchanged, q.received_us, q.duration_us, q.secret_used, q.peer, q.body_bytes, q.body_sha256,
    EXISTS (SELECT 1 FROM refused_body AS b WHERE b.park_id = q.park_id AND b.seqno = q.seqno) AS body_kept, q.replay_of,
    q.webhook_id
FROM request AS q INDEXED BY request_seqno
LEFT JOIN park AS p ON p.id = q.park_id
WHERE q.seqno >= :floor AND q.seqno < :before AND (:code IS NULL OR q.code = :code)
ORDER BY q.seqno DESC
LIMIT :limit

-- name: newest_requests_floor
SELECT q.seqno
FROM request AS q INDEXED BY request_seqno
WHERE q.seqno >= :since AND q.seqno < :before
ORDER BY q.seqno DESC
LIMIT 2 OFFSET :skip

-- name: newest_requests_of_park
-- The requests of one park; of strangers if :park_uuid is empty.
SELECT q.seqno, p.park_uuid, q.claimed, q.code, q.hint_zh, q.hint_en, q.complete, q.generation, q.received, q.inserted,
    q.updated, q.unchanged, q.received_us, q.duration_us, q.secret_used, q.peer, q.body_bytes, q.body_sha256,
    EXISTS (SELECT 1 FROM refused_body AS b WHERE b.park_id = q.park_id AND b.seqno = q.seqno) AS body_kept, q.replay_of,
    q.webhook_id
FROM request AS q
LEFT JOIN park AS p ON p.id = q.park_id
WHERE q.park_id = (SELECT id FROM park WHERE park_uuid = :park_uuid UNION ALL SELECT 0 WHERE :park_uuid = '')
    AND q.seqno >= :floor AND q.seqno < :before AND (:code IS NULL OR q.code = :code)
ORDER BY q.seqno DESC
LIMIT :limit

-- name: newest_requests_of_park_floor
SELECT q.seqno
FROM request AS q
WHERE q.park_id = (SELECT id FROM park WHERE park_uuid = :park_uuid UNION ALL SELECT 0 WHERE :park_uuid = '')
    AND q.seqno >= :since AND q.seqno < :before
ORDER BY q.seqno DESC
LIMIT 2 OFFSET :skip

-- name: newest_refused
-- All requests without 1001: filtered by code inside the index, then read.
SELECT q.seqno, p.park_uuid, q.claimed, q.code, q.hint_zh, q.hint_en, q.complete, q.generation, q.received, q.inserted,
    q.updated, q.unchanged, q.received_us, q.duration_us, q.secret_used, q.peer, q.body_bytes, q.body_sha256,
    EXISTS (SELECT 1 FROM refused_body AS b WHERE b.park_id = q.park_id AND b.seqno = q.seqno) AS body_kept, q.replay_of,
    q.webhook_id
FROM (
    SELECT q.park_id, q.seqno
    FROM request AS q INDEXED BY request_refused_seqno
    WHERE q.code <> '1001' AND q.seqno >= :floor AND q.seqno < :before
        AND (:code IS NULL OR q.code = :code)
    ORDER BY q.seqno DESC
    LIMIT :limit
) AS found
CROSS JOIN request AS q
LEFT JOIN park AS p ON p.id = q.park_id
WHERE q.park_id = found.park_id AND q.seqno = found.seqno
ORDER BY q.seqno DESC

-- name: newest_refused_floor
SELECT q.seqno
FROM request AS q INDEXED BY request_refused_seqno
WHERE q.code <> '1001' AND q.seqno >= :since AND q.seqno < :before
ORDER BY q.seqno DESC
LIMIT 2 OFFSET :skip

-- name: newest_refused_of_park
-- The rejected requests of one park or of strangers.
SELECT q.seqno, p.park_uuid, q.claimed, q.code, q.hint_zh, q.hint_en, q.complete, q.generation, q.received, q.inserted,
    q.updated, q.unchanged, q.received_us, q.duration_us, q.secret_used, q.peer, q.body_bytes, q.body_sha256,
    EXISTS (SELECT 1 FROM refused_body AS b WHERE b.park_id = q.park_id AND b.seqno = q.seqno) AS body_kept, q.replay_of,
    q.webhook_id
FROM (
    SELECT q.park_id, q.seqno
    FROM request AS q INDEXED BY request_refused
    WHERE q.park_id = (SELECT id FROM park WHERE park_uuid = :park_uuid UNION ALL SELECT 0 WHERE :park_uuid = '')
        AND q.code <> '1001' AND q.seqno >= :floor AND q.seqno < :before
        AND (:code IS NULL OR q.code = :code)
    ORDER BY q.seqno DESC
    LIMIT :limit
) AS found
CROSS JOIN request AS q
LEFT JOIN park AS p ON p.id = q.park_id
WHERE q.park_id = found.park_id AND q.seqno = found.seqno
ORDER BY q.seqno DESC

-- name: newest_refused_of_park_floor
SELECT q.seqno
FROM request AS q INDEXED BY request_refused
WHERE q.park_id = (SELECT id FROM park WHERE park_uuid = :park_uuid UNION ALL SELECT 0 WHERE :park_uuid = '')
    AND q.code <> '1001' AND q.seqno >= :since AND q.seqno < :before
ORDER BY q.seqno DESC
LIMIT 2 OFFSET :skip

-- name: replays_of
-- Replays of a rejected request by staff, oldest first.
SELECT q.seqno
FROM park AS p
JOIN request AS q INDEXED BY request_replay ON q.park_id = p.id
WHERE p.park_uuid = :park_uuid AND q.replay_of = :seqno
ORDER BY q.seqno
LIMIT :limit

-- name: money_by_day
-- Each park's days are adjacent under its key: a loop over the parks is faster than an index by day.
SELECT d.day, d.pay_type, sum(d.inserted), sum(d.updated), sum(d.pay_value_fen)
FROM park AS p
CROSS JOIN daily AS d
WHERE p.park_uuid BETWEEN :first_park AND :last_park AND d.park_id = p.id AND d.day >= :since_day AND d.day < :until_day
GROUP BY d.day, d.pay_type
ORDER BY d.day, d.pay_type

-- name: answers_by_day
-- A sum over all parks includes strangers, whose park_uuid is empty.
SELECT a.day, a.code, sum(a.requests), sum(a.received)
FROM (SELECT id, park_uuid FROM park UNION ALL SELECT 0, '') AS p
CROSS JOIN daily_answer AS a
WHERE p.park_uuid BETWEEN :first_park AND :last_park AND a.park_id = p.id AND a.day >= :since_day AND a.day < :until_day
GROUP BY a.day, a.code
ORDER BY a.day, a.code

-- name: tally_of_money
-- Grows with every change of these days' rollups: a cached sum is valid while this stays the same.
SELECT coalesce(sum(d.inserted + d.updated), 0)
FROM park AS p
CROSS JOIN daily AS d
WHERE d.park_id = p.id AND d.day >= :since_day AND d.day < :until_day

-- name: tally_of_answers
-- The same for the answers.
SELECT coalesce(sum(a.requests), 0)
FROM (SELECT id FROM park UNION ALL SELECT 0) AS p
CROSS JOIN daily_answer AS a
WHERE a.park_id = p.id AND a.day >= :since_day AND a.day < :until_day

-- name: answers_by_park
SELECT a.day, nullif(p.park_uuid, ''), a.code, a.requests, a.received
FROM (SELECT id, park_uuid FROM park UNION ALL SELECT 0, '') AS p
CROSS JOIN daily_answer AS a
WHERE a.park_id = p.id AND a.day >= :since_day AND a.day < :until_day
ORDER BY p.park_uuid, a.day, a.code

-- name: search_parks
-- Parks whose name or uuid contains :text; ignores the case of Latin letters.
SELECT p.park_uuid, p.name, p.enabled, p.generation, g.records, p.secret_changed_us,
    p.previous_secret IS NOT NULL AS has_previous_secret, p.secret_used, p.secret_used_us, p.last_push_us,
    p.allow_list, p.rate_per_minute, p.created_us, p.require_hmac, p.hold_replaces, p.charset,
    p.charset_changed_us
FROM park AS p
JOIN generation AS g ON g.park_id = p.id AND g.generation = p.generation
WHERE p.park_uuid > :after AND (instr(lower(p.name), lower(:text)) > 0 OR instr(lower(p.park_uuid), lower(:text)) > 0)
ORDER BY p.park_uuid
LIMIT :limit

-- name: park_more
SELECT p.park_uuid, p.position, p.retention_days, p.charge_address, p.charge_fetched_us, p.charge_tried_us,
    p.charge_trouble_zh, p.charge_trouble_en
FROM park AS p
WHERE p.park_uuid = :park_uuid

-- name: charge_types_of
-- In the order in which the park sent them.
SELECT c.id, c.name, c.descr, c.vip_type, c.price_fen, c.extra_days, c.create_time, c.update_time
FROM park AS p
JOIN charge_type AS c ON c.park_id = p.id
WHERE p.park_uuid = :park_uuid
ORDER BY c.place
LIMIT :limit

-- name: parks_for_charge_types
SELECT p.park_uuid
FROM park AS p
WHERE p.park_uuid > '' AND p.charge_address IS NOT NULL
    AND (p.charge_tried_us IS NULL OR p.charge_tried_us < :before_us)
ORDER BY p.park_uuid
LIMIT :limit

-- name: held_replaces
-- Replaces held for approval that were sent since a time, newest kept body first. No other request has its body kept under
-- this code. A replace that has since taken effect, or was replayed by staff, is left out.
SELECT p.park_uuid, p.name, q.body_sha256, max(q.seqno), max(q.body_bytes),
    CASE WHEN p.replace_allowed = q.body_sha256 THEN p.replace_allowed_until_us END
FROM park AS p
CROSS JOIN refused_body AS b
CROSS JOIN request AS q
WHERE p.park_uuid BETWEEN :first_park AND :last_park AND p.hold_replaces = 1
    AND b.park_id = p.id AND q.park_id = b.park_id AND q.seqno = b.seqno AND q.code = '403'
    AND EXISTS (
        SELECT 1 FROM request AS l INDEXED BY request_held
        WHERE l.park_id = q.park_id AND l.code = '403' AND l.body_sha256 = q.body_sha256 AND l.generation >= q.generation
            AND l.seqno >= :since
    )
    AND NOT EXISTS (
        SELECT 1 FROM request AS l INDEXED BY request_replace
        WHERE l.park_id = q.park_id AND l.complete = 1 AND l.body_sha256 = q.body_sha256 AND l.generation > q.generation
    )
    AND NOT EXISTS (
        SELECT 1 FROM request AS l INDEXED BY request_replay
        WHERE l.park_id = q.park_id AND l.replay_of = q.seqno AND l.code = '1001'
    )
GROUP BY p.park_uuid, q.body_sha256
ORDER BY max(q.seqno) DESC
LIMIT :limit

-- name: held_since
-- The last generation that a body started with `complete=1`: its holds came later.
SELECT coalesce(max(q.generation), 0)
FROM park AS p
CROSS JOIN request AS q INDEXED BY request_replace
WHERE p.park_uuid = :park_uuid AND q.park_id = p.id AND q.complete = 1 AND q.body_sha256 = :body_sha256

-- name: held_first
-- The first time a body was held.
SELECT q.received_us
FROM park AS p
CROSS JOIN request AS q INDEXED BY request_held
WHERE p.park_uuid = :park_uuid AND q.park_id = p.id AND q.code = '403' AND q.body_sha256 = :body_sha256
    AND q.generation >= :began
ORDER BY q.generation, q.seqno
LIMIT 1

-- name: held_last
-- The last time a body was held, and how often, counted up to :most.
SELECT q.received_us, (
    SELECT count(*)
    FROM (
        SELECT 1 FROM request AS c INDEXED BY request_held
        WHERE c.park_id = p.id AND c.code = '403' AND c.body_sha256 = :body_sha256 AND c.generation >= :began
        LIMIT :most
    )
)
FROM park AS p
CROSS JOIN request AS q INDEXED BY request_held
WHERE p.park_uuid = :park_uuid AND q.park_id = p.id AND q.code = '403' AND q.body_sha256 = :body_sha256
    AND q.generation >= :began
ORDER BY q.generation DESC, q.seqno DESC
LIMIT 1

-- name: signatures_of
-- Pushes signed with HMAC and with MD5 among a park's newest requests, replays by staff excluded. Also, over all requests:
-- the last push signed with MD5, and the last push.
SELECT
    count(found.webhook_id), count(*) - count(found.webhook_id),
    (SELECT p.md5_used_us FROM park AS p WHERE p.park_uuid = :park_uuid),
    (SELECT p.last_push_us FROM park AS p WHERE p.park_uuid = :park_uuid)
FROM (
    SELECT q.code, q.replay_of, q.webhook_id
    FROM request AS q
    WHERE q.park_id = (SELECT id FROM park WHERE park_uuid = :park_uuid) AND q.seqno >= :since
    ORDER BY q.seqno DESC
    LIMIT :most
) AS found
WHERE found.code = '1001' AND found.replay_of IS NULL
