-- Takes turns at numbering entries of the audit log.

-- name: lock_audit_log
-- One transaction at a time numbers entries; on SQLite each holds the file's lock anyway.
SELECT pg_advisory_xact_lock(:lock)
