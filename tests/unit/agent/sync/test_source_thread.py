"""Reads in threads of their own: one that hangs holds up nothing else, an outage is retried, and the end comes soon."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from vipgate.agent.config import Config, LogConfig, MetricsConfig, Platform, SourceConfig, SpoolConfig
from vipgate.agent.config_map import Member
from vipgate.agent.mapping.reader import Reader
from vipgate.agent.sources.base import Source, SourceFault, SourceUnavailable
from vipgate.agent.sources.open import open_source
from vipgate.agent.sync import source_thread
from vipgate.agent.sync.source_thread import Item, PageRead, ReadFinished, RowTotal, SourceError, SourceThread, Work
from vipgate.agent.sync.sweep import SourceRound
from vipgate.errors import UsageError

WAIT_S = 10.0
ROWS = 20_000


def until(happened: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


@pytest.fixture
def park(tmp_path: Path) -> SourceConfig:
    """A database with a rollback journal, in which a reader holds up writers."""
    with closing(sqlite3.connect(tmp_path / "park.db")) as db, db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, plate TEXT)")
        db.executemany("INSERT INTO t VALUES (?, ?)", [(one, f"A{one}") for one in range(ROWS)])
    return SourceConfig(database=f"sqlite:///{tmp_path / 'park.db'}", query="SELECT * FROM t")


class Threads:
    """Starts threads on one source, and ends them all."""

    def __init__(self, config: SourceConfig, base: Path) -> None:
        self.open = lambda: open_source(config, base=base)
        self.turn = threading.Lock()
        self.let_go = threading.Event()
        self.all: list[SourceThread] = []

    def start(self, work: Work, open_it: Callable[[], Source] | None = None) -> SourceThread:
        made = SourceThread("test", open_it or self.open, work, lambda: None, time.monotonic, self.turn)
        self.all.append(made)
        return made

    def hang(self, _: Source, thread: SourceThread) -> Iterator[Item]:
        with thread.read("a table on a dead network share"):
            self.let_go.wait(WAIT_S)
        yield RowTotal(1)


@pytest.fixture
def threads(park: SourceConfig, tmp_path: Path) -> Iterator[Threads]:
    made = Threads(park, tmp_path)
    yield made
    made.let_go.set()
    for one in made.all:
        one.stop()
    until(lambda: not any(one.is_alive for one in made.all))


def items(thread: SourceThread, count: int) -> list[Item]:
    found: list[Item] = []

    def enough() -> bool:
        item = thread.take()
        if item is not None:
            found.append(item)
        return len(found) == count

    until(enough)
    return found


def test_read_that_hangs_is_told_and_its_items_are_dropped_after_the_stop(threads: Threads) -> None:
    thread = threads.start(threads.hang)
    until(lambda: thread.reading() is not None and threads.turn.locked())
    what, seconds = thread.reading() or ("", 0.0)
    assert what == "a table on a dead network share"
    until(lambda: (thread.reading() or ("", 0.0))[1] > seconds + 0.02)
    assert thread.take() is None
    began_s = time.monotonic()
    thread.stop()
    assert time.monotonic() - began_s < 1
    assert thread.is_alive
    threads.let_go.set()
    until(lambda: not thread.is_alive)
    assert thread.take() is None


def test_reads_take_turns_until_one_hangs_and_the_turn_is_renewed(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_thread, "TURN_S", WAIT_S * 10)
    first = threads.start(threads.hang)
    until(lambda: first.reading() is not None and threads.turn.locked())

    def work(_: Source, thread: SourceThread) -> Iterator[Item]:
        yield RowTotal(0)
        while True:
            with thread.read("rows"):
                pass
            yield RowTotal(1)

    waiting = threads.start(work)
    assert items(waiting, 1) == [RowTotal(0)]
    until(lambda: waiting.reading() is not None)
    assert waiting.take() is None
    threads.turn = waiting.turn = threading.Lock()
    assert items(threads.start(work), 2) == [RowTotal(0), RowTotal(1)]
    threads.let_go.set()
    assert items(waiting, 2) == [RowTotal(1), RowTotal(1)]


def test_outage_is_told_and_the_work_starts_again(threads: Threads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_thread, "retry_delay_s", lambda *_: 0.001)
    errors = [SourceUnavailable("the server is gone"), ValueError("a driver's own fault")]

    def work(*_: object) -> Iterator[Item]:
        if errors:
            raise errors.pop(0)
        yield RowTotal(3)

    first, second, third, last = items(threads.start(work), 4)
    assert isinstance(first, SourceError)
    assert str(first.trouble) == "the server is gone"
    assert isinstance(second, SourceError)
    assert isinstance(second.trouble, SourceFault)
    assert "ValueError: a driver's own fault" in str(second.trouble)
    assert (third, last) == (RowTotal(3), ReadFinished())


def test_fault_of_the_settings_ends_the_read(threads: Threads) -> None:
    fault = UsageError("no such column")

    def broken() -> Source:
        raise fault

    assert items(threads.start(lambda *_: iter([]), broken), 1) == [ReadFinished(fault)]


def test_work_waits_while_its_items_are_not_taken_and_still_ends(threads: Threads) -> None:
    made: list[int] = []

    def work(*_: object) -> Iterator[Item]:
        for one in range(1_000):
            made.append(one)
            yield RowTotal(one)

    thread = threads.start(work)
    until(lambda: len(made) > source_thread.ITEMS_WAITING_MAX)
    time.sleep(0.05)
    assert len(made) == source_thread.ITEMS_WAITING_MAX + 1
    thread.stop()
    until(lambda: not thread.is_alive)


def test_pause_ends_with_a_poke(threads: Threads) -> None:
    def work(_: Source, thread: SourceThread) -> Iterator[Item]:
        while True:
            thread.pause(WAIT_S * 10)
            yield RowTotal(1)

    thread = threads.start(work)
    thread.poke()
    assert items(thread, 1) == [RowTotal(1)]


def test_stream_that_nobody_takes_holds_up_no_writer(threads: Threads, park: SourceConfig, tmp_path: Path) -> None:
    members = {name: Member(constant=1) for name in ("plate_color", "vip_type", "quantity", "pay_type")}
    members |= {name: Member(column="plate") for name in ("charge_type", "plate", "pay_partner")}
    config = Config(
        path=tmp_path, platform=Platform(url="", park_uuid="", secret=""), source=park, members=members, filters=(),
        spool=SpoolConfig(), log=LogConfig(), metrics=MetricsConfig(),
    )  # fmt: skip
    reader = Reader(config, ["id", "plate"], "en")
    thread = threads.start(SourceRound(reader, lambda: 0, 500, 1.0).work)
    [first] = items(thread, 1)
    assert isinstance(first, PageRead)
    with closing(sqlite3.connect(tmp_path / "park.db", timeout=0.1)) as db, db:
        db.execute("UPDATE t SET plate = 'B' WHERE id = 1")
