-- HMAC signatures, and protection against replays of a recorded `complete=1`.
-- `require_hmac`: MD5 is rejected. `hold_replaces`: a repeated replace is held for the operator's approval.
-- `replace_allowed`: the SHA-256 of the approved body, until any replace takes effect or the approval expires.
-- `pushed_since_replace`: whether anything was stored since the last replace took effect. Stored, because seqnos follow
-- clocks, which differ and jump back. True if unknown: too many holds are safer than too few.
-- `md5_used_us`: the last push of the park signed with MD5; so far MD5 signed all of them.
ALTER TABLE park ADD COLUMN require_hmac boolean NOT NULL DEFAULT false;
ALTER TABLE park ADD COLUMN hold_replaces boolean NOT NULL DEFAULT false;
ALTER TABLE park ADD COLUMN replace_allowed text COLLATE "C";
ALTER TABLE park ADD COLUMN replace_allowed_until_us bigint;
ALTER TABLE park ADD COLUMN pushed_since_replace boolean NOT NULL DEFAULT true;
ALTER TABLE park ADD COLUMN md5_used_us bigint;
UPDATE park SET md5_used_us = last_push_us;

-- The webhook-id of a request signed with HMAC; NULL under MD5.
ALTER TABLE request ADD COLUMN webhook_id text COLLATE "C";
