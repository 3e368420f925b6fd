-- apart
-- Earlier replaces of a park, by body and by webhook-id. Both are small: replaces are rare.
-- Each is dropped first: a server crash during the build leaves an invalid index.
DROP INDEX CONCURRENTLY IF EXISTS request_replace;
CREATE INDEX CONCURRENTLY request_replace ON request (park_uuid, body_sha256, generation) WHERE complete;
DROP INDEX CONCURRENTLY IF EXISTS request_replace_id;
CREATE INDEX CONCURRENTLY request_replace_id ON request (park_uuid, webhook_id, seqno)
WHERE complete AND webhook_id IS NOT NULL;
