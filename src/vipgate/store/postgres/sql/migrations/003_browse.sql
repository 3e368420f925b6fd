-- apart
-- Indexes for searches. All but the last two are partial, so that an ordinary record costs a push nothing.
-- Each is dropped first: a server crash during the build leaves an invalid index.

-- Records to review. Flags come first, so that a few changed amounts are found fast among a million unusual plates.
DROP INDEX CONCURRENTLY IF EXISTS renewal_flagged;
CREATE INDEX CONCURRENTLY renewal_flagged ON renewal (park_uuid, generation, flags, position) WHERE flags > 0;

-- Records by card. If number and id are equal, one entry is enough.
DROP INDEX CONCURRENTLY IF EXISTS renewal_card_no;
CREATE INDEX CONCURRENTLY renewal_card_no ON renewal (park_uuid, generation, card_no) WHERE card_no IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS renewal_card_id;
CREATE INDEX CONCURRENTLY renewal_card_id ON renewal (park_uuid, generation, card_id)
WHERE card_id IS NOT NULL AND card_id IS DISTINCT FROM card_no;

-- Rejected requests of one park and of all parks.
DROP INDEX CONCURRENTLY IF EXISTS request_refused;
CREATE INDEX CONCURRENTLY request_refused ON request (park_uuid, seqno) WHERE code <> '1001';
DROP INDEX CONCURRENTLY IF EXISTS request_refused_seqno;
CREATE INDEX CONCURRENTLY request_refused_seqno ON request (seqno) WHERE code <> '1001';

-- Replays by staff.
DROP INDEX CONCURRENTLY IF EXISTS request_replay;
CREATE INDEX CONCURRENTLY request_replay ON request (park_uuid, replay_of, seqno) WHERE replay_of IS NOT NULL;

-- Rollups of all parks by period. A day's row is indexed once, however often its counters grow.
DROP INDEX CONCURRENTLY IF EXISTS daily_day;
CREATE INDEX CONCURRENTLY daily_day ON daily (day);
DROP INDEX CONCURRENTLY IF EXISTS daily_answer_day;
CREATE INDEX CONCURRENTLY daily_answer_day ON daily_answer (day);
