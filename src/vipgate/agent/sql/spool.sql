-- Statements of the spool. `json_each(:keys)` is a list of order numbers.

-- name: read_meta
SELECT m.value FROM meta AS m WHERE m.name = :name

-- name: write_meta
INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: forget_meta
DELETE FROM meta WHERE name = :name

-- name: take_numbers
-- Numbers never repeat, even if the outbox is empty or another process takes them.
INSERT INTO meta (name, value) VALUES ('number', :count)
ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS INTEGER) + CAST(excluded.value AS INTEGER) AS TEXT)
RETURNING CAST(value AS INTEGER)

-- name: queue
-- The newest version of a record replaces the waiting one.
INSERT INTO outbox (pay_partner, number, row, hash, place, queued_us, not_before_us)
VALUES (:pay_partner, :number, :row, :hash, :place, :now_us, :not_before_us)
ON CONFLICT (pay_partner) DO UPDATE SET
    number = excluded.number, row = excluded.row, hash = excluded.hash, place = excluded.place,
    not_before_us = excluded.not_before_us

-- name: queue_again
-- Sends a version again that an older copy may overtake; not needed if a newer one already waits.
INSERT INTO outbox (pay_partner, number, row, hash, place, queued_us, not_before_us)
VALUES (:pay_partner, :number, :row, :hash, :place, :now_us, :not_before_us)
ON CONFLICT (pay_partner) DO NOTHING

-- name: waiting
-- Rows that may be sent now, oldest first.
SELECT o.pay_partner, o.number, o.row, o.hash, o.place
FROM outbox AS o
WHERE o.not_before_us <= :now_us
ORDER BY o.number
LIMIT :limit

-- name: next_due
-- When the first waiting row may be sent.
SELECT min(o.not_before_us) FROM outbox AS o

-- name: backlog
-- How many rows wait, and since when the oldest does; without rows that are to be sent again later.
SELECT count(*), min(o.queued_us) FROM outbox AS o WHERE o.not_before_us <= :now_us

-- name: unqueue
-- By number: a newer version queued meanwhile has another number and stays.
DELETE FROM outbox WHERE number = :number

-- name: unqueue_key
-- Removes the waiting version of a record whose row is now invalid.
DELETE FROM outbox WHERE pay_partner = :pay_partner

-- name: numbers
-- Which of the numbers still wait; the others were replaced by a newer version.
SELECT o.number FROM outbox AS o WHERE o.number IN (SELECT value FROM json_each(:numbers))

-- name: in_outbox
SELECT o.pay_partner, o.hash FROM outbox AS o WHERE o.pay_partner IN (SELECT value FROM json_each(:keys))

-- name: in_sent
SELECT s.pay_partner, s.hash FROM sent AS s WHERE s.pay_partner IN (SELECT value FROM json_each(:keys))

-- name: note_sent
INSERT INTO sent (pay_partner, hash) VALUES (:pay_partner, :hash) ON CONFLICT (pay_partner) DO UPDATE SET hash = excluded.hash

-- name: forget_sent
DELETE FROM sent WHERE pay_partner = :pay_partner

-- name: note_read
INSERT INTO lately (pay_partner, read_us) VALUES (:pay_partner, :read_us)
ON CONFLICT (pay_partner) DO UPDATE SET read_us = max(lately.read_us, excluded.read_us)

-- name: read_since
SELECT l.pay_partner FROM lately AS l WHERE l.pay_partner IN (SELECT value FROM json_each(:keys)) AND l.read_us >= :since_us

-- name: read_times
SELECT l.pay_partner, l.read_us FROM lately AS l WHERE l.pay_partner IN (SELECT value FROM json_each(:keys))

-- name: drop_lately
DELETE FROM lately WHERE read_us < :before_us

-- name: read_window
SELECT w.cursor, w.seen_us FROM window AS w

-- name: note_window
INSERT INTO window (cursor, seen_us) VALUES (:cursor, :seen_us) ON CONFLICT (cursor) DO NOTHING

-- name: drop_window
DELETE FROM window WHERE cursor = :cursor

-- name: make_exposed
-- In memory only: after a kill everything counts as exposed for a while.
CREATE TEMP TABLE exposed (pay_partner TEXT NOT NULL PRIMARY KEY, hash BLOB, until_us INTEGER NOT NULL) WITHOUT ROWID

-- name: load_exposed
INSERT INTO temp.exposed (pay_partner, hash, until_us) SELECT d.pay_partner, d.hash, d.until_us FROM doubt AS d

-- name: save_exposed
INSERT INTO doubt (pay_partner, hash, until_us)
SELECT e.pay_partner, e.hash, e.until_us FROM temp.exposed AS e WHERE e.until_us > :now_us

-- name: drop_saved
DELETE FROM doubt

-- name: expose
-- A second version while the first may still arrive sets the hash to NULL: any version.
INSERT INTO temp.exposed (pay_partner, hash, until_us) VALUES (:pay_partner, :hash, :until_us)
ON CONFLICT (pay_partner) DO UPDATE SET
    hash = CASE WHEN exposed.until_us <= :now_us OR exposed.hash IS excluded.hash THEN excluded.hash END,
    until_us = max(exposed.until_us, excluded.until_us)

-- name: exposed
SELECT e.pay_partner, e.hash, e.until_us
FROM temp.exposed AS e
WHERE e.pay_partner IN (SELECT value FROM json_each(:keys)) AND e.until_us > :now_us

-- name: exposed_until
SELECT max(e.until_us) FROM temp.exposed AS e

-- name: drop_exposed
DELETE FROM temp.exposed WHERE until_us <= :now_us

-- name: bury
-- One dead letter per record, with the newest reason.
INSERT INTO dead (identity, pay_partner, place, reason, seqno, row, source, at_us)
VALUES (:identity, :pay_partner, :place, :reason, :seqno, :row, :source, :now_us)
ON CONFLICT (identity) DO UPDATE SET
    pay_partner = excluded.pay_partner, place = excluded.place, reason = excluded.reason, seqno = excluded.seqno,
    row = excluded.row, source = excluded.source, at_us = excluded.at_us

-- name: count_dead
SELECT count(*) FROM dead

-- name: resolve
-- For records that were read again and can be sent now.
DELETE FROM dead WHERE identity IN (SELECT value FROM json_each(:keys))

-- name: list_dead
SELECT d.number, d.identity, d.pay_partner, d.place, d.reason, d.seqno, d.row, d.source, d.at_us
FROM dead AS d
WHERE d.number > :after
ORDER BY d.number
LIMIT :limit

-- name: find_dead
SELECT d.number, d.identity, d.pay_partner, d.place, d.reason, d.seqno, d.row, d.source, d.at_us
FROM dead AS d
WHERE d.number = :number

-- name: discard
DELETE FROM dead WHERE number = :number

-- name: drop_sent
DELETE FROM sent

-- name: drop_whole_window
DELETE FROM window

-- name: drop_outbox
DELETE FROM outbox
