"""What stands in for Citus on plain PostgreSQL: its functions, which only write down what they were asked.

A cluster cannot be had from the package registries; with this the statements that it gets run for real, on one node.
"""

from __future__ import annotations

from typing import Any

import psycopg

_AWAY = """
DROP FUNCTION IF EXISTS public.citus_is_coordinator();
DROP FUNCTION IF EXISTS public.create_distributed_table(regclass, text, text);
DROP TABLE IF EXISTS public.citus_tables;
"""
_HERE = """
CREATE TABLE public.citus_tables (table_name regclass, distribution_column text, colocate_with text);
CREATE FUNCTION public.citus_is_coordinator() RETURNS boolean LANGUAGE sql AS 'SELECT {coordinator}';
CREATE FUNCTION public.create_distributed_table(table_name regclass, distribution_column text, colocate_with text)
RETURNS void LANGUAGE sql AS 'INSERT INTO public.citus_tables VALUES ($1, $2, $3)';
"""


def stand_in(db: psycopg.Connection[Any], *, wanted: bool, coordinator: bool = True) -> None:
    """Puts the stand-in there, or takes it away."""
    db.execute(_AWAY)
    if wanted:
        db.execute(_HERE.format(coordinator=str(coordinator).lower()))
