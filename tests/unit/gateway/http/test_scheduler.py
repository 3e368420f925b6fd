"""What a turn of the loop has no time for is begun by turns between lines, in the order of each; a newcomer does not wait."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from vipgate.gateway.http.scheduler import TICK_ROWS_MAX, RequestScheduler
from vipgate.gateway.limits.fair_queue import REQUEST_COST_ROWS

A_TURN = TICK_ROWS_MAX // (REQUEST_COST_ROWS + 1)


@dataclass
class Turning:
    """An event loop that turns when it is told to, and what was begun on it, by line and number."""

    due: list[Callable[[], None]] = field(default_factory=list)
    begun: list[tuple[str | None, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.intake = RequestScheduler(self)

    def call_soon(self, callback: Callable[[], None], /) -> None:
        self.due.append(callback)

    def turn(self) -> list[tuple[str | None, int]]:
        """What was begun in the next turn."""
        before = len(self.begun)
        due, self.due = self.due, []
        for callback in due:
            callback()
        return self.begun[before:]

    def come(self, line: str | None, number: int, body_bytes: int = 250) -> None:
        self.intake.schedule(line, body_bytes, partial(self.begun.append, (line, number)))


def test_what_a_turn_has_time_for_is_begun_at_once() -> None:
    loop = Turning()
    for number in range(A_TURN):
        loop.come("a", number)
    assert loop.begun == [("a", number) for number in range(A_TURN)]
    # The count begins again with the next turn, and without anything to do none is asked for.
    assert (loop.turn(), loop.due) == ([], [])
    loop.come("a", A_TURN)
    assert loop.begun[-1] == ("a", A_TURN)


def test_flood_of_one_line_keeps_the_others_waiting_for_one_turn() -> None:
    loop = Turning()
    for number in range(50 * A_TURN):
        loop.come("noisy", number)
    for line in "abc":
        loop.come(line, 0)
    assert [one for one in loop.begun if one[0] != "noisy"] == []
    assert {("a", 0), ("b", 0), ("c", 0)} <= set(loop.turn())
    # And so it goes on: whoever comes now is begun in the next turn.
    for number in range(1, 20):
        loop.come("a", number)
        assert ("a", number) in loop.turn()


def test_turn_is_bounded_by_what_it_begins_and_all_is_begun_in_the_end() -> None:
    chance = random.Random(1)
    loop = Turning()
    came: dict[str | None, list[int]] = {}
    for number in range(5_000):
        line = chance.choice("aaaaaabbc")
        came.setdefault(line, []).append(number)
        loop.come(line, number, chance.choice((0, 200, 20_000, 1_000_000)))
    while loop.due:
        assert len(loop.turn()) <= TICK_ROWS_MAX // REQUEST_COST_ROWS
    for name, numbers in came.items():
        assert [number for began, number in loop.begun if began == name] == numbers


def test_large_bodies_count_for_more() -> None:
    loop = Turning()
    for number in range(100):
        loop.come("a", number, 256 * TICK_ROWS_MAX // 4)
    assert len(loop.begun) == 4
    assert 1 <= len(loop.turn()) <= 4


def test_connection_that_nothing_is_known_of_does_not_wait() -> None:
    loop = Turning()
    for number in range(2 * A_TURN):
        loop.come("noisy", number)
    loop.come(None, 0)
    assert loop.begun[-1] == (None, 0)
    assert len(loop.begun) == A_TURN + 1
