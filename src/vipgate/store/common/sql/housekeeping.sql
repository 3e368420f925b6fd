-- Deletes expired data, in chunks small enough that no push waits for one.

-- name: expired_generation
-- A generation that can no longer be restored. On Citus every shard is asked.
SELECT g.park_id, g.generation FROM generation AS g WHERE g.ended_us < :before_us ORDER BY g.ended_us LIMIT 1

-- name: start_purge
-- Runs in the transaction of the first chunk: a partly deleted generation must never be restored. Skips one restored
-- meanwhile.
UPDATE generation
SET purging = true
WHERE park_id = :park_id AND generation = :generation AND ended_us IS NOT NULL

-- name: purge_generation
-- Last, when nothing refers to it any more.
DELETE FROM generation WHERE park_id = :park_id AND generation = :generation

-- name: park_with_new_cards
-- The park whose records have waited the longest for their card entries. On Citus every shard is asked.
SELECT p.park_id FROM park AS p WHERE p.position > p.cards_to ORDER BY p.cards_to LIMIT 1

-- name: lock_cards
-- Takes the park's lock, as every push does: stays true until COMMIT.
SELECT p.generation, p.position, p.cards_to FROM park AS p WHERE p.park_id = :park_id FOR UPDATE

-- name: end_of_new_cards
-- The position of the last record of a chunk.
SELECT r.position
FROM renewal AS r INDEXED BY renewal_position
WHERE r.park_id = :park_id AND r.generation = :generation AND r.position > :cards_to AND r.revision > 0
ORDER BY r.position
LIMIT 1 OFFSET :skip

-- name: add_card_numbers
-- In the order of the table, so that neighbours are written together.
INSERT INTO card (park_id, generation, card, position)
SELECT r.park_id, r.generation, r.card_no, r.position
FROM renewal AS r INDEXED BY renewal_position
WHERE r.park_id = :park_id AND r.generation = :generation AND r.position > :cards_to AND r.position <= :until AND r.revision > 0
    AND r.card_no IS NOT NULL
ORDER BY r.card_no
ON CONFLICT (park_id, generation, card, position) DO NOTHING

-- name: add_card_ids
-- The same for ids that are not the card's number.
INSERT INTO card (park_id, generation, card, position)
SELECT r.park_id, r.generation, r.card_id, r.position
FROM renewal AS r INDEXED BY renewal_position
WHERE r.park_id = :park_id AND r.generation = :generation AND r.position > :cards_to AND r.position <= :until AND r.revision > 0
    AND r.card_id IS NOT NULL AND (r.card_no IS NULL OR r.card_id <> r.card_no)
ORDER BY r.card_id
ON CONFLICT (park_id, generation, card, position) DO NOTHING

-- name: set_cards_to
UPDATE park SET cards_to = :until WHERE park_id = :park_id
