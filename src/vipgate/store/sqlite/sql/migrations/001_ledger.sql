-- The ledger. Every key begins with the park; inside the file a park is a short integer, because each of its records
-- carries it three times. Instants are whole microseconds (`_us`) or milliseconds (`_ms`) since 1970 UTC.

-- Parks that may push. `position` is the park's last change (see renewal); secrets are sealed by the vault.
CREATE TABLE park (
    id INTEGER PRIMARY KEY,
    park_uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1,
    generation INTEGER NOT NULL DEFAULT 1,
    generation_last INTEGER NOT NULL DEFAULT 1,
    position INTEGER NOT NULL DEFAULT 0,
    secret BLOB NOT NULL,
    previous_secret BLOB,
    secret_changed_us INTEGER NOT NULL,
    secret_used TEXT,
    secret_used_us INTEGER,
    last_push_us INTEGER,
    allow_list TEXT NOT NULL DEFAULT '',
    rate_per_minute INTEGER,
    created_us INTEGER NOT NULL
);

-- A generation is one full set of a park's records; `complete=1` starts the next. Every commit updates `records`.
-- `purging`: its deletion has begun, so it can no longer be restored.
CREATE TABLE generation (
    park_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    records INTEGER NOT NULL DEFAULT 0,
    seqno TEXT,
    started_us INTEGER NOT NULL,
    ended_us INTEGER,
    purging INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (park_id, generation)
) WITHOUT ROWID;

CREATE INDEX generation_ended ON generation (ended_us) WHERE ended_us IS NOT NULL;

-- The newest version of each record. A rowid table: a quarter faster to fill than WITHOUT ROWID.
-- `position` grows with every change of the park and is never less than the microsecond of receipt, so that one index
-- serves "newest first", "received between" and "changed since".
CREATE TABLE renewal (
    park_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    pay_partner TEXT NOT NULL,
    plate TEXT NOT NULL,
    plate_color INTEGER NOT NULL,
    card_no TEXT,
    card_id TEXT,
    charge_type TEXT NOT NULL,
    vip_type INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    pay_type INTEGER NOT NULL,
    value_e4 INTEGER,
    pay_time_ms INTEGER,
    renewal_start_time_us INTEGER,
    renewal_end_time_us INTEGER,
    pay_value_fen INTEGER,
    operator TEXT,
    extra TEXT,
    flags INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    seqno TEXT NOT NULL,
    position INTEGER NOT NULL,
    UNIQUE (park_id, generation, pay_partner)
);

CREATE INDEX renewal_plate ON renewal (park_id, generation, plate);
CREATE INDEX renewal_position ON renewal (park_id, generation, position);

-- Replaced versions: `seqno` wrote the version, `replaced_seqno` replaced it.
CREATE TABLE renewal_history (
    park_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    pay_partner TEXT NOT NULL,
    plate TEXT NOT NULL,
    plate_color INTEGER NOT NULL,
    card_no TEXT,
    card_id TEXT,
    charge_type TEXT NOT NULL,
    vip_type INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    pay_type INTEGER NOT NULL,
    value_e4 INTEGER,
    pay_time_ms INTEGER,
    renewal_start_time_us INTEGER,
    renewal_end_time_us INTEGER,
    pay_value_fen INTEGER,
    operator TEXT,
    extra TEXT,
    flags INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    seqno TEXT NOT NULL,
    position INTEGER NOT NULL,
    replaced_seqno TEXT NOT NULL,
    PRIMARY KEY (park_id, generation, pay_partner, revision)
) WITHOUT ROWID;

-- The request log: one row per request. park_id is 0 if no park was proved; `claimed` is the park that the request named.
CREATE TABLE request (
    park_id INTEGER NOT NULL,
    seqno TEXT NOT NULL,
    claimed TEXT,
    code TEXT NOT NULL,
    hint_zh TEXT,
    hint_en TEXT,
    complete INTEGER NOT NULL,
    generation INTEGER,
    received INTEGER NOT NULL,
    inserted INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    received_us INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    secret_used TEXT,
    peer TEXT NOT NULL,
    body_bytes INTEGER NOT NULL,
    body_sha256 TEXT NOT NULL,
    PRIMARY KEY (park_id, seqno)
) WITHOUT ROWID;

-- For look-ups by seqno without a park, and for the purge by age.
CREATE INDEX request_seqno ON request (seqno);

-- Bodies of rejected requests of authenticated parks, deflated.
CREATE TABLE refused_body (
    park_id INTEGER NOT NULL,
    seqno TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (park_id, seqno)
) WITHOUT ROWID;

CREATE INDEX refused_body_seqno ON refused_body (seqno);

-- Rollup by park, Beijing day and pay type: new records, replaced records, and the change of the amount.
CREATE TABLE daily (
    park_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    pay_type INTEGER NOT NULL,
    inserted INTEGER NOT NULL DEFAULT 0,
    updated INTEGER NOT NULL DEFAULT 0,
    pay_value_fen INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (park_id, day, pay_type)
) WITHOUT ROWID;

-- Rollup by park, Beijing day and result code.
CREATE TABLE daily_answer (
    park_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    code TEXT NOT NULL,
    requests INTEGER NOT NULL DEFAULT 0,
    received INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (park_id, day, code)
) WITHOUT ROWID;
