-- How often a replace was held, by its body. No other request costs it an entry, but for those from a wrong address (403 too).
CREATE INDEX request_held ON request (park_id, body_sha256, seqno) WHERE code = '403';
