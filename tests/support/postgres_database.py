"""A database on a real PostgreSQL server with nothing of an earlier test in it, and what happens in it."""

from __future__ import annotations

import os
import threading

import psycopg
import pytest
from psycopg import conninfo

from support.citus_stub import stand_in


def emptied(url: str) -> str:
    """`url`, once there is nothing of ours left in its database, which must be one for tests."""
    name = str(conninfo.conninfo_to_dict(url).get("dbname", ""))
    assert "test" in name, f"the name of the database {name} must have 'test' in it: everything in it will be deleted"
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("DROP SCHEMA IF EXISTS vipgate CASCADE")
        if "VIPGATE_TEST_CITUS" not in os.environ:
            stand_in(db, wanted=False)
    return url


def wait_for_waiter(url: str) -> None:
    """Returns once a connection waits for a lock."""
    with psycopg.connect(url, autocommit=True) as db:
        for _ in range(1000):
            row = db.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
            if row is not None and row[0]:
                return
            threading.Event().wait(0.01)
    pytest.fail("nobody waits")
