-- Changes by staff and by the retention that differ on SQLite. `:lines` is a JSON array of objects. Each statement stays on the
-- shard of its one park.

-- name: add_charge_types
INSERT INTO charge_type (
    park_id, id, name, descr, vip_type, price_fen, extra_days, create_time, update_time, place
)
SELECT
    p.park_id, u.id, u.name, u."desc", u.vip_type, u.price_fen, u.extra_days, u.create_time, u.update_time, u.place
FROM park AS p
CROSS JOIN json_to_recordset(:lines::json) AS u (
    id text, name text, "desc" text, vip_type integer, price_fen bigint, extra_days integer, create_time text,
    update_time text, place integer
)
WHERE p.park_id = :park_id

-- name: empty_records
UPDATE renewal AS r
SET plate = '', {personal = NULL}, flags = r.flags & ~1,
    revision = r.revision + 1, position = u.position
FROM json_to_recordset(:lines::json) AS u (pay_partner text, position bigint)
WHERE r.park_id = :park_id AND r.generation = :generation AND r.pay_partner = u.pay_partner

-- name: drop_cards_of
-- Deletes the card entries of the given records, before they get another position.
DELETE FROM card AS c
USING renewal AS r, json_to_recordset(:lines::json) AS u (pay_partner text)
WHERE c.park_id = :park_id AND c.generation = :generation AND r.park_id = :park_id AND r.generation = :generation
    AND r.pay_partner = u.pay_partner AND c.card IN (r.card_no, r.card_id) AND c.position = r.position

-- name: empty_versions
UPDATE renewal_history AS h
SET plate = '', {personal = NULL}, flags = h.flags & ~1
FROM json_to_recordset(:lines::json) AS u (pay_partner text, revision integer)
WHERE h.park_id = :park_id AND h.generation = :generation AND h.pay_partner = u.pay_partner
    AND h.revision = u.revision

-- name: empty_versions_of
-- Clears all versions of the given records.
UPDATE renewal_history AS h
SET plate = '', {personal = NULL}, flags = h.flags & ~1
FROM json_to_recordset(:lines::json) AS u (pay_partner text)
WHERE h.park_id = :park_id AND h.generation = :generation AND h.pay_partner = u.pay_partner
    AND (h.plate <> '' OR coalesce({h.personal}) IS NOT NULL)

-- name: note_later
INSERT INTO erase_later (park_id, generation, pay_partner, end_us)
SELECT p.park_id, :generation::integer, u.pay_partner, u.end_us
FROM park AS p
CROSS JOIN json_to_recordset(:lines::json) AS u (pay_partner text, end_us bigint)
WHERE p.park_id = :park_id
ON CONFLICT (park_id, generation, pay_partner) DO UPDATE SET end_us = excluded.end_us

-- name: expired_of
-- Which of the given records are past the retention: one changed meanwhile may not be. OFFSET 0 forces a look-up by key for
-- each.
SELECT r.pay_partner,
    r.plate <> '' OR coalesce({r.personal}) IS NOT NULL AS holds
FROM json_to_recordset(:lines::json) AS u (pay_partner text)
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS x
    WHERE x.park_id = :park_id AND x.generation = :generation AND x.pay_partner = u.pay_partner
    OFFSET 0
) AS r
WHERE r.position < :before_us AND coalesce(r.renewal_end_time_us, 0) < :before_us

-- name: drop_later
DELETE FROM erase_later AS e
USING json_to_recordset(:lines::json) AS u (pay_partner text)
WHERE e.park_id = :park_id AND e.generation = :generation AND e.pay_partner = u.pay_partner
