-- Earlier replaces of a park, by body and by webhook-id. Both are small: replaces are rare.
CREATE INDEX request_replace ON request (park_id, body_sha256, generation) WHERE complete = 1;
CREATE INDEX request_replace_id ON request (park_id, webhook_id, seqno) WHERE complete = 1 AND webhook_id IS NOT NULL;
