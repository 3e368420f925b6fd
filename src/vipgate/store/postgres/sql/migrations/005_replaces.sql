-- apart
-- Earlier replaces of a park, by body and by id. A park replaces its stock seldom: both are small.
-- Each is dropped first: one that was being built when its server died is there, but not valid.
DROP INDEX CONCURRENTLY IF EXISTS request_replace;
CREATE INDEX CONCURRENTLY request_replace ON request (park_uuid, body_sha256, generation) WHERE complete;
DROP INDEX CONCURRENTLY IF EXISTS request_replace_id;
CREATE INDEX CONCURRENTLY request_replace_id ON request (park_uuid, webhook_id, seqno)
WHERE complete AND webhook_id IS NOT NULL;
