-- Searches for records and vehicles. As written a statement covers all parks, each by its index; `/* and z */` becomes z for
-- one park, and on Citus the statement then stays on that park's shard. A search without an index scans newest first, a bounded
-- number of records per page: a `…_floor` finds the last of them, and whether another follows.
-- `revision > 0`, `plate > ''` and `flags > 0` enable the indexes that are partial on them; omitting the first keeps the planner
-- from reading a whole park in the requested order. OFFSET 0 makes the planner loop over the parks instead of walking the
-- index of all parks and looking up the park of each entry; Citus rejects it there.

-- name: count_of_plate
-- Number of records of a plate or plate prefix, counted up to the bound from the index alone.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN LATERAL (
        SELECT 1
        FROM renewal AS r
        WHERE r.park_uuid = p.park_uuid AND r.generation = p.generation
            AND r.plate BETWEEN %(plate)s AND %(plate_end)s AND r.plate > ''
        OFFSET 0 /* not on Citus */
    ) AS r /* and WHERE p.park_uuid = %(park_uuid)s */
    LIMIT %(most)s
) AS found

-- name: count_of_card_no
-- The same for a card's number.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN LATERAL (
        SELECT 1
        FROM renewal AS r
        WHERE r.park_uuid = p.park_uuid AND r.generation = p.generation
            AND r.card_no = %(card)s
        OFFSET 0 /* not on Citus */
    ) AS r /* and WHERE p.park_uuid = %(park_uuid)s */
    LIMIT %(most)s
) AS found

-- name: count_of_card_id
-- The same for a card's id, unless it equals the number.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN LATERAL (
        SELECT 1
        FROM renewal AS r
        WHERE r.park_uuid = p.park_uuid AND r.generation = p.generation
            AND r.card_id = %(card)s AND r.card_id IS DISTINCT FROM r.card_no
        OFFSET 0 /* not on Citus */
    ) AS r /* and WHERE p.park_uuid = %(park_uuid)s */
    LIMIT %(most)s
) AS found

-- name: by_order
-- By order number: at most one record per park.
SELECT p.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM park AS p
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS r
    WHERE r.park_uuid = p.park_uuid AND r.generation = p.generation
        AND r.pay_partner = %(pay_partner)s
        AND r.position >= %(since_us)s
        AND (r.position < %(position)s OR r.position = %(position)s AND p.park_uuid < %(behind_park)s)
        AND (%(charge_type)s::text IS NULL OR r.charge_type = %(charge_type)s)
        AND (%(vip_type)s::smallint IS NULL OR r.vip_type = %(vip_type)s)
        AND (%(pay_type)s::smallint IS NULL OR r.pay_type = %(pay_type)s)
        AND (%(flags)s::smallint = 0 OR r.flags & %(flags)s::smallint <> 0)
        AND (%(paid_since_ms)s::bigint IS NULL OR r.pay_time_ms >= %(paid_since_ms)s)
        AND (%(paid_until_ms)s::bigint IS NULL OR r.pay_time_ms < %(paid_until_ms)s)
        AND (%(plate)s::text IS NULL OR r.plate BETWEEN %(plate)s AND %(plate_end)s)
        AND (%(card)s::text IS NULL OR r.card_no = %(card)s OR r.card_id = %(card)s)
    OFFSET 0 /* not on Citus */
) AS r /* and WHERE p.park_uuid = %(park_uuid)s */
ORDER BY r.position DESC, p.park_uuid DESC
LIMIT %(limit)s

-- name: by_plate
-- By plate or plate prefix; few enough to sort.
SELECT p.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM park AS p
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS r
    WHERE r.park_uuid = p.park_uuid AND r.generation = p.generation
        AND r.plate BETWEEN %(plate)s AND %(plate_end)s AND r.plate > ''
        AND r.position >= %(since_us)s
        AND (r.position < %(position)s OR r.position = %(position)s AND p.park_uuid < %(behind_park)s)
        AND (%(charge_type)s::text IS NULL OR r.charge_type = %(charge_type)s)
        AND (%(vip_type)s::smallint IS NULL OR r.vip_type = %(vip_type)s)
        AND (%(pay_type)s::smallint IS NULL OR r.pay_type = %(pay_type)s)
        AND (%(flags)s::smallint = 0 OR r.flags & %(flags)s::smallint <> 0)
        AND (%(paid_since_ms)s::bigint IS NULL OR r.pay_time_ms >= %(paid_since_ms)s)
        AND (%(paid_until_ms)s::bigint IS NULL OR r.pay_time_ms < %(paid_until_ms)s)
        AND (%(plate)s::text IS NULL OR r.plate BETWEEN %(plate)s AND %(plate_end)s)
        AND (%(card)s::text IS NULL OR r.card_no = %(card)s OR r.card_id = %(card)s)
    OFFSET 0 /* not on Citus */
) AS r /* and WHERE p.park_uuid = %(park_uuid)s */
ORDER BY r.position DESC, p.park_uuid DESC
LIMIT %(limit)s

-- name: by_card_no
-- By a card's number.
SELECT p.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM park AS p
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS r
    WHERE r.park_uuid = p.park_uuid AND r.generation = p.generation
        AND r.card_no = %(card)s
        AND r.position >= %(since_us)s
        AND (r.position < %(position)s OR r.position = %(position)s AND p.park_uuid < %(behind_park)s)
        AND (%(charge_type)s::text IS NULL OR r.charge_type = %(charge_type)s)
        AND (%(vip_type)s::smallint IS NULL OR r.vip_type = %(vip_type)s)
        AND (%(pay_type)s::smallint IS NULL OR r.pay_type = %(pay_type)s)
        AND (%(flags)s::smallint = 0 OR r.flags & %(flags)s::smallint <> 0)
        AND (%(paid_since_ms)s::bigint IS NULL OR r.pay_time_ms >= %(paid_since_ms)s)
        AND (%(paid_until_ms)s::bigint IS NULL OR r.pay_time_ms < %(paid_until_ms)s)
        AND (%(plate)s::text IS NULL OR r.plate BETWEEN %(plate)s AND %(plate_end)s)
        AND (%(card)s::text IS NULL OR r.card_no = %(card)s OR r.card_id = %(card)s)
    OFFSET 0 /* not on Citus */
) AS r /* and WHERE p.park_uuid = %(park_uuid)s */
ORDER BY r.position DESC, p.park_uuid DESC
LIMIT %(limit)s

-- name: by_card_id
-- By a card's id.
SELECT p.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM park AS p
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS r
    WHERE r.park_uuid = p.park_uuid AND r.generation = p.generation
        AND r.card_id = %(card)s AND r.card_id IS DISTINCT FROM r.card_no
        AND r.position >= %(since_us)s
        AND (r.position < %(position)s OR r.position = %(position)s AND p.park_uuid < %(behind_park)s)
        AND (%(charge_type)s::text IS NULL OR r.charge_type = %(charge_type)s)
        AND (%(vip_type)s::smallint IS NULL OR r.vip_type = %(vip_type)s)
        AND (%(pay_type)s::smallint IS NULL OR r.pay_type = %(pay_type)s)
        AND (%(flags)s::smallint = 0 OR r.flags & %(flags)s::smallint <> 0)
        AND (%(paid_since_ms)s::bigint IS NULL OR r.pay_time_ms >= %(paid_since_ms)s)
        AND (%(paid_until_ms)s::bigint IS NULL OR r.pay_time_ms < %(paid_until_ms)s)
        AND (%(plate)s::text IS NULL OR r.plate BETWEEN %(plate)s AND %(plate_end)s)
        AND (%(card)s::text IS NULL OR r.card_no = %(card)s OR r.card_id = %(card)s)
    OFFSET 0 /* not on Citus */
) AS r /* and WHERE p.park_uuid = %(park_uuid)s */
ORDER BY r.position DESC, p.park_uuid DESC
LIMIT %(limit)s

-- name: scan_floor
-- The position at which the scan for the next page of a park must stop.
SELECT r.position
FROM renewal AS r
WHERE r.park_uuid = %(park_uuid)s
    AND r.generation = (SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
    AND r.revision > 0 AND r.position >= %(since_us)s AND r.position < %(position)s
ORDER BY r.position DESC
LIMIT 2 OFFSET %(skip)s

-- name: scan
-- A park's records, newest change first.
SELECT r.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM renewal AS r
WHERE r.park_uuid = %(park_uuid)s
    AND r.generation = (SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
    AND r.revision > 0 AND r.position >= %(floor)s AND r.position < %(position)s
    AND (%(charge_type)s::text IS NULL OR r.charge_type = %(charge_type)s)
    AND (%(vip_type)s::smallint IS NULL OR r.vip_type = %(vip_type)s)
    AND (%(pay_type)s::smallint IS NULL OR r.pay_type = %(pay_type)s)
    AND (%(flags)s::smallint = 0 OR r.flags & %(flags)s::smallint <> 0)
    AND (%(paid_since_ms)s::bigint IS NULL OR r.pay_time_ms >= %(paid_since_ms)s)
    AND (%(paid_until_ms)s::bigint IS NULL OR r.pay_time_ms < %(paid_until_ms)s)
    AND (%(plate)s::text IS NULL OR r.plate BETWEEN %(plate)s AND %(plate_end)s)
    AND (%(card)s::text IS NULL OR r.card_no = %(card)s OR r.card_id = %(card)s)
ORDER BY r.position DESC
LIMIT %(limit)s

-- name: flagged_floor
-- The same among the records with one combination of flags.
SELECT r.position
FROM renewal AS r
WHERE r.park_uuid = %(park_uuid)s
    AND r.generation = (SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
    AND r.flags = %(flag)s::smallint AND r.flags > 0 AND r.position >= %(since_us)s AND r.position < %(position)s
ORDER BY r.position DESC
LIMIT 2 OFFSET %(skip)s

-- name: flagged
-- A park's records with one combination of flags, newest change first.
SELECT r.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM renewal AS r
WHERE r.park_uuid = %(park_uuid)s
    AND r.generation = (SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
    AND r.flags = %(flag)s::smallint AND r.flags > 0 AND r.position >= %(floor)s AND r.position < %(position)s
    AND (%(charge_type)s::text IS NULL OR r.charge_type = %(charge_type)s)
    AND (%(vip_type)s::smallint IS NULL OR r.vip_type = %(vip_type)s)
    AND (%(pay_type)s::smallint IS NULL OR r.pay_type = %(pay_type)s)
    AND (%(flags)s::smallint = 0 OR r.flags & %(flags)s::smallint <> 0)
    AND (%(paid_since_ms)s::bigint IS NULL OR r.pay_time_ms >= %(paid_since_ms)s)
    AND (%(paid_until_ms)s::bigint IS NULL OR r.pay_time_ms < %(paid_until_ms)s)
    AND (%(plate)s::text IS NULL OR r.plate BETWEEN %(plate)s AND %(plate_end)s)
    AND (%(card)s::text IS NULL OR r.card_no = %(card)s OR r.card_id = %(card)s)
ORDER BY r.position DESC
LIMIT %(limit)s

-- name: count_flagged
-- Number of records with one combination of flags, counted up to the bound.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN LATERAL (
        SELECT 1
        FROM renewal AS r
        WHERE r.park_uuid = p.park_uuid AND r.generation = p.generation
            AND r.flags = %(flag)s::smallint AND r.flags > 0
        OFFSET 0 /* not on Citus */
    ) AS r /* and WHERE p.park_uuid = %(park_uuid)s */
    LIMIT %(most)s
) AS found

-- name: plates_after
-- The plates after a given one, in order, among the next entries of the index.
SELECT DISTINCT found.plate
FROM (
    SELECT r.plate
    FROM renewal AS r
    WHERE r.park_uuid = %(park_uuid)s
        AND r.generation = (SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
        AND r.plate > %(after)s AND r.plate > ''
    ORDER BY r.plate
    LIMIT %(scan)s
) AS found
ORDER BY found.plate

-- name: ends_after
-- The next entries of the plate index, each with whether its record ends in the given period.
SELECT r.plate, r.renewal_end_time_us >= %(since_us)s AND r.renewal_end_time_us < %(until_us)s
FROM renewal AS r
WHERE r.park_uuid = %(park_uuid)s
    AND r.generation = (SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
    AND r.plate > %(after)s AND r.plate > ''
ORDER BY r.plate
LIMIT %(scan)s

-- name: by_plates
-- The newest records of each of several plates.
SELECT r.park_uuid, r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type,
    r.quantity, r.pay_type, r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen,
    r.operator, r.extra, r.flags, r.revision, r.seqno, r.position
FROM unnest(%(plates)s::text[]) AS wanted (plate)
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS r
    WHERE r.park_uuid = %(park_uuid)s
        AND r.generation = (SELECT p.generation FROM park AS p WHERE p.park_uuid = %(park_uuid)s)
        AND r.plate = wanted.plate AND r.plate > ''
    ORDER BY r.position DESC
    LIMIT %(most)s
) AS r
LIMIT %(limit)s

-- name: changes
-- Changes of a generation after a position, oldest first.
SELECT r.pay_partner, r.plate, r.plate_color, r.card_no, r.card_id, r.charge_type, r.vip_type, r.quantity, r.pay_type,
    r.value_e4, r.pay_time_ms, r.renewal_start_time_us, r.renewal_end_time_us, r.pay_value_fen, r.operator, r.extra,
    r.flags, r.revision, r.seqno, r.position
FROM renewal AS r
WHERE r.park_uuid = %(park_uuid)s AND r.generation = %(generation)s AND r.position > %(after)s AND r.revision > 0
ORDER BY r.position
LIMIT %(limit)s
