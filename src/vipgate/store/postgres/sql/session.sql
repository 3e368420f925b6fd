-- Set-up of a connection, the schema version, and statements for Citus only.

-- name: set_up
-- No sequential scans and no JIT: the statements of a push are short and indexed. The timeouts release the locks of a client
-- that vanishes during a transaction, and bound every wait for a lock or a statement. Citus cannot plan most statements before
-- their parameters are known. Its timeout, in ms, bounds the wait for a node that is off; elsewhere the name means nothing.
SELECT
    set_config('search_path', 'vipgate, public', false),
    set_config('plan_cache_mode', CASE WHEN to_regproc('citus_is_coordinator') IS NULL THEN 'force_generic_plan' ELSE 'auto' END,
        false),
    set_config('citus.node_connection_timeout', '3000', false),
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

-- name: server_facts
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
SELECT create_distributed_table(:table, 'park_id', colocate_with => :colocate_with)

-- name: nodes_away
-- The nodes that the coordinator cannot connect to.
SELECT w.nodename || ':' || w.nodeport FROM run_command_on_workers('SELECT 1') AS w WHERE NOT w.success

-- name: nodes_of_parks
SELECT k.park_id, n.nodename || ':' || n.nodeport
FROM unnest(:park_ids::integer[]) AS k (park_id)
CROSS JOIN LATERAL (
    SELECT get_shard_id_for_distribution_column('vipgate.park', k.park_id) AS shardid OFFSET 0
) AS s
JOIN pg_dist_placement AS l ON l.shardid = s.shardid
JOIN pg_dist_node AS n ON n.groupid = l.groupid
WHERE n.noderole = 'primary'

-- name: parks_by_node
-- All parks and the strangers, each with its node.
SELECT k.park_id, n.nodename || ':' || n.nodeport
FROM (SELECT 0 AS park_id UNION ALL (SELECT x.park_id FROM park_key AS x ORDER BY x.park_id LIMIT :limit)) AS k
CROSS JOIN LATERAL (
    SELECT get_shard_id_for_distribution_column('vipgate.park', k.park_id) AS shardid OFFSET 0
) AS s
JOIN pg_dist_placement AS l ON l.shardid = s.shardid
JOIN pg_dist_node AS n ON n.groupid = l.groupid
WHERE n.noderole = 'primary'

-- name: nodes_that_commit_early
-- The nodes where a commit of this user does not wait for the disk, and those that did not answer the question.
SELECT w.nodename || ':' || w.nodeport, w.result
FROM run_command_on_workers('SHOW synchronous_commit') AS w
WHERE NOT w.success OR w.result = 'off'

-- name: set_up_workers
-- A coordinator passes the settings of its sessions on to no worker, but those of a user. The first bounds every wait for a lock
-- there; the others end what the coordinator began if its machine is gone.
DO $$
DECLARE
    setting text;
BEGIN
    FOREACH setting IN ARRAY ARRAY [
        'lock_timeout = 10000', 'tcp_keepalives_idle = 10', 'tcp_keepalives_interval = 5', 'tcp_keepalives_count = 3'
    ] LOOP
        EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET ', current_database()) || setting;
    END LOOP;
END $$

-- name: commit_durably_on_workers
DO $$
BEGIN
    EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET synchronous_commit = on', current_database());
END $$

-- name: version
SELECT coalesce(max(v.version), 0) FROM vipgate.schema_version AS v

-- name: make_schema
-- The list of migrations stays on the coordinator.
CREATE SCHEMA IF NOT EXISTS vipgate

-- name: make_version_table
CREATE TABLE IF NOT EXISTS vipgate.schema_version (version integer NOT NULL PRIMARY KEY)

-- name: note_version
INSERT INTO vipgate.schema_version (version) VALUES (:version) ON CONFLICT DO NOTHING

-- name: try_migration_lock
-- One process migrates; the others wait for it.
SELECT pg_try_advisory_lock(:lock)

-- name: release_migration_lock
SELECT pg_advisory_unlock(:lock)

-- name: migration_lock_wait
-- Bounds the wait of a schema change for its table: everyone else would queue behind it.
SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '0', true)

-- name: no_timeout
-- No timeouts for streams, which may be read slowly, and for building indexes of large tables.
SELECT set_config('idle_in_transaction_session_timeout', '0', :in_transaction),
    set_config('statement_timeout', '0', :in_transaction)
