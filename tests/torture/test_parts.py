"""The torture itself: each fault is what SQLite knows it as, a power cut takes what was not synced, and no loss goes unseen."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from torture.books import Diary, judge, read_books
from torture.sweep import InTurn, Life, sweep
from torture.vfs import Fault, FaultyVfs, Operation, is_possible
from vipgate.store.sqlite.store import SqliteStore

pytestmark = pytest.mark.skipif(not is_possible(), reason="this Python hides its SQLite from the faulty VFS")


class Chosen:
    """Lets the first operation of one kind fail, once it is told to."""

    def __init__(self, operation: Operation, fault: Fault) -> None:
        self._wanted: tuple[Operation, Fault] | None = (operation, fault)
        self.ready = False

    def strike(self, operation: Operation) -> Fault | None:
        if not self.ready or self._wanted is None or operation != self._wanted[0]:
            return None
        fault, self._wanted = self._wanted[1], None
        return fault

    def power_failed(self) -> None:
        """The test looks at the file itself."""


KNOWN_AS = [
    ("write", "eio", "SQLITE_IOERR_WRITE"),
    ("write", "full", "SQLITE_FULL"),
    ("write", "short", "SQLITE_FULL"),
    ("sync", "eio", "SQLITE_IOERR_FSYNC"),
    ("truncate", "eio", "SQLITE_IOERR_TRUNCATE"),
    ("delete", "eio", "SQLITE_IOERR_DELETE"),
    ("open", "eio", "SQLITE_CANTOPEN"),
    ("write", "cut", "SQLITE_IOERR"),
    ("sync", "cut", "SQLITE_IOERR"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "fault", "name"), KNOWN_AS)
def test_fault_is_what_sqlite_knows_it_as(operation: Operation, fault: Fault, name: str, tmp_path: Path) -> None:
    weather = Chosen(operation, fault)
    # The rollback journal is opened and deleted by each transaction, or truncated.
    mode = "TRUNCATE" if operation == "truncate" else "DELETE"
    with (
        FaultyVfs(weather, random.Random(1)),
        closing(sqlite3.connect(tmp_path / "one.db", isolation_level=None)) as db,
    ):
        db.execute(f"PRAGMA journal_mode = {mode}")
        db.execute("CREATE TABLE one (number INTEGER)")
        weather.ready = True
        with pytest.raises(sqlite3.OperationalError) as told:
            db.execute("INSERT INTO one VALUES (1)")
    assert told.value.sqlite_errorname == name


@pytest.mark.parametrize("synced", [True, False])
def test_power_cut_takes_what_was_not_synced_and_only_that(synced: bool, tmp_path: Path) -> None:
    """The rows of the second transaction may go where nobody synced them, in one of a few throws of the dice."""
    kept = set()
    for seed in range(12):
        path = tmp_path / f"{seed}.db"
        weather = Chosen("write", "cut")
        with FaultyVfs(weather, random.Random(seed)), closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("CREATE TABLE one (number INTEGER)")
            db.execute(f"PRAGMA synchronous = {'FULL' if synced else 'OFF'}")
            db.execute("INSERT INTO one VALUES (1)")
            weather.ready = True
            with pytest.raises(sqlite3.OperationalError):
                db.execute("INSERT INTO one VALUES (2)")
        with closing(sqlite3.connect(path)) as db:
            kept.add(db.execute("SELECT count(*) FROM one").fetchone()[0] >= 1)
    assert kept == ({True} if synced else {True, False})


def test_sweep_sees_a_store_that_does_not_sync(tmp_path: Path) -> None:
    def careless(store: SqliteStore) -> None:
        store._db.execute("PRAGMA synchronous = OFF")

    lost = sum(verdict.lost for _, verdict in sweep(tmp_path, "cut", 1, stride=20, spoil=careless))
    assert lost > 0


@pytest.fixture
def life(tmp_path: Path) -> Life:
    """A ledger of which nothing is wrong."""
    one = Life(tmp_path / "ledger.db", InTurn(0, "eio"))
    one.live()
    assert judge(read_books(f"sqlite:///{one.path}"), one.diary).faults == []
    return one


BROKEN = [
    ("DELETE FROM request WHERE seqno = (SELECT max(seqno) FROM request)", "not in the journal"),
    ("DELETE FROM renewal WHERE rowid = (SELECT max(rowid) FROM renewal)", "is lost"),
    ("DELETE FROM renewal WHERE rowid = 30", "half a request"),
    ("UPDATE renewal SET pay_value_fen = 1 WHERE rowid = 30", "is lost"),
    ("UPDATE renewal SET pay_value_fen = 1 WHERE rowid = 30", "never sent like that"),
    ("UPDATE renewal SET position = 5", "positions twice"),
    ("UPDATE renewal SET revision = 9 WHERE revision = 2", "has revisions"),
    ("UPDATE renewal_history SET replaced_seqno = '1'", "does not name what replaced it"),
    ("UPDATE generation SET records = records + 1", "counts"),
    ("UPDATE park SET records = records + 1", "counts"),
    ("UPDATE generation SET seqno = '1'", "no such generation"),
    ("UPDATE daily SET pay_value_fen = pay_value_fen + 1", "daily ("),
    ("DELETE FROM daily", "daily ("),
    ("UPDATE daily_answer SET requests = requests + 1", "daily_answer ("),
    ("UPDATE request SET inserted = inserted - 1 WHERE inserted > 0", "answered ("),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "told"), BROKEN)
def test_broken_book_is_seen(life: Life, statement: str, told: str) -> None:
    with closing(sqlite3.connect(life.path)) as db:
        assert db.execute(statement).rowcount > 0
        db.commit()
    verdict = judge(read_books(f"sqlite:///{life.path}"), life.diary)
    assert any(told in fault for fault in verdict.faults), verdict.told()


def test_request_that_nobody_sent_is_seen(life: Life) -> None:
    verdict = judge(read_books(f"sqlite:///{life.path}"), Diary())
    assert any("never sent like that" in fault for fault in verdict.faults)
