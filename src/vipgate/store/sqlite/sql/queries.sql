-- Searches for records and vehicles that differ on PostgreSQL. A search over all parks probes the index of each: CROSS JOIN
-- makes the parks the outer loop. `/* and z */` becomes z for one park.

-- name: count_of_plate
-- Number of records of a plate or plate prefix, counted up to :most from the index alone.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN renewal AS r INDEXED BY renewal_plate
    WHERE /* and p.park_id = :park_id AND */ r.park_id = p.park_id AND r.generation = p.generation
        AND r.plate BETWEEN :plate AND :plate_end
    LIMIT :most
)

-- name: count_of_card
-- The same for a card's number or id, without the records that have no card entry yet.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN card AS c
    WHERE /* and p.park_id = :park_id AND */ c.park_id = p.park_id AND c.generation = p.generation AND c.card = :card
        AND c.position <= p.cards_to
    LIMIT :most
)

-- name: count_of_new_cards
-- The number of records that have no card entry yet, counted up to :most.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN renewal AS r INDEXED BY renewal_position
    WHERE /* and p.park_id = :park_id AND */ p.position > p.cards_to AND r.park_id = p.park_id
        AND r.generation = p.generation AND r.position > p.cards_to AND r.position <= :position
    LIMIT :most
)

-- name: by_order
-- By order number: at most one record per park.
SELECT p.park_uuid, {stored}
FROM park AS p
CROSS JOIN renewal AS r
WHERE /* and p.park_id = :park_id AND */ r.park_id = p.park_id AND r.generation = p.generation
    AND r.pay_partner = :pay_partner
    AND {matches}
ORDER BY r.position DESC, p.park_uuid DESC
LIMIT :limit

-- name: by_plate
-- By plate or plate prefix; few enough to sort.
SELECT p.park_uuid, {stored}
FROM park AS p
CROSS JOIN renewal AS r INDEXED BY renewal_plate
WHERE /* and p.park_id = :park_id AND */ r.park_id = p.park_id AND r.generation = p.generation
    AND r.plate BETWEEN :plate AND :plate_end
    AND {matches}
ORDER BY r.position DESC, p.park_uuid DESC
LIMIT :limit

-- name: by_card
-- By a card's number or id: the entries, and the records that have no entry yet. As one statement, so that a record that gets
-- its entry meanwhile is not missed. The sign keeps SQLite from reading all positions up to `cards_to` for each entry.
SELECT found.*
FROM (
    SELECT p.park_uuid, {stored}
    FROM park AS p
    CROSS JOIN card AS c
    CROSS JOIN renewal AS r INDEXED BY renewal_position
    WHERE /* and p.park_id = :park_id AND */ c.park_id = p.park_id AND c.generation = p.generation AND c.card = :card
        AND +c.position <= p.cards_to
        AND r.park_id = c.park_id AND r.generation = c.generation AND r.position = c.position
        AND {matches}
    UNION ALL
    SELECT p.park_uuid, {stored}
    FROM park AS p
    CROSS JOIN renewal AS r INDEXED BY renewal_position
    WHERE /* and p.park_id = :park_id AND */ p.position > p.cards_to AND r.park_id = p.park_id
        AND r.generation = p.generation AND r.position > p.cards_to
        AND {matches}
) AS found
ORDER BY found.position DESC, found.park_uuid DESC
LIMIT :limit

-- name: count_flagged
-- Number of records with one combination of flags, counted up to :most.
SELECT count(*)
FROM (
    SELECT 1
    FROM park AS p
    CROSS JOIN renewal AS r INDEXED BY renewal_flagged
    WHERE /* and p.park_id = :park_id AND */ r.park_id = p.park_id AND r.generation = p.generation
        AND r.flags = :flag AND r.flags <> 0
    LIMIT :most
)

-- name: by_plates
-- The records of all plates in :plates, a JSON array.
SELECT {stored}
FROM json_each(:plates) AS wanted
CROSS JOIN renewal AS r INDEXED BY renewal_plate
WHERE r.park_id = :park_id AND r.generation = {current_generation} AND r.plate = wanted.value
LIMIT :limit
