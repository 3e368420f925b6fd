-- Persistent state of the agent. Instants are microseconds since 1970 UTC.

-- Single values by name: the spool's park and source, positions read and acknowledged, the status.
CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Rows to send: only the newest version of each record, in the order of `number`. Each version gets a new number.
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

-- What the platform has, for sources without a cursor: a row is sent if its hash differs. Also known invalid rows.
CREATE TABLE sent (pay_partner TEXT NOT NULL PRIMARY KEY, hash BLOB NOT NULL) WITHOUT ROWID;

-- When the newest version of a record was read: versions read earlier must not be sent any more.
CREATE TABLE lately (pay_partner TEXT NOT NULL PRIMARY KEY, read_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX lately_read ON lately (read_us);

-- Cursors after the source's position that were already read: every poll reads them again to find late commits.
CREATE TABLE window (cursor TEXT NOT NULL PRIMARY KEY, seen_us INTEGER NOT NULL) WITHOUT ROWID;

-- Versions in flight when the agent stopped: a copy may arrive until `until_us`. `hash` is NULL for several versions.
CREATE TABLE doubt (pay_partner TEXT NOT NULL PRIMARY KEY, hash BLOB, until_us INTEGER NOT NULL) WITHOUT ROWID;

-- Dead letters, one per record: kept until the record is sent or an operator discards them. `identity` is the order
-- number, or the place if the number is unreadable. `row` is the row as sent, `source` the columns as read.
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
