"""A database of the version before gets the tables of the staff, whatever is in it, and on a cluster where they belong."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from store.citus import stand_in
from store.conftest import Clock, spread
from store.making import PARK, do, entry, held, push, renewals
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.open_database import CACHE_KIB, open_database
from vipgate.store.postgres.pool import ConnectionPool
from vipgate.store.postgres.schema import COORDINATOR_TABLES, TABLES, distribute, is_distributed, migrate
from vipgate.store.postgres.store import PostgresStore
from vipgate.store.sqlite.store import APPLICATION_ID, SqliteStore
from vipgate.support.sql_files import load_migrations

LEDGER = 1
KEY = "park_id=? AND generation=? AND pay_partner=?"
RECORDS = 5


def spread_tables(url: str) -> list[str]:
    with psycopg.connect(url) as db:
        rows = db.execute("SELECT table_name::text FROM public.citus_tables").fetchall()
    return sorted(name.removeprefix("vipgate.") for (name,) in rows)


def test_file_of_the_version_before_is_brought_up_to_date_with_its_records(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as old:
        [first] = [one for one in load_migrations("vipgate.store.sqlite.sql") if one.number == LEDGER]
        old.executescript(first.script)
        old.execute(f"PRAGMA user_version = {LEDGER}")
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        old.execute(
            "INSERT INTO park (park_uuid, name, secret, secret_changed_us, created_us) VALUES (?, '', 'x', 1, 1)",
            [PARK],
        )
        old.execute("INSERT INTO generation (park_id, generation, started_us) VALUES (1, 1, 1)")
        old.commit()
    database = open_database(f"sqlite:///{path}", clock, Retention())
    access = database.store.park_access(PARK)
    assert access is not None
    assert access.charset == "utf-8"
    do(database.store, push(renewals(RECORDS), clock()))
    assert database.admin.set_retention(PARK, 30, entry())
    assert len(held(database.store)) == RECORDS
    database.close()


def test_cluster_of_the_version_before_gets_the_new_tables_beside_the_park(postgres: str, clock: Clock) -> None:
    steps = load_migrations("vipgate.store.postgres.sql")
    with psycopg.connect(postgres, autocommit=True) as db:
        stand_in(db, wanted=True)
    link = ConnectionPool(postgres, 1)
    migrate(link, steps[:LEDGER])
    with link.connection() as db:
        for table in ("park", "generation", "renewal", "renewal_history", "request", "refused_body", "daily"):
            db.execute(link.sql["distribute"], {"table": f"vipgate.{table}", "beside": "none"})
        assert is_distributed(link, db)
    link.close()
    with closing(PostgresStore(postgres, clock)) as store:
        assert store.is_distributed
        assert spread_tables(postgres) == sorted(TABLES)
        assert not store.distribute()
        assert spread_tables(postgres) == sorted(TABLES)


def test_tables_of_the_staff_stay_on_the_coordinator(postgres: str) -> None:
    spread(postgres, real=False)
    assert spread_tables(postgres) == sorted(TABLES)
    assert not set(TABLES) & set(COORDINATOR_TABLES)
    link = ConnectionPool(postgres, 1)
    assert not distribute(link)
    link.close()


def test_desk_is_content_with_little_memory(tmp_path: Path, clock: Clock) -> None:
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
        ("deeds_of", {"who": "x", "before": 9, "limit": 9}, "deed_who"),
        ("deeds_at", {"park_uuid": "x", "before": 9, "limit": 9}, "deed_park"),
        ("list_sessions", {"name": "x", "now_us": 9, "limit": 9}, "session_user_created"),
        ("drop_expired_sessions", {"now_us": 9, "limit": 9}, "session_expires"),
        ("find_token", {"digest": "x"}, "digest=?"),
    ],
)  # fmt: skip
def test_statement_touches_only_what_it_means(
    tmp_path: Path, clock: Clock, name: str, values: dict[str, object], index: str
) -> None:
    with closing(SqliteStore(tmp_path / "a.db", clock)) as store:
        plan = store._db.execute("EXPLAIN QUERY PLAN " + store._sql[name], values).fetchall()
        steps = [str(row[3]) for row in plan]
        assert any(index in step for step in steps), steps
        passed = [step for step in steps if re.match(r"SCAN (?!line|json_each|found)", step)]
        assert not passed, steps
        assert not any("TEMP B-TREE" in step for step in steps), steps
