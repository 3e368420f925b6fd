-- Changes by staff and by the retention. `lines` is a JSON array of objects. Each statement but `park_to_erase` stays on the
-- shard of its one park.
--
-- An erased record keeps its key, times and money. Its revision and position grow, so that the change feed shows it; no version
-- goes to the history. Its flag for an unusual plate is cleared.

-- name: park_counters
-- Takes the park's lock, as every push does: stays true until COMMIT.
SELECT p.park_uuid, p.generation, p.position, p.retention_days
FROM park AS p
WHERE p.park_uuid = %(park_uuid)s
FOR UPDATE

-- name: set_position
UPDATE park SET position = %(position)s WHERE park_uuid = %(park_uuid)s

-- name: set_retention
-- Makes the next retention run of the park due at once.
UPDATE park SET retention_days = %(days)s, erase_due_us = 0 WHERE park_uuid = %(park_uuid)s

-- name: set_charge_address
UPDATE park SET charge_address = %(address)s WHERE park_uuid = %(park_uuid)s

-- name: note_charge_try
UPDATE park
SET charge_tried_us = %(now_us)s, charge_trouble_zh = %(trouble_zh)s, charge_trouble_en = %(trouble_en)s
WHERE park_uuid = %(park_uuid)s

-- name: note_charge_types
UPDATE park SET charge_fetched_us = %(now_us)s WHERE park_uuid = %(park_uuid)s

-- name: drop_charge_types
DELETE FROM charge_type WHERE park_uuid = %(park_uuid)s

-- name: add_charge_types
INSERT INTO charge_type (
    park_uuid, id, name, descr, vip_type, price_fen, extra_days, create_time, update_time, place
)
SELECT
    p.park_uuid, u.id, u.name, u."desc", u.vip_type, u.price_fen, u.extra_days, u.create_time, u.update_time, u.place
FROM park AS p
CROSS JOIN json_to_recordset(%(lines)s::json) AS u (
    id text, name text, "desc" text, vip_type integer, price_fen bigint, extra_days integer, create_time text,
    update_time text, place integer
)
WHERE p.park_uuid = %(park_uuid)s

-- name: review
-- Clears the flags if one of them is set.
UPDATE renewal
SET flags = flags & ~%(flags)s::integer, position = %(position)s
WHERE park_uuid = %(park_uuid)s AND generation = %(generation)s AND pay_partner = %(pay_partner)s
    AND flags & %(flags)s::integer <> 0

-- name: generations_held
-- Includes generations that are being purged: that may take long.
SELECT g.generation, g.erased_to FROM generation AS g WHERE g.park_uuid = %(park_uuid)s ORDER BY g.generation DESC

-- name: records_to_empty
-- Skips records that arrived after the erasure began: a park that keeps sending a plate must not prolong it.
SELECT r.pay_partner
FROM renewal AS r
WHERE r.park_uuid = %(park_uuid)s AND r.generation = %(generation)s AND r.plate = %(plate)s AND r.plate > ''
    AND r.position <= %(until)s
LIMIT %(chunk_rows)s

-- name: empty_records
UPDATE renewal AS r
SET plate = '', card_no = NULL, card_id = NULL, operator = NULL, extra = NULL, flags = r.flags & ~1,
    revision = r.revision + 1, position = u.position
FROM json_to_recordset(%(lines)s::json) AS u (pay_partner text, position bigint)
WHERE r.park_uuid = %(park_uuid)s AND r.generation = %(generation)s AND r.pay_partner = u.pay_partner

-- name: versions_page
-- A page of the history in key order, with which versions have the plate: no index covers it.
SELECT h.pay_partner, h.revision, h.plate = %(plate)s
FROM renewal_history AS h
WHERE h.park_uuid = %(park_uuid)s AND h.generation = %(generation)s
    AND (h.pay_partner, h.revision) > (%(after)s, %(after_revision)s)
ORDER BY h.pay_partner, h.revision
LIMIT %(page_rows)s

-- name: empty_versions
UPDATE renewal_history AS h
SET plate = '', card_no = NULL, card_id = NULL, operator = NULL, extra = NULL, flags = h.flags & ~1
FROM json_to_recordset(%(lines)s::json) AS u (pay_partner text, revision integer)
WHERE h.park_uuid = %(park_uuid)s AND h.generation = %(generation)s AND h.pay_partner = u.pay_partner
    AND h.revision = u.revision

-- name: empty_versions_of
-- Clears all versions of the given records.
UPDATE renewal_history AS h
SET plate = '', card_no = NULL, card_id = NULL, operator = NULL, extra = NULL, flags = h.flags & ~1
FROM json_to_recordset(%(lines)s::json) AS u (pay_partner text)
WHERE h.park_uuid = %(park_uuid)s AND h.generation = %(generation)s AND h.pay_partner = u.pay_partner
    AND (h.plate <> '' OR coalesce(h.card_no, h.card_id, h.operator, h.extra) IS NOT NULL)

-- name: hints_page
-- A page of a park's request log with its hints.
SELECT q.seqno, q.hint_zh, q.hint_en
FROM request AS q
WHERE q.park_uuid = %(park_uuid)s AND q.seqno > %(after)s
ORDER BY q.seqno
LIMIT %(page_rows)s

-- name: replace_hint
UPDATE request
SET hint_zh = %(hint_zh)s, hint_en = %(hint_en)s
WHERE park_uuid = %(park_uuid)s AND seqno = %(seqno)s

-- name: next_body
-- One at a time, since bodies are large.
SELECT b.seqno, b.body
FROM refused_body AS b
WHERE b.park_uuid = %(park_uuid)s AND b.seqno > %(after)s
ORDER BY b.seqno
LIMIT 1

-- name: drop_body
DELETE FROM refused_body WHERE park_uuid = %(park_uuid)s AND seqno = %(seqno)s

-- name: park_to_erase
-- The park whose retention run is the longest overdue.
SELECT p.park_uuid
FROM park AS p
WHERE p.retention_days IS NOT NULL AND p.erase_due_us <= %(now_us)s
ORDER BY p.erase_due_us
LIMIT 1

-- name: put_off_erasing
UPDATE park SET erase_due_us = %(due_us)s WHERE park_uuid = %(park_uuid)s

-- name: records_by_age
-- Unchecked records last changed before a time, oldest change first. A record without personal data may have versions with
-- some.
SELECT r.pay_partner, r.position, r.renewal_end_time_us,
    r.plate <> '' OR coalesce(r.card_no, r.card_id, r.operator, r.extra) IS NOT NULL AS holds
FROM renewal AS r
WHERE r.park_uuid = %(park_uuid)s AND r.generation = %(generation)s AND r.position > %(erased_to)s
    AND r.position < %(before_us)s AND r.revision > 0
ORDER BY r.position
LIMIT %(chunk_rows)s

-- name: advance_erased
UPDATE generation SET erased_to = %(erased_to)s WHERE park_uuid = %(park_uuid)s AND generation = %(generation)s

-- name: note_later
INSERT INTO erase_later (park_uuid, generation, pay_partner, end_us)
SELECT p.park_uuid, %(generation)s::integer, u.pay_partner, u.end_us
FROM park AS p
CROSS JOIN json_to_recordset(%(lines)s::json) AS u (pay_partner text, end_us bigint)
WHERE p.park_uuid = %(park_uuid)s
ON CONFLICT (park_uuid, generation, pay_partner) DO UPDATE SET end_us = excluded.end_us

-- name: ended_since
-- Queued records whose renewal has ended since, earliest end first.
SELECT e.generation, e.pay_partner
FROM erase_later AS e
WHERE e.park_uuid = %(park_uuid)s AND e.end_us < %(before_us)s
ORDER BY e.end_us
LIMIT %(chunk_rows)s

-- name: expired_of
-- Which of the given records are past the retention: one changed meanwhile may not be. OFFSET 0 forces a look-up by key for
-- each.
SELECT r.pay_partner,
    r.plate <> '' OR coalesce(r.card_no, r.card_id, r.operator, r.extra) IS NOT NULL AS holds
FROM json_to_recordset(%(lines)s::json) AS u (pay_partner text)
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS x
    WHERE x.park_uuid = %(park_uuid)s AND x.generation = %(generation)s AND x.pay_partner = u.pay_partner
    OFFSET 0
) AS r
WHERE r.position < %(before_us)s AND coalesce(r.renewal_end_time_us, 0) < %(before_us)s

-- name: drop_later
DELETE FROM erase_later AS e
USING json_to_recordset(%(lines)s::json) AS u (pay_partner text)
WHERE e.park_uuid = %(park_uuid)s AND e.generation = %(generation)s AND e.pay_partner = u.pay_partner
