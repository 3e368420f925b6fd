"""What only the SQLite store has to promise: its file, its locks, its migrations, its durability settings."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from support.store_data import PARK, do, held, push, renewals
from support.store_database import Clock
from vipgate.errors import IncompatibleDatabase, StoreLocked, StoreUnavailable
from vipgate.store.sqlite.store import LEDGER, SqliteStore
from vipgate.support.sqlite_file import OwnerLock


def test_every_commit_waits_for_the_disk(tmp_path: Path, clock: Clock) -> None:
    store = SqliteStore(tmp_path / "a.db", clock)
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()


def test_second_server_is_refused_even_through_another_name(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    (tmp_path / "link.db").symlink_to(path)
    lock = OwnerLock(path, LEDGER)
    with pytest.raises(StoreLocked, match=r"locked by process \d+; stop it"):
        OwnerLock(tmp_path / "link.db", LEDGER)
    lock.release()
    OwnerLock(path, LEDGER).release()


def test_file_of_another_program_is_left_alone(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (a)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(IncompatibleDatabase, match="another program"):
        SqliteStore(path, clock)
    assert path.read_bytes() == before


def test_file_that_is_no_database_is_left_alone(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(IncompatibleDatabase, match="no SQLite file"):
        SqliteStore(path, clock)
    assert path.read_bytes() == b"not a database at all" * 100


def test_schema_of_a_newer_version_is_refused(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "a.db"
    SqliteStore(path, clock).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 999")
    database.close()
    with pytest.raises(IncompatibleDatabase, match="schema 999"):
        SqliteStore(path, clock)


def test_folder_that_cannot_be_made_is_named(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="file"):
        SqliteStore(tmp_path / "file" / "deep" / "a.db", clock)


def test_locked_file_is_an_error_of_ours_and_nothing_is_lost(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vipgate.support.sqlite_file.BUSY_WAIT_S", 0.05)
    store = SqliteStore(tmp_path / "a.db", clock)
    store.add_park(PARK, "", b"sealed", clock())
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    rows = renewals(3)
    [outcome] = store.commit([push(rows, clock())])
    assert isinstance(outcome, StoreUnavailable)
    other.execute("ROLLBACK")
    do(store, push(rows, clock()))
    assert len(held(store)) == 3
    store.close()
    other.close()


def test_database_says_whose_it_is(tmp_path: Path, clock: Clock) -> None:
    SqliteStore(tmp_path / "a.db", clock).close()
    database = sqlite3.connect(tmp_path / "a.db")
    assert database.execute("PRAGMA application_id").fetchone() == (LEDGER.application_id,)
    database.close()


@pytest.mark.parametrize(
    ("name", "values", "index"),
    [
        ("stream", {"park_id": 1, "since_us": 0, "until_us": 1}, "renewal_position"),
        ("stream_plate", {"park_id": 1, "since_us": 0, "until_us": 1, "plate": "x"}, "renewal_plate"),
        (
            "held_renewals",
            {"pay_partners": "[]", "park_id": 1, "generation": 1},
            "park_id=? AND generation=? AND pay_partner=?",
        ),
        ("request_log_entry", {"seqno": "x"}, "request_seqno"),
        ("expired_generation", {"before_us": 1}, "generation_ended"),
        ("purge_request_log", {"before_seqno": "x", "chunk_rows": 1}, "request_seqno"),
    ],
)
def test_reading_touches_only_what_it_returns(
    tmp_path: Path, clock: Clock, name: str, values: dict[str, object], index: str
) -> None:
    store = SqliteStore(tmp_path / "a.db", clock)
    plan = store._db.execute("EXPLAIN QUERY PLAN " + store.sql[name], values).fetchall()
    steps = [str(row[3]) for row in plan]
    assert any(index in step for step in steps), steps
    assert not any(step.startswith("SCAN") and "json_each" not in step and "wanted" not in step for step in steps), (
        steps
    )
    assert store._db.execute("SELECT 1").fetchone() == (1,)
    store.close()
