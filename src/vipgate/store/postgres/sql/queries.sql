-- Searches for records and vehicles that differ on SQLite. As written a statement covers all parks, each by its index;
-- `/* and z */` becomes z for one park, and on Citus the statement then stays on that park's shard. `plate > ''` and
-- `flags <> 0` enable the indexes that are partial on them; omitting `revision > 0` keeps the planner from reading a whole park
-- in the requested order. OFFSET 0 makes the planner loop over the parks instead of walking the index of all parks and looking
-- up the park of each entry; Citus rejects it there.

-- name: count_of_plate
-- Number of records of a plate or plate prefix, counted up to the bound from the index alone.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN LATERAL (
        SELECT 1
        FROM renewal AS r
        WHERE r.park_id = p.park_id AND r.generation = p.generation
            AND r.plate BETWEEN :plate AND :plate_end AND r.plate > ''
        OFFSET 0 /* not on Citus */
    ) AS r /* and WHERE p.park_id = :park_id */
    LIMIT :most
) AS found

-- name: count_of_card
-- The same for a card's number or id, without the records that have no card entry yet.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN LATERAL (
        SELECT 1
        FROM card AS c
        WHERE c.park_id = p.park_id AND c.generation = p.generation AND c.card = :card AND c.position <= p.cards_to
        OFFSET 0 /* not on Citus */
    ) AS c /* and WHERE p.park_id = :park_id */
    LIMIT :most
) AS found

-- name: count_of_new_cards
-- The number of records that have no card entry yet, counted up to the bound.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN LATERAL (
        SELECT 1
        FROM renewal AS r
        WHERE r.park_id = p.park_id AND r.generation = p.generation AND r.position > p.cards_to
            AND r.position <= :position AND r.revision > 0
        OFFSET 0 /* not on Citus */
    ) AS r
    WHERE p.position > p.cards_to /* and AND p.park_id = :park_id */
    LIMIT :most
) AS found

-- name: by_order
-- By order number: at most one record per park.
SELECT p.park_uuid, {stored}
FROM park AS p
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS r
    WHERE r.park_id = p.park_id AND r.generation = p.generation
        AND r.pay_partner = :pay_partner
        AND {matches}
    OFFSET 0 /* not on Citus */
) AS r /* and WHERE p.park_id = :park_id */
ORDER BY r.position DESC, p.park_uuid DESC
LIMIT :limit

-- name: by_plate
-- By plate or plate prefix; few enough to sort.
SELECT p.park_uuid, {stored}
FROM park AS p
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS r
    WHERE r.park_id = p.park_id AND r.generation = p.generation
        AND r.plate BETWEEN :plate AND :plate_end AND r.plate > ''
        AND {matches}
    OFFSET 0 /* not on Citus */
) AS r /* and WHERE p.park_id = :park_id */
ORDER BY r.position DESC, p.park_uuid DESC
LIMIT :limit

-- name: by_card
-- By a card's number or id: the entries, and the records that have no entry yet. As one statement, so that a record that gets
-- its entry meanwhile is not missed.
SELECT p.park_uuid, {stored}
FROM park AS p
CROSS JOIN LATERAL (
    SELECT r.*
    FROM card AS c
    CROSS JOIN LATERAL (
        SELECT *
        FROM renewal AS x
        WHERE x.park_id = c.park_id AND x.generation = c.generation AND x.position = c.position AND x.revision > 0
        OFFSET 0 /* not on Citus */
    ) AS r
    WHERE c.park_id = p.park_id AND c.generation = p.generation AND c.card = :card AND c.position <= p.cards_to
        AND {matches}
    OFFSET 0 /* not on Citus */
) AS r /* and WHERE p.park_id = :park_id */
UNION ALL
SELECT p.park_uuid, {stored}
FROM park AS p
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS r
    WHERE r.park_id = p.park_id AND r.generation = p.generation AND r.position > p.cards_to
        AND r.revision > 0 AND {matches}
    OFFSET 0 /* not on Citus */
) AS r
WHERE p.position > p.cards_to /* and AND p.park_id = :park_id */
ORDER BY position DESC, park_uuid DESC
LIMIT :limit

-- name: count_flagged
-- Number of records with one combination of flags, counted up to the bound.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN LATERAL (
        SELECT 1
        FROM renewal AS r
        WHERE r.park_id = p.park_id AND r.generation = p.generation
            AND r.flags = CAST(:flag AS smallint) AND r.flags <> 0
        OFFSET 0 /* not on Citus */
    ) AS r /* and WHERE p.park_id = :park_id */
    LIMIT :most
) AS found

-- name: by_plates
-- The newest records of each of several plates.
SELECT {stored}
FROM unnest(:plates::text[]) AS wanted (plate)
CROSS JOIN LATERAL (
    SELECT *
    FROM renewal AS r
    WHERE r.park_id = :park_id AND r.generation = {current_generation}
        AND r.plate = wanted.plate AND r.plate > ''
    ORDER BY r.position DESC
    LIMIT :most
) AS r
LIMIT :limit
