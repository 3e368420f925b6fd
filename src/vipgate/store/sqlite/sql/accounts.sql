-- Takes turns at numbering entries of the audit log.

-- name: lock_audit_log
-- No lock needed: the transaction holds the file's lock. On PostgreSQL others may number entries concurrently.
SELECT :lock
