-- The ledger: the same tables and columns as on PostgreSQL. Inside the database a park is a short integer, `park_id`, which
-- begins every key. Instants are whole microseconds (`_us`) or milliseconds (`_ms`) since 1970 UTC.

-- Gives each park_uuid its park_id, which never changes.
CREATE TABLE park_key (
    park_id INTEGER PRIMARY KEY,
    park_uuid TEXT NOT NULL UNIQUE
);

-- Parks that may push. Secrets are sealed by the vault.
CREATE TABLE park (
    park_id INTEGER PRIMARY KEY,
    park_uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1,
    created_us INTEGER NOT NULL,
    allow_list TEXT NOT NULL DEFAULT '',
    rate_per_minute INTEGER,

    -- The current generation, the newest one, and the park's last change (see renewal).
    generation INTEGER NOT NULL DEFAULT 1,
    generation_last INTEGER NOT NULL DEFAULT 1,
    position INTEGER NOT NULL DEFAULT 0,

    -- The number of records of the current generation.
    records INTEGER NOT NULL DEFAULT 0,

    -- Records of the current generation changed after this position are not in the table card yet.
    cards_to INTEGER NOT NULL DEFAULT 0,

    -- `require_hmac`: MD5 is rejected. `md5_used_us`: the last push signed with MD5.
    secret BLOB NOT NULL,
    previous_secret BLOB,
    secret_changed_us INTEGER NOT NULL,
    secret_used TEXT,
    secret_used_us INTEGER,
    last_push_us INTEGER,
    md5_used_us INTEGER,
    require_hmac INTEGER NOT NULL DEFAULT 0,

    -- Protection against replays of a recorded `complete=1`. `hold_replaces`: a repeated replace is held for the operator's
    -- approval. `replace_allowed`: the SHA-256 of the approved body, until any replace takes effect or the approval expires.
    -- `pushed_since_replace`: whether anything was stored since the last replace took effect. Stored, because seqnos follow
    -- clocks, which differ and jump back. True if unknown: too many holds are safer than too few.
    hold_replaces INTEGER NOT NULL DEFAULT 0,
    replace_allowed TEXT,
    replace_allowed_until_us INTEGER,
    pushed_since_replace INTEGER NOT NULL DEFAULT 1,

    -- 'utf-8' or 'gbk' (read as GB18030). The header that declares one is not signed: a push that declares another charset is
    -- rejected, so that no one in between can change the meaning of the signed bytes. Bodies that were kept before
    -- `charset_changed_us` may be in the other charset, so they are not replayed. 0: never changed.
    charset TEXT NOT NULL DEFAULT 'utf-8',
    charset_changed_us INTEGER NOT NULL DEFAULT 0,

    -- `erase_due_us`: when the next retention run of the park is due.
    retention_days INTEGER,
    erase_due_us INTEGER NOT NULL DEFAULT 0,

    -- The park's own gateway, and the last attempt to fetch its charge types.
    charge_address TEXT,
    charge_fetched_us INTEGER,
    charge_tried_us INTEGER,
    charge_trouble_zh TEXT,
    charge_trouble_en TEXT
);

CREATE INDEX park_by_uuid ON park (park_uuid);
CREATE INDEX park_erase_due ON park (erase_due_us) WHERE retention_days IS NOT NULL;

-- A generation is one full set of a park's records; `complete=1` starts the next. `records` is their number, once the
-- generation has ended: of the current one the park has it, in a row that every commit writes anyway.
-- `purging`: its deletion has begun, so it can no longer be restored. `erased_to`: the position up to which the retention has
-- checked records, so that each change of a record is checked once.
CREATE TABLE generation (
    park_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    records INTEGER NOT NULL DEFAULT 0,
    started_us INTEGER NOT NULL,
    ended_us INTEGER,
    erased_to INTEGER NOT NULL DEFAULT 0,
    purging INTEGER NOT NULL DEFAULT 0,
    seqno TEXT,
    PRIMARY KEY (park_id, generation)
) WITHOUT ROWID;

CREATE INDEX generation_ended ON generation (ended_us) WHERE ended_us IS NOT NULL;

-- The newest version of each record. A rowid table: a quarter faster to fill than WITHOUT ROWID.
-- `position` grows with every change of the park and is never less than the microsecond of receipt, so that one index
-- serves "newest first", "received between" and "changed since".
CREATE TABLE renewal (
    position INTEGER NOT NULL,
    value_e4 INTEGER,
    pay_time_ms INTEGER,
    renewal_start_time_us INTEGER,
    renewal_end_time_us INTEGER,
    pay_value_fen INTEGER,
    park_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    plate_color INTEGER NOT NULL,
    vip_type INTEGER NOT NULL,
    pay_type INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    pay_partner TEXT NOT NULL,
    plate TEXT NOT NULL,
    card_no TEXT,
    card_id TEXT,
    charge_type TEXT NOT NULL,
    operator TEXT,
    extra TEXT,
    seqno TEXT NOT NULL,
    UNIQUE (park_id, generation, pay_partner)
);

CREATE INDEX renewal_plate ON renewal (park_id, generation, plate);
CREATE INDEX renewal_position ON renewal (park_id, generation, position);

-- Records to review. Flags come first, so that a few changed amounts are found fast among a million unusual plates. It is
-- partial, so that an ordinary record costs a push nothing.
CREATE INDEX renewal_flagged ON renewal (park_id, generation, flags, position) WHERE flags <> 0;

-- Records by card number and card id; one entry if they are equal. Maintenance fills it, up to `park.cards_to`: as an index
-- of renewal it would cost each push a quarter more. A search reads the records changed since then as well.
CREATE TABLE card (
    position INTEGER NOT NULL,
    park_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    card TEXT NOT NULL,
    PRIMARY KEY (park_id, generation, card, position)
) WITHOUT ROWID;

-- Replaced versions: `seqno` wrote the version, `replaced_seqno` replaced it.
CREATE TABLE renewal_history (
    position INTEGER NOT NULL,
    value_e4 INTEGER,
    pay_time_ms INTEGER,
    renewal_start_time_us INTEGER,
    renewal_end_time_us INTEGER,
    pay_value_fen INTEGER,
    park_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    plate_color INTEGER NOT NULL,
    vip_type INTEGER NOT NULL,
    pay_type INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    pay_partner TEXT NOT NULL,
    plate TEXT NOT NULL,
    card_no TEXT,
    card_id TEXT,
    charge_type TEXT NOT NULL,
    operator TEXT,
    extra TEXT,
    seqno TEXT NOT NULL,
    replaced_seqno TEXT NOT NULL,
    PRIMARY KEY (park_id, generation, pay_partner, revision)
) WITHOUT ROWID;

-- The retention's queue: records whose renewal ends later, to be checked again after that.
CREATE TABLE erase_later (
    park_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    pay_partner TEXT NOT NULL,
    end_us INTEGER NOT NULL,
    PRIMARY KEY (park_id, generation, pay_partner)
) WITHOUT ROWID;

CREATE INDEX erase_later_end ON erase_later (park_id, end_us);

-- The request log: one row per request. park_id is 0 if no park was proved; `claimed` is the park that the request named.
-- `replay_of`: the seqno of the rejected request that this one replays. `webhook_id` is NULL under MD5.
CREATE TABLE request (
    received_us INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    body_bytes INTEGER NOT NULL,
    park_id INTEGER NOT NULL,
    generation INTEGER,
    received INTEGER NOT NULL,
    inserted INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    seqno TEXT NOT NULL,
    claimed TEXT,
    code TEXT NOT NULL,
    hint_zh TEXT,
    hint_en TEXT,
    secret_used TEXT,
    peer TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    replay_of TEXT,
    webhook_id TEXT,
    PRIMARY KEY (park_id, seqno)
) WITHOUT ROWID;

-- For look-ups by seqno without a park, and for the purge by age.
CREATE INDEX request_seqno ON request (seqno);

-- Rejected requests of one park and of all parks; the code in the index saves reading the request.
CREATE INDEX request_rejected ON request (park_id, seqno, code) WHERE code <> '1001';
CREATE INDEX request_rejected_seqno ON request (seqno, code) WHERE code <> '1001';

-- Replays by staff.
CREATE INDEX request_replay ON request (park_id, replay_of, seqno) WHERE replay_of IS NOT NULL;

-- Earlier replaces of a park, by body and by webhook-id. Both are small: replaces are rare.
CREATE INDEX request_replace ON request (park_id, body_sha256, generation) WHERE complete;
CREATE INDEX request_replace_id ON request (park_id, webhook_id, seqno) WHERE complete AND webhook_id IS NOT NULL;

-- For counting how often a replace was held, by body. `generation` is the park's last one at that time; NULL for requests
-- from a forbidden address, which are 403 too.
CREATE INDEX request_held ON request (park_id, body_sha256, generation, seqno) WHERE code = '403';

-- Bodies of rejected requests of authenticated parks, deflated.
CREATE TABLE rejected_body (
    park_id INTEGER NOT NULL,
    seqno TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (park_id, seqno)
) WITHOUT ROWID;

CREATE INDEX rejected_body_seqno ON rejected_body (seqno);

-- Rollup by park, Beijing day and pay type: new records, replaced records, and the change of the amount.
CREATE TABLE daily (
    park_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    inserted INTEGER NOT NULL DEFAULT 0,
    updated INTEGER NOT NULL DEFAULT 0,
    pay_value_fen INTEGER NOT NULL DEFAULT 0,
    pay_type INTEGER NOT NULL,
    PRIMARY KEY (park_id, day, pay_type)
) WITHOUT ROWID;

-- Rollup by park, Beijing day and result code.
CREATE TABLE daily_answer (
    park_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    requests INTEGER NOT NULL DEFAULT 0,
    received INTEGER NOT NULL DEFAULT 0,
    code TEXT NOT NULL,
    PRIMARY KEY (park_id, day, code)
) WITHOUT ROWID;

-- A park's charge types from its own gateway, in the order in which it sent them.
CREATE TABLE charge_type (
    park_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    descr TEXT NOT NULL,
    vip_type INTEGER,
    price_fen INTEGER,
    extra_days INTEGER,
    create_time TEXT NOT NULL,
    update_time TEXT NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (park_id, id)
) WITHOUT ROWID;

-- Staff accounts, sessions and tokens, and the audit log.

-- Staff accounts. `password` is an argon2 hash.
CREATE TABLE staff_user (
    name TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    password TEXT NOT NULL,
    sees_plates INTEGER NOT NULL DEFAULT 0,
    enabled INTEGER NOT NULL DEFAULT 1,
    language TEXT,
    created_us INTEGER NOT NULL,
    last_login_us INTEGER
) WITHOUT ROWID;

-- Login sessions. `digest` is the SHA-256 of the cookie's secret; plates are unmasked until `plates_until_us`.
CREATE TABLE session (
    digest TEXT NOT NULL PRIMARY KEY,
    staff_user TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    seen_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    plates_until_us INTEGER NOT NULL,
    peer TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX session_user_created ON session (staff_user, created_us);
CREATE INDEX session_expires ON session (expires_us);

-- Tokens of the read API. `digest` is the SHA-256 of the token; `scopes` are separated by blanks; park_uuid NULL: all parks.
CREATE TABLE token (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    park_uuid TEXT,
    masked INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    used_us INTEGER,
    revoked_us INTEGER
);

CREATE UNIQUE INDEX token_name ON token (name) WHERE revoked_us IS NULL;

-- The audit log. Numbers have no gaps, so that a deleted entry is noticed. It names parks as people do, by park_uuid.
CREATE TABLE audit_entry (
    number INTEGER NOT NULL PRIMARY KEY,
    at_us INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    park_uuid TEXT,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    peer TEXT NOT NULL
);

CREATE INDEX audit_entry_who ON audit_entry (who, number);
CREATE INDEX audit_entry_park ON audit_entry (park_uuid, number) WHERE park_uuid IS NOT NULL;

-- The one-time link that creates the first account: at most one row.
CREATE TABLE invitation (
    digest TEXT NOT NULL PRIMARY KEY,
    expires_us INTEGER NOT NULL
) WITHOUT ROWID;
