-- Searches for records and vehicles of one park. A search without an index scans newest first, a bounded number of records per
-- page: a `…_floor` finds the last of them, and whether another follows.

-- name: scan_floor
-- The position at which the scan for the next page of a park must stop.
SELECT r.position
FROM renewal AS r INDEXED BY renewal_position
WHERE r.park_id = :park_id AND r.generation = {current_generation}
    AND r.position >= :since_us AND r.position < :position AND r.revision > 0
ORDER BY r.position DESC
LIMIT 2 OFFSET :skip

-- name: scan
-- A park's records, newest change first.
SELECT {stored}
FROM renewal AS r INDEXED BY renewal_position
WHERE r.park_id = :park_id AND r.generation = {current_generation}
    AND r.position >= :floor AND r.position < :position AND r.revision > 0
    AND {filters}
ORDER BY r.position DESC
LIMIT :limit

-- name: flagged_floor
-- The same among the records with one combination of flags.
SELECT r.position
FROM renewal AS r INDEXED BY renewal_flagged
WHERE r.park_id = :park_id AND r.generation = {current_generation}
    AND r.flags = :flag AND r.flags <> 0 AND r.position >= :since_us AND r.position < :position
ORDER BY r.position DESC
LIMIT 2 OFFSET :skip

-- name: flagged
-- A park's records with one combination of flags, newest change first.
SELECT {stored}
FROM renewal AS r INDEXED BY renewal_flagged
WHERE r.park_id = :park_id AND r.generation = {current_generation}
    AND r.flags = :flag AND r.flags <> 0 AND r.position >= :floor AND r.position < :position
    AND {filters}
ORDER BY r.position DESC
LIMIT :limit

-- name: plates_after
-- The plates after a given one, in order, among the next entries of the index.
SELECT DISTINCT found.plate
FROM (
    SELECT r.plate
    FROM renewal AS r INDEXED BY renewal_plate
    WHERE r.park_id = :park_id AND r.generation = {current_generation} AND r.plate > :after AND r.plate > ''
    ORDER BY r.plate
    LIMIT :scan
) AS found
ORDER BY found.plate

-- name: ends_after
-- The next entries of the plate index, each with whether its record ends in the given period.
SELECT r.plate, r.renewal_end_time_us >= :since_us AND r.renewal_end_time_us < :until_us
FROM renewal AS r INDEXED BY renewal_plate
WHERE r.park_id = :park_id AND r.generation = {current_generation} AND r.plate > :after AND r.plate > ''
ORDER BY r.plate
LIMIT :scan

-- name: changes
-- Changes of a generation after a position, oldest first.
SELECT {stored}
FROM renewal AS r INDEXED BY renewal_position
WHERE r.park_id = :park_id AND r.generation = :generation AND r.position > :after AND r.revision > 0
ORDER BY r.position
LIMIT :limit
