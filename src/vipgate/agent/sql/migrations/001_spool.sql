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
    row_id BLOB NOT NULL,
    queued_us INTEGER NOT NULL,
    not_before_us INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX outbox_number ON outbox (number);

-- Versions that the platform has acknowledged, or rejected for good: what the source holds is compared with them.
-- `key` is 8 bytes of the order number's hash; `version` is 8 bytes of the row's hash, followed by the row's id.
CREATE TABLE acknowledged (key INTEGER PRIMARY KEY, version BLOB NOT NULL);

-- The latest of them, a list for each transaction. They are moved into `acknowledged` many at a time, in its order: as many
-- single insertions into a large table would write a page of it each.
CREATE TABLE acknowledged_recently (number INTEGER PRIMARY KEY, entries BLOB NOT NULL);

-- When the newest version of a record was read, and when the agent took it over: versions read earlier must not be sent any
-- more, and requests that were sent before `noted_us` may hold one.
CREATE TABLE lately (pay_partner TEXT NOT NULL PRIMARY KEY, read_us INTEGER NOT NULL, noted_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX lately_noted ON lately (noted_us);

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
CREATE INDEX dead_place ON dead (place);
