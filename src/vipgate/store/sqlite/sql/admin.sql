-- Changes by staff and by the retention that differ on PostgreSQL. `:lines` is a JSON array of objects.

-- name: add_charge_types
INSERT INTO charge_type (
    park_id, id, name, descr, vip_type, price_fen, extra_days, create_time, update_time, place
)
SELECT
    :park_id, json_extract(value, '$.id'), json_extract(value, '$.name'), json_extract(value, '$.desc'),
    json_extract(value, '$.vip_type'), json_extract(value, '$.price_fen'), json_extract(value, '$.extra_days'),
    json_extract(value, '$.create_time'), json_extract(value, '$.update_time'), json_extract(value, '$.place')
FROM json_each(:lines)

-- name: empty_records
-- LIMIT makes the planner first find the rows by key, then update them by rowid.
UPDATE renewal
SET plate = '', {personal = NULL}, flags = flags & ~1,
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

-- name: drop_cards_of
-- Deletes the card entries of the given records, before they get another position.
DELETE FROM card
WHERE park_id = :park_id AND generation = :generation AND (card, position) IN (
    SELECT card.value, r.position
    FROM json_each(:lines) AS line
    CROSS JOIN renewal AS r
    CROSS JOIN json_each(json_array(r.card_no, r.card_id)) AS card
    WHERE r.park_id = :park_id AND r.generation = :generation
        AND r.pay_partner = json_extract(line.value, '$.pay_partner')
)

-- name: empty_versions
UPDATE renewal_history
SET plate = '', {personal = NULL}, flags = flags & ~1
WHERE park_id = :park_id AND generation = :generation AND (pay_partner, revision) IN (
    SELECT json_extract(value, '$.pay_partner'), json_extract(value, '$.revision') FROM json_each(:lines)
)

-- name: empty_versions_of
-- Clears all versions of the given records.
UPDATE renewal_history
SET plate = '', {personal = NULL}, flags = flags & ~1
WHERE park_id = :park_id AND generation = :generation AND pay_partner IN (
    SELECT json_extract(value, '$.pay_partner') FROM json_each(:lines)
) AND (plate <> '' OR coalesce({personal}) IS NOT NULL)

-- name: note_later
INSERT INTO erase_later (park_id, generation, pay_partner, end_us)
SELECT :park_id, :generation, json_extract(value, '$.pay_partner'), json_extract(value, '$.end_us')
FROM json_each(:lines)
WHERE true
ON CONFLICT (park_id, generation, pay_partner) DO UPDATE SET end_us = excluded.end_us

-- name: expired_of
-- Which of the given records are past the retention: one changed meanwhile may not be.
SELECT r.pay_partner,
    r.plate <> '' OR coalesce({r.personal}) IS NOT NULL AS holds
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
