-- Searches in the request log and the rollups, and the console's queries about parks. `/* and z */` becomes z for one park.

-- name: newest_requests
-- Requests, newest first; strangers have an empty park_uuid.
SELECT q.seqno, nullif(q.park_uuid, ''), q.claimed, q.code, q.hint_zh, q.hint_en, q.complete, q.generation, q.received,
    q.inserted, q.updated, q.unchanged, q.received_us, q.duration_us, q.secret_used, q.peer, q.body_bytes,
    q.body_sha256, b.seqno IS NOT NULL AS body_kept, q.replay_of,
    q.webhook_id
FROM request AS q
LEFT JOIN refused_body AS b ON b.park_uuid = q.park_uuid AND b.seqno = q.seqno
WHERE q.seqno >= %(floor)s AND q.seqno < %(before)s
    AND (%(code)s::text IS NULL OR q.code = %(code)s) /* and AND q.park_uuid = %(park_uuid)s */
ORDER BY q.seqno DESC
LIMIT %(limit)s

-- name: newest_requests_floor
SELECT q.seqno
FROM request AS q
WHERE q.seqno >= %(since)s AND q.seqno < %(before)s /* and AND q.park_uuid = %(park_uuid)s */
ORDER BY q.seqno DESC
LIMIT 2 OFFSET %(skip)s

-- name: newest_refused
-- All requests without 1001.
SELECT q.seqno, nullif(q.park_uuid, ''), q.claimed, q.code, q.hint_zh, q.hint_en, q.complete, q.generation, q.received,
    q.inserted, q.updated, q.unchanged, q.received_us, q.duration_us, q.secret_used, q.peer, q.body_bytes,
    q.body_sha256, b.seqno IS NOT NULL AS body_kept, q.replay_of,
    q.webhook_id
FROM request AS q
LEFT JOIN refused_body AS b ON b.park_uuid = q.park_uuid AND b.seqno = q.seqno
WHERE q.code <> '1001' AND q.seqno >= %(floor)s AND q.seqno < %(before)s
    AND (%(code)s::text IS NULL OR q.code = %(code)s) /* and AND q.park_uuid = %(park_uuid)s */
ORDER BY q.seqno DESC
LIMIT %(limit)s

-- name: newest_refused_floor
SELECT q.seqno
FROM request AS q
WHERE q.code <> '1001' AND q.seqno >= %(since)s AND q.seqno < %(before)s /* and AND q.park_uuid = %(park_uuid)s */
ORDER BY q.seqno DESC
LIMIT 2 OFFSET %(skip)s

-- name: replays_of
-- Replays of a rejected request by staff, oldest first.
SELECT q.seqno
FROM request AS q
WHERE q.park_uuid = %(park_uuid)s AND q.replay_of = %(seqno)s
ORDER BY q.seqno
LIMIT %(limit)s

-- name: money_by_day
SELECT d.day, d.pay_type, sum(d.inserted)::bigint, sum(d.updated)::bigint, sum(d.pay_value_fen)::bigint
FROM daily AS d
WHERE d.day >= %(since_day)s AND d.day < %(until_day)s /* and AND d.park_uuid = %(park_uuid)s */
GROUP BY d.day, d.pay_type
ORDER BY d.day, d.pay_type

-- name: answers_by_day
SELECT a.day, a.code, sum(a.requests)::bigint, sum(a.received)::bigint
FROM daily_answer AS a
WHERE a.day >= %(since_day)s AND a.day < %(until_day)s /* and AND a.park_uuid = %(park_uuid)s */
GROUP BY a.day, a.code
ORDER BY a.day, a.code

-- name: tally_of_money
-- Grows with every change of these days' rollups: a cached sum is valid while this stays the same.
SELECT coalesce(sum(d.inserted + d.updated), 0)::bigint
FROM daily AS d
WHERE d.day >= %(since_day)s AND d.day < %(until_day)s

-- name: tally_of_answers
-- The same for the answers.
SELECT coalesce(sum(a.requests), 0)::bigint
FROM daily_answer AS a
WHERE a.day >= %(since_day)s AND a.day < %(until_day)s

-- name: answers_by_park
SELECT a.day, nullif(a.park_uuid, ''), a.code, a.requests, a.received
FROM daily_answer AS a
WHERE a.day >= %(since_day)s AND a.day < %(until_day)s
ORDER BY a.park_uuid, a.day, a.code

-- name: search_parks
-- Parks whose name or uuid contains the text; ignores the case of Latin letters, as SQLite does.
SELECT p.park_uuid, p.name, p.enabled, p.generation, g.records, p.secret_changed_us,
    p.previous_secret IS NOT NULL AS has_previous_secret, p.secret_used, p.secret_used_us, p.last_push_us,
    p.allow_list, p.rate_per_minute, p.created_us, p.require_hmac, p.hold_replaces, p.charset,
    p.charset_changed_us
FROM park AS p
JOIN generation AS g ON g.park_uuid = p.park_uuid AND g.generation = p.generation
WHERE p.park_uuid > %(after)s AND (
    strpos(lower(p.name COLLATE "C"), lower(%(text)s COLLATE "C")) > 0
    OR strpos(lower(p.park_uuid), lower(%(text)s COLLATE "C")) > 0
)
ORDER BY p.park_uuid
LIMIT %(limit)s

-- name: park_more
SELECT p.park_uuid, p.position, p.retention_days, p.charge_address, p.charge_fetched_us, p.charge_tried_us,
    p.charge_trouble_zh, p.charge_trouble_en
FROM park AS p
WHERE p.park_uuid = %(park_uuid)s

-- name: charge_types_of
-- In the order in which the park sent them.
SELECT c.id, c.name, c.descr, c.vip_type, c.price_fen, c.extra_days, c.create_time, c.update_time
FROM charge_type AS c
WHERE c.park_uuid = %(park_uuid)s
ORDER BY c.place
LIMIT %(limit)s

-- name: parks_for_charge_types
SELECT p.park_uuid
FROM park AS p
WHERE p.park_uuid > '' AND p.charge_address IS NOT NULL
    AND (p.charge_tried_us IS NULL OR p.charge_tried_us < %(before_us)s)
ORDER BY p.park_uuid
LIMIT %(limit)s

-- name: held_replaces
-- Replaces held for approval that were sent since a time, newest kept body first. No other request has its body kept under
-- this code. A replace that has since taken effect, or was replayed by staff, is left out.
SELECT p.park_uuid, p.name, q.body_sha256, max(q.seqno), max(q.body_bytes),
    CASE WHEN p.replace_allowed = q.body_sha256 THEN p.replace_allowed_until_us END
FROM park AS p
JOIN refused_body AS b ON b.park_uuid = p.park_uuid
JOIN request AS q ON q.park_uuid = b.park_uuid AND q.seqno = b.seqno
WHERE p.hold_replaces AND b.seqno > '' AND q.code = '403' /* and AND p.park_uuid = %(park_uuid)s */
    AND EXISTS (
        SELECT 1 FROM request AS l
        WHERE l.park_uuid = q.park_uuid AND l.code = '403' AND l.body_sha256 = q.body_sha256 AND l.generation >= q.generation
            AND l.seqno >= %(since)s
    )
    AND NOT EXISTS (
        SELECT 1 FROM request AS l
        WHERE l.park_uuid = q.park_uuid AND l.complete AND l.body_sha256 = q.body_sha256 AND l.generation > q.generation
    )
    AND NOT EXISTS (
        SELECT 1 FROM request AS l WHERE l.park_uuid = q.park_uuid AND l.replay_of = q.seqno AND l.code = '1001'
    )
GROUP BY p.park_uuid, q.body_sha256
ORDER BY max(q.seqno) DESC
LIMIT %(limit)s

-- name: held_since
-- The last generation that a body started with `complete=1`: its holds came later.
SELECT coalesce(max(q.generation), 0)
FROM request AS q
WHERE q.park_uuid = %(park_uuid)s AND q.complete AND q.body_sha256 = %(body_sha256)s

-- name: held_first
-- The first time a body was held.
SELECT q.received_us
FROM request AS q
WHERE q.park_uuid = %(park_uuid)s AND q.code = '403' AND q.body_sha256 = %(body_sha256)s AND q.generation >= %(began)s
ORDER BY q.generation, q.seqno
LIMIT 1

-- name: held_last
-- The last time a body was held, and how often, counted up to a bound.
SELECT q.received_us, (
    SELECT count(*)
    FROM (
        SELECT 1 FROM request AS c
        WHERE c.park_uuid = %(park_uuid)s AND c.code = '403' AND c.body_sha256 = %(body_sha256)s
            AND c.generation >= %(began)s
        LIMIT %(most)s
    ) AS counted
)
FROM request AS q
WHERE q.park_uuid = %(park_uuid)s AND q.code = '403' AND q.body_sha256 = %(body_sha256)s AND q.generation >= %(began)s
ORDER BY q.generation DESC, q.seqno DESC
LIMIT 1

-- name: signatures_of
-- Pushes signed with HMAC and with MD5 among a park's newest requests, replays by staff excluded. Also, over all requests:
-- the last push signed with MD5, and the last push.
SELECT
    count(found.webhook_id), count(*) - count(found.webhook_id),
    (SELECT p.md5_used_us FROM park AS p WHERE p.park_uuid = %(park_uuid)s),
    (SELECT p.last_push_us FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
FROM (
    SELECT q.code, q.replay_of, q.webhook_id
    FROM request AS q
    WHERE q.park_uuid = %(park_uuid)s AND q.seqno >= %(since)s
    ORDER BY q.seqno DESC
    LIMIT %(most)s
) AS found
WHERE found.code = '1001' AND found.replay_of IS NULL
