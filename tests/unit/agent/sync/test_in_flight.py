"""What copies of earlier requests may still do, and what the agent does about it: a fake clock, a real spool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vipgate.agent.models import OutboxRow
from vipgate.agent.spool import Spool
from vipgate.agent.sync.in_flight import WINDOW_US_MAX, BloomFilter, InFlightTracker

TIMEOUT_S = 1.0


class Clock:
    def __init__(self) -> None:
        self.now_us = 1_000_000_000

    def __call__(self) -> int:
        return self.now_us


class Life:
    """One run of an agent after another, on one spool."""

    def __init__(self, path: Path) -> None:
        self.clock = Clock()
        self._path = path
        self.begin()

    def begin(self) -> None:
        self.spool = Spool(self._path, self.clock)
        self.copies = InFlightTracker(self.spool, self.clock, TIMEOUT_S)
        with self.spool.transaction():
            self.copies.begin()
            self.spool.set_setting({"running": "1"})

    def kill(self) -> None:
        self.spool.close()
        self.begin()

    def stop(self) -> None:
        with self.spool.transaction():
            self.copies.end()
        self.kill()

    def set_back(self) -> None:
        with self.spool.transaction():
            self.copies.clock_was_set_back()

    def send(self, *rows: OutboxRow, snapshot: bool = False, replace: bool = False) -> None:
        self.copies.sending(rows, snapshot=snapshot, replace=replace)

    def acknowledge(self, *rows: OutboxRow) -> int:
        with self.spool.transaction():
            return self.copies.send_again(rows)

    def waiting(self) -> list[bytes]:
        return [one.row for one in self.spool.waiting(100)]

    def pass_window(self) -> None:
        self.clock.now_us += self.copies.window_us


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    one = Life(tmp_path / "spool")
    yield one
    one.spool.close()


def row(key: str, text: str = "1") -> OutboxRow:
    return OutboxRow(key, text.encode(), f"row {key}")


def test_version_that_a_copy_may_overtake_is_sent_once_more_after_its_time(life: Life) -> None:
    life.send(row("a", "old"))
    assert life.acknowledge(row("a", "old")) == 0
    life.clock.now_us += 1000
    life.send(row("a", "new"), row("b"))
    assert life.acknowledge(row("a", "new"), row("b")) == 1
    assert life.waiting() == []
    life.pass_window()
    assert life.waiting() == [b"new"]
    life.send(row("a", "new"))
    assert life.acknowledge(row("a", "new")) == 0


def test_request_that_ended_late_is_exposed_from_its_end_on(life: Life) -> None:
    life.send(row("a", "old"))
    life.clock.now_us += life.copies.window_us - 1
    life.copies.unanswered([row("a", "old")], snapshot=False, replace=False)
    life.clock.now_us += 2
    life.send(row("a", "new"))
    assert life.acknowledge(row("a", "new")) == 1


def test_newer_version_that_waits_is_not_pushed_aside(life: Life) -> None:
    life.send(row("a", "old"))
    life.send(row("a", "new"))
    with life.spool.transaction():
        life.spool.queue([row("a", "newest")])
    life.acknowledge(row("a", "new"))
    life.pass_window()
    assert life.waiting() == [b"newest"]


def test_after_a_kill_everything_is_sent_once_more(life: Life) -> None:
    life.kill()
    assert life.acknowledge(row("a")) == 1
    life.pass_window()
    assert life.waiting() == [b"1"]
    life.send(row("a"))
    assert life.acknowledge(row("a")) == 0


def test_agent_that_was_stopped_remembers_what_it_sent(life: Life) -> None:
    life.send(row("a", "old"))
    life.stop()
    life.send(row("a", "new"), row("b"))
    assert life.acknowledge(row("a", "new"), row("b")) == 1


def test_agent_that_was_stopped_soon_after_a_kill_is_still_in_doubt(life: Life) -> None:
    life.kill()
    life.stop()
    assert life.acknowledge(row("a")) == 1


def test_doubt_after_a_kill_ends_however_often_the_agent_is_stopped_meanwhile(life: Life) -> None:
    life.kill()
    for _ in range(4):
        life.clock.now_us += life.copies.window_us // 3
        life.stop()
    assert life.acknowledge(row("a")) == 0


def test_clock_that_was_wrong_holds_nothing_back_for_good(life: Life) -> None:
    """Set back while the agent runs, and while it does not."""
    present_us = life.clock.now_us
    for restart in (life.kill, life.stop, life.set_back):
        life.clock.now_us = present_us + 2_000_000_000_000_000
        life.kill()
        life.send(row("a"), replace=True)
        life.send(row("b"), snapshot=True)
        life.send(row("c", "old"))
        with life.spool.transaction():
            life.spool.queue([row("d")])
        life.acknowledge(row("c", "new"))
        life.clock.now_us = present_us
        restart()
        life.clock.now_us += WINDOW_US_MAX
        assert not life.copies.holds_all()
        assert not life.copies.holds_snapshot()
        assert life.copies.may_replace([row("z")])
        assert {b"1", b"new"} == set(life.waiting())
        assert life.spool.read_times(["d"])["d"][0] <= present_us


def test_record_that_the_snapshot_may_have_sent_is_sent_once_more(life: Life) -> None:
    life.send(row("a", "old"), snapshot=True)
    life.clock.now_us += 1000
    with life.spool.transaction():
        life.spool.queue([row("a", "new")])
    [new] = life.spool.waiting(1)
    life.spool.unqueue([new])
    life.send(new)
    assert life.acknowledge(new) == 1
    life.pass_window()
    life.send(row("z"), snapshot=True)
    assert life.acknowledge(new) == 0, "since it was read as a change the snapshot does not send it"


def test_snapshot_waits_after_a_kill_and_after_a_stop_in_the_middle(life: Life) -> None:
    assert not life.copies.holds_snapshot()
    life.send(row("a"), snapshot=True)
    assert not life.copies.holds_snapshot()
    life.stop()
    assert life.copies.holds_snapshot()
    life.pass_window()
    assert not life.copies.holds_snapshot()
    life.kill()
    assert life.copies.holds_snapshot()


def test_nothing_is_sent_while_a_copy_of_the_replacement_may_arrive(life: Life) -> None:
    assert life.copies.may_replace([row("a")])
    with life.spool.transaction():
        life.send(row("a"), replace=True)
    assert life.copies.holds_all()
    life.stop()
    assert life.copies.holds_all()
    life.pass_window()
    assert not life.copies.holds_all()


def test_replacement_waits_for_what_was_sent_before_and_for_another_replacement(life: Life) -> None:
    life.send(row("a", "old"))
    assert not life.copies.may_replace([row("a")])
    life.pass_window()
    assert life.copies.may_replace([row("a")])
    with life.spool.transaction():
        life.send(row("a"), replace=True)
    assert life.copies.may_replace([row("a")]), "the same again does no harm"
    assert not life.copies.may_replace([row("b", "2")])
    life.kill()
    assert not life.copies.may_replace([row("a")])


def test_snapshot_knows_again_what_it_has_met() -> None:
    seen = BloomFilter()
    keys = [f"XF{number}" for number in range(100_000)]
    mistaken = sum(map(seen.add, keys))
    assert all(map(seen.add, keys))
    assert mistaken < 50
