-- What `vipgate copy` writes. Existing rows are overwritten. For the two forms of a statement see commit.sql.

-- name: load_park
-- Another generation may have incomplete card entries.
INSERT INTO park AS p (
    park_id, park_uuid, name, enabled, generation, generation_last, position, secret, previous_secret, secret_changed_us,
    secret_used, secret_used_us, last_push_us, allow_list, rate_per_minute, created_us, retention_days, charge_address,
    charge_fetched_us, charge_tried_us, charge_trouble_zh, charge_trouble_en, require_hmac, hold_replaces,
    replace_allowed, replace_allowed_until_us, pushed_since_replace, md5_used_us, charset, charset_changed_us,
    records
)
SELECT
    u.park_id, u.park_uuid, u.name, u.enabled, u.generation, u.generation_last, u.position, u.secret, u.previous_secret,
    u.secret_changed_us, u.secret_used, u.secret_used_us, u.last_push_us, u.allow_list, u.rate_per_minute,
    u.created_us, u.retention_days, u.charge_address, u.charge_fetched_us, u.charge_tried_us, u.charge_trouble_zh,
    u.charge_trouble_en, u.require_hmac, u.hold_replaces, u.replace_allowed, u.replace_allowed_until_us,
    u.pushed_since_replace, u.md5_used_us, u.charset, u.charset_changed_us, u.records
FROM json_to_recordset($1::json) AS u (
    park_id integer, park_uuid text, name text, enabled boolean, generation integer, generation_last integer, position bigint, secret
    bytea, previous_secret bytea, secret_changed_us bigint, secret_used text, secret_used_us bigint, last_push_us
    bigint, allow_list text, rate_per_minute integer, created_us bigint, retention_days integer, charge_address
    text, charge_fetched_us bigint, charge_tried_us bigint, charge_trouble_zh text, charge_trouble_en text,
    require_hmac boolean, hold_replaces boolean, replace_allowed text,
    replace_allowed_until_us bigint, pushed_since_replace boolean, md5_used_us bigint, charset text,
    charset_changed_us bigint, records bigint
)
ON CONFLICT (park_id) DO UPDATE SET
    name = excluded.name, enabled = excluded.enabled, generation = excluded.generation, generation_last =
    excluded.generation_last, position = excluded.position, secret = excluded.secret, previous_secret =
    excluded.previous_secret, secret_changed_us = excluded.secret_changed_us, secret_used = excluded.secret_used,
    secret_used_us = excluded.secret_used_us, last_push_us = excluded.last_push_us, allow_list =
    excluded.allow_list, rate_per_minute = excluded.rate_per_minute, created_us = excluded.created_us,
    retention_days = excluded.retention_days, charge_address = excluded.charge_address, charge_fetched_us =
    excluded.charge_fetched_us, charge_tried_us = excluded.charge_tried_us, charge_trouble_zh =
    excluded.charge_trouble_zh, charge_trouble_en = excluded.charge_trouble_en,
    require_hmac = excluded.require_hmac, hold_replaces = excluded.hold_replaces, replace_allowed =
    excluded.replace_allowed, replace_allowed_until_us = excluded.replace_allowed_until_us,
    pushed_since_replace = excluded.pushed_since_replace, md5_used_us = excluded.md5_used_us, charset = excluded.charset,
    charset_changed_us = excluded.charset_changed_us, records = excluded.records,
    cards_to = CASE WHEN p.generation = excluded.generation THEN p.cards_to ELSE 0 END

-- name: load_generation
INSERT INTO generation (
    park_id, generation, records, seqno, started_us, ended_us, purging
)
SELECT
    u.park_id, u.generation, u.records, u.seqno, u.started_us, u.ended_us, u.purging
FROM json_to_recordset($1::json) AS u (
    park_id integer, generation integer, records bigint, seqno text, started_us bigint, ended_us bigint, purging
    boolean
)
ON CONFLICT (park_id, generation) DO UPDATE SET
    records = excluded.records, seqno = excluded.seqno, started_us = excluded.started_us, ended_us =
    excluded.ended_us, purging = excluded.purging

-- name: load_renewal
INSERT INTO renewal (
    park_id, generation, {record}, revision, seqno, position
)
SELECT
    u.park_id, u.generation, {u.record}, u.revision, u.seqno, u.position
FROM json_to_recordset($1::json) AS u (
    park_id integer, generation integer, {record types}, revision integer, seqno text, position bigint
)
ON CONFLICT (park_id, generation, pay_partner) DO UPDATE SET
    {record = excluded}, revision = excluded.revision, seqno = excluded.seqno, position =
    excluded.position

-- name: load_renewal_history
-- A version changes only when it is erased.
INSERT INTO renewal_history AS h (
    park_id, generation, {record}, revision, seqno, position, replaced_seqno
)
SELECT
    u.park_id, u.generation, {u.record}, u.revision, u.seqno, u.position, u.replaced_seqno
FROM json_to_recordset($1::json) AS u (
    park_id integer, generation integer, {record types}, revision integer, seqno text, position bigint, replaced_seqno text
)
ON CONFLICT (park_id, generation, pay_partner, revision) DO UPDATE SET
    plate = excluded.plate, {personal = excluded}, flags = excluded.flags
WHERE (h.plate, {h.personal}, h.flags) IS DISTINCT FROM
    (excluded.plate, {excluded.personal}, excluded.flags)

-- name: load_request
INSERT INTO request (
    park_id, seqno, claimed, code, hint_zh, hint_en, complete, generation, received, inserted, updated, unchanged,
    received_us, duration_us, secret_used, peer, body_bytes, body_sha256, replay_of,
    webhook_id
)
SELECT
    u.park_id, u.seqno, u.claimed, u.code, u.hint_zh, u.hint_en, u.complete, u.generation,
    u.received, u.inserted, u.updated, u.unchanged, u.received_us, u.duration_us, u.secret_used, u.peer,
    u.body_bytes, u.body_sha256, u.replay_of, u.webhook_id
FROM json_to_recordset($1::json) AS u (
    park_id integer, seqno text, claimed text, code text, hint_zh text, hint_en text, complete boolean, generation
    integer, received integer, inserted integer, updated integer, unchanged integer, received_us bigint, duration_us
    bigint, secret_used text, peer text, body_bytes bigint, body_sha256 text, replay_of text,
    webhook_id text
)
ON CONFLICT (park_id, seqno) DO NOTHING

-- name: load_rejected_body
INSERT INTO rejected_body (
    park_id, seqno, bytes, body
)
SELECT
    u.park_id, u.seqno, u.bytes, u.body
FROM json_to_recordset($1::json) AS u (
    park_id integer, seqno text, bytes bigint, body bytea
)
ON CONFLICT (park_id, seqno) DO NOTHING

-- name: load_daily
INSERT INTO daily (
    park_id, day, pay_type, inserted, updated, pay_value_fen
)
SELECT
    u.park_id, u.day, u.pay_type, u.inserted, u.updated, u.pay_value_fen
FROM json_to_recordset($1::json) AS u (
    park_id integer, day integer, pay_type smallint, inserted bigint, updated bigint, pay_value_fen bigint
)
ON CONFLICT (park_id, day, pay_type) DO UPDATE SET
    inserted = excluded.inserted, updated = excluded.updated, pay_value_fen = excluded.pay_value_fen

-- name: load_daily_answer
INSERT INTO daily_answer (
    park_id, day, code, requests, received
)
SELECT
    u.park_id, u.day, u.code, u.requests, u.received
FROM json_to_recordset($1::json) AS u (
    park_id integer, day integer, code text, requests bigint, received bigint
)
ON CONFLICT (park_id, day, code) DO UPDATE SET
    requests = excluded.requests, received = excluded.received

-- name: load_charge_type
INSERT INTO charge_type (
    park_id, id, name, descr, vip_type, price_fen, extra_days, create_time, update_time, place
)
SELECT
    u.park_id, u.id, u.name, u.descr, u.vip_type, u.price_fen, u.extra_days, u.create_time,
    u.update_time, u.place
FROM json_to_recordset($1::json) AS u (
    park_id integer, id text, name text, descr text, vip_type integer, price_fen bigint, extra_days integer,
    create_time text, update_time text, place integer
)
ON CONFLICT (park_id, id) DO UPDATE SET
    name = excluded.name, descr = excluded.descr, vip_type = excluded.vip_type, price_fen = excluded.price_fen,
    extra_days = excluded.extra_days, create_time = excluded.create_time, update_time = excluded.update_time,
    place = excluded.place

-- name: load_staff_user
INSERT INTO staff_user (name, role, password, sees_plates, enabled, language, created_us, last_login_us)
SELECT u.name, u.role, u.password, u.sees_plates, u.enabled, u.language, u.created_us, u.last_login_us
FROM json_to_recordset($1::json) AS u (
    name text, role text, password text, sees_plates boolean, enabled boolean, language text, created_us bigint,
    last_login_us bigint
)
ON CONFLICT (name) DO UPDATE SET
    role = excluded.role, password = excluded.password, sees_plates = excluded.sees_plates, enabled =
    excluded.enabled, language = excluded.language, last_login_us = excluded.last_login_us

-- name: load_token
INSERT INTO token (number, name, digest, scopes, park_uuid, masked, created_us, used_us, revoked_us)
SELECT u.number, u.name, u.digest, u.scopes, u.park_uuid, u.masked, u.created_us, u.used_us, u.revoked_us
FROM json_to_recordset($1::json) AS u (
    number bigint, name text, digest text, scopes text, park_uuid text, masked boolean, created_us bigint, used_us
    bigint, revoked_us bigint
)
ON CONFLICT (number) DO UPDATE SET used_us = excluded.used_us, revoked_us = excluded.revoked_us

-- name: load_audit_entry
INSERT INTO audit_entry (number, at_us, who, action, park_uuid, subject, detail, peer)
SELECT u.number, u.at_us, u.who, u.action, u.park_uuid, u.subject, u.detail, u.peer
FROM json_to_recordset($1::json) AS u (
    number bigint, at_us bigint, who text, action text, park_uuid text, subject text, detail text, peer text
)
ON CONFLICT (number) DO NOTHING

-- name: last_position
-- The last position of a generation.
SELECT coalesce(max(t.position), 0)
FROM renewal AS t
WHERE t.park_id = :park_id
    AND t.generation = :generation AND t.revision > 0

-- name: last_seqno
-- The last seqno of the request log.
SELECT coalesce(max(t.seqno), '') FROM request AS t WHERE t.park_id = :park_id
