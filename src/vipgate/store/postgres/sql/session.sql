-- Set-up of a connection, the schema version, and statements for Citus only.

-- name: set_up
-- No sequential scans and no JIT: the statements of a push are short and indexed. The timeouts release the locks of a client
-- that vanishes during a transaction, and bound every wait for a lock or a statement.
SELECT
    set_config('search_path', 'vipgate, public', false),
    set_config('plan_cache_mode', 'force_generic_plan', false),
    set_config('enable_seqscan', 'off', false),
    set_config('enable_bitmapscan', 'off', false),
    set_config('max_parallel_workers_per_gather', '0', false),
    set_config('jit', 'off', false),
    set_config('timezone', 'UTC', false),
    set_config('lock_timeout', '10s', false),
    set_config('statement_timeout', '30s', false),
    set_config('idle_in_transaction_session_timeout', '60s', false),
    set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
        ELSE current_setting('synchronous_commit') END, false)

-- name: about
-- Whether and how this server can be used.
SELECT
    current_setting('server_version_num')::integer,
    current_setting('server_encoding'),
    to_regproc('citus_is_coordinator') IS NOT NULL,
    to_regclass('vipgate.schema_version') IS NOT NULL

-- name: is_coordinator
-- On a worker, writes are lost while shards move.
SELECT citus_is_coordinator()

-- name: is_distributed
SELECT EXISTS (SELECT 1 FROM citus_tables AS t WHERE t.table_name = 'vipgate.park'::regclass)

-- name: spread_tables
SELECT c.relname
FROM citus_tables AS t
JOIN pg_class AS c ON c.oid = t.table_name
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'vipgate'

-- name: distribute
-- Colocates each table with `park`.
SELECT create_distributed_table(%(table)s, 'park_uuid', colocate_with => %(beside)s)

-- name: version
SELECT coalesce(max(v.version), 0) FROM vipgate.schema_version AS v

-- name: make_schema
-- The list of migrations stays on the coordinator.
CREATE SCHEMA IF NOT EXISTS vipgate

-- name: make_version_table
CREATE TABLE IF NOT EXISTS vipgate.schema_version (version integer NOT NULL PRIMARY KEY)

-- name: note_version
INSERT INTO vipgate.schema_version (version) VALUES (%(version)s) ON CONFLICT DO NOTHING

-- name: try_migration_lock
-- One process migrates; the others wait for it.
SELECT pg_try_advisory_lock(%(lock)s)

-- name: release_migration_lock
SELECT pg_advisory_unlock(%(lock)s)

-- name: migration_lock_wait
-- Bounds the wait of a schema change for its table: everyone else would queue behind it.
SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '0', true)

-- name: patient
-- No timeouts for streams, which may be read slowly, and for building indexes of large tables.
SELECT set_config('idle_in_transaction_session_timeout', '0', %(in_transaction)s),
    set_config('statement_timeout', '0', %(in_transaction)s)
