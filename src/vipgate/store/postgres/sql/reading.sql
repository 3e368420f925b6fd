-- Reads that differ on SQLite.

-- name: ping
-- A standby answers queries but takes no writes.
SELECT pg_is_in_recovery()
