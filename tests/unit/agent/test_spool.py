"""The spool: what waits is kept in its newest version, what is in doubt is sent again, and one agent holds it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from vipgate.agent.models import OutboxRow, Rejection
from vipgate.agent.spool import SPOOL, Spool, is_running
from vipgate.errors import UsageError
from vipgate.support.sqlite_file import OwnerLock


class Clock:
    def __init__(self) -> None:
        self.now_us = 1_000_000_000

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spool(tmp_path: Path, clock: Clock) -> Iterator[Spool]:
    one = Spool(tmp_path / "spool", clock)
    yield one
    one.close()


def row(key: str, text: str = "1") -> OutboxRow:
    return OutboxRow(key, text.encode(), f"row {key}")


def waiting(spool: Spool) -> list[tuple[str, bytes]]:
    return [(one.pay_partner, one.row) for one in spool.waiting(100)]


def queue(spool: Spool, *rows: OutboxRow) -> None:
    with spool.transaction():
        spool.queue(rows)


def test_newest_version_takes_the_place_of_the_one_that_waits(spool: Spool) -> None:
    queue(spool, row("a"), row("b"))
    queue(spool, row("a", "2"))
    assert waiting(spool) == [("b", b"1"), ("a", b"2")]


def test_acknowledged_version_does_not_take_the_newer_one_with_it(spool: Spool) -> None:
    queue(spool, row("a"))
    [sent] = spool.waiting(1)
    queue(spool, row("a", "2"))
    spool.unqueue([sent])
    assert waiting(spool) == [("a", b"2")]


def test_numbers_never_come_again(spool: Spool) -> None:
    queue(spool, row("a"))
    [first] = spool.waiting(1)
    spool.unqueue([first])
    queue(spool, row("b"))
    [second] = spool.waiting(1)
    assert second.number > first.number


def test_row_that_was_read_before_the_newest_version_is_left_out(spool: Spool, clock: Clock) -> None:
    began_us = clock()
    clock.now_us += 10
    queue(spool, row("a", "new"))
    [sent] = spool.waiting(1)
    spool.unqueue([sent])
    with spool.transaction():
        assert spool.queue_unless_read([row("a", "old"), row("b", "old")], began_us) == 1
    assert waiting(spool) == [("b", b"old")]


def test_one_dead_letter_for_each_record_with_the_newest_reason(spool: Spool) -> None:
    spool.add_dead_letters([Rejection("a", "a", "row 1", "first"), Rejection("row 2", None, "row 2", "no key")])
    spool.add_dead_letters([Rejection("a", "a", "row 1", "second", seqno="7", row=b"{}")])
    assert [(one.identity, one.reason) for one in spool.dead_letters()] == [("a", "second"), ("row 2", "no key")]
    spool.resolve_read([OutboxRow("b", b"{}", "row 2"), OutboxRow("unknown", b"{}", "row 9")])
    assert spool.count_dead_letters() == 1


def test_half_a_transaction_is_nothing(spool: Spool) -> None:
    with suppress(ZeroDivisionError), spool.transaction():
        spool.queue([row("a")])
        raise ZeroDivisionError
    assert waiting(spool) == []


def test_second_agent_is_told_who_holds_the_spool(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    lock = OwnerLock(path, SPOOL)
    assert is_running(path)
    other = (
        "from pathlib import Path; from vipgate.agent.spool import SPOOL; from vipgate.support.sqlite_file import OwnerLock\n"
        f"OwnerLock(Path({str(path)!r}), SPOOL)"
    )
    done = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
    assert "locked by process" in done.stderr
    lock.release()
    assert not is_running(path)
    OwnerLock(path, SPOOL).release()


def test_file_of_another_program_is_left_alone(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    with pytest.raises(UsageError, match="of another program"):
        Spool(path, clock)
    (tmp_path / "text").write_text("no database, but long enough to be looked at as one" * 50)
    with pytest.raises(UsageError, match="no SQLite file"):
        Spool(tmp_path / "text", clock)


def test_spool_survives_its_process(tmp_path: Path, clock: Clock) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from vipgate.agent.spool import Spool; from vipgate.agent.models import OutboxRow\n"
        f"spool = Spool(Path({str(tmp_path / 'spool')!r}), lambda: 1)\n"
        "with spool.transaction(): spool.queue([OutboxRow('a', b'1', 'row 1')])\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    spool = Spool(tmp_path / "spool", clock)
    assert waiting(spool) == [("a", b"1")]
    spool.close()
