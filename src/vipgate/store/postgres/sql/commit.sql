-- The statements of a group commit. Parameters are numbered; $1 is a JSON array of lines, parsed by json_to_recordset:
-- one parameter costs the driver a third of one array per column.
--
-- Each statement has two variants. As written it serves many parks at once. On Citus a statement must stay on one shard:
-- `x /* or y */` becomes y and `/* and z */` becomes z. It then serves the one park $2 and joins its row, because only
-- that shows the planner the shard.

-- name: lock_parks
-- Ordered by park_uuid, so that two processes never deadlock. Everything read here stays true until COMMIT.
SELECT p.park_uuid, p.park_uuid, p.generation, p.generation_last, p.position, p.secret_used, p.pushed_since_replace,
    p.hold_replaces, p.replace_allowed, p.replace_allowed_until_us
FROM park AS p
WHERE p.park_uuid = ANY ($1::text[])
ORDER BY p.park_uuid
FOR UPDATE

-- name: lock_park
-- The same for one park: Citus rejects a lock on several shards at once.
SELECT p.park_uuid, p.park_uuid, p.generation, p.generation_last, p.position, p.secret_used, p.pushed_since_replace,
    p.hold_replaces, p.replace_allowed, p.replace_allowed_until_us
FROM park AS p
WHERE p.park_uuid = $1
FOR UPDATE

-- name: already_stored
-- Which requests of a park are stored; read under its lock after a COMMIT whose reply was lost.
SELECT q.seqno, q.inserted, q.updated, q.unchanged
FROM request AS q
WHERE q.park_uuid = $1 AND q.seqno = ANY ($2::text[])

-- name: end_generation
-- Hides the old generation; its retention starts.
UPDATE generation SET ended_us = $3 WHERE park_uuid = $1 AND generation = $2

-- name: start_generation
-- Starts a new generation; the rows of the old one are not modified.
INSERT INTO generation (park_uuid, generation, seqno, started_us) VALUES ($1, $2, $3, $4)

-- name: same_replace
-- The last `complete=1` with this body, and the generation that it started. Generations are numbered in commit order.
SELECT q.seqno, q.generation
FROM request AS q
WHERE q.park_uuid = $1 AND q.complete AND q.body_sha256 = $2
ORDER BY q.generation DESC
LIMIT 1

-- name: replace_under_id
-- The recent `complete=1` that was stored under a webhook-id.
SELECT q.seqno, q.body_sha256
FROM request AS q
WHERE q.park_uuid = $1 AND q.complete AND q.webhook_id = $2 AND q.seqno >= $3
ORDER BY q.seqno DESC
LIMIT 1

-- name: copy_renewals
-- Inserts many rows that are most likely new, at two thirds of the server's cost. Fails for all rows if one exists.
-- Not sent to Citus.
COPY renewal (
    park_uuid, generation,
    pay_partner, plate, plate_color, card_no, card_id, charge_type, vip_type, quantity, pay_type, value_e4,
    pay_time_ms, renewal_start_time_us, renewal_end_time_us, pay_value_fen, operator, extra, flags,
    revision, seqno, position
) FROM STDIN (NULL E'\x01')

-- name: insert_batch
-- Inserts many rows of one request, with one seqno $4 and positions from $5 on. Existing records stay as they are.
INSERT INTO renewal (
    park_uuid, generation,
    pay_partner, plate, plate_color, card_no, card_id, charge_type, vip_type, quantity, pay_type, value_e4,
    pay_time_ms, renewal_start_time_us, renewal_end_time_us, pay_value_fen, operator, extra, flags,
    revision, seqno, position
)
SELECT
    p.park_uuid, $3::integer,
    u.pay_partner, u.plate, u.plate_color, u.card_no, u.card_id, u.charge_type, u.vip_type, u.quantity, u.pay_type,
    u.value_e4, u.pay_time_ms, u.renewal_start_time_us, u.renewal_end_time_us, u.pay_value_fen, u.operator, u.extra,
    u.flags,
    1, $4::text, $5::bigint + u.place - 1
FROM park AS p
CROSS JOIN ROWS FROM (json_to_recordset($1::json) AS (
    pay_partner text, plate text, plate_color smallint, card_no text, card_id text, charge_type text, vip_type
    smallint, quantity integer, pay_type smallint, value_e4 bigint, pay_time_ms bigint, renewal_start_time_us
    bigint, renewal_end_time_us bigint, pay_value_fen bigint, operator text, extra text, flags smallint
)) WITH ORDINALITY AS u (
    pay_partner, plate, plate_color, card_no, card_id, charge_type, vip_type, quantity, pay_type, value_e4,
    pay_time_ms, renewal_start_time_us, renewal_end_time_us, pay_value_fen, operator, extra, flags,
    place
)
WHERE p.park_uuid = $2
ON CONFLICT (park_uuid, generation, pay_partner) DO NOTHING

-- name: insert_renewals
-- Inserts rows of many small requests. Existing records stay as they are.
INSERT INTO renewal (
    park_uuid, generation,
    pay_partner, plate, plate_color, card_no, card_id, charge_type, vip_type, quantity, pay_type, value_e4,
    pay_time_ms, renewal_start_time_us, renewal_end_time_us, pay_value_fen, operator, extra, flags,
    revision, seqno, position
)
SELECT
    u.park_uuid /* or p.park_uuid */, u.generation,
    u.pay_partner, u.plate, u.plate_color, u.card_no, u.card_id, u.charge_type, u.vip_type, u.quantity, u.pay_type,
    u.value_e4, u.pay_time_ms, u.renewal_start_time_us, u.renewal_end_time_us, u.pay_value_fen, u.operator, u.extra,
    u.flags,
    1, u.seqno, u.position
FROM json_to_recordset($1::json) AS u (
    park_uuid text, generation integer,
    pay_partner text, plate text, plate_color smallint, card_no text, card_id text, charge_type text, vip_type
    smallint, quantity integer, pay_type smallint, value_e4 bigint, pay_time_ms bigint, renewal_start_time_us
    bigint, renewal_end_time_us bigint, pay_value_fen bigint, operator text, extra text, flags smallint,
    seqno text, position bigint
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */
ON CONFLICT (park_uuid, generation, pay_partner) DO NOTHING

-- name: held_renewals
-- The records with the given order numbers. OFFSET 0 forces a look-up by key for each, whatever the planner estimates.
SELECT
    r.park_uuid, r.generation,
    r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type, r.quantity, r.pay_type,
    r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen, r.operator, r.extra,
    r.flags,
    r.revision, r.seqno, r.position
FROM json_to_recordset($1::json) AS u (park_uuid text, generation integer, pay_partner text)
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS x
    WHERE x.park_uuid = u.park_uuid /* or $2 */ AND x.generation = u.generation AND x.pay_partner = u.pay_partner
    OFFSET 0
) AS r

-- name: keep_versions
-- Copies the versions to the history before they are replaced: on Citus one statement cannot do both.
INSERT INTO renewal_history (
    park_uuid, generation,
    pay_partner, plate, plate_color, card_no, card_id, charge_type, vip_type, quantity, pay_type, value_e4,
    pay_time_ms, renewal_start_time_us, renewal_end_time_us, pay_value_fen, operator, extra, flags,
    revision, seqno, position, replaced_seqno
)
SELECT
    u.park_uuid /* or p.park_uuid */, u.generation,
    u.pay_partner, u.plate, u.plate_color, u.card_no, u.card_id, u.charge_type, u.vip_type, u.quantity, u.pay_type,
    u.value_e4, u.pay_time_ms, u.renewal_start_time_us, u.renewal_end_time_us, u.pay_value_fen, u.operator, u.extra,
    u.flags,
    u.revision, u.seqno, u.position, u.replaced_seqno
FROM json_to_recordset($1::json) AS u (
    park_uuid text, generation integer,
    pay_partner text, plate text, plate_color smallint, card_no text, card_id text, charge_type text, vip_type
    smallint, quantity integer, pay_type smallint, value_e4 bigint, pay_time_ms bigint, renewal_start_time_us
    bigint, renewal_end_time_us bigint, pay_value_fen bigint, operator text, extra text, flags smallint,
    revision integer, seqno text, position bigint, replaced_seqno text
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */

-- name: replace_renewals
-- Overwrites a record with its newest version.
INSERT INTO renewal AS r (
    park_uuid, generation,
    pay_partner, plate, plate_color, card_no, card_id, charge_type, vip_type, quantity, pay_type, value_e4,
    pay_time_ms, renewal_start_time_us, renewal_end_time_us, pay_value_fen, operator, extra, flags,
    revision, seqno, position
)
SELECT
    u.park_uuid /* or p.park_uuid */, u.generation,
    u.pay_partner, u.plate, u.plate_color, u.card_no, u.card_id, u.charge_type, u.vip_type, u.quantity, u.pay_type,
    u.value_e4, u.pay_time_ms, u.renewal_start_time_us, u.renewal_end_time_us, u.pay_value_fen, u.operator, u.extra,
    u.flags,
    1, u.seqno, u.position
FROM json_to_recordset($1::json) AS u (
    park_uuid text, generation integer,
    pay_partner text, plate text, plate_color smallint, card_no text, card_id text, charge_type text, vip_type
    smallint, quantity integer, pay_type smallint, value_e4 bigint, pay_time_ms bigint, renewal_start_time_us
    bigint, renewal_end_time_us bigint, pay_value_fen bigint, operator text, extra text, flags smallint,
    seqno text, position bigint
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */
ON CONFLICT (park_uuid, generation, pay_partner) DO UPDATE SET
    plate = excluded.plate, plate_color = excluded.plate_color, card_no = excluded.card_no, card_id =
    excluded.card_id, charge_type = excluded.charge_type, vip_type = excluded.vip_type, quantity =
    excluded.quantity, pay_type = excluded.pay_type, value_e4 = excluded.value_e4, pay_time_ms =
    excluded.pay_time_ms, renewal_start_time_us = excluded.renewal_start_time_us, renewal_end_time_us =
    excluded.renewal_end_time_us, pay_value_fen = excluded.pay_value_fen, operator = excluded.operator, extra =
    excluded.extra, flags = excluded.flags,
    revision = r.revision + 1, seqno = excluded.seqno, position = excluded.position

-- name: journal
-- One row per request, accepted or rejected.
INSERT INTO request (
    park_uuid, seqno, claimed, code, hint_zh, hint_en, complete, generation, received, inserted, updated, unchanged,
    received_us, duration_us, secret_used, peer, body_bytes, body_sha256, replay_of,
    webhook_id
)
SELECT
    u.park_uuid /* or p.park_uuid */, u.seqno, u.claimed, u.code, u.hint_zh, u.hint_en, u.complete, u.generation,
    u.received, u.inserted, u.updated, u.unchanged, u.received_us, u.duration_us, u.secret_used, u.peer, u.body_bytes,
    u.body_sha256, u.replay_of, u.webhook_id
FROM json_to_recordset($1::json) AS u (
    park_uuid text, seqno text, claimed text, code text, hint_zh text, hint_en text, complete boolean,
    generation integer, received integer, inserted integer, updated integer, unchanged integer, received_us bigint,
    duration_us bigint, secret_used text, peer text, body_bytes bigint, body_sha256 text, replay_of text,
    webhook_id text
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */

-- name: add_to_daily
-- Updates the rollup for the charts in the same transaction as the records it counts.
INSERT INTO daily AS d (park_uuid, day, pay_type, inserted, updated, pay_value_fen)
SELECT u.park_uuid /* or p.park_uuid */, u.day, u.pay_type, u.inserted, u.updated, u.pay_value_fen
FROM json_to_recordset($1::json) AS u (
    park_uuid text, day integer, pay_type smallint, inserted bigint, updated bigint, pay_value_fen bigint
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */
ON CONFLICT (park_uuid, day, pay_type) DO UPDATE SET
    inserted = d.inserted + excluded.inserted,
    updated = d.updated + excluded.updated,
    pay_value_fen = d.pay_value_fen + excluded.pay_value_fen

-- name: add_to_daily_answer
-- Counts requests by result code.
INSERT INTO daily_answer AS d (park_uuid, day, code, requests, received)
SELECT u.park_uuid /* or p.park_uuid */, u.day, u.code, u.requests, u.received
FROM json_to_recordset($1::json) AS u (
    park_uuid text, day integer, code text, requests bigint, received bigint
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */
ON CONFLICT (park_uuid, day, code) DO UPDATE SET
    requests = d.requests + excluded.requests, received = d.received + excluded.received

-- name: save_parks
-- Saves the counters. `pushed_us` is NULL if there were only replays by staff, `md5_us` if MD5 signed no push.
UPDATE park AS p
SET generation = u.generation, generation_last = u.generation_last, position = u.position,
    secret_used = u.secret_used, secret_used_us = coalesce(u.pushed_us, p.secret_used_us),
    last_push_us = coalesce(u.pushed_us, p.last_push_us), pushed_since_replace = u.pushed_since_replace,
    replace_allowed = u.replace_allowed, md5_used_us = coalesce(u.md5_us, p.md5_used_us)
FROM json_to_recordset($1::json) AS u (
    park_uuid text, generation integer, generation_last integer, position bigint, secret_used text,
    pushed_us bigint, pushed_since_replace boolean, replace_allowed text, md5_us bigint
)
WHERE p.park_uuid = u.park_uuid /* or $2 */

-- name: add_to_generations
-- Updates the record counts.
UPDATE generation AS g
SET records = g.records + u.records
FROM json_to_recordset($1::json) AS u (park_uuid text, generation integer, records bigint)
WHERE g.park_uuid = u.park_uuid /* or $2 */ AND g.generation = u.generation

-- name: held_body
-- The kept body of a replace that is still held, by its digest. OFFSET 0 makes the planner start with the few bodies: a park
-- that keeps resending has many requests with this digest.
SELECT q.seqno
FROM refused_body AS b
CROSS JOIN LATERAL (
    SELECT x.seqno, x.code, x.body_sha256, x.generation FROM request AS x WHERE x.park_uuid = $1 AND x.seqno = b.seqno OFFSET 0
) AS q
WHERE b.park_uuid = $1 AND q.code = '403' AND q.body_sha256 = $2
    AND NOT EXISTS (
        SELECT 1 FROM request AS l
        WHERE l.park_uuid = $1 AND l.complete AND l.body_sha256 = $2 AND l.generation > q.generation
    )
    AND NOT EXISTS (
        SELECT 1 FROM request AS l WHERE l.park_uuid = $1 AND l.replay_of = q.seqno AND l.code = '1001'
    )
LIMIT 1

-- name: keep_refused_body
-- Keeps the body of a rejected request, which the operator can inspect and replay.
INSERT INTO refused_body (park_uuid, seqno, bytes, body) VALUES ($1, $2, $3, $4)

-- name: drop_refused_bodies
-- Deletes the oldest bodies of a park beyond either bound; the sum runs from the newest to the oldest.
DELETE FROM refused_body
WHERE park_uuid = $1 AND seqno IN (
    SELECT b.seqno
    FROM (
        SELECT seqno, row_number() OVER newest AS place, sum(bytes) OVER newest AS bytes_so_far
        FROM refused_body
        WHERE park_uuid = $1
        WINDOW newest AS (ORDER BY seqno DESC)
    ) AS b
    WHERE b.place > $2 OR b.bytes_so_far > $3
)
