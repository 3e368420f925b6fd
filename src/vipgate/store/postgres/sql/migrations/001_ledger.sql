-- The ledger. Every key begins with park_uuid, which is the distribution column on Citus. Codes and names compare byte by
-- byte (COLLATE "C"). Instants are whole microseconds (`_us`) or milliseconds (`_ms`) since 1970 UTC.

-- Parks that may push. `position` is the park's last change (see renewal); secrets are sealed by the vault.
-- Every commit updates this row: free space on its page allows HOT updates.
CREATE TABLE park (
    park_uuid text COLLATE "C" NOT NULL PRIMARY KEY,
    name text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    generation integer NOT NULL DEFAULT 1,
    generation_last integer NOT NULL DEFAULT 1,
    position bigint NOT NULL DEFAULT 0,
    secret bytea NOT NULL,
    previous_secret bytea,
    secret_changed_us bigint NOT NULL,
    secret_used text COLLATE "C",
    secret_used_us bigint,
    last_push_us bigint,
    allow_list text COLLATE "C" NOT NULL DEFAULT '',
    rate_per_minute integer,
    created_us bigint NOT NULL
) WITH (fillfactor = 50);

-- A generation is one full set of a park's records; `complete=1` starts the next. Every commit updates `records`.
-- `purging`: its deletion has begun, so it can no longer be restored.
CREATE TABLE generation (
    park_uuid text COLLATE "C" NOT NULL,
    generation integer NOT NULL,
    records bigint NOT NULL DEFAULT 0,
    seqno text COLLATE "C",
    started_us bigint NOT NULL,
    ended_us bigint,
    purging boolean NOT NULL DEFAULT false,
    PRIMARY KEY (park_uuid, generation)
) WITH (fillfactor = 50);

CREATE INDEX generation_ended ON generation (ended_us) WHERE ended_us IS NOT NULL;

-- The newest version of each record. `position` grows with every change of the park and is never less than the microsecond
-- of receipt, so that one index serves "newest first", "received between" and "changed since".
CREATE TABLE renewal (
    park_uuid text COLLATE "C" NOT NULL,
    generation integer NOT NULL,
    pay_partner text COLLATE "C" NOT NULL,
    plate text COLLATE "C" NOT NULL,
    plate_color smallint NOT NULL,
    card_no text COLLATE "C",
    card_id text COLLATE "C",
    charge_type text COLLATE "C" NOT NULL,
    vip_type smallint NOT NULL,
    quantity integer NOT NULL,
    pay_type smallint NOT NULL,
    value_e4 bigint,
    pay_time_ms bigint,
    renewal_start_time_us bigint,
    renewal_end_time_us bigint,
    pay_value_fen bigint,
    operator text COLLATE "C",
    extra text COLLATE "C",
    flags smallint NOT NULL,
    revision integer NOT NULL,
    seqno text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (park_uuid, generation, pay_partner)
) WITH (autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);

-- All three indexes begin with park and generation. Before the first ANALYZE the planner cannot tell which of them is best
-- for a look-up by order number, and a wrong guess reads the whole park for each row of a batch. The conditions below are
-- always true; they hide an index from every query that does not repeat them.
CREATE INDEX renewal_plate ON renewal (park_uuid, generation, plate, position) WHERE plate > '';
CREATE INDEX renewal_position ON renewal (park_uuid, generation, position) WHERE revision > 0;

-- Replaced versions: `seqno` wrote the version, `replaced_seqno` replaced it.
CREATE TABLE renewal_history (
    park_uuid text COLLATE "C" NOT NULL,
    generation integer NOT NULL,
    pay_partner text COLLATE "C" NOT NULL,
    plate text COLLATE "C" NOT NULL,
    plate_color smallint NOT NULL,
    card_no text COLLATE "C",
    card_id text COLLATE "C",
    charge_type text COLLATE "C" NOT NULL,
    vip_type smallint NOT NULL,
    quantity integer NOT NULL,
    pay_type smallint NOT NULL,
    value_e4 bigint,
    pay_time_ms bigint,
    renewal_start_time_us bigint,
    renewal_end_time_us bigint,
    pay_value_fen bigint,
    operator text COLLATE "C",
    extra text COLLATE "C",
    flags smallint NOT NULL,
    revision integer NOT NULL,
    seqno text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    replaced_seqno text COLLATE "C" NOT NULL,
    PRIMARY KEY (park_uuid, generation, pay_partner, revision)
);

-- The request log: one row per request. park_uuid is empty if no park was proved; `claimed` is the park that it named.
CREATE TABLE request (
    park_uuid text COLLATE "C" NOT NULL,
    seqno text COLLATE "C" NOT NULL,
    claimed text,
    code text COLLATE "C" NOT NULL,
    hint_zh text,
    hint_en text,
    complete boolean NOT NULL,
    generation integer,
    received integer NOT NULL,
    inserted integer NOT NULL,
    updated integer NOT NULL,
    unchanged integer NOT NULL,
    received_us bigint NOT NULL,
    duration_us bigint NOT NULL,
    secret_used text COLLATE "C",
    peer text COLLATE "C" NOT NULL,
    body_bytes bigint NOT NULL,
    body_sha256 text COLLATE "C" NOT NULL,
    PRIMARY KEY (park_uuid, seqno)
);

-- For look-ups by seqno without a park, and for the purge by age.
CREATE INDEX request_seqno ON request (seqno);

-- Bodies of rejected requests of authenticated parks, deflated.
CREATE TABLE refused_body (
    park_uuid text COLLATE "C" NOT NULL,
    seqno text COLLATE "C" NOT NULL,
    bytes bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (park_uuid, seqno)
);

ALTER TABLE refused_body ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX refused_body_seqno ON refused_body (seqno);

-- Rollup by park, Beijing day and pay type: new records, replaced records, and the change of the amount.
CREATE TABLE daily (
    park_uuid text COLLATE "C" NOT NULL,
    day integer NOT NULL,
    pay_type smallint NOT NULL,
    inserted bigint NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    pay_value_fen bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (park_uuid, day, pay_type)
) WITH (fillfactor = 70);

-- Rollup by park, Beijing day and result code.
CREATE TABLE daily_answer (
    park_uuid text COLLATE "C" NOT NULL,
    day integer NOT NULL,
    code text COLLATE "C" NOT NULL,
    requests bigint NOT NULL DEFAULT 0,
    received bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (park_uuid, day, code)
) WITH (fillfactor = 70);
