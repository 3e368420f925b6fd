-- For counting how often a replace was held, by body. `generation` is the park's last one at that time; NULL for requests
-- from a forbidden address, which are 403 too.
CREATE INDEX request_held ON request (park_id, body_sha256, generation, seqno) WHERE code = '403';
