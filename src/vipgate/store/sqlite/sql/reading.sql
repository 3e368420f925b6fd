-- Reads of the ledger and the request log.

-- name: stream
-- All current records of a park, oldest change first.
SELECT r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type, r.quantity, r.pay_type,
    r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen, r.operator, r.extra,
    r.flags, r.revision, r.seqno, r.position
FROM park AS p
JOIN renewal AS r ON r.park_id = p.id AND r.generation = p.generation
WHERE p.park_uuid = :park_uuid AND r.position >= :since_us AND r.position < :until_us
ORDER BY r.position

-- name: stream_plate
-- The current records of one plate, by the plate's index; few enough to sort.
SELECT r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type, r.quantity, r.pay_type,
    r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen, r.operator, r.extra,
    r.flags, r.revision, r.seqno, r.position
FROM park AS p
JOIN renewal AS r INDEXED BY renewal_plate ON r.park_id = p.id AND r.generation = p.generation
WHERE p.park_uuid = :park_uuid AND r.plate = :plate AND r.position >= :since_us AND r.position < :until_us
ORDER BY r.position

-- name: newest
-- A page of current records, newest change first, older than a position.
SELECT r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type, r.quantity, r.pay_type,
    r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen, r.operator, r.extra,
    r.flags, r.revision, r.seqno, r.position
FROM park AS p
JOIN renewal AS r INDEXED BY renewal_position ON r.park_id = p.id AND r.generation = p.generation
WHERE p.park_uuid = :park_uuid AND r.position < :before
ORDER BY r.position DESC
LIMIT :limit

-- name: newest_of_plate
-- The same for one plate.
SELECT r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type, r.quantity, r.pay_type,
    r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen, r.operator, r.extra,
    r.flags, r.revision, r.seqno, r.position
FROM park AS p
JOIN renewal AS r INDEXED BY renewal_plate ON r.park_id = p.id AND r.generation = p.generation
WHERE p.park_uuid = :park_uuid AND r.plate = :plate AND r.position < :before
ORDER BY r.position DESC
LIMIT :limit

-- name: find_record
-- One current record by its order number.
SELECT r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type, r.quantity, r.pay_type,
    r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen, r.operator, r.extra,
    r.flags, r.revision, r.seqno, r.position
FROM park AS p
JOIN renewal AS r ON r.park_id = p.id AND r.generation = p.generation AND r.pay_partner = :pay_partner
WHERE p.park_uuid = :park_uuid

-- name: history
-- The replaced versions, newest first.
SELECT h.pay_partner, h.plate, h.plate_color, h.card_no, h.card_id, h.charge_type, h.vip_type, h.quantity, h.pay_type,
    h.value_e4, h.pay_time_ms, h.renewal_start_time_us, h.renewal_end_time_us, h.pay_value_fen, h.operator, h.extra,
    h.flags, h.revision, h.seqno, h.position, h.replaced_seqno
FROM park AS p
JOIN renewal_history AS h ON h.park_id = p.id AND h.generation = p.generation
WHERE p.park_uuid = :park_uuid AND h.pay_partner = :pay_partner AND h.revision < :before
ORDER BY h.revision DESC
LIMIT :limit

-- name: daily
SELECT d.day, d.pay_type, d.inserted, d.updated, d.pay_value_fen
FROM park AS p
JOIN daily AS d ON d.park_id = p.id
WHERE p.park_uuid = :park_uuid

-- name: daily_answers
SELECT d.day, d.code, d.requests, d.received
FROM park AS p
JOIN daily_answer AS d ON d.park_id = p.id
WHERE p.park_uuid = :park_uuid

-- name: journal_entry
-- By seqno alone: a caller who quotes one may know nothing else.
SELECT q.seqno, p.park_uuid, q.claimed, q.code, q.hint_zh, q.hint_en, q.complete, q.generation, q.received, q.inserted,
    q.updated, q.unchanged, q.received_us, q.duration_us, q.secret_used, q.peer, q.body_bytes, q.body_sha256,
    EXISTS (SELECT 1 FROM refused_body AS b WHERE b.park_id = q.park_id AND b.seqno = q.seqno) AS body_kept,
    q.replay_of, q.webhook_id
FROM request AS q
LEFT JOIN park AS p ON p.id = q.park_id
WHERE q.seqno = :seqno

-- name: refused_body
SELECT body FROM refused_body WHERE seqno = :seqno

-- name: ping
SELECT count(*) FROM (SELECT 1 FROM park LIMIT 1)
