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
INSERT INTO outbox (pay_partner, number, row, hash, place, row_id, queued_us, not_before_us)
VALUES (:pay_partner, :number, :row, :hash, :place, :row_id, :now_us, :not_before_us)
ON CONFLICT (pay_partner) DO UPDATE SET
    number = excluded.number, row = excluded.row, hash = excluded.hash, place = excluded.place, row_id = excluded.row_id,
    not_before_us = excluded.not_before_us

-- name: queue_again
-- Sends a version again that an older copy may overtake; not needed if a newer one already waits.
INSERT INTO outbox (pay_partner, number, row, hash, place, row_id, queued_us, not_before_us)
VALUES (:pay_partner, :number, :row, :hash, :place, :row_id, :now_us, :not_before_us)
ON CONFLICT (pay_partner) DO NOTHING

-- name: waiting
-- Rows that may be sent now, oldest first.
SELECT o.pay_partner, o.number, o.row, o.place, o.row_id
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

-- name: has_outbox
-- During a snapshot the outbox is mostly empty: a thousand keys need not be looked up in it.
SELECT 1 FROM outbox LIMIT 1

-- name: in_outbox
SELECT o.pay_partner, o.hash, o.row_id FROM outbox AS o WHERE o.pay_partner IN (SELECT value FROM json_each(:keys))

-- name: has_acknowledged
SELECT 1 FROM acknowledged LIMIT 1

-- name: find_acknowledged
SELECT a.key, a.version FROM acknowledged AS a WHERE a.key IN (SELECT value FROM json_each(:keys))

-- name: acknowledge
-- Many rows at a time: each statement gives up the interpreter's lock, and must win it back from the reading thread.
INSERT INTO acknowledged (key, version) VALUES /* rows */ (?, ?) ON CONFLICT (key) DO UPDATE SET version = excluded.version

-- name: acknowledge_recently
INSERT INTO acknowledged_recently (entries) VALUES (:entries)

-- name: read_recently
SELECT r.entries FROM acknowledged_recently AS r ORDER BY r.number

-- name: drop_recently
DELETE FROM acknowledged_recently

-- name: drop_acknowledged
DELETE FROM acknowledged

-- name: note_read
INSERT INTO lately (pay_partner, read_us, noted_us) VALUES (:pay_partner, :read_us, :now_us)
ON CONFLICT (pay_partner) DO UPDATE SET read_us = max(lately.read_us, excluded.read_us), noted_us = excluded.noted_us

-- name: noted_since
SELECT l.pay_partner FROM lately AS l WHERE l.pay_partner IN (SELECT value FROM json_each(:keys)) AND l.noted_us >= :since_us

-- name: has_lately
SELECT 1 FROM lately LIMIT 1

-- name: read_times
SELECT l.pay_partner, l.read_us, l.noted_us FROM lately AS l WHERE l.pay_partner IN (SELECT value FROM json_each(:keys))

-- name: drop_lately
DELETE FROM lately WHERE noted_us < :before_us

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

-- name: limit_waiting
-- Times from before the clock was set back.
UPDATE outbox SET not_before_us = :until_us WHERE not_before_us > :until_us

-- name: limit_exposed
UPDATE temp.exposed SET until_us = :until_us WHERE until_us > :until_us

-- name: limit_read
UPDATE lately SET read_us = min(read_us, :now_us), noted_us = min(noted_us, :now_us)
WHERE read_us > :now_us OR noted_us > :now_us

-- name: add_dead_letter
-- One dead letter per record, with the newest reason.
INSERT INTO dead (identity, pay_partner, place, reason, seqno, row, source, at_us)
VALUES (:identity, :pay_partner, :place, :reason, :seqno, :row, :source, :now_us)
ON CONFLICT (identity) DO UPDATE SET
    pay_partner = excluded.pay_partner, place = excluded.place, reason = excluded.reason, seqno = excluded.seqno,
    row = excluded.row, source = excluded.source, at_us = excluded.at_us

-- name: count_dead
SELECT count(*) FROM dead

-- name: dead_among
SELECT d.identity FROM dead AS d WHERE d.identity IN (SELECT value FROM json_each(:keys))

-- name: resolve
-- For records that were read again and can be sent now.
DELETE FROM dead WHERE identity IN (SELECT value FROM json_each(:keys)) RETURNING identity

-- name: resolve_other_orders
-- For a row that was read again under another identity: its order number has changed, or can be read by now.
DELETE FROM dead WHERE place = :place AND identity <> :identity RETURNING identity

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

-- name: drop_outbox
DELETE FROM outbox
