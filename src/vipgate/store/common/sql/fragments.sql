-- Parts that several statements share. `{name}` in a statement stands for the part `-- fragment: name`.

-- fragment: park_columns
-- A park as the console and the commands show it; needs park AS p. `records` counts the current generation.
p.park_uuid, p.name, p.enabled, p.generation, p.records, p.secret_changed_us,
    p.previous_secret IS NOT NULL AS has_previous_secret, p.secret_used, p.secret_used_us, p.last_push_us,
    p.allow_list, p.rate_per_minute, p.created_us, p.require_hmac, p.hold_replaces, p.charset, p.charset_changed_us

-- fragment: current_generation
-- As a subquery and not as a join, so that the order of an index on records is kept.
(SELECT p.generation FROM park AS p WHERE p.park_id = :park_id)

-- fragment: stored
-- A stored record; needs renewal AS r.
{r.record}, r.revision, r.seqno, r.position

-- fragment: filters
-- What a search asks of a record besides its index; NULL means any value.
(CAST(:charge_type AS text) IS NULL OR r.charge_type = :charge_type)
    AND (CAST(:vip_type AS smallint) IS NULL OR r.vip_type = :vip_type)
    AND (CAST(:pay_type AS smallint) IS NULL OR r.pay_type = :pay_type)
    AND (CAST(:flags AS smallint) = 0 OR r.flags & CAST(:flags AS smallint) <> 0)
    AND (CAST(:paid_since_ms AS bigint) IS NULL OR r.pay_time_ms >= :paid_since_ms)
    AND (CAST(:paid_until_ms AS bigint) IS NULL OR r.pay_time_ms < :paid_until_ms)
    AND (CAST(:plate AS text) IS NULL OR r.plate BETWEEN :plate AND :plate_end)
    AND (CAST(:card AS text) IS NULL OR r.card_no = :card OR r.card_id = :card)

-- fragment: matches
-- The place of a page in a search over parks, newest change first, and the filters. The signs keep SQLite from reading a range
-- of positions for each card entry.
+r.position >= :since_us
    AND (+r.position < :position OR +r.position = :position AND p.park_uuid < :behind_park)
    AND {filters}

-- fragment: request_columns
-- An entry of the request log; needs request_tables. A request without a proved park has no park_uuid.
q.seqno, p.park_uuid, q.claimed, q.code, q.hint_zh, q.hint_en, q.complete, q.generation, q.received,
    q.inserted, q.updated, q.unchanged, q.received_us, q.duration_us, q.secret_used, q.peer, q.body_bytes,
    q.body_sha256, b.seqno IS NOT NULL AS body_kept, q.replay_of, q.webhook_id

-- fragment: request_tables
LEFT JOIN park AS p ON p.park_id = q.park_id
LEFT JOIN rejected_body AS b ON b.park_id = q.park_id AND b.seqno = q.seqno
