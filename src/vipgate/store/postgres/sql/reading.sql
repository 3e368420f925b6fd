-- Reads of the ledger and the request log. `revision > 0` is always true, `plate > ''` unless the plate is erased: they enable
-- the indexes that are partial on them (see the migration). The current generation is a scalar subquery, so that the index's
-- order is kept.

-- name: stream
-- All current records of a park, oldest change first.
SELECT
    r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type, r.quantity, r.pay_type,
    r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen, r.operator, r.extra,
    r.flags,
    r.revision, r.seqno, r.position
FROM renewal AS r
WHERE r.park_uuid = %(park_uuid)s
    AND r.generation = (SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
    AND r.position >= %(since_us)s AND r.position < %(until_us)s AND r.revision > 0
ORDER BY r.position

-- name: stream_plate
-- The current records of one plate, in the order of its index.
SELECT
    r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type, r.quantity, r.pay_type,
    r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen, r.operator, r.extra,
    r.flags,
    r.revision, r.seqno, r.position
FROM renewal AS r
WHERE r.park_uuid = %(park_uuid)s
    AND r.generation = (SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
    AND r.plate = %(plate)s AND r.plate > '' AND r.position >= %(since_us)s AND r.position < %(until_us)s
ORDER BY r.position

-- name: newest
-- A page of current records, newest change first, older than a position.
SELECT
    r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type, r.quantity, r.pay_type,
    r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen, r.operator, r.extra,
    r.flags,
    r.revision, r.seqno, r.position
FROM renewal AS r
WHERE r.park_uuid = %(park_uuid)s
    AND r.generation = (SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
    AND r.position < %(before)s AND r.revision > 0
ORDER BY r.position DESC
LIMIT %(limit)s

-- name: newest_of_plate
-- The same for one plate.
SELECT
    r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type, r.quantity, r.pay_type,
    r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen, r.operator, r.extra,
    r.flags,
    r.revision, r.seqno, r.position
FROM renewal AS r
WHERE r.park_uuid = %(park_uuid)s
    AND r.generation = (SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
    AND r.plate = %(plate)s AND r.plate > '' AND r.position < %(before)s
ORDER BY r.position DESC
LIMIT %(limit)s

-- name: find_record
-- One current record by its order number.
SELECT
    r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type, r.quantity, r.pay_type,
    r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen, r.operator, r.extra,
    r.flags,
    r.revision, r.seqno, r.position
FROM renewal AS r
WHERE r.park_uuid = %(park_uuid)s
    AND r.generation = (SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
    AND r.pay_partner = %(pay_partner)s

-- name: history
-- The replaced versions, newest first.
SELECT
    h.pay_partner, h.plate, h.plate_color, h.card_no, h.card_id, h.charge_type, h.vip_type, h.quantity, h.pay_type,
    h.value_e4, h.pay_time_ms, h.renewal_start_time_us, h.renewal_end_time_us, h.pay_value_fen, h.operator, h.extra,
    h.flags,
    h.revision, h.seqno, h.position, h.replaced_seqno
FROM renewal_history AS h
WHERE h.park_uuid = %(park_uuid)s
    AND h.generation = (SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
    AND h.pay_partner = %(pay_partner)s AND h.revision < %(before)s
ORDER BY h.revision DESC
LIMIT %(limit)s

-- name: daily
SELECT d.day, d.pay_type, d.inserted, d.updated, d.pay_value_fen FROM daily AS d WHERE d.park_uuid = %(park_uuid)s

-- name: daily_answers
SELECT d.day, d.code, d.requests, d.received FROM daily_answer AS d WHERE d.park_uuid = %(park_uuid)s

-- name: journal_entry
-- By seqno alone: a caller who quotes one may know nothing else. On Citus every shard is queried, each by its index.
SELECT q.seqno, nullif(q.park_uuid, ''), q.claimed, q.code, q.hint_zh, q.hint_en, q.complete, q.generation, q.received,
    q.inserted, q.updated, q.unchanged, q.received_us, q.duration_us, q.secret_used, q.peer, q.body_bytes,
    q.body_sha256, b.seqno IS NOT NULL AS body_kept, q.replay_of, q.webhook_id
FROM request AS q
LEFT JOIN refused_body AS b ON b.park_uuid = q.park_uuid AND b.seqno = q.seqno
WHERE q.seqno = %(seqno)s

-- name: refused_body
SELECT b.body FROM refused_body AS b WHERE b.seqno = %(seqno)s

-- name: ping
-- A standby answers queries but takes no writes.
SELECT pg_is_in_recovery()
