-- How often a replace was held, by its body. `generation` is the park's last stock by then; NULL for those from a wrong
-- address, which are 403 too.
CREATE INDEX request_held ON request (park_id, body_sha256, generation, seqno) WHERE code = '403';
