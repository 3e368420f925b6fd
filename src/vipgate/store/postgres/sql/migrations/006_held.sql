-- apart
-- How often a replace was held, by its body. `generation` is the park's last stock by then; NULL for those from a wrong
-- address, which are 403 too.
-- It is dropped first: one that was being built when its server died is there, but not valid.
DROP INDEX CONCURRENTLY IF EXISTS request_held;
CREATE INDEX CONCURRENTLY request_held ON request (park_uuid, body_sha256, generation, seqno) WHERE code = '403';
