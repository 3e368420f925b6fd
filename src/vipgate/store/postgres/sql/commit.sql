-- The statements of a group commit that differ on SQLite. Parameters are numbered. Where $1 is a JSON array of lines, parsed by
-- json_to_recordset, the statement has two forms: as written it serves many parks at once, and one parameter costs the driver
-- a third of one array per column. Citus gets the form that `line_variant` makes of it: INSERT … VALUES, or UPDATE … WHERE with
-- plain values, about one park, which Citus routes to the park's node without planning.

-- name: lock_parks
-- In the order of park_id, so that two processes never deadlock. Everything read here stays true until COMMIT.
SELECT p.park_uuid, p.park_id, p.generation, p.generation_last, p.position, p.secret_used, p.pushed_since_replace,
    p.hold_replaces, p.replace_allowed, p.replace_allowed_until_us, p.cards_to, p.records
FROM park AS p
WHERE p.park_id = ANY ($1::integer[])
ORDER BY p.park_id
FOR UPDATE

-- name: lock_park
-- The same for one park: Citus rejects a lock on several shards at once.
SELECT p.park_uuid, p.park_id, p.generation, p.generation_last, p.position, p.secret_used, p.pushed_since_replace,
    p.hold_replaces, p.replace_allowed, p.replace_allowed_until_us, p.cards_to, p.records
FROM park AS p
WHERE p.park_id = $1
FOR UPDATE

-- name: already_stored
-- Which requests of a park are stored; read under its lock after a COMMIT whose reply was lost.
SELECT q.seqno, q.inserted, q.updated, q.unchanged
FROM request AS q
WHERE q.park_id = $1 AND q.seqno = ANY ($2::text[])

-- name: copy_renewals
-- Inserts many rows that are most likely new, at two thirds of the server's cost, on Citus at a fifth. Fails for all rows if one
-- exists.
COPY renewal (
    park_id, generation, {record}, revision, seqno, position
) FROM STDIN (NULL E'\x01')

-- name: insert_batch
-- Inserts many rows of one request, with one seqno $4 and positions from $5 on. Existing records stay as they are.
-- Not sent to Citus.
INSERT INTO renewal (
    park_id, generation, {record}, revision, seqno, position
)
SELECT
    $2::integer, $3::integer, {u.record}, 1, $4::text, $5::bigint + u.place - 1
FROM ROWS FROM (json_to_recordset($1::json) AS (
    {record types}
)) WITH ORDINALITY AS u (
    {record}, place
)
ON CONFLICT (park_id, generation, pay_partner) DO NOTHING

-- name: insert_renewals
-- Inserts rows of many small requests. Existing records stay as they are.
INSERT INTO renewal (
    park_id, generation, {record}, revision, seqno, position
)
SELECT
    u.park_id, u.generation, {u.record}, 1, u.seqno, u.position
FROM json_to_recordset($1::json) AS u (
    park_id integer, generation integer, {record types}, seqno text, position bigint
)
ON CONFLICT (park_id, generation, pay_partner) DO NOTHING

-- name: add_renewals
-- Inserts rows that do not exist, as was looked up under the locks of their parks. Not sent to Citus.
INSERT INTO renewal (
    park_id, generation, {record}, revision, seqno, position
)
SELECT
    u.park_id, u.generation, {u.record}, 1, u.seqno, u.position
FROM json_to_recordset($1::json) AS u (
    park_id integer, generation integer, {record types}, seqno text, position bigint
)

-- name: held_in_current_generation
-- The records of locked parks with the given order numbers, in the generation that is the current one. OFFSET 0 as below. Not sent
-- to Citus.
SELECT
    r.park_id, r.generation, {stored}
FROM json_to_recordset($1::json) AS u (park_id integer, pay_partner text)
CROSS JOIN LATERAL (SELECT x.generation FROM park AS x WHERE x.park_id = u.park_id OFFSET 0) AS p
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS x
    WHERE x.park_id = u.park_id AND x.generation = p.generation AND x.pay_partner = u.pay_partner
    OFFSET 0
) AS r

-- name: held_renewals
-- The records with the given order numbers. OFFSET 0 forces a look-up by key for each, whatever the planner estimates.
-- Not sent to Citus.
SELECT
    r.park_id, r.generation, {stored}
FROM json_to_recordset($1::json) AS u (park_id integer, generation integer, pay_partner text)
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS x
    WHERE x.park_id = u.park_id AND x.generation = u.generation AND x.pay_partner = u.pay_partner
    OFFSET 0
) AS r

-- name: held_renewals_of_park
-- The same for one generation of a park.
SELECT
    r.park_id, r.generation, {stored}
FROM renewal AS r
WHERE r.park_id = $1 AND r.generation = $2 AND r.pay_partner = ANY ($3::text[])

-- name: keep_versions
-- Copies the versions to the history before they are replaced: on Citus one statement cannot do both.
INSERT INTO renewal_history (
    park_id, generation, {record}, revision, seqno, position, replaced_seqno
)
SELECT
    u.park_id, u.generation, {u.record}, u.revision, u.seqno, u.position, u.replaced_seqno
FROM json_to_recordset($1::json) AS u (
    park_id integer, generation integer, {record types},
    revision integer, seqno text, position bigint, replaced_seqno text
)

-- name: replace_renewals
-- Overwrites a record with its newest version.
INSERT INTO renewal AS r (
    park_id, generation, {record}, revision, seqno, position
)
SELECT
    u.park_id, u.generation, {u.record}, 1, u.seqno, u.position
FROM json_to_recordset($1::json) AS u (
    park_id integer, generation integer, {record types}, seqno text, position bigint
)
ON CONFLICT (park_id, generation, pay_partner) DO UPDATE SET
    {record = excluded}, revision = r.revision + 1, seqno = excluded.seqno, position = excluded.position

-- name: drop_cards
-- Deletes the card entries of versions that are replaced.
DELETE FROM card AS c
USING json_to_recordset($1::json) AS u (park_id integer, generation integer, card text, position bigint)
WHERE c.park_id = u.park_id AND c.generation = u.generation AND c.card = u.card AND c.position = u.position

-- name: log_requests
-- One row per request, accepted or rejected.
INSERT INTO request (
    park_id, seqno, claimed, code, hint_zh, hint_en, complete, generation, received, inserted, updated, unchanged,
    received_us, duration_us, secret_used, peer, body_bytes, body_sha256, replay_of, webhook_id
)
SELECT
    u.park_id, u.seqno, u.claimed, u.code, u.hint_zh, u.hint_en, u.complete, u.generation, u.received, u.inserted,
    u.updated, u.unchanged, u.received_us, u.duration_us, u.secret_used, u.peer, u.body_bytes, u.body_sha256,
    u.replay_of, u.webhook_id
FROM json_to_recordset($1::json) AS u (
    park_id integer, seqno text, claimed text, code text, hint_zh text, hint_en text, complete boolean,
    generation integer, received integer, inserted integer, updated integer, unchanged integer, received_us bigint,
    duration_us bigint, secret_used text, peer text, body_bytes bigint, body_sha256 text, replay_of text,
    webhook_id text
)

-- name: add_to_daily
-- Updates the rollup for the charts in the same transaction as the records it counts.
INSERT INTO daily AS d (park_id, day, pay_type, inserted, updated, pay_value_fen)
SELECT u.park_id, u.day, u.pay_type, u.inserted, u.updated, u.pay_value_fen
FROM json_to_recordset($1::json) AS u (
    park_id integer, day integer, pay_type smallint, inserted bigint, updated bigint, pay_value_fen bigint
)
ON CONFLICT (park_id, day, pay_type) DO UPDATE SET
    inserted = d.inserted + excluded.inserted,
    updated = d.updated + excluded.updated,
    pay_value_fen = d.pay_value_fen + excluded.pay_value_fen

-- name: add_to_daily_answer
-- Counts requests by result code.
INSERT INTO daily_answer AS d (park_id, day, code, requests, received)
SELECT u.park_id, u.day, u.code, u.requests, u.received
FROM json_to_recordset($1::json) AS u (
    park_id integer, day integer, code text, requests bigint, received bigint
)
ON CONFLICT (park_id, day, code) DO UPDATE SET
    requests = d.requests + excluded.requests, received = d.received + excluded.received

-- name: save_parks
-- Saves the counters. `pushed_us` is NULL if there were only replays by staff, `md5_us` if MD5 signed no push.
UPDATE park AS p
SET generation = u.generation, generation_last = u.generation_last, position = u.position,
    secret_used = u.secret_used, secret_used_us = coalesce(u.pushed_us, p.secret_used_us),
    last_push_us = coalesce(u.pushed_us, p.last_push_us), pushed_since_replace = u.pushed_since_replace,
    replace_allowed = u.replace_allowed, md5_used_us = coalesce(u.md5_us, p.md5_used_us), cards_to = u.cards_to,
    records = u.records
FROM json_to_recordset($1::json) AS u (
    park_id integer, generation integer, generation_last integer, position bigint, secret_used text,
    pushed_us bigint, pushed_since_replace boolean, replace_allowed text, md5_us bigint, cards_to bigint,
    records bigint
)
WHERE p.park_id = u.park_id

-- name: add_to_generations
-- Updates the record counts of generations that ended in this group.
UPDATE generation AS g
SET records = g.records + u.records
FROM json_to_recordset($1::json) AS u (park_id integer, generation integer, records bigint)
WHERE g.park_id = u.park_id AND g.generation = u.generation

-- name: held_body
-- The kept body of a replace that is still held, by its digest. OFFSET 0 makes the planner start with the few bodies: a park
-- that keeps resending has many requests with this digest.
SELECT q.seqno
FROM rejected_body AS b
CROSS JOIN LATERAL (
    SELECT x.seqno, x.code, x.body_sha256, x.generation
    FROM request AS x
    WHERE x.park_id = :park_id AND x.seqno = b.seqno
    OFFSET 0
) AS q
WHERE b.park_id = :park_id AND q.code = '403' AND q.body_sha256 = :body_sha256
    AND NOT EXISTS (
        SELECT 1 FROM request AS l
        WHERE l.park_id = :park_id AND l.complete AND l.body_sha256 = :body_sha256 AND l.generation > q.generation
    )
    AND NOT EXISTS (
        SELECT 1 FROM request AS l WHERE l.park_id = :park_id AND l.replay_of = q.seqno AND l.code = '1001'
    )
LIMIT 1
