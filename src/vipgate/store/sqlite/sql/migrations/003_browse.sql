-- Indexes for people who look for something. All are partial, so that a plain record costs a push nothing.

-- Records to review. The flags come first: three changes of money are found at once among a million unusual plates.
CREATE INDEX renewal_flagged ON renewal (park_id, generation, flags, position) WHERE flags <> 0;

-- Records by card. Where both numbers of a card are the same, one entry is enough.
CREATE INDEX renewal_card_no ON renewal (park_id, generation, card_no) WHERE card_no IS NOT NULL;
CREATE INDEX renewal_card_id ON renewal (park_id, generation, card_id)
WHERE card_id IS NOT NULL AND card_id IS NOT card_no;

-- Refused requests among those that went through, of a park and of all; by code without a look at the request.
CREATE INDEX request_refused ON request (park_id, seqno, code) WHERE code <> '1001';
CREATE INDEX request_refused_seqno ON request (seqno, code) WHERE code <> '1001';

-- What staff sent again.
CREATE INDEX request_replay ON request (park_id, replay_of, seqno) WHERE replay_of IS NOT NULL;
