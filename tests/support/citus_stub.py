"""What stands in for Citus on plain PostgreSQL: its functions, which write down what they were asked, and two nodes, on paper.

A cluster is no package that tests could install; with this the statements that it gets run for real, on one server. Parks with an
odd park_id are on w1, the others and the strangers on w0.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

EVEN: Final = "w0:5432"
ODD: Final = "w1:5432"

_AWAY = """
DROP FUNCTION IF EXISTS public.citus_is_coordinator();
DROP FUNCTION IF EXISTS public.create_distributed_table(regclass, text, text);
DROP FUNCTION IF EXISTS public.get_shard_id_for_distribution_column(regclass, integer);
DROP FUNCTION IF EXISTS public.run_command_on_workers(text);
DROP FUNCTION IF EXISTS public.node_is_away() CASCADE;
DROP TABLE IF EXISTS public.citus_tables, public.pg_dist_placement, public.pg_dist_node;
DO $$ BEGIN EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I RESET ALL', current_database()); END $$;
"""
_HERE = """
CREATE TABLE public.citus_tables (table_name regclass, distribution_column text, colocate_with text);
CREATE FUNCTION public.citus_is_coordinator() RETURNS boolean LANGUAGE sql AS 'SELECT {coordinator}';
CREATE FUNCTION public.create_distributed_table(table_name regclass, distribution_column text, colocate_with text)
RETURNS void LANGUAGE sql AS 'INSERT INTO public.citus_tables VALUES ($1, $2, $3)';
CREATE TABLE public.pg_dist_node (
    groupid integer, nodename text, nodeport integer, noderole text, answers boolean, synchronous_commit text
);
INSERT INTO public.pg_dist_node VALUES (0, 'w0', 5432, 'primary', true, 'on'), (1, 'w1', 5432, 'primary', true, 'on');
CREATE TABLE public.pg_dist_placement (shardid bigint PRIMARY KEY, groupid integer);
INSERT INTO public.pg_dist_placement VALUES (100, 0), (101, 1);
CREATE FUNCTION public.get_shard_id_for_distribution_column(regclass, integer)
RETURNS bigint LANGUAGE sql AS 'SELECT 100 + $2 % 2';
CREATE FUNCTION public.run_command_on_workers(command text)
RETURNS TABLE (nodename text, nodeport integer, success boolean, result text) LANGUAGE sql AS
'SELECT nodename, nodeport, answers, CASE WHEN NOT answers THEN NULL WHEN $1 LIKE ''SHOW%'' THEN synchronous_commit ELSE ''1'' END
FROM public.pg_dist_node';
"""
_NODE_FAILS = """
CREATE FUNCTION public.node_is_away() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'connection to the remote node failed' USING ERRCODE = '08006'; END $$;
CREATE TRIGGER away BEFORE INSERT ON vipgate.request FOR EACH ROW
WHEN (new.park_id % 2 = {odd}) EXECUTE FUNCTION public.node_is_away();
"""


def stand_in(db: psycopg.Connection[Any], *, wanted: bool, coordinator: bool = True) -> None:
    """Puts the stand-in there, or takes it away."""
    db.execute(_AWAY)
    if wanted:
        db.execute(_HERE.format(coordinator=str(coordinator).lower()))


def stop_node(db: psycopg.Connection[Any], node: str) -> None:
    """Lets a node answer no more: its parks cannot be written."""
    db.execute(_NODE_FAILS.format(odd=int(node == ODD)))
    _set_answers(db, node, answers=False)


def start_node(db: psycopg.Connection[Any], node: str) -> None:
    """Lets the node answer again."""
    db.execute("DROP FUNCTION public.node_is_away() CASCADE")
    _set_answers(db, node, answers=True)


def _set_answers(db: psycopg.Connection[Any], node: str, *, answers: bool) -> None:
    db.execute("UPDATE public.pg_dist_node SET answers = %s WHERE nodename || ':' || nodeport = %s", [answers, node])
