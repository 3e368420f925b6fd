-- Staff accounts, sessions and tokens, the audit log, and the settings of a park that staff make: retention and the address
-- of its own gateway.

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
    csrf TEXT NOT NULL,
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

-- The audit log. Numbers have no gaps, so that a deleted entry is noticed.
CREATE TABLE deed (
    number INTEGER NOT NULL PRIMARY KEY,
    at_us INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    park_uuid TEXT,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    peer TEXT NOT NULL
);

CREATE INDEX deed_who ON deed (who, number);
CREATE INDEX deed_park ON deed (park_uuid, number) WHERE park_uuid IS NOT NULL;

-- The one-time link that creates the first account: at most one row.
CREATE TABLE invitation (
    digest TEXT NOT NULL PRIMARY KEY,
    expires_us INTEGER NOT NULL
) WITHOUT ROWID;

-- `erase_due_us`: when the next retention run of the park is due.
ALTER TABLE park ADD COLUMN retention_days INTEGER;
ALTER TABLE park ADD COLUMN charge_address TEXT;
ALTER TABLE park ADD COLUMN charge_fetched_us INTEGER;
ALTER TABLE park ADD COLUMN charge_tried_us INTEGER;
ALTER TABLE park ADD COLUMN charge_trouble_zh TEXT;
ALTER TABLE park ADD COLUMN charge_trouble_en TEXT;
ALTER TABLE park ADD COLUMN erase_due_us INTEGER NOT NULL DEFAULT 0;

CREATE INDEX park_erase_due ON park (erase_due_us) WHERE retention_days IS NOT NULL;

-- The position up to which the retention has checked records: each change of a record is checked once.
ALTER TABLE generation ADD COLUMN erased_to INTEGER NOT NULL DEFAULT 0;

-- The retention's queue: records whose renewal ends later, to be checked again after that.
CREATE TABLE erase_later (
    park_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    pay_partner TEXT NOT NULL,
    end_us INTEGER NOT NULL,
    PRIMARY KEY (park_id, generation, pay_partner)
) WITHOUT ROWID;

CREATE INDEX erase_later_end ON erase_later (park_id, end_us);

-- The seqno of the rejected request that this request replays.
ALTER TABLE request ADD COLUMN replay_of TEXT;

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
