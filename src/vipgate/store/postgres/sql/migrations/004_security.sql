-- A stronger signature, and a guard against a `complete=1` that somebody has recorded and plays again.
-- `require_hmac`: MD5 does not do any more. `hold_replaces`: a replace that was stored before is held for the operator's yes.
-- `replace_allowed`: the SHA-256 of the body that has this yes, until any replace is carried out or this time is over.
-- `pushed_since_replace`: whether anything was stored since the last replace took effect. Kept here, since seqnos follow
-- clocks, which differ and are set back. True where nobody knows: then too much is held, not too little.
-- `md5_used_us`: when MD5 signed a push of the park last; up to now it signed all of them.
ALTER TABLE park ADD COLUMN require_hmac boolean NOT NULL DEFAULT false;
ALTER TABLE park ADD COLUMN hold_replaces boolean NOT NULL DEFAULT false;
ALTER TABLE park ADD COLUMN replace_allowed text COLLATE "C";
ALTER TABLE park ADD COLUMN replace_allowed_until_us bigint;
ALTER TABLE park ADD COLUMN pushed_since_replace boolean NOT NULL DEFAULT true;
ALTER TABLE park ADD COLUMN md5_used_us bigint;
UPDATE park SET md5_used_us = last_push_us;

-- The id under which a request was signed with HMAC; NULL under MD5.
ALTER TABLE request ADD COLUMN webhook_id text COLLATE "C";
