-- What `vipgate copy` reads, park by park and table by table in key order. park_id stays out of it: each database has its own,
-- and 0 stands for requests without a proved park. The progress of the retention is not copied: it starts over.

-- name: copy_park
SELECT
    t.park_uuid, t.name, t.enabled, t.generation, t.generation_last, t.position, t.secret, t.previous_secret,
    t.secret_changed_us, t.secret_used, t.secret_used_us, t.last_push_us, t.allow_list, t.rate_per_minute,
    t.created_us, t.retention_days, t.charge_address, t.charge_fetched_us, t.charge_tried_us, t.charge_trouble_zh,
    t.charge_trouble_en, t.require_hmac, t.hold_replaces, t.replace_allowed, t.replace_allowed_until_us,
    t.pushed_since_replace, t.md5_used_us, t.charset, t.charset_changed_us, t.records
FROM park AS t
WHERE t.park_id = :park_id

-- name: copy_generation
-- The park counts the current generation.
SELECT t.generation, CASE WHEN t.generation = p.generation THEN p.records ELSE t.records END, t.seqno, t.started_us,
    t.ended_us, t.purging
FROM generation AS t
JOIN park AS p ON p.park_id = t.park_id
WHERE t.park_id = :park_id
ORDER BY t.generation

-- name: copy_renewal
SELECT t.generation, {t.record}, t.revision, t.seqno, t.position
FROM renewal AS t INDEXED BY renewal_position
WHERE t.park_id = :park_id AND t.generation = :generation AND t.position > :after AND t.revision > 0
ORDER BY t.position

-- name: copy_renewal_history
SELECT t.generation, {t.record}, t.revision, t.seqno, t.position, t.replaced_seqno
FROM renewal_history AS t
WHERE t.park_id = :park_id AND t.generation = :generation
ORDER BY t.pay_partner, t.revision

-- name: copy_request
SELECT
    t.seqno, t.claimed, t.code, t.hint_zh, t.hint_en, t.complete, t.generation, t.received, t.inserted, t.updated,
    t.unchanged, t.received_us, t.duration_us, t.secret_used, t.peer, t.body_bytes, t.body_sha256, t.replay_of,
    t.webhook_id
FROM request AS t
WHERE t.park_id = :park_id AND t.seqno > :after
ORDER BY t.seqno

-- name: copy_rejected_body
SELECT t.seqno, t.bytes, t.body
FROM rejected_body AS t
WHERE t.park_id = :park_id AND t.seqno > :after
ORDER BY t.seqno

-- name: copy_daily
SELECT t.day, t.pay_type, t.inserted, t.updated, t.pay_value_fen
FROM daily AS t
WHERE t.park_id = :park_id
ORDER BY t.day, t.pay_type

-- name: copy_daily_answer
SELECT t.day, t.code, t.requests, t.received
FROM daily_answer AS t
WHERE t.park_id = :park_id
ORDER BY t.day, t.code

-- name: copy_charge_type
SELECT t.id, t.name, t.descr, t.vip_type, t.price_fen, t.extra_days, t.create_time, t.update_time, t.place
FROM charge_type AS t
WHERE t.park_id = :park_id
ORDER BY t.id

-- name: copy_staff_user
SELECT t.name, t.role, t.password, t.sees_plates, t.enabled, t.language, t.created_us, t.last_login_us
FROM staff_user AS t
ORDER BY t.name

-- name: copy_token
SELECT
    t.number, t.name, t.digest, t.scopes, t.park_uuid, t.masked, t.created_us, t.used_us, t.revoked_us
FROM token AS t
ORDER BY t.number

-- name: copy_audit_entry
SELECT t.number, t.at_us, t.who, t.action, t.park_uuid, t.subject, t.detail, t.peer
FROM audit_entry AS t
ORDER BY t.number
