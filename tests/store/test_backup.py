"""A copy of a SQLite ledger is one moment of it, and no damage to the copy or the ledger passes for a good one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.store_data import OTHER, PARK, changed, do, held, push, refused, renewals
from support.store_database import Clock
from vipgate.errors import IncompatibleDatabase, StoreUnavailable
from vipgate.store.sqlite import backup
from vipgate.store.sqlite.backup import Contents, copy_ledger, read_contents
from vipgate.store.sqlite.store import SqliteStore

OPERATOR = "收费员-0815"


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[SqliteStore]:
    """Two parks with records, versions, and a refused body."""
    made = SqliteStore(tmp_path / "a.db", clock)
    for park_uuid in (PARK, OTHER):
        made.add_park(park_uuid, "", b"sealed", clock())
    rows = renewals(500)
    do(made, push(rows, clock()), push(renewals(40), clock(), park=OTHER))
    do(made, push([changed(one, pay_value_fen=77, operator=OPERATOR) for one in rows[:20]], clock()))
    do(made, refused(clock(), body=b'{"row":[]}'))
    yield made
    made.close()


def test_copy_holds_what_the_ledger_held_and_says_how_much(store: SqliteStore, tmp_path: Path, clock: Clock) -> None:
    found = copy_ledger(tmp_path / "a.db", tmp_path / "copy.db", verify=True)
    assert found is not None
    assert found.parks == {PARK: 500, OTHER: 40}
    assert {name: found.tables[name].rows for name in ("renewal", "renewal_history", "request", "rejected_body")} == {
        "renewal": 540, "renewal_history": 20, "request": 4, "rejected_body": 1,
    }  # fmt: skip
    with closing(SqliteStore(tmp_path / "copy.db", clock)) as copy:
        assert held(copy) == held(store)
    # Neither the proof nor anything else has left a file beside the copy.
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith("copy")} == {"copy.db"}


def test_every_table_is_compared(store: SqliteStore, tmp_path: Path) -> None:
    found = copy_ledger(tmp_path / "a.db", tmp_path / "copy.db", verify=True)
    assert found is not None
    tables = {name for (name,) in store._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert set(found.tables) == tables - {"sqlite_sequence"}
    assert len(tables) > 12


def test_copy_is_made_while_a_writer_is_in_the_middle(store: SqliteStore, tmp_path: Path, clock: Clock) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM renewal")
        found = copy_ledger(tmp_path / "a.db", tmp_path / "copy.db", verify=True)
        writer.execute("ROLLBACK")
    assert found is not None
    assert found.parks[PARK] == 500


def test_what_is_stored_between_proof_and_copy_is_in_neither(
    store: SqliteStore, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_then_push(db: sqlite3.Connection) -> Contents:
        found = read_contents(db)
        do(store, push(renewals(10, first=9_000), clock()))
        return found

    monkeypatch.setattr(backup, "read_contents", read_then_push)
    found = copy_ledger(tmp_path / "a.db", tmp_path / "copy.db", verify=True)
    assert found is not None
    assert found.parks[PARK] == 500
    with closing(SqliteStore(tmp_path / "copy.db", clock)) as copy:
        assert len(held(copy)) == 500
    assert len(held(store)) > 500


# ---- a copy that is not good -----------------------------------------------------------------------------------------


def _flip(file: Path, place: int, how_many: int = 1) -> None:
    with file.open("rb+") as opened:
        opened.seek(place)
        before = opened.read(how_many)
        opened.seek(place)
        opened.write(bytes(byte ^ 0x55 for byte in before))


def _statement(text: str) -> Callable[[Path], None]:
    def run(file: Path) -> None:
        with closing(sqlite3.connect(file)) as db, db:
            assert db.execute(text).rowcount > 0

    return run


def _in_value(file: Path) -> None:
    """One bit of one letter, in a column without an index: SQLite itself finds nothing wrong with it."""
    _flip(file, file.read_bytes().rindex(OPERATOR.encode()) + len(OPERATOR.encode()) - 1)
    with closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "one letter of a value": (_in_value, "table renewal"),
    "a page in the middle": (lambda file: _flip(file, file.stat().st_size // 2 // 8192 * 8192, 8192), "."),
    "the header": (lambda file: _flip(file, 0, 100), "not a database"),
    "half of it is missing": (lambda file: _cut(file, file.stat().st_size // 2), "."),
    "its end is missing": (lambda file: _cut(file, file.stat().st_size - 8192), "."),
    "it is empty": (lambda file: _cut(file, 0), "table park: 2 rows in the ledger, no in the copy|no such table"),
    "a record is missing": (
        _statement("DELETE FROM renewal WHERE rowid = (SELECT max(rowid) FROM renewal WHERE park_id = 1)"),
        f"park {PARK}: 500 records in the ledger, 499 in the copy",
    ),
    "a park is missing": (_statement("DELETE FROM park WHERE park_id = 2"), f"park {OTHER}: 40 records in the ledger, 0"),
    "money is another": (
        _statement("UPDATE renewal SET pay_value_fen = pay_value_fen + 1 WHERE rowid = 7"),
        "table renewal: 540 rows in the ledger, 540 in the copy, with other values",
    ),
    "a version is missing": (_statement("DELETE FROM renewal_history"), "renewal_history: 20 rows in the ledger, 0"),
    "an account is more": (
        _statement("INSERT INTO staff_user VALUES ('eve', 'admin', 'x', 1, 1, NULL, 0, NULL)"),
        "table staff_user: 0 rows in the ledger, 1 in the copy",
    ),
}  # fmt: skip


def _cut(file: Path, length: int) -> None:
    with file.open("rb+") as opened:
        opened.truncate(length)


@pytest.mark.parametrize(("damage", "told"), DAMAGES.values(), ids=DAMAGES)
def test_damage_between_writing_and_reading_back_is_found(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], told: str
) -> None:
    monkeypatch.setattr(backup, "_sync", damage)
    with pytest.raises(IncompatibleDatabase, match=told) as found:
        copy_ledger(tmp_path / "a.db", tmp_path / "copy.db", verify=True)
    assert "no older copy was deleted" in str(found.value)


def test_damage_of_any_page_is_found(store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a page but its head is changed, for each page that has anything in it."""
    copy_ledger(tmp_path / "a.db", tmp_path / "good.db", verify=True)
    good = (tmp_path / "good.db").read_bytes()
    filled = [place for place in range(0, len(good), 8192) if any(good[place + 8 : place + 8192])]
    assert len(filled) > 20
    for place in filled:
        monkeypatch.setattr(backup, "_sync", lambda file, place=place: _flip(file, place + 8, 8184))
        (tmp_path / "copy.db").unlink(missing_ok=True)
        with pytest.raises(IncompatibleDatabase):
            copy_ledger(tmp_path / "a.db", tmp_path / "copy.db", verify=True)


def test_damaged_ledger_makes_no_good_copy(store: SqliteStore, tmp_path: Path) -> None:
    """The copy is as damaged as the ledger, byte by byte: the sums are the same, the integrity check finds it."""
    [(root,)] = store._db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'renewal_plate'").fetchall()
    store.close()
    # An entry of an index that no row has: nobody who reads the tables would notice.
    _flip(tmp_path / "a.db", root * 8192 - 12, 12)
    with pytest.raises(IncompatibleDatabase):
        copy_ledger(tmp_path / "a.db", tmp_path / "copy.db", verify=True)
    assert copy_ledger(tmp_path / "a.db", tmp_path / "unproved.db", verify=False) is None


def test_no_database_is_made_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"no database .*gone\.db"):
        copy_ledger(tmp_path / "gone.db", tmp_path / "copy.db", verify=True)
    assert list(tmp_path.iterdir()) == []


def test_database_of_another_program_is_not_copied(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as theirs:
        theirs.execute("CREATE TABLE t (a)")
    with pytest.raises(IncompatibleDatabase, match="no ledger of vipgate"):
        copy_ledger(tmp_path / "theirs.db", tmp_path / "copy.db", verify=True)
