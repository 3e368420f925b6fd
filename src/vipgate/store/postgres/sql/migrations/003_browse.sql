-- apart
-- Indexes for people who look for something. All but the last two are partial, so that a plain record costs a push nothing.
-- Each is dropped first: one that was being built when its server died is there, but not valid.

-- Records to review. The flags come first: three changes of money are found at once among a million unusual plates.
DROP INDEX CONCURRENTLY IF EXISTS renewal_flagged;
CREATE INDEX CONCURRENTLY renewal_flagged ON renewal (park_uuid, generation, flags, position) WHERE flags > 0;

-- Records by card. Where both numbers of a card are the same, one entry is enough.
DROP INDEX CONCURRENTLY IF EXISTS renewal_card_no;
CREATE INDEX CONCURRENTLY renewal_card_no ON renewal (park_uuid, generation, card_no) WHERE card_no IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS renewal_card_id;
CREATE INDEX CONCURRENTLY renewal_card_id ON renewal (park_uuid, generation, card_id)
WHERE card_id IS NOT NULL AND card_id IS DISTINCT FROM card_no;

-- Refused requests among those that went through, of a park and of all.
DROP INDEX CONCURRENTLY IF EXISTS request_refused;
CREATE INDEX CONCURRENTLY request_refused ON request (park_uuid, seqno) WHERE code <> '1001';
DROP INDEX CONCURRENTLY IF EXISTS request_refused_seqno;
CREATE INDEX CONCURRENTLY request_refused_seqno ON request (seqno) WHERE code <> '1001';

-- What staff sent again.
DROP INDEX CONCURRENTLY IF EXISTS request_replay;
CREATE INDEX CONCURRENTLY request_replay ON request (park_uuid, replay_of, seqno) WHERE replay_of IS NOT NULL;

-- The rollups of all parks, a period at a time. A day's line gets its entry once, however often it is counted up.
DROP INDEX CONCURRENTLY IF EXISTS daily_day;
CREATE INDEX CONCURRENTLY daily_day ON daily (day);
DROP INDEX CONCURRENTLY IF EXISTS daily_answer_day;
CREATE INDEX CONCURRENTLY daily_answer_day ON daily_answer (day);
