"""The tables of the staff: where they are on a cluster, and by which index their statements go."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from support.citus_stub import stand_in
from support.store_database import Clock, spread
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.open_database import CACHE_KIB, open_database
from vipgate.store.postgres.pool import ConnectionPool
from vipgate.store.postgres.schema import COORDINATOR_TABLES, TABLES, distribute, is_distributed, migrate
from vipgate.store.sqlite.store import SqliteStore
from vipgate.support.sql_files import Migration, load_migrations

KEY = "park_id=? AND generation=? AND pay_partner=?"


def spread_tables(url: str) -> list[str]:
    with psycopg.connect(url) as db:
        rows = db.execute("SELECT table_name::text FROM public.citus_tables").fetchall()
    return sorted(name.removeprefix("vipgate.") for (name,) in rows)


def test_cluster_gets_the_tables_of_a_migration_beside_the_park(postgres: str) -> None:
    steps = load_migrations("vipgate.store.postgres.sql")
    with psycopg.connect(postgres, autocommit=True) as db:
        stand_in(db, wanted=True)
    with closing(ConnectionPool(postgres, 1)) as link:
        migrate(link, steps)
        with link.connection() as db:
            # As if the other tables were new.
            for table in ("park", "generation", "renewal"):
                db.execute(link.sql["distribute"], {"table": f"vipgate.{table}", "colocate_with": "none"})
            assert is_distributed(link, db)
        migrate(link, [*steps, Migration(901, "ALTER TABLE renewal ADD COLUMN note text")])
        assert spread_tables(postgres) == sorted(TABLES)
        assert not distribute(link)
        assert spread_tables(postgres) == sorted(TABLES)


def test_tables_of_the_staff_stay_on_the_coordinator(postgres: str) -> None:
    spread(postgres, real=False)
    assert spread_tables(postgres) == sorted(TABLES)
    assert not set(TABLES) & set(COORDINATOR_TABLES)
    link = ConnectionPool(postgres, 1)
    assert not distribute(link)
    link.close()


def test_database_is_content_with_little_memory(tmp_path: Path, clock: Clock) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}", clock, Retention())
    assert isinstance(database.store, SqliteStore)
    assert database.store._db.execute("PRAGMA cache_size").fetchone() == (-CACHE_KIB,)
    database.close()


@pytest.mark.parametrize(
    ("name", "values", "index"),
    [
        ("records_to_empty", {"park_id": 1, "generation": 1, "plate": "x", "until": 9, "chunk_rows": 9}, "renewal_plate"),
        ("records_by_age", {"park_id": 1, "generation": 1, "erased_to": 0, "before_us": 9, "chunk_rows": 9}, "renewal_position"),
        ("empty_records", {"lines": "[]", "park_id": 1, "generation": 1}, KEY),
        ("empty_versions", {"lines": "[]", "park_id": 1, "generation": 1}, KEY),
        ("empty_versions_of", {"lines": "[]", "park_id": 1, "generation": 1}, KEY),
        ("expired_of", {"lines": "[]", "park_id": 1, "generation": 1, "before_us": 9}, KEY),
        ("drop_later", {"lines": "[]", "park_id": 1, "generation": 1}, KEY),
        (
            "versions_page",
            {"park_id": 1, "generation": 1, "plate": "x", "after": "", "after_revision": 0, "page_rows": 9},
            "(pay_partner,revision)>(?,?)",
        ),
        ("hints_page", {"park_id": 1, "after": "", "page_rows": 9}, "park_id=? AND seqno>?"),
        ("park_to_erase", {"now_us": 9}, "park_erase_due"),
        ("ended_since", {"park_id": 1, "before_us": 9, "chunk_rows": 9}, "erase_later_end"),
        ("audit_entries_of", {"who": "x", "before": 9, "limit": 9}, "audit_entry_who"),
        ("audit_entries_at", {"park_uuid": "x", "before": 9, "limit": 9}, "audit_entry_park"),
        ("list_sessions", {"name": "x", "now_us": 9, "limit": 9}, "session_user_created"),
        ("drop_expired_sessions", {"now_us": 9, "limit": 9}, "session_expires"),
        ("find_token", {"digest": "x"}, "digest=?"),
    ],
)  # fmt: skip
def test_statement_touches_only_what_it_means(
    tmp_path: Path, clock: Clock, name: str, values: dict[str, object], index: str
) -> None:
    with closing(SqliteStore(tmp_path / "a.db", clock)) as store:
        plan = store._db.execute("EXPLAIN QUERY PLAN " + store.sql[name], values).fetchall()
        steps = [str(row[3]) for row in plan]
        assert any(index in step for step in steps), steps
        passed = [step for step in steps if re.match(r"SCAN (?!line|json_each|found)", step)]
        assert not passed, steps
        assert not any("TEMP B-TREE" in step for step in steps), steps
