"""A gate keeps the order of those who come and lets all who wait go on in one turn."""

from __future__ import annotations

import asyncio
import random

import pytest

from vipgate.errors import StoreUnavailable
from vipgate.gateway.park_order import OrderedGate

MANY = 200


def test_all_who_wait_go_on_in_the_turn_in_which_it_opens() -> None:
    async def scenario() -> None:
        gate: OrderedGate[str] = OrderedGate()
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        through: list[tuple[int, str | None]] = []

        async def hold() -> None:
            assert await gate.wait() is None
            await gate.run_exclusive(answer)

        async def follow(number: int) -> None:
            through.append((number, await gate.wait()))

        tasks = [asyncio.create_task(hold()), *[asyncio.create_task(follow(number)) for number in range(MANY)]]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert through == []
        answer.set_result("brought")
        for _ in range(3):
            await asyncio.sleep(0)
        assert through == [(number, "brought") for number in range(MANY)]
        await asyncio.gather(*tasks)
        assert await gate.wait() is None

    asyncio.run(scenario())


def test_store_that_fails_is_asked_once_for_all_who_wait() -> None:
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

        await asyncio.gather(*[come() for _ in range(MANY)])
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


@pytest.mark.parametrize("seed", range(30))
def test_order_stays_whoever_comes_when_and_holds_it(seed: int) -> None:
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
            tasks.append(asyncio.create_task(come(number, chance.choice((0, 0, 0, 1, 2, 5)))))
            for _ in range(chance.choice((0, 0, 0, 1, 3))):
                await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        assert through == list(range(60))

    asyncio.run(scenario())
