-- The ledger. Inside the database a park is a short integer, `park_id`: it begins every key, and on Citus it is the
-- distribution column. Codes and names compare byte by byte (COLLATE "C"). Instants are whole microseconds (`_us`) or
-- milliseconds (`_ms`) since 1970 UTC. In wide tables the widest columns come first, which saves padding in each row.

-- Gives each park_uuid its park_id, which never changes. On Citus it stays on the coordinator, because a distributed table
-- cannot be unique by another column than the distribution column.
CREATE TABLE park_key (
    park_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    park_uuid text COLLATE "C" NOT NULL UNIQUE
);

-- Parks that may push. Secrets are sealed by the vault. Every commit updates this row: free space on its page allows HOT
-- updates.
CREATE TABLE park (
    park_id integer NOT NULL PRIMARY KEY,
    park_uuid text COLLATE "C" NOT NULL,
    name text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    created_us bigint NOT NULL,
    allow_list text COLLATE "C" NOT NULL DEFAULT '',
    rate_per_minute integer,

    -- The current generation, the newest one, and the park's last change (see renewal).
    generation integer NOT NULL DEFAULT 1,
    generation_last integer NOT NULL DEFAULT 1,
    position bigint NOT NULL DEFAULT 0,

    -- The number of records of the current generation.
    records bigint NOT NULL DEFAULT 0,

    -- Records of the current generation changed after this position are not in the table card yet.
    cards_to bigint NOT NULL DEFAULT 0,

    -- `require_hmac`: MD5 is rejected. `md5_used_us`: the last push signed with MD5.
    secret bytea NOT NULL,
    previous_secret bytea,
    secret_changed_us bigint NOT NULL,
    secret_used text COLLATE "C",
    secret_used_us bigint,
    last_push_us bigint,
    md5_used_us bigint,
    require_hmac boolean NOT NULL DEFAULT false,

    -- Protection against replays of a recorded `complete=1`. `hold_replaces`: a repeated replace is held for the operator's
    -- approval. `replace_allowed`: the SHA-256 of the approved body, until any replace takes effect or the approval expires.
    -- `pushed_since_replace`: whether anything was stored since the last replace took effect. Stored, because seqnos follow
    -- clocks, which differ and jump back. True if unknown: too many holds are safer than too few.
    hold_replaces boolean NOT NULL DEFAULT false,
    replace_allowed text COLLATE "C",
    replace_allowed_until_us bigint,
    pushed_since_replace boolean NOT NULL DEFAULT true,

    -- 'utf-8' or 'gbk' (read as GB18030). The header that declares one is not signed: a push that declares another charset is
    -- rejected, so that no one in between can change the meaning of the signed bytes. Bodies that were kept before
    -- `charset_changed_us` may be in the other charset, so they are not replayed. 0: never changed.
    charset text COLLATE "C" NOT NULL DEFAULT 'utf-8',
    charset_changed_us bigint NOT NULL DEFAULT 0,

    -- `erase_due_us`: when the next retention run of the park is due.
    retention_days integer,
    erase_due_us bigint NOT NULL DEFAULT 0,

    -- The park's own gateway, and the last attempt to fetch its charge types.
    charge_address text,
    charge_fetched_us bigint,
    charge_tried_us bigint,
    charge_trouble_zh text,
    charge_trouble_en text
) WITH (fillfactor = 50);

CREATE INDEX park_by_uuid ON park (park_uuid);
CREATE INDEX park_erase_due ON park (erase_due_us) WHERE retention_days IS NOT NULL;

-- A generation is one full set of a park's records; `complete=1` starts the next. `records` is their number, once the
-- generation has ended: of the current one the park has it, in a row that every commit writes anyway.
-- `purging`: its deletion has begun, so it can no longer be restored. `erased_to`: the position up to which the retention has
-- checked records, so that each change of a record is checked once.
CREATE TABLE generation (
    park_id integer NOT NULL,
    generation integer NOT NULL,
    records bigint NOT NULL DEFAULT 0,
    started_us bigint NOT NULL,
    ended_us bigint,
    erased_to bigint NOT NULL DEFAULT 0,
    purging boolean NOT NULL DEFAULT false,
    seqno text COLLATE "C",
    PRIMARY KEY (park_id, generation)
) WITH (fillfactor = 50);

CREATE INDEX generation_ended ON generation (ended_us) WHERE ended_us IS NOT NULL;

-- The newest version of each record. `position` grows with every change of the park and is never less than the microsecond
-- of receipt, so that one index serves "newest first", "received between" and "changed since".
CREATE TABLE renewal (
    position bigint NOT NULL,
    value_e4 bigint,
    pay_time_ms bigint,
    renewal_start_time_us bigint,
    renewal_end_time_us bigint,
    pay_value_fen bigint,
    park_id integer NOT NULL,
    generation integer NOT NULL,
    quantity integer NOT NULL,
    revision integer NOT NULL,
    plate_color smallint NOT NULL,
    vip_type smallint NOT NULL,
    pay_type smallint NOT NULL,
    flags smallint NOT NULL,
    pay_partner text COLLATE "C" NOT NULL,
    plate text COLLATE "C" NOT NULL,
    card_no text COLLATE "C",
    card_id text COLLATE "C",
    charge_type text COLLATE "C" NOT NULL,
    operator text COLLATE "C",
    extra text COLLATE "C",
    seqno text COLLATE "C" NOT NULL,
    PRIMARY KEY (park_id, generation, pay_partner)
) WITH (autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);

-- All indexes begin with park and generation. Before the first ANALYZE the planner cannot tell which of them is best for a
-- look-up by order number, and a wrong guess reads the whole park for each row of a batch. The conditions of these two are
-- always true; they hide an index from every query that does not repeat them.
CREATE INDEX renewal_plate ON renewal (park_id, generation, plate, position) WHERE plate > '';
CREATE INDEX renewal_position ON renewal (park_id, generation, position) WHERE revision > 0;

-- Records to review. Flags come first, so that a few changed amounts are found fast among a million unusual plates. It is
-- partial, so that an ordinary record costs a push nothing.
CREATE INDEX renewal_flagged ON renewal (park_id, generation, flags, position) WHERE flags <> 0;

-- Records by card number and card id; one entry if they are equal. Maintenance fills it, up to `park.cards_to`: as an index
-- of renewal it would cost each push a quarter more. A search reads the records changed since then as well.
CREATE TABLE card (
    position bigint NOT NULL,
    park_id integer NOT NULL,
    generation integer NOT NULL,
    card text COLLATE "C" NOT NULL,
    PRIMARY KEY (park_id, generation, card, position)
);

-- Replaced versions: `seqno` wrote the version, `replaced_seqno` replaced it.
CREATE TABLE renewal_history (
    position bigint NOT NULL,
    value_e4 bigint,
    pay_time_ms bigint,
    renewal_start_time_us bigint,
    renewal_end_time_us bigint,
    pay_value_fen bigint,
    park_id integer NOT NULL,
    generation integer NOT NULL,
    quantity integer NOT NULL,
    revision integer NOT NULL,
    plate_color smallint NOT NULL,
    vip_type smallint NOT NULL,
    pay_type smallint NOT NULL,
    flags smallint NOT NULL,
    pay_partner text COLLATE "C" NOT NULL,
    plate text COLLATE "C" NOT NULL,
    card_no text COLLATE "C",
    card_id text COLLATE "C",
    charge_type text COLLATE "C" NOT NULL,
    operator text COLLATE "C",
    extra text COLLATE "C",
    seqno text COLLATE "C" NOT NULL,
    replaced_seqno text COLLATE "C" NOT NULL,
    PRIMARY KEY (park_id, generation, pay_partner, revision)
);

-- The retention's queue: records whose renewal ends later, to be checked again after that.
CREATE TABLE erase_later (
    park_id integer NOT NULL,
    generation integer NOT NULL,
    pay_partner text COLLATE "C" NOT NULL,
    end_us bigint NOT NULL,
    PRIMARY KEY (park_id, generation, pay_partner)
);

CREATE INDEX erase_later_end ON erase_later (park_id, end_us);

-- The request log: one row per request. park_id is 0 if no park was proved; `claimed` is the park that the request named.
-- `replay_of`: the seqno of the rejected request that this one replays. `webhook_id` is NULL under MD5.
CREATE TABLE request (
    received_us bigint NOT NULL,
    duration_us bigint NOT NULL,
    body_bytes bigint NOT NULL,
    park_id integer NOT NULL,
    generation integer,
    received integer NOT NULL,
    inserted integer NOT NULL,
    updated integer NOT NULL,
    unchanged integer NOT NULL,
    complete boolean NOT NULL,
    seqno text COLLATE "C" NOT NULL,
    claimed text,
    code text COLLATE "C" NOT NULL,
    hint_zh text,
    hint_en text,
    secret_used text COLLATE "C",
    peer text COLLATE "C" NOT NULL,
    body_sha256 text COLLATE "C" NOT NULL,
    replay_of text COLLATE "C",
    webhook_id text COLLATE "C",
    PRIMARY KEY (park_id, seqno)
);

-- For look-ups by seqno without a park, and for the purge by age.
CREATE INDEX request_seqno ON request (seqno);

-- Rejected requests of one park and of all parks.
CREATE INDEX request_rejected ON request (park_id, seqno) WHERE code <> '1001';
CREATE INDEX request_rejected_seqno ON request (seqno) WHERE code <> '1001';

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
    park_id integer NOT NULL,
    seqno text COLLATE "C" NOT NULL,
    bytes bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (park_id, seqno)
);

ALTER TABLE rejected_body ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX rejected_body_seqno ON rejected_body (seqno);

-- Rollup by park, Beijing day and pay type: new records, replaced records, and the change of the amount.
CREATE TABLE daily (
    park_id integer NOT NULL,
    day integer NOT NULL,
    inserted bigint NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    pay_value_fen bigint NOT NULL DEFAULT 0,
    pay_type smallint NOT NULL,
    PRIMARY KEY (park_id, day, pay_type)
) WITH (fillfactor = 70);

-- Rollup by park, Beijing day and result code.
CREATE TABLE daily_answer (
    park_id integer NOT NULL,
    day integer NOT NULL,
    requests bigint NOT NULL DEFAULT 0,
    received bigint NOT NULL DEFAULT 0,
    code text COLLATE "C" NOT NULL,
    PRIMARY KEY (park_id, day, code)
) WITH (fillfactor = 70);

-- Rollups of all parks by period. A day's row is indexed once, however often its counters grow.
CREATE INDEX daily_day ON daily (day);
CREATE INDEX daily_answer_day ON daily_answer (day);

-- A park's charge types from its own gateway, in the order in which it sent them.
CREATE TABLE charge_type (
    park_id integer NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    descr text NOT NULL,
    vip_type integer,
    price_fen bigint,
    extra_days integer,
    create_time text COLLATE "C" NOT NULL,
    update_time text COLLATE "C" NOT NULL,
    place integer NOT NULL,
    PRIMARY KEY (park_id, id)
);

-- Staff accounts, sessions and tokens, and the audit log. On Citus these tables stay on the coordinator: with reference
-- tables an unavailable node would block all logins.

-- Staff accounts. `password` is an argon2 hash.
CREATE TABLE staff_user (
    name text COLLATE "C" NOT NULL PRIMARY KEY,
    role text COLLATE "C" NOT NULL,
    password text COLLATE "C" NOT NULL,
    sees_plates boolean NOT NULL DEFAULT false,
    enabled boolean NOT NULL DEFAULT true,
    language text COLLATE "C",
    created_us bigint NOT NULL,
    last_login_us bigint
);

-- Login sessions. `digest` is the SHA-256 of the cookie's secret; plates are unmasked until `plates_until_us`.
CREATE TABLE session (
    digest text COLLATE "C" NOT NULL PRIMARY KEY,
    staff_user text COLLATE "C" NOT NULL,
    created_us bigint NOT NULL,
    seen_us bigint NOT NULL,
    expires_us bigint NOT NULL,
    plates_until_us bigint NOT NULL,
    peer text COLLATE "C" NOT NULL
);

CREATE INDEX session_user_created ON session (staff_user, created_us);
CREATE INDEX session_expires ON session (expires_us);

-- Tokens of the read API. `digest` is the SHA-256 of the token; `scopes` are separated by blanks; park_uuid NULL: all parks.
CREATE TABLE token (
    number bigint NOT NULL PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    digest text COLLATE "C" NOT NULL UNIQUE,
    scopes text COLLATE "C" NOT NULL,
    park_uuid text COLLATE "C",
    masked boolean NOT NULL,
    created_us bigint NOT NULL,
    used_us bigint,
    revoked_us bigint
);

CREATE UNIQUE INDEX token_name ON token (name) WHERE revoked_us IS NULL;

-- The audit log. Numbers have no gaps, so that a deleted entry is noticed. It names parks as people do, by park_uuid.
CREATE TABLE audit_entry (
    number bigint NOT NULL PRIMARY KEY,
    at_us bigint NOT NULL,
    who text COLLATE "C" NOT NULL,
    action text COLLATE "C" NOT NULL,
    park_uuid text COLLATE "C",
    subject text NOT NULL,
    detail text NOT NULL,
    peer text COLLATE "C" NOT NULL
);

CREATE INDEX audit_entry_who ON audit_entry (who, number);
CREATE INDEX audit_entry_park ON audit_entry (park_uuid, number) WHERE park_uuid IS NOT NULL;

-- The one-time link that creates the first account: at most one row.
CREATE TABLE invitation (
    digest text COLLATE "C" NOT NULL PRIMARY KEY,
    expires_us bigint NOT NULL
);
