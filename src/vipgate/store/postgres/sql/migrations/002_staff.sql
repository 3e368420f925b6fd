-- Staff accounts, sessions and tokens, the audit log, and the settings of a park that staff make: retention and the address
-- of its own gateway.
--
-- The first five tables have no park in their key. On Citus they stay on the coordinator: with reference tables an unavailable
-- node would block all logins.

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
    csrf text COLLATE "C" NOT NULL,
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

-- The audit log. Numbers have no gaps, so that a deleted entry is noticed.
CREATE TABLE deed (
    number bigint NOT NULL PRIMARY KEY,
    at_us bigint NOT NULL,
    who text COLLATE "C" NOT NULL,
    action text COLLATE "C" NOT NULL,
    park_uuid text COLLATE "C",
    subject text NOT NULL,
    detail text NOT NULL,
    peer text COLLATE "C" NOT NULL
);

CREATE INDEX deed_who ON deed (who, number);
CREATE INDEX deed_park ON deed (park_uuid, number) WHERE park_uuid IS NOT NULL;

-- The one-time link that creates the first account: at most one row.
CREATE TABLE invitation (
    digest text COLLATE "C" NOT NULL PRIMARY KEY,
    expires_us bigint NOT NULL
);

-- `erase_due_us`: when the next retention run of the park is due.
ALTER TABLE park ADD COLUMN retention_days integer;
ALTER TABLE park ADD COLUMN charge_address text;
ALTER TABLE park ADD COLUMN charge_fetched_us bigint;
ALTER TABLE park ADD COLUMN charge_tried_us bigint;
ALTER TABLE park ADD COLUMN charge_trouble_zh text;
ALTER TABLE park ADD COLUMN charge_trouble_en text;
ALTER TABLE park ADD COLUMN erase_due_us bigint NOT NULL DEFAULT 0;

CREATE INDEX park_erase_due ON park (erase_due_us) WHERE retention_days IS NOT NULL;

-- The position up to which the retention has checked records: each change of a record is checked once.
ALTER TABLE generation ADD COLUMN erased_to bigint NOT NULL DEFAULT 0;

-- The retention's queue: records whose renewal ends later, to be checked again after that.
CREATE TABLE erase_later (
    park_uuid text COLLATE "C" NOT NULL,
    generation integer NOT NULL,
    pay_partner text COLLATE "C" NOT NULL,
    end_us bigint NOT NULL,
    PRIMARY KEY (park_uuid, generation, pay_partner)
);

CREATE INDEX erase_later_end ON erase_later (park_uuid, end_us);

-- The seqno of the rejected request that this request replays.
ALTER TABLE request ADD COLUMN replay_of text COLLATE "C";

-- A park's charge types from its own gateway, in the order in which it sent them.
CREATE TABLE charge_type (
    park_uuid text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    descr text NOT NULL,
    vip_type integer,
    price_fen bigint,
    extra_days integer,
    create_time text COLLATE "C" NOT NULL,
    update_time text COLLATE "C" NOT NULL,
    place integer NOT NULL,
    PRIMARY KEY (park_uuid, id)
);
