-- What `vipgate backup --verify` compares: the ledger and its copy, both at the moment of the copy.

-- name: backup_tables
-- Asked of the database, so that no table of a later schema is left out.
SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name

-- name: backup_parks
-- The records of each park's current stock, counted one by one.
SELECT
    p.park_uuid,
    (SELECT count(*) FROM renewal AS r WHERE r.park_id = p.id AND r.generation = p.generation)
FROM park AS p
ORDER BY p.park_uuid
