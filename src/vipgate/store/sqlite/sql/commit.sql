-- The statements of a group commit that differ on PostgreSQL. They run after BEGIN IMMEDIATE, so everything read here stays true
-- until COMMIT.
-- Statements with `/* rows */` take many rows at a time, so that the GIL is released once for all of them.

-- name: lock_parks
-- The counters of the parks in :park_uuids, a JSON array, read inside the transaction: another process may just have
-- restored a generation. One row, a JSON array of arrays: the driver releases the GIL at every row.
SELECT json_group_array(json_array(
    p.park_uuid, p.park_id, p.generation, p.generation_last, p.position, p.secret_used, p.pushed_since_replace,
    p.hold_replaces, p.replace_allowed, p.replace_allowed_until_us, p.cards_to, p.records
))
FROM json_each(:park_uuids) AS wanted
CROSS JOIN park AS p
WHERE p.park_uuid = wanted.value

-- name: save_parks
-- Saves the counters, once per park and group. The sixth is NULL if there were only replays by staff, the ninth if MD5
-- signed no push.
UPDATE park
SET generation = saved.column2, generation_last = saved.column3, position = saved.column4,
    secret_used = saved.column5, secret_used_us = coalesce(saved.column6, secret_used_us),
    last_push_us = coalesce(saved.column6, last_push_us), pushed_since_replace = saved.column7,
    replace_allowed = saved.column8, md5_used_us = coalesce(saved.column9, md5_used_us), cards_to = saved.column10,
    records = saved.column11
FROM (VALUES /* rows */ (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)) AS saved
WHERE park_id = saved.column1

-- name: add_to_generations
-- Updates the record counts of generations that ended in this group.
UPDATE generation
SET records = records + more.column3
FROM (VALUES /* rows */ (?, ?, ?)) AS more
WHERE park_id = more.column1 AND generation = more.column2

-- name: insert_renewals
-- Inserts the records that do not exist; the others are compared one by one afterwards.
INSERT INTO renewal (
    park_id, generation, {record}, revision, seqno, position
) VALUES /* rows */ (?, ?, {record ?}, 1, ?, ?)
ON CONFLICT (park_id, generation, pay_partner) DO NOTHING

-- name: held_renewals
-- The records with the order numbers in :pay_partners, a JSON array. CROSS JOIN makes the array the outer loop.
SELECT {stored}
FROM json_each(:pay_partners) AS wanted
CROSS JOIN renewal AS r
WHERE r.park_id = :park_id AND r.generation = :generation AND r.pay_partner = wanted.value

-- name: keep_version
-- Copies the version that is about to be replaced to the history.
INSERT INTO renewal_history (
    park_id, generation, {record}, revision, seqno, position, replaced_seqno
)
SELECT park_id, generation, {record}, revision, seqno, position, ?
FROM renewal
WHERE park_id = ? AND generation = ? AND pay_partner = ?

-- name: replace_renewal
-- Overwrites a record with its newest version.
UPDATE renewal
SET {record = ?}, revision = revision + 1, seqno = ?, position = ?
WHERE park_id = ? AND generation = ? AND pay_partner = ?

-- name: drop_card
-- Deletes a card entry of a version that is replaced.
DELETE FROM card WHERE park_id = ? AND generation = ? AND card = ? AND position = ?

-- name: add_to_daily
-- Updates the rollup for the charts in the same transaction as the records it counts.
INSERT INTO daily (park_id, day, pay_type, inserted, updated, pay_value_fen) VALUES /* rows */ (?, ?, ?, ?, ?, ?)
ON CONFLICT (park_id, day, pay_type) DO UPDATE SET
    inserted = inserted + excluded.inserted,
    updated = updated + excluded.updated,
    pay_value_fen = pay_value_fen + excluded.pay_value_fen

-- name: add_to_daily_answer
-- Counts requests by result code.
INSERT INTO daily_answer (park_id, day, code, requests, received) VALUES /* rows */ (?, ?, ?, ?, ?)
ON CONFLICT (park_id, day, code) DO UPDATE SET
    requests = requests + excluded.requests, received = received + excluded.received

-- name: log_requests
-- One row per request, accepted or rejected.
INSERT INTO request (
    park_id, seqno, claimed, code, hint_zh, hint_en, complete, generation, received, inserted, updated, unchanged,
    received_us, duration_us, secret_used, peer, body_bytes, body_sha256, replay_of,
    webhook_id
) VALUES /* rows */ (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: held_body
-- The kept body of a replace that is still held, by its digest. CROSS JOIN makes the few bodies the outer loop: a park that
-- keeps resending has many requests with this digest.
SELECT q.seqno
FROM rejected_body AS b
CROSS JOIN request AS q
WHERE b.park_id = :park_id AND q.park_id = b.park_id AND q.seqno = b.seqno AND q.code = '403'
    AND q.body_sha256 = :body_sha256
    AND NOT EXISTS (
        SELECT 1 FROM request AS l
        WHERE l.park_id = :park_id AND l.complete AND l.body_sha256 = :body_sha256 AND l.generation > q.generation
    )
    AND NOT EXISTS (
        SELECT 1 FROM request AS l WHERE l.park_id = :park_id AND l.replay_of = q.seqno AND l.code = '1001'
    )
LIMIT 1
