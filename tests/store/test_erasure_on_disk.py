"""Nothing that was erased or deleted stays on the disk: not in the file's unused parts, not in the write-ahead log beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.store_data import OTHER, PARK, changed, do, entry, push, refused, renewals
from support.store_database import Clock
from vipgate.errors import StoreUnavailable
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import Renewal
from vipgate.store.common.admin import SqlAdminStore
from vipgate.store.interfaces.ledger import DAY_US, RejectedRequest, Retention
from vipgate.store.sqlite import store as sqlite_store
from vipgate.store.sqlite.store import LOG_EVERY_US, LOG_LATE_US, SqliteStore

PLATE = "粤Z98765"
TRACES = (PLATE, "CARD-98765", "IC-98765", "收费员-98765", "tel-98765")
KEPT = "粤Z00001"


def of_plate(rows: list[Renewal], plate: str = PLATE) -> list[Renewal]:
    _, card_no, card_id, operator, extra = TRACES
    more = {"card_no": card_no, "card_id": card_id, "operator": operator, "extra": f'{{"t":"{extra}"}}'}
    return [changed(one, plate=plate, **(more if plate == PLATE else {})) for one in rows]


def naming(body: RejectedRequest) -> RejectedRequest:
    """A refused request whose hint names the plate."""
    hint = LocalizedText(f"row[0].plate: {PLATE}", f"row[0].plate: {PLATE}")
    return RejectedRequest(body.seqno, body.park_uuid, body.claimed, body.code, hint, body.origin, body.body)


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[SqliteStore]:
    """The plate is in current records, versions, an ended stock, hints and bodies, among many others and in two parks."""
    made = SqliteStore(tmp_path / "a.db", clock)
    for park_uuid in (PARK, OTHER):
        made.add_park(park_uuid, "", b"sealed", clock())
        mine, others = renewals(40), renewals(1_500, first=100)
        do(made, push([*of_plate(mine), *others], clock(), park=park_uuid, complete=True))
        do(made, push([changed(one, pay_value_fen=1) for one in of_plate(mine)[:20]], clock(), park=park_uuid))
        do(made, push([*of_plate(mine), *others], clock(), park=park_uuid, complete=True))
        do(made, push([changed(one, pay_value_fen=2) for one in of_plate(mine)[:20]], clock(), park=park_uuid))
        do(made, naming(refused(clock(), park=park_uuid, body=f'{{"plate":"{PLATE}"}}'.encode())))
        do(made, push(of_plate(renewals(5, first=9_000), KEPT), clock(), park=park_uuid))
    yield made
    made.close()


@pytest.fixture
def gateway(store: SqliteStore, tmp_path: Path, clock: Clock) -> Iterator[SqliteStore]:
    """Another connection, as that of a gateway that serves on: the log is not deleted at the end of the first."""
    made = SqliteStore(tmp_path / "a.db", clock)
    made.ping()
    yield made
    made.close()


def traces(folder: Path, *wanted: str) -> dict[str, int]:
    """How often each word stands in any file of the database."""
    files = [path.read_bytes() for path in sorted(folder.glob("a.db*"))]
    assert len(files) >= 3
    return {word: sum(content.count(word.encode()) for content in files) for word in wanted or TRACES}


NONE = dict.fromkeys(TRACES, 0)


def test_nothing_of_an_erased_plate_is_left_on_the_disk(
    store: SqliteStore, gateway: SqliteStore, tmp_path: Path, clock: Clock
) -> None:
    assert min(traces(tmp_path).values()) > 100
    erased = SqlAdminStore(store, clock).erase_plate(PLATE, None, entry())
    assert (erased.records, erased.left_in_log) == (160, False)
    assert traces(tmp_path) == NONE
    assert traces(tmp_path, KEPT)[KEPT] > 0


def test_nothing_is_left_where_a_retention_is_over(
    store: SqliteStore, gateway: SqliteStore, tmp_path: Path, clock: Clock
) -> None:
    keep = SqlAdminStore(store, clock)
    for park_uuid in (PARK, OTHER):
        keep.set_retention(park_uuid, 1, entry())
    clock.now_us += 3_000 * DAY_US
    # Bodies have a retention of their own.
    while gateway.run_maintenance(clock(), Retention(rejected_days=1)):
        pass
    assert {word: count for word, count in traces(tmp_path).items() if word != PLATE} == dict.fromkeys(TRACES[1:], 0)
    assert traces(tmp_path, KEPT) == {KEPT: 0}


def test_nothing_is_left_of_a_generation_that_was_purged(
    store: SqliteStore, gateway: SqliteStore, tmp_path: Path, clock: Clock
) -> None:
    for park_uuid in (PARK, OTHER):
        do(store, push(of_plate(renewals(3), KEPT), clock(), park=park_uuid, complete=True))
    clock.now_us += 40 * DAY_US
    while gateway.run_maintenance(clock(), Retention(generation_days=30)):
        pass
    assert {word: count for word, count in traces(tmp_path).items() if word != PLATE} == dict.fromkeys(TRACES[1:], 0)


def test_reader_that_keeps_the_log_is_told_and_housekeeping_empties_it_later(
    store: SqliteStore, gateway: SqliteStore, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "LOG_WAIT_S", 0.001)
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM renewal").fetchone()
        erased = SqlAdminStore(store, clock).erase_plate(PLATE, None, entry())
        assert (erased.records, erased.left_in_log) == (160, True)
        gateway.run_maintenance(clock(), Retention())
        assert traces(tmp_path)[PLATE] > 0
        # A push waits for nobody meanwhile.
        do(gateway, push(of_plate(renewals(1, first=9_500), KEPT), clock()))
    gateway.run_maintenance(clock(), Retention())
    assert traces(tmp_path) == NONE


def test_log_that_is_emptied_is_left_alone_for_an_hour(gateway: SqliteStore, tmp_path: Path, clock: Clock) -> None:
    log = tmp_path / "a.db-wal"
    gateway.run_maintenance(clock(), Retention())
    assert log.stat().st_size == 0
    do(gateway, push(renewals(1, first=9_500), clock()))
    gateway.run_maintenance(clock(), Retention())
    assert log.stat().st_size > 0
    clock.now_us += LOG_EVERY_US
    gateway.run_maintenance(clock(), Retention())
    assert log.stat().st_size == 0
    # A clock that was set back does not put it off.
    do(gateway, push(renewals(1, first=9_501), clock()))
    clock.now_us -= DAY_US
    gateway.run_maintenance(clock(), Retention())
    assert log.stat().st_size == 0


def test_log_that_cannot_be_emptied_for_hours_is_complained_of_now_and_then(
    gateway: SqliteStore, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "LOG_WAIT_S", 0.001)
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM renewal").fetchone()
        do(gateway, push(renewals(1, first=9_500), clock()))
        gateway.run_maintenance(clock(), Retention())
        clock.now_us += LOG_LATE_US
        with pytest.raises(StoreUnavailable, match=r"a\.db-wal could not be emptied for 6 hours"):
            gateway.run_maintenance(clock(), Retention())
        clock.now_us += LOG_LATE_US - 1
        gateway.run_maintenance(clock(), Retention())


def test_writer_is_held_up_by_no_reader_for_long(
    gateway: SqliteStore, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads the newest state keeps the log from being cut all the same: writers wait for it within the bound alone."""
    waits: list[str] = []
    monkeypatch.setattr(sqlite_store, "LOG_WAIT_S", 0.05)
    gateway.clear_log()
    do(gateway, push(renewals(1, first=9_500), clock()))
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM renewal").fetchone()
        gateway._db.set_trace_callback(waits.append)
        assert gateway.clear_log() is False
        gateway._db.set_trace_callback(None)
    assert [text for text in waits if "busy_timeout" in text] == [
        "PRAGMA busy_timeout = 50",
        "PRAGMA busy_timeout = 15000",
    ]
    assert gateway.clear_log() is True


def test_deleted_content_is_overwritten_whatever_sqlite_was_built_with(gateway: SqliteStore) -> None:
    assert gateway._db.execute("PRAGMA secure_delete").fetchone() == (1,)
