-- Reads and writes a whole ledger for `vipgate copy`, park by park and table by table in key order. Existing rows are
-- overwritten. For the two variants of a statement see commit.sql. The progress of the retention is not copied: it starts
-- over.

-- name: copy_park
SELECT
    t.park_uuid, t.name, t.enabled, t.generation, t.generation_last, t.position, t.secret, t.previous_secret,
    t.secret_changed_us, t.secret_used, t.secret_used_us, t.last_push_us, t.allow_list, t.rate_per_minute,
    t.created_us, t.retention_days, t.charge_address, t.charge_fetched_us, t.charge_tried_us, t.charge_trouble_zh,
    t.charge_trouble_en, t.require_hmac, t.hold_replaces, t.replace_allowed, t.replace_allowed_until_us,
    t.pushed_since_replace, t.md5_used_us, t.charset, t.charset_changed_us
FROM park AS t
WHERE t.park_uuid = %(park_uuid)s

-- name: load_park
INSERT INTO park (
    park_uuid, name, enabled, generation, generation_last, position, secret, previous_secret, secret_changed_us,
    secret_used, secret_used_us, last_push_us, allow_list, rate_per_minute, created_us, retention_days, charge_address,
    charge_fetched_us, charge_tried_us, charge_trouble_zh, charge_trouble_en, require_hmac, hold_replaces,
    replace_allowed, replace_allowed_until_us, pushed_since_replace, md5_used_us, charset, charset_changed_us
)
SELECT
    u.park_uuid, u.name, u.enabled, u.generation, u.generation_last, u.position, u.secret, u.previous_secret,
    u.secret_changed_us, u.secret_used, u.secret_used_us, u.last_push_us, u.allow_list, u.rate_per_minute,
    u.created_us, u.retention_days, u.charge_address, u.charge_fetched_us, u.charge_tried_us, u.charge_trouble_zh,
    u.charge_trouble_en, u.require_hmac, u.hold_replaces, u.replace_allowed, u.replace_allowed_until_us,
    u.pushed_since_replace, u.md5_used_us, u.charset, u.charset_changed_us
FROM json_to_recordset($1::json) AS u (
    park_uuid text, name text, enabled boolean, generation integer, generation_last integer, position bigint, secret
    bytea, previous_secret bytea, secret_changed_us bigint, secret_used text, secret_used_us bigint, last_push_us
    bigint, allow_list text, rate_per_minute integer, created_us bigint, retention_days integer, charge_address
    text, charge_fetched_us bigint, charge_tried_us bigint, charge_trouble_zh text, charge_trouble_en text,
    require_hmac boolean, hold_replaces boolean, replace_allowed text,
    replace_allowed_until_us bigint, pushed_since_replace boolean, md5_used_us bigint, charset text,
    charset_changed_us bigint
)
ON CONFLICT (park_uuid) DO UPDATE SET
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
    charset_changed_us = excluded.charset_changed_us

-- name: copy_generation
SELECT
    t.park_uuid, t.generation, t.records, t.seqno, t.started_us, t.ended_us, t.purging
FROM generation AS t
WHERE t.park_uuid = %(park_uuid)s
ORDER BY t.generation

-- name: load_generation
INSERT INTO generation (
    park_uuid, generation, records, seqno, started_us, ended_us, purging
)
SELECT
    u.park_uuid /* or p.park_uuid */, u.generation, u.records, u.seqno, u.started_us, u.ended_us, u.purging
FROM json_to_recordset($1::json) AS u (
    park_uuid text, generation integer, records bigint, seqno text, started_us bigint, ended_us bigint, purging
    boolean
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */
ON CONFLICT (park_uuid, generation) DO UPDATE SET
    records = excluded.records, seqno = excluded.seqno, started_us = excluded.started_us, ended_us =
    excluded.ended_us, purging = excluded.purging

-- name: copy_renewal
SELECT
    t.park_uuid, t.generation, t.pay_partner, t.plate, t.plate_color, t.card_no, t.card_id, t.charge_type,
    t.vip_type, t.quantity, t.pay_type, t.value_e4, t.pay_time_ms, t.renewal_start_time_us, t.renewal_end_time_us,
    t.pay_value_fen, t.operator, t.extra, t.flags, t.revision, t.seqno, t.position
FROM renewal AS t
WHERE t.park_uuid = %(park_uuid)s
    AND t.generation = %(generation)s AND t.position > %(after)s AND t.revision > 0
ORDER BY t.position

-- name: load_renewal
INSERT INTO renewal (
    park_uuid, generation, pay_partner, plate, plate_color, card_no, card_id, charge_type, vip_type, quantity,
    pay_type, value_e4, pay_time_ms, renewal_start_time_us, renewal_end_time_us, pay_value_fen, operator, extra,
    flags, revision, seqno, position
)
SELECT
    u.park_uuid /* or p.park_uuid */, u.generation, u.pay_partner, u.plate, u.plate_color, u.card_no, u.card_id,
    u.charge_type, u.vip_type, u.quantity, u.pay_type, u.value_e4, u.pay_time_ms, u.renewal_start_time_us,
    u.renewal_end_time_us, u.pay_value_fen, u.operator, u.extra, u.flags, u.revision, u.seqno, u.position
FROM json_to_recordset($1::json) AS u (
    park_uuid text, generation integer, pay_partner text, plate text, plate_color smallint, card_no text, card_id
    text, charge_type text, vip_type smallint, quantity integer, pay_type smallint, value_e4 bigint, pay_time_ms
    bigint, renewal_start_time_us bigint, renewal_end_time_us bigint, pay_value_fen bigint, operator text, extra
    text, flags smallint, revision integer, seqno text, position bigint
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */
ON CONFLICT (park_uuid, generation, pay_partner) DO UPDATE SET
    plate = excluded.plate, plate_color = excluded.plate_color, card_no = excluded.card_no, card_id =
    excluded.card_id, charge_type = excluded.charge_type, vip_type = excluded.vip_type, quantity =
    excluded.quantity, pay_type = excluded.pay_type, value_e4 = excluded.value_e4, pay_time_ms =
    excluded.pay_time_ms, renewal_start_time_us = excluded.renewal_start_time_us, renewal_end_time_us =
    excluded.renewal_end_time_us, pay_value_fen = excluded.pay_value_fen, operator = excluded.operator, extra =
    excluded.extra, flags = excluded.flags, revision = excluded.revision, seqno = excluded.seqno, position =
    excluded.position

-- name: copy_renewal_history
SELECT
    t.park_uuid, t.generation, t.pay_partner, t.plate, t.plate_color, t.card_no, t.card_id, t.charge_type,
    t.vip_type, t.quantity, t.pay_type, t.value_e4, t.pay_time_ms, t.renewal_start_time_us, t.renewal_end_time_us,
    t.pay_value_fen, t.operator, t.extra, t.flags, t.revision, t.seqno, t.position, t.replaced_seqno
FROM renewal_history AS t
WHERE t.park_uuid = %(park_uuid)s
    AND t.generation = %(generation)s
ORDER BY t.pay_partner, t.revision

-- name: load_renewal_history
-- A version changes only when it is erased.
INSERT INTO renewal_history AS h (
    park_uuid, generation, pay_partner, plate, plate_color, card_no, card_id, charge_type, vip_type, quantity,
    pay_type, value_e4, pay_time_ms, renewal_start_time_us, renewal_end_time_us, pay_value_fen, operator, extra,
    flags, revision, seqno, position, replaced_seqno
)
SELECT
    u.park_uuid /* or p.park_uuid */, u.generation, u.pay_partner, u.plate, u.plate_color, u.card_no, u.card_id,
    u.charge_type, u.vip_type, u.quantity, u.pay_type, u.value_e4, u.pay_time_ms, u.renewal_start_time_us,
    u.renewal_end_time_us, u.pay_value_fen, u.operator, u.extra, u.flags, u.revision, u.seqno, u.position,
    u.replaced_seqno
FROM json_to_recordset($1::json) AS u (
    park_uuid text, generation integer, pay_partner text, plate text, plate_color smallint, card_no text, card_id
    text, charge_type text, vip_type smallint, quantity integer, pay_type smallint, value_e4 bigint, pay_time_ms
    bigint, renewal_start_time_us bigint, renewal_end_time_us bigint, pay_value_fen bigint, operator text, extra
    text, flags smallint, revision integer, seqno text, position bigint, replaced_seqno text
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */
ON CONFLICT (park_uuid, generation, pay_partner, revision) DO UPDATE SET
    plate = excluded.plate, card_no = excluded.card_no, card_id = excluded.card_id, operator = excluded.operator,
    extra = excluded.extra, flags = excluded.flags
WHERE (h.plate, h.card_no, h.card_id, h.operator, h.extra, h.flags) IS DISTINCT FROM
    (excluded.plate, excluded.card_no, excluded.card_id, excluded.operator, excluded.extra, excluded.flags)

-- name: copy_request
SELECT
    t.park_uuid, t.seqno, t.claimed, t.code, t.hint_zh, t.hint_en, t.complete, t.generation, t.received, t.inserted,
    t.updated, t.unchanged, t.received_us, t.duration_us, t.secret_used, t.peer, t.body_bytes, t.body_sha256,
    t.replay_of, t.webhook_id
FROM request AS t
WHERE t.park_uuid = %(park_uuid)s
    AND t.seqno > %(after)s
ORDER BY t.seqno

-- name: load_request
INSERT INTO request (
    park_uuid, seqno, claimed, code, hint_zh, hint_en, complete, generation, received, inserted, updated, unchanged,
    received_us, duration_us, secret_used, peer, body_bytes, body_sha256, replay_of,
    webhook_id
)
SELECT
    u.park_uuid /* or p.park_uuid */, u.seqno, u.claimed, u.code, u.hint_zh, u.hint_en, u.complete, u.generation,
    u.received, u.inserted, u.updated, u.unchanged, u.received_us, u.duration_us, u.secret_used, u.peer,
    u.body_bytes, u.body_sha256, u.replay_of, u.webhook_id
FROM json_to_recordset($1::json) AS u (
    park_uuid text, seqno text, claimed text, code text, hint_zh text, hint_en text, complete boolean, generation
    integer, received integer, inserted integer, updated integer, unchanged integer, received_us bigint, duration_us
    bigint, secret_used text, peer text, body_bytes bigint, body_sha256 text, replay_of text,
    webhook_id text
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */
ON CONFLICT (park_uuid, seqno) DO NOTHING

-- name: copy_refused_body
SELECT
    t.park_uuid, t.seqno, t.bytes, t.body
FROM refused_body AS t
WHERE t.park_uuid = %(park_uuid)s
    AND t.seqno > %(after)s
ORDER BY t.seqno

-- name: load_refused_body
INSERT INTO refused_body (
    park_uuid, seqno, bytes, body
)
SELECT
    u.park_uuid /* or p.park_uuid */, u.seqno, u.bytes, u.body
FROM json_to_recordset($1::json) AS u (
    park_uuid text, seqno text, bytes bigint, body bytea
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */
ON CONFLICT (park_uuid, seqno) DO NOTHING

-- name: copy_daily
SELECT
    t.park_uuid, t.day, t.pay_type, t.inserted, t.updated, t.pay_value_fen
FROM daily AS t
WHERE t.park_uuid = %(park_uuid)s
ORDER BY t.day, t.pay_type

-- name: load_daily
INSERT INTO daily (
    park_uuid, day, pay_type, inserted, updated, pay_value_fen
)
SELECT
    u.park_uuid /* or p.park_uuid */, u.day, u.pay_type, u.inserted, u.updated, u.pay_value_fen
FROM json_to_recordset($1::json) AS u (
    park_uuid text, day integer, pay_type smallint, inserted bigint, updated bigint, pay_value_fen bigint
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */
ON CONFLICT (park_uuid, day, pay_type) DO UPDATE SET
    inserted = excluded.inserted, updated = excluded.updated, pay_value_fen = excluded.pay_value_fen

-- name: copy_daily_answer
SELECT
    t.park_uuid, t.day, t.code, t.requests, t.received
FROM daily_answer AS t
WHERE t.park_uuid = %(park_uuid)s
ORDER BY t.day, t.code

-- name: load_daily_answer
INSERT INTO daily_answer (
    park_uuid, day, code, requests, received
)
SELECT
    u.park_uuid /* or p.park_uuid */, u.day, u.code, u.requests, u.received
FROM json_to_recordset($1::json) AS u (
    park_uuid text, day integer, code text, requests bigint, received bigint
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */
ON CONFLICT (park_uuid, day, code) DO UPDATE SET
    requests = excluded.requests, received = excluded.received

-- name: copy_charge_type
SELECT
    t.park_uuid, t.id, t.name, t.descr, t.vip_type, t.price_fen, t.extra_days, t.create_time, t.update_time, t.place
FROM charge_type AS t
WHERE t.park_uuid = %(park_uuid)s
ORDER BY t.id

-- name: load_charge_type
INSERT INTO charge_type (
    park_uuid, id, name, descr, vip_type, price_fen, extra_days, create_time, update_time, place
)
SELECT
    u.park_uuid /* or p.park_uuid */, u.id, u.name, u.descr, u.vip_type, u.price_fen, u.extra_days, u.create_time,
    u.update_time, u.place
FROM json_to_recordset($1::json) AS u (
    park_uuid text, id text, name text, descr text, vip_type integer, price_fen bigint, extra_days integer,
    create_time text, update_time text, place integer
) /* and CROSS JOIN park AS p WHERE p.park_uuid = $2 */
ON CONFLICT (park_uuid, id) DO UPDATE SET
    name = excluded.name, descr = excluded.descr, vip_type = excluded.vip_type, price_fen = excluded.price_fen,
    extra_days = excluded.extra_days, create_time = excluded.create_time, update_time = excluded.update_time,
    place = excluded.place

-- name: copy_staff_user
SELECT t.name, t.role, t.password, t.sees_plates, t.enabled, t.language, t.created_us, t.last_login_us
FROM staff_user AS t
ORDER BY t.name

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

-- name: copy_token
SELECT
    t.number, t.name, t.digest, t.scopes, t.park_uuid, t.masked, t.created_us, t.used_us, t.revoked_us
FROM token AS t
ORDER BY t.number

-- name: load_token
INSERT INTO token (number, name, digest, scopes, park_uuid, masked, created_us, used_us, revoked_us)
SELECT u.number, u.name, u.digest, u.scopes, u.park_uuid, u.masked, u.created_us, u.used_us, u.revoked_us
FROM json_to_recordset($1::json) AS u (
    number bigint, name text, digest text, scopes text, park_uuid text, masked boolean, created_us bigint, used_us
    bigint, revoked_us bigint
)
ON CONFLICT (number) DO UPDATE SET used_us = excluded.used_us, revoked_us = excluded.revoked_us

-- name: copy_deed
SELECT t.number, t.at_us, t.who, t.action, t.park_uuid, t.subject, t.detail, t.peer
FROM deed AS t
ORDER BY t.number

-- name: load_deed
INSERT INTO deed (number, at_us, who, action, park_uuid, subject, detail, peer)
SELECT u.number, u.at_us, u.who, u.action, u.park_uuid, u.subject, u.detail, u.peer
FROM json_to_recordset($1::json) AS u (
    number bigint, at_us bigint, who text, action text, park_uuid text, subject text, detail text, peer text
)
ON CONFLICT (number) DO NOTHING

-- name: last_position
-- The last position of a generation.
SELECT coalesce(max(t.position), 0)
FROM renewal AS t
WHERE t.park_uuid = %(park_uuid)s
    AND t.generation = %(generation)s AND t.revision > 0

-- name: last_seqno
-- The last seqno of the request log.
SELECT coalesce(max(t.seqno), '') FROM request AS t WHERE t.park_uuid = %(park_uuid)s
