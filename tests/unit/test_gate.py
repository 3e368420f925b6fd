"""A gate keeps the order of those who come and lets all who wait go on in one turn; a request starts before it has a task."""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from vipgate.errors import StoreUnavailable
from vipgate.gateway.http.eager_task import start_eagerly
from vipgate.gateway.park_order import OrderedGate
from vipgate.support.background import only_logged

MANY = 200


def by_task(steps: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    return asyncio.ensure_future(steps)


def at_once(steps: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    return start_eagerly(steps, asyncio.get_running_loop(), only_logged)


Begin = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None] | None"]
both_ways = pytest.mark.parametrize("begin", [by_task, at_once])


@both_ways
def test_all_who_wait_go_on_in_the_turn_in_which_it_opens(begin: Begin) -> None:
    async def scenario() -> None:
        gate: OrderedGate[str] = OrderedGate()
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        through: list[tuple[int, str | None]] = []

        async def hold() -> None:
            assert await gate.wait() is None
            await gate.run_exclusive(answer)

        async def follow(number: int) -> None:
            through.append((number, await gate.wait()))

        tasks = [begin(hold()), *[begin(follow(number)) for number in range(MANY)]]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert through == []
        answer.set_result("brought")
        for _ in range(3):
            await asyncio.sleep(0)
        assert through == [(number, "brought") for number in range(MANY)]
        await asyncio.gather(*filter(None, tasks))
        assert await gate.wait() is None

    asyncio.run(scenario())


@both_ways
def test_store_that_fails_is_asked_once_for_all_who_wait(begin: Begin) -> None:
    async def scenario() -> None:
        gate: OrderedGate[str] = OrderedGate()
        heard: list[str] = []
        asked = 0

        async def ask() -> str:
            nonlocal asked
            asked += 1
            await asyncio.sleep(0.001)
            raise StoreUnavailable("out of reach")

        async def come() -> None:
            try:
                await gate.wait() or await gate.run_exclusive(ask())
            except StoreUnavailable as error:
                heard.append(str(error))

        await asyncio.gather(*filter(None, [begin(come()) for _ in range(MANY)]))
        assert (asked, heard) == (1, ["out of reach"] * MANY)

    asyncio.run(scenario())


def test_fault_of_one_is_not_the_fault_of_those_behind() -> None:
    async def scenario() -> None:
        gate: OrderedGate[str] = OrderedGate()

        async def wrong() -> str:
            await asyncio.sleep(0)
            raise ValueError("its own")

        async def hold() -> None:
            with pytest.raises(ValueError, match="its own"):
                await gate.run_exclusive(wrong())

        held = asyncio.ensure_future(hold())
        await asyncio.sleep(0)
        assert await gate.wait() is None
        await held

    asyncio.run(scenario())


@both_ways
@pytest.mark.parametrize("seed", range(30))
def test_order_stays_whoever_comes_when_and_holds_it(begin: Begin, seed: int) -> None:
    chance = random.Random(seed)

    async def scenario() -> None:
        gate: OrderedGate[None] = OrderedGate()
        through: list[int] = []

        async def come(number: int, turns: int) -> None:
            await gate.wait()
            through.append(number)
            if turns:
                await gate.run_exclusive(pause(turns))

        async def pause(turns: int) -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        tasks = []
        for number in range(60):
            tasks.append(begin(come(number, chance.choice((0, 0, 0, 1, 2, 5)))))
            for _ in range(chance.choice((0, 0, 0, 1, 3))):
                await asyncio.sleep(0)
        await asyncio.gather(*filter(None, tasks))
        assert through == list(range(60))

    asyncio.run(scenario())


def run(steps: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(steps())  # type: ignore[arg-type]


def test_what_waits_for_nothing_is_through_without_a_task() -> None:
    async def scenario() -> None:
        done: list[int] = []

        async def steps() -> None:
            done.append(1)

        assert at_once(steps()) is None
        assert done == [1]

    run(scenario)


@pytest.mark.parametrize("waits", [0, 1])
@pytest.mark.parametrize("fault", [KeyError("its own"), BaseException("a panic of Rust")])
def test_fault_of_a_request_is_told_to_its_owner_and_stops_nobody(fault: BaseException, waits: int) -> None:
    async def scenario() -> None:
        told: list[BaseException] = []

        async def steps() -> None:
            for _ in range(waits):
                await asyncio.sleep(0)
            raise fault

        task = start_eagerly(steps(), asyncio.get_running_loop(), told.append)
        assert (task is None) == (waits == 0)
        await asyncio.sleep(0.01)
        assert told == [fault]

    run(scenario)


def test_failures_and_the_end_of_the_task_reach_what_was_started() -> None:
    async def scenario() -> None:
        heard: list[str] = []
        waited: list[asyncio.Future[None]] = [asyncio.get_running_loop().create_future() for _ in range(2)]

        async def steps() -> None:
            for future in waited:
                try:
                    await future
                except (ValueError, asyncio.CancelledError) as error:
                    heard.append(type(error).__name__)
            raise KeyError("its own")

        task = at_once(steps())
        assert task is not None
        await asyncio.sleep(0)
        waited[0].set_exception(ValueError())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(KeyError, match="its own"):
            await task
        assert heard == ["ValueError", "CancelledError"]

    run(scenario)


def test_several_may_wait_for_the_same_before_any_has_its_task() -> None:
    async def scenario() -> None:
        shared: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        heard: list[int] = []

        async def steps() -> None:
            heard.append(await shared)

        tasks = [at_once(steps()) for _ in range(5)]
        shared.set_result(7)
        await asyncio.gather(*filter(None, tasks))
        assert heard == [7] * 5

    run(scenario)


def test_task_is_made_of_what_newer_pythons_take_for_a_coroutine() -> None:
    """Since Python 3.12 no task is made of a generator, though `types.coroutine` has marked it."""

    async def scenario() -> None:
        task = at_once(asyncio.sleep(0))
        assert task is not None
        assert inspect.iscoroutine(task.get_coro())
        await task

    run(scenario)
