"""A park that floods has its own line alone: others find room, are served by turns, and every park keeps its order."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import Any

import pytest

from vipgate.gateway.limits.fair_queue import QUANTUM_ROWS, REQUEST_COST_ROWS, FairQueue, QueueItem, QueueLimits

NOISY = "noisy"
ROOM = QueueLimits(pushes_max=100, rows_max=1_000, bytes_max=10_000, refusals_max=20)

Named = tuple[str | None, int]


def push(turns: FairQueue[Named], park: str, number: int = 0, *, rows: int = 1, body_bytes: int = 1) -> bool:
    """Whether it was let in."""
    if not turns.can_accept(park, rows, body_bytes):
        return False
    turns.add(park, QueueItem((park, number), rows, body_bytes, is_push=True))
    return True


def refuse(turns: FairQueue[Named], park: str | None, number: int = 0) -> bool:
    if not turns.can_accept_rejection(park):
        return False
    turns.add(park, QueueItem((park, number), 0, 1, is_push=False))
    return True


def fill(turns: FairQueue[Named], park: str, **size: int) -> int:
    """How many of the park's pushes found room."""
    return next(number for number in range(10_000) if not push(turns, park, number, **size))


@pytest.mark.parametrize(
    ("size", "alone"),
    [({}, 50), ({"rows": 100}, 5), ({"rows": 300}, 2), ({"body_bytes": 1_000}, 5), ({"rows": 600}, 1)],
)
def test_flood_of_one_park_leaves_as_much_room_as_it_takes(size: dict[str, int], alone: int) -> None:
    turns: FairQueue[Named] = FairQueue(ROOM)
    assert fill(turns, NOISY, **size) == alone
    others = {"rows": min(size.get("rows", 1), 50), "body_bytes": min(size.get("body_bytes", 1), 500)}
    assert all(push(turns, f"park-{number}", **others) for number in range(5))


def test_share_of_a_park_shrinks_as_more_parks_wait() -> None:
    turns: FairQueue[Named] = FairQueue(ROOM)
    shares = [fill(turns, f"park-{number}") for number in range(7)]
    assert shares == [50, 25, 13, 6, 3, 2, 1]
    # The park that holds most gets nothing back of what it holds, the others do.
    taken = turns.pop_group(50, 10_000)
    assert len(taken) == 50
    assert push(turns, "park-5")
    assert push(turns, "newcomer")


def test_room_is_full_only_when_many_parks_have_filled_it() -> None:
    turns: FairQueue[Named] = FairQueue(ROOM)
    fill(turns, NOISY)
    assert not turns.is_full
    admitted = [push(turns, f"park-{number}") for number in range(60)]
    assert admitted == [True] * 50 + [False] * 10
    assert turns.is_full


@pytest.mark.parametrize("size", [{}, {"rows": 10}, {"body_bytes": 100}])
def test_room_is_full_when_requests_or_rows_or_bytes_have_filled_it(size: dict[str, int]) -> None:
    turns: FairQueue[Named] = FairQueue(ROOM)
    admitted = [push(turns, f"park-{number}", **size) for number in range(101)]
    assert admitted == [True] * 100 + [False]
    assert turns.is_full


@pytest.mark.parametrize("size", [{"rows": 5_000}, {"body_bytes": 50_000}])
def test_push_larger_than_any_room_is_taken_while_nothing_waits(size: dict[str, int]) -> None:
    turns: FairQueue[Named] = FairQueue(ROOM)
    assert push(turns, "park", **size)
    assert not push(turns, "other", **size)
    assert turns.pop_group(10, 100) == [("park", 0)]
    assert push(turns, "other", **size)


def test_refusals_of_one_park_do_not_crowd_the_others_out_of_the_request_log_nor_pushes_out_of_the_ledger() -> None:
    turns: FairQueue[Named] = FairQueue(ROOM)
    assert sum(refuse(turns, NOISY) for _ in range(100)) == 10
    assert refuse(turns, "park")
    assert refuse(turns, None)
    assert sum(refuse(turns, None) for _ in range(100)) < 10
    assert push(turns, NOISY)
    assert turns.total.pushes == 1


def test_one_request_of_a_quiet_park_waits_for_one_turn_of_the_noisy_one() -> None:
    turns: FairQueue[Named] = FairQueue(ROOM)
    fill(turns, NOISY)
    push(turns, "quiet")
    a_turn = QUANTUM_ROWS // (REQUEST_COST_ROWS + 1)
    assert turns.pop_group(a_turn + 1, 10_000)[-1] == ("quiet", 0)


def test_large_requests_of_one_park_weigh_what_they_cost() -> None:
    turns: FairQueue[Named] = FairQueue(QueueLimits(pushes_max=10_000, rows_max=10**6, bytes_max=10**6, refusals_max=1))
    for number in range(20):
        push(turns, "batches", number, rows=1_000)
    for number in range(2_000):
        push(turns, "singles", number)
    rows: Counter[str | None] = Counter()
    for _ in range(8):
        for park, _number in turns.pop_group(512, 1_000):
            rows[park] += 1_000 + REQUEST_COST_ROWS if park == "batches" else 1 + REQUEST_COST_ROWS
    assert 0.7 < rows["batches"] / rows["singles"] < 1.4


def test_group_keeps_its_bounds_and_is_never_empty_while_something_waits() -> None:
    turns: FairQueue[Named] = FairQueue(QueueLimits(pushes_max=100, rows_max=10**6, bytes_max=10**6, refusals_max=10))
    for number, rows in enumerate([400, 400, 400, 9_000, 1]):
        push(turns, "park", number, rows=rows)
    groups = [turns.pop_group(2, 1_000) for _ in range(5)]
    assert [[number for _, number in group] for group in groups] == [[0, 1], [2], [3], [4], []]


@pytest.mark.parametrize("seed", range(20))
def test_every_park_keeps_its_order_nothing_is_lost_and_the_books_end_at_nought(seed: int) -> None:
    chance = random.Random(seed)
    turns: FairQueue[Named] = FairQueue(ROOM)
    let_in: defaultdict[Any, list[int]] = defaultdict(list)
    came_out: defaultdict[Any, list[int]] = defaultdict(list)
    for number in range(2_000):
        park = chance.choice((NOISY, NOISY, NOISY, "a", "b", "c"))
        size = {"rows": chance.choice((1, 1, 1, 7, 300)), "body_bytes": chance.choice((1, 900))}
        if refuse(turns, park, number) if chance.random() < 0.1 else push(turns, park, number, **size):
            let_in[park].append(number)
        if chance.random() < 0.1:
            for where, which in turns.pop_group(chance.randrange(1, 30), 400):
                came_out[where].append(which)
    while turns:
        for where, which in turns.pop_group(512, 1_000):
            came_out[where].append(which)
    assert came_out == let_in
    total = turns.total
    assert (total.pushes, total.rows, total.body_bytes, total.refusals) == (0, 0, 0, 0)
