-- What `vipgate backup --verify` compares between the ledger and its copy, both in the snapshot of the copy.

-- name: backup_tables
-- Read from the schema, so that no table of a later migration is missed.
SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name

-- name: backup_parks
-- Each park's records in its current generation, counted row by row.
SELECT
    p.park_uuid,
    (SELECT count(*) FROM renewal AS r WHERE r.park_id = p.park_id AND r.generation = p.generation)
FROM park AS p
ORDER BY p.park_uuid
