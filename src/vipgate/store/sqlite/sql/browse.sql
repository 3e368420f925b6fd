-- Searches for records and vehicles. A search over all parks probes the index of each: CROSS JOIN makes the parks the outer
-- loop. :first_park and :last_park are equal for one park, and the least and greatest text for all. A search without an index
-- scans newest first, a bounded number of records per page: a `…_floor` finds the last of them, and whether another follows.

-- name: count_of_plate
-- Number of records of a plate or plate prefix, counted up to :most from the index alone.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN renewal AS r INDEXED BY renewal_plate
    WHERE p.park_uuid BETWEEN :first_park AND :last_park AND r.park_id = p.id AND r.generation = p.generation
        AND r.plate BETWEEN :plate AND :plate_end
    LIMIT :most
)

-- name: count_of_card_no
-- The same for a card's number.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN renewal AS r INDEXED BY renewal_card_no
    WHERE p.park_uuid BETWEEN :first_park AND :last_park AND r.park_id = p.id AND r.generation = p.generation
        AND r.card_no = :card
    LIMIT :most
)

-- name: count_of_card_id
-- The same for a card's id, unless it equals the number.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN renewal AS r INDEXED BY renewal_card_id
    WHERE p.park_uuid BETWEEN :first_park AND :last_park AND r.park_id = p.id AND r.generation = p.generation
        AND r.card_id = :card AND r.card_id IS NOT r.card_no
    LIMIT :most
)

-- name: by_order
-- By order number: at most one record per park.
SELECT p.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM park AS p
CROSS JOIN renewal AS r
WHERE p.park_uuid BETWEEN :first_park AND :last_park AND r.park_id = p.id AND r.generation = p.generation
    AND r.pay_partner = :pay_partner
    AND r.position >= :since_us
    AND (r.position < :position OR r.position = :position AND p.park_uuid < :behind_park)
    AND (:charge_type IS NULL OR r.charge_type = :charge_type) AND (:vip_type IS NULL OR r.vip_type = :vip_type)
    AND (:pay_type IS NULL OR r.pay_type = :pay_type) AND (:flags = 0 OR r.flags & :flags <> 0)
    AND (:paid_since_ms IS NULL OR r.pay_time_ms >= :paid_since_ms)
    AND (:paid_until_ms IS NULL OR r.pay_time_ms < :paid_until_ms)
    AND (:plate IS NULL OR r.plate BETWEEN :plate AND :plate_end)
    AND (:card IS NULL OR r.card_no = :card OR r.card_id = :card)
ORDER BY r.position DESC, p.park_uuid DESC
LIMIT :limit

-- name: by_plate
-- By plate or plate prefix; few enough to sort.
SELECT p.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM park AS p
CROSS JOIN renewal AS r INDEXED BY renewal_plate
WHERE p.park_uuid BETWEEN :first_park AND :last_park AND r.park_id = p.id AND r.generation = p.generation
    AND r.plate BETWEEN :plate AND :plate_end
    AND r.position >= :since_us
    AND (r.position < :position OR r.position = :position AND p.park_uuid < :behind_park)
    AND (:charge_type IS NULL OR r.charge_type = :charge_type) AND (:vip_type IS NULL OR r.vip_type = :vip_type)
    AND (:pay_type IS NULL OR r.pay_type = :pay_type) AND (:flags = 0 OR r.flags & :flags <> 0)
    AND (:paid_since_ms IS NULL OR r.pay_time_ms >= :paid_since_ms)
    AND (:paid_until_ms IS NULL OR r.pay_time_ms < :paid_until_ms)
    AND (:plate IS NULL OR r.plate BETWEEN :plate AND :plate_end)
    AND (:card IS NULL OR r.card_no = :card OR r.card_id = :card)
ORDER BY r.position DESC, p.park_uuid DESC
LIMIT :limit

-- name: by_card_no
-- By a card's number.
SELECT p.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM park AS p
CROSS JOIN renewal AS r INDEXED BY renewal_card_no
WHERE p.park_uuid BETWEEN :first_park AND :last_park AND r.park_id = p.id AND r.generation = p.generation
    AND r.card_no = :card
    AND r.position >= :since_us
    AND (r.position < :position OR r.position = :position AND p.park_uuid < :behind_park)
    AND (:charge_type IS NULL OR r.charge_type = :charge_type) AND (:vip_type IS NULL OR r.vip_type = :vip_type)
    AND (:pay_type IS NULL OR r.pay_type = :pay_type) AND (:flags = 0 OR r.flags & :flags <> 0)
    AND (:paid_since_ms IS NULL OR r.pay_time_ms >= :paid_since_ms)
    AND (:paid_until_ms IS NULL OR r.pay_time_ms < :paid_until_ms)
    AND (:plate IS NULL OR r.plate BETWEEN :plate AND :plate_end)
    AND (:card IS NULL OR r.card_no = :card OR r.card_id = :card)
ORDER BY r.position DESC, p.park_uuid DESC
LIMIT :limit

-- name: by_card_id
-- By a card's id.
SELECT p.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM park AS p
CROSS JOIN renewal AS r INDEXED BY renewal_card_id
WHERE p.park_uuid BETWEEN :first_park AND :last_park AND r.park_id = p.id AND r.generation = p.generation
    AND r.card_id = :card AND r.card_id IS NOT r.card_no
    AND r.position >= :since_us
    AND (r.position < :position OR r.position = :position AND p.park_uuid < :behind_park)
    AND (:charge_type IS NULL OR r.charge_type = :charge_type) AND (:vip_type IS NULL OR r.vip_type = :vip_type)
    AND (:pay_type IS NULL OR r.pay_type = :pay_type) AND (:flags = 0 OR r.flags & :flags <> 0)
    AND (:paid_since_ms IS NULL OR r.pay_time_ms >= :paid_since_ms)
    AND (:paid_until_ms IS NULL OR r.pay_time_ms < :paid_until_ms)
    AND (:plate IS NULL OR r.plate BETWEEN :plate AND :plate_end)
    AND (:card IS NULL OR r.card_no = :card OR r.card_id = :card)
ORDER BY r.position DESC, p.park_uuid DESC
LIMIT :limit

-- name: scan_floor
-- The position at which the scan for the next page of a park must stop.
SELECT r.position
FROM park AS p
JOIN renewal AS r INDEXED BY renewal_position ON r.park_id = p.id AND r.generation = p.generation
WHERE p.park_uuid = :park_uuid
    AND r.position >= :since_us AND r.position < :position
ORDER BY r.position DESC
LIMIT 2 OFFSET :skip

-- name: scan
-- A park's records, newest change first.
SELECT p.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM park AS p
JOIN renewal AS r INDEXED BY renewal_position ON r.park_id = p.id AND r.generation = p.generation
WHERE p.park_uuid = :park_uuid
    AND r.position >= :floor AND r.position < :position
    AND (:charge_type IS NULL OR r.charge_type = :charge_type) AND (:vip_type IS NULL OR r.vip_type = :vip_type)
    AND (:pay_type IS NULL OR r.pay_type = :pay_type) AND (:flags = 0 OR r.flags & :flags <> 0)
    AND (:paid_since_ms IS NULL OR r.pay_time_ms >= :paid_since_ms)
    AND (:paid_until_ms IS NULL OR r.pay_time_ms < :paid_until_ms)
    AND (:plate IS NULL OR r.plate BETWEEN :plate AND :plate_end)
    AND (:card IS NULL OR r.card_no = :card OR r.card_id = :card)
ORDER BY r.position DESC
LIMIT :limit

-- name: flagged_floor
-- The same among the records with one combination of flags.
SELECT r.position
FROM park AS p
JOIN renewal AS r INDEXED BY renewal_flagged ON r.park_id = p.id AND r.generation = p.generation
WHERE p.park_uuid = :park_uuid AND r.flags = :flag AND r.flags <> 0
    AND r.position >= :since_us AND r.position < :position
ORDER BY r.position DESC
LIMIT 2 OFFSET :skip

-- name: flagged
-- A park's records with one combination of flags, newest change first.
SELECT p.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM park AS p
JOIN renewal AS r INDEXED BY renewal_flagged ON r.park_id = p.id AND r.generation = p.generation
WHERE p.park_uuid = :park_uuid AND r.flags = :flag AND r.flags <> 0
    AND r.position >= :floor AND r.position < :position
    AND (:charge_type IS NULL OR r.charge_type = :charge_type) AND (:vip_type IS NULL OR r.vip_type = :vip_type)
    AND (:pay_type IS NULL OR r.pay_type = :pay_type) AND (:flags = 0 OR r.flags & :flags <> 0)
    AND (:paid_since_ms IS NULL OR r.pay_time_ms >= :paid_since_ms)
    AND (:paid_until_ms IS NULL OR r.pay_time_ms < :paid_until_ms)
    AND (:plate IS NULL OR r.plate BETWEEN :plate AND :plate_end)
    AND (:card IS NULL OR r.card_no = :card OR r.card_id = :card)
ORDER BY r.position DESC
LIMIT :limit

-- name: count_flagged
-- Number of records with one combination of flags, counted up to :most.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN renewal AS r INDEXED BY renewal_flagged
    WHERE p.park_uuid BETWEEN :first_park AND :last_park AND r.park_id = p.id AND r.generation = p.generation
        AND r.flags = :flag AND r.flags <> 0
    LIMIT :most
)

-- name: plates_after
-- The plates after :after, in order, among the next :scan entries of the index.
SELECT DISTINCT plate
FROM (
    SELECT r.plate
    FROM park AS p
    JOIN renewal AS r INDEXED BY renewal_plate ON r.park_id = p.id AND r.generation = p.generation
    WHERE p.park_uuid = :park_uuid AND r.plate > :after
    ORDER BY r.plate
    LIMIT :scan
)
ORDER BY plate

-- name: ends_after
-- The next :scan entries of the plate index, each with whether its record ends in the given period.
SELECT r.plate, r.renewal_end_time_us >= :since_us AND r.renewal_end_time_us < :until_us
FROM park AS p
JOIN renewal AS r INDEXED BY renewal_plate ON r.park_id = p.id AND r.generation = p.generation
WHERE p.park_uuid = :park_uuid AND r.plate > :after
ORDER BY r.plate
LIMIT :scan

-- name: by_plates
-- The records of all plates in :plates, a JSON array.
SELECT p.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM park AS p
CROSS JOIN json_each(:plates) AS wanted
CROSS JOIN renewal AS r INDEXED BY renewal_plate
WHERE p.park_uuid = :park_uuid AND r.park_id = p.id AND r.generation = p.generation AND r.plate = wanted.value
LIMIT :limit

-- name: changes
-- Changes of a generation after a position, oldest first.
SELECT r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type, r.quantity, r.pay_type,
    r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen, r.operator, r.extra,
    r.flags, r.revision, r.seqno, r.position
FROM park AS p
JOIN renewal AS r INDEXED BY renewal_position ON r.park_id = p.id
WHERE p.park_uuid = :park_uuid AND r.generation = :generation AND r.position > :after
ORDER BY r.position
LIMIT :limit
