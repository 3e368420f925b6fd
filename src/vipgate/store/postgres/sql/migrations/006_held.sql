-- apart
-- For counting how often a replace was held, by body. `generation` is the park's last one at that time; NULL for requests
-- from a forbidden address, which are 403 too.
-- It is dropped first: a server crash during the build leaves an invalid index.
DROP INDEX CONCURRENTLY IF EXISTS request_held;
CREATE INDEX CONCURRENTLY request_held ON request (park_uuid, body_sha256, generation, seqno) WHERE code = '403';
