-- What the agent must not forget. Instants are microseconds since 1970 UTC.

-- Single values by name: whose spool this is, how far the source was read and acknowledged, what `status` shows.
CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- What waits to be sent: of each record its newest version alone, in the order of `number`, which each version gets anew.
CREATE TABLE outbox (
    pay_partner TEXT NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL,
    row BLOB NOT NULL,
    hash BLOB NOT NULL,
    place TEXT NOT NULL,
    queued_us INTEGER NOT NULL,
    not_before_us INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX outbox_number ON outbox (number);

-- What the platform has, for sources without a cursor: a row is sent when its hash is another. Also what is known to be wrong.
CREATE TABLE sent (pay_partner TEXT NOT NULL PRIMARY KEY, hash BLOB NOT NULL) WITHOUT ROWID;

-- When the newest version of a record was read last: what was read before must not be sent any more.
CREATE TABLE lately (pay_partner TEXT NOT NULL PRIMARY KEY, read_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX lately_read ON lately (read_us);

-- Rows of the source behind its position that were read already: they are looked at again for late commits.
CREATE TABLE window (cursor TEXT NOT NULL PRIMARY KEY, seen_us INTEGER NOT NULL) WITHOUT ROWID;

-- Versions that were sent when the agent was stopped: a copy may still arrive until `until_us`. `hash` is NULL for several.
CREATE TABLE doubt (pay_partner TEXT NOT NULL PRIMARY KEY, hash BLOB, until_us INTEGER NOT NULL) WITHOUT ROWID;

-- Dead letters, one for each record: kept until the record goes through or an operator discards them. `identity` is the
-- order number, or the place where there is none to be read. `row` is what was sent, `source` the columns as they were read.
CREATE TABLE dead (
    number INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,
    pay_partner TEXT,
    place TEXT NOT NULL,
    reason TEXT NOT NULL,
    seqno TEXT NOT NULL,
    row BLOB,
    source TEXT,
    at_us INTEGER NOT NULL
);
