-- Reads that differ on PostgreSQL.

-- name: ping
SELECT count(*) FROM (SELECT 1 FROM park LIMIT 1)
