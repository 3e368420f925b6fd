-- A stronger signature, and a guard against a `complete=1` that somebody has recorded and plays again.
-- `require_hmac`: MD5 does not do any more. `hold_replaces`: a replace that was stored before is held for the operator's yes.
-- `replace_allowed`: the SHA-256 of the body that has this yes, until it is used.
ALTER TABLE park ADD COLUMN require_hmac boolean NOT NULL DEFAULT false;
ALTER TABLE park ADD COLUMN hold_replaces boolean NOT NULL DEFAULT false;
ALTER TABLE park ADD COLUMN replace_allowed text COLLATE "C";

-- The id under which a request was signed with HMAC; NULL under MD5.
ALTER TABLE request ADD COLUMN webhook_id text COLLATE "C";
