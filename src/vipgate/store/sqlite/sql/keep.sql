-- Changes by staff and by the retention. `:lines` is a JSON array of objects.
--
-- An erased record keeps its key, times and money. Its revision and position grow, so that the change feed shows it; no version
-- goes to the history. Its flag for an unusual plate is cleared.

-- name: park_counters
-- Runs after BEGIN IMMEDIATE, so this stays true until COMMIT.
SELECT id, generation, position, retention_days FROM park WHERE park_uuid = :park_uuid

-- name: set_position
UPDATE park SET position = :position WHERE id = :park_id

-- name: set_retention
-- Makes the next retention run of the park due at once.
UPDATE park SET retention_days = :days, erase_due_us = 0 WHERE park_uuid = :park_uuid

-- name: set_charge_address
UPDATE park SET charge_address = :address WHERE park_uuid = :park_uuid

-- name: note_charge_try
UPDATE park
SET charge_tried_us = :now_us, charge_trouble_zh = :trouble_zh, charge_trouble_en = :trouble_en
WHERE id = :park_id

-- name: note_charge_types
UPDATE park SET charge_fetched_us = :now_us WHERE id = :park_id

-- name: drop_charge_types
DELETE FROM charge_type WHERE park_id = :park_id

-- name: add_charge_types
INSERT INTO charge_type (
    park_id, id, name, descr, vip_type, price_fen, extra_days, create_time, update_time, place
)
SELECT
    :park_id, json_extract(value, '$.id'), json_extract(value, '$.name'), json_extract(value, '$.desc'),
    json_extract(value, '$.vip_type'), json_extract(value, '$.price_fen'), json_extract(value, '$.extra_days'),
    json_extract(value, '$.create_time'), json_extract(value, '$.update_time'), json_extract(value, '$.place')
FROM json_each(:lines)

-- name: review
-- Clears the flags if one of them is set.
UPDATE renewal
SET flags = flags & ~:flags, position = :position
WHERE park_id = :park_id AND generation = :generation AND pay_partner = :pay_partner AND flags & :flags <> 0

-- name: generations_held
-- Includes generations that are being purged: that may take long.
SELECT generation, erased_to FROM generation WHERE park_id = :park_id ORDER BY generation DESC

-- name: records_to_empty
-- Skips records that arrived after the erasure began: a park that keeps sending a plate must not prolong it.
SELECT pay_partner
FROM renewal INDEXED BY renewal_plate
WHERE park_id = :park_id AND generation = :generation AND plate = :plate AND position <= :until
LIMIT :chunk_rows

-- name: empty_records
-- LIMIT makes the planner first find the rows by key, then update them by rowid.
UPDATE renewal
SET plate = '', card_no = NULL, card_id = NULL, operator = NULL, extra = NULL, flags = flags & ~1,
    revision = revision + 1, position = found.place
FROM (
    SELECT r.rowid AS address, json_extract(line.value, '$.position') AS place
    FROM json_each(:lines) AS line
    CROSS JOIN renewal AS r
    WHERE r.park_id = :park_id AND r.generation = :generation
        AND r.pay_partner = json_extract(line.value, '$.pay_partner')
    LIMIT -1
) AS found
WHERE renewal.rowid = found.address

-- name: versions_page
-- A page of the history in key order, with which versions have the plate: no index covers it.
SELECT pay_partner, revision, plate = :plate
FROM renewal_history
WHERE park_id = :park_id AND generation = :generation AND (pay_partner, revision) > (:after, :after_revision)
ORDER BY pay_partner, revision
LIMIT :page_rows

-- name: empty_versions
UPDATE renewal_history
SET plate = '', card_no = NULL, card_id = NULL, operator = NULL, extra = NULL, flags = flags & ~1
WHERE park_id = :park_id AND generation = :generation AND (pay_partner, revision) IN (
    SELECT json_extract(value, '$.pay_partner'), json_extract(value, '$.revision') FROM json_each(:lines)
)

-- name: empty_versions_of
-- Clears all versions of the given records.
UPDATE renewal_history
SET plate = '', card_no = NULL, card_id = NULL, operator = NULL, extra = NULL, flags = flags & ~1
WHERE park_id = :park_id AND generation = :generation AND pay_partner IN (
    SELECT json_extract(value, '$.pay_partner') FROM json_each(:lines)
) AND (plate <> '' OR coalesce(card_no, card_id, operator, extra) IS NOT NULL)

-- name: hints_page
-- A page of a park's request log with its hints.
SELECT seqno, hint_zh, hint_en
FROM request
WHERE park_id = :park_id AND seqno > :after
ORDER BY seqno
LIMIT :page_rows

-- name: replace_hint
UPDATE request SET hint_zh = :hint_zh, hint_en = :hint_en WHERE park_id = :park_id AND seqno = :seqno

-- name: next_body
-- One at a time, since bodies are large.
SELECT seqno, body FROM refused_body WHERE park_id = :park_id AND seqno > :after ORDER BY seqno LIMIT 1

-- name: drop_body
DELETE FROM refused_body WHERE park_id = :park_id AND seqno = :seqno

-- name: park_to_erase
-- The park whose retention run is the longest overdue.
SELECT park_uuid
FROM park
WHERE retention_days IS NOT NULL AND erase_due_us <= :now_us
ORDER BY erase_due_us
LIMIT 1

-- name: put_off_erasing
UPDATE park SET erase_due_us = :due_us WHERE id = :park_id

-- name: records_by_age
-- Unchecked records last changed before a time, oldest change first. A record without personal data may have versions with
-- some.
SELECT pay_partner, position, renewal_end_time_us,
    plate <> '' OR coalesce(card_no, card_id, operator, extra) IS NOT NULL AS holds
FROM renewal INDEXED BY renewal_position
WHERE park_id = :park_id AND generation = :generation AND position > :erased_to AND position < :before_us
ORDER BY position
LIMIT :chunk_rows

-- name: advance_erased
UPDATE generation SET erased_to = :erased_to WHERE park_id = :park_id AND generation = :generation

-- name: note_later
INSERT INTO erase_later (park_id, generation, pay_partner, end_us)
SELECT :park_id, :generation, json_extract(value, '$.pay_partner'), json_extract(value, '$.end_us')
FROM json_each(:lines)
WHERE true
ON CONFLICT (park_id, generation, pay_partner) DO UPDATE SET end_us = excluded.end_us

-- name: ended_since
-- Queued records whose renewal has ended since, earliest end first.
SELECT generation, pay_partner
FROM erase_later
WHERE park_id = :park_id AND end_us < :before_us
ORDER BY end_us
LIMIT :chunk_rows

-- name: expired_of
-- Which of the given records are past the retention: one changed meanwhile may not be.
SELECT r.pay_partner,
    r.plate <> '' OR coalesce(r.card_no, r.card_id, r.operator, r.extra) IS NOT NULL AS holds
FROM json_each(:lines) AS line
CROSS JOIN renewal AS r
WHERE r.park_id = :park_id AND r.generation = :generation
    AND r.pay_partner = json_extract(line.value, '$.pay_partner')
    AND r.position < :before_us AND coalesce(r.renewal_end_time_us, 0) < :before_us

-- name: drop_later
DELETE FROM erase_later
WHERE park_id = :park_id AND generation = :generation AND pay_partner IN (
    SELECT json_extract(value, '$.pay_partner') FROM json_each(:lines)
)
