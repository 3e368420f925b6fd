-- apart
-- How often a replace was held, by its body. No other request costs it an entry, but for those from a wrong address (403 too).
-- It is dropped first: one that was being built when its server died is there, but not valid.
DROP INDEX CONCURRENTLY IF EXISTS request_held;
CREATE INDEX CONCURRENTLY request_held ON request (park_uuid, body_sha256, seqno) WHERE code = '403';
