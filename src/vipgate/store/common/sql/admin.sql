-- Changes by staff and by the retention.
--
-- An erased record keeps its key, times and money. Its revision and position grow, so that the change feed shows it; no version
-- goes to the history. Its flag for an unusual plate is cleared.

-- name: lock_park_counters
-- Takes the park's lock, as every push does: stays true until COMMIT.
SELECT p.generation, p.position, p.retention_days FROM park AS p WHERE p.park_id = :park_id FOR UPDATE

-- name: set_retention
-- Makes the next retention run of the park due at once.
UPDATE park SET retention_days = :days, erase_due_us = 0 WHERE park_id = :park_id

-- name: set_charge_address
UPDATE park SET charge_address = :address WHERE park_id = :park_id

-- name: set_position
UPDATE park SET position = :position WHERE park_id = :park_id

-- name: note_charge_try
UPDATE park
SET charge_tried_us = :now_us, charge_trouble_zh = :trouble_zh, charge_trouble_en = :trouble_en
WHERE park_id = :park_id

-- name: note_charge_types
UPDATE park SET charge_fetched_us = :now_us WHERE park_id = :park_id

-- name: drop_charge_types
DELETE FROM charge_type WHERE park_id = :park_id

-- name: flags_of
SELECT r.flags FROM renewal AS r WHERE r.park_id = :park_id AND r.generation = :generation AND r.pay_partner = :pay_partner

-- name: review
UPDATE renewal
SET flags = flags & ~CAST(:flags AS smallint), position = :position
WHERE park_id = :park_id AND generation = :generation AND pay_partner = :pay_partner

-- name: generations_held
-- Includes generations that are being purged: that may take long.
SELECT g.generation, g.erased_to FROM generation AS g WHERE g.park_id = :park_id ORDER BY g.generation DESC

-- name: records_to_empty
-- Skips records that arrived after the erasure began: a park that keeps sending a plate must not prolong it.
SELECT r.pay_partner
FROM renewal AS r INDEXED BY renewal_plate
WHERE r.park_id = :park_id AND r.generation = :generation AND r.plate = :plate AND r.plate > '' AND r.position <= :until
LIMIT :chunk_rows

-- name: versions_page
-- A page of the history in key order, with which versions have the plate: no index covers it.
SELECT h.pay_partner, h.revision, h.plate = :plate
FROM renewal_history AS h
WHERE h.park_id = :park_id AND h.generation = :generation AND (h.pay_partner, h.revision) > (:after, :after_revision)
ORDER BY h.pay_partner, h.revision
LIMIT :page_rows

-- name: hints_page
-- A page of a park's request log with its hints.
SELECT q.seqno, q.hint_zh, q.hint_en
FROM request AS q
WHERE q.park_id = :park_id AND q.seqno > :after
ORDER BY q.seqno
LIMIT :page_rows

-- name: replace_hint
UPDATE request SET hint_zh = :hint_zh, hint_en = :hint_en WHERE park_id = :park_id AND seqno = :seqno

-- name: next_body
-- One at a time, since bodies are large.
SELECT b.seqno, b.body
FROM rejected_body AS b
WHERE b.park_id = :park_id AND b.seqno > :after
ORDER BY b.seqno
LIMIT 1

-- name: drop_body
DELETE FROM rejected_body WHERE park_id = :park_id AND seqno = :seqno

-- name: park_to_erase
-- The park whose retention run is the longest overdue. On Citus every shard is asked.
SELECT p.park_id
FROM park AS p
WHERE p.retention_days IS NOT NULL AND p.erase_due_us <= :now_us
ORDER BY p.erase_due_us
LIMIT 1

-- name: put_off_erasing
UPDATE park SET erase_due_us = :due_us WHERE park_id = :park_id

-- name: records_by_age
-- Unchecked records last changed before a time, oldest change first. A record without personal data may have versions with
-- some.
SELECT r.pay_partner, r.position, r.renewal_end_time_us,
    r.plate <> '' OR coalesce({r.personal}) IS NOT NULL AS holds
FROM renewal AS r INDEXED BY renewal_position
WHERE r.park_id = :park_id AND r.generation = :generation AND r.position > :erased_to AND r.position < :before_us
    AND r.revision > 0
ORDER BY r.position
LIMIT :chunk_rows

-- name: advance_erased
UPDATE generation SET erased_to = :erased_to WHERE park_id = :park_id AND generation = :generation

-- name: ended_since
-- Queued records whose renewal has ended since, earliest end first.
SELECT e.generation, e.pay_partner
FROM erase_later AS e
WHERE e.park_id = :park_id AND e.end_us < :before_us
ORDER BY e.end_us
LIMIT :chunk_rows
