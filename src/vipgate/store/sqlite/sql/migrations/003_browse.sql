-- Indexes for searches. All are partial, so that an ordinary record costs a push nothing.

-- Records to review. Flags come first, so that a few changed amounts are found fast among a million unusual plates.
CREATE INDEX renewal_flagged ON renewal (park_id, generation, flags, position) WHERE flags <> 0;

-- Records by card. If number and id are equal, one entry is enough.
CREATE INDEX renewal_card_no ON renewal (park_id, generation, card_no) WHERE card_no IS NOT NULL;
CREATE INDEX renewal_card_id ON renewal (park_id, generation, card_id)
WHERE card_id IS NOT NULL AND card_id IS NOT card_no;

-- Rejected requests of one park and of all parks; the code in the index saves reading the request.
CREATE INDEX request_refused ON request (park_id, seqno, code) WHERE code <> '1001';
CREATE INDEX request_refused_seqno ON request (seqno, code) WHERE code <> '1001';

-- Replays by staff.
CREATE INDEX request_replay ON request (park_id, replay_of, seqno) WHERE replay_of IS NOT NULL;
