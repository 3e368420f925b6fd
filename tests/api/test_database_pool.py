"""The pool of desks: bounds, errors, exports that nobody reads on, and an end that lets go of everything."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from support.store_database import Clock
from vipgate.errors import RateLimited, ServiceUnavailable, StoreUnavailable
from vipgate.store.async_pool import STREAM_BYTES_A_SECOND_MIN, DatabasePool, ExportStream, PoolExhausted
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.open_database import open_database


class Opened:
    """Opens real desks, and counts those that are open."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.most = 0
        self.now = 0

    def __call__(self) -> Database:
        database = open_database(self._url, Clock(), Retention())
        self.now += 1
        self.most = max(self.most, self.now)

        def close() -> None:
            self.now -= 1
            database.close()

        return Database(database.store, database.queries, database.accounts, database.admin, close)


@pytest.fixture
def opened(url: str) -> Opened:
    return Opened(url)


async def _wait_until(true: Any) -> None:
    for _ in range(2_000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("did not come about")


def test_no_more_desks_are_opened_than_allowed_and_one_is_enough_for_one_at_a_time(opened: Opened) -> None:
    databases = DatabasePool(opened, 3)

    async def work() -> None:
        for _ in range(10):
            await databases.run(lambda database: database.store.ping())
        assert opened.most == 1
        meet = threading.Barrier(3, timeout=20)
        await asyncio.gather(*[databases.run(lambda _: meet.wait()) for _ in range(12)])

    asyncio.run(work())
    assert opened.most == 3
    databases.close()
    assert opened.now == 0


def test_line_that_is_full_is_told_at_once_and_empties_again(opened: Opened) -> None:
    databases, gate = DatabasePool(opened, 1, waiting_max=2), threading.Event()

    async def work() -> None:
        held = [asyncio.create_task(databases.run(lambda _: gate.wait(20))) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(PoolExhausted) as busy:
            await databases.run(lambda database: database.store.ping())
        assert busy.value.retry_after_s
        gate.set()
        await asyncio.gather(*held)
        await databases.run(lambda database: database.store.ping())

    asyncio.run(work())
    databases.close()


def test_caller_that_goes_away_leaves_no_place_taken_behind(opened: Opened) -> None:
    databases, gate = DatabasePool(opened, 1, waiting_max=1), threading.Event()

    async def work() -> None:
        held = [asyncio.create_task(databases.run(lambda _: gate.wait(20))) for _ in range(2)]
        await asyncio.sleep(0)
        for task in held:
            task.cancel()
        gate.set()
        await asyncio.gather(*held, return_exceptions=True)
        await _wait_until(lambda: databases._places._value == 2)
        await databases.run(lambda database: database.store.ping())

    asyncio.run(work())
    databases.close()


def test_error_comes_through_and_the_database_goes_on(opened: Opened) -> None:
    databases = DatabasePool(opened, 1)

    def fail(_: Database) -> None:
        raise StoreUnavailable("away")

    async def work() -> None:
        with pytest.raises(StoreUnavailable):
            await databases.run(fail)
        await databases.run(lambda database: database.store.ping())

    asyncio.run(work())
    assert opened.most == 1
    databases.close()


def test_database_that_cannot_be_opened_is_tried_again(opened: Opened) -> None:
    away = [True]

    def open_it() -> Database:
        if away[0]:
            raise StoreUnavailable("away")
        return opened()

    databases = DatabasePool(open_it, 1)

    async def work() -> None:
        with pytest.raises(StoreUnavailable):
            await databases.run(lambda database: database.store.ping())
        with pytest.raises(StoreUnavailable):
            await databases.stream("owner", lambda _: iter([1]))
        away[0] = False
        await databases.run(lambda database: database.store.ping())
        assert [one async for one in await databases.stream("owner", lambda _: iter([1, 2]))] == [1, 2]

    asyncio.run(work())
    databases.close()


def _counting(_: Database) -> Iterator[int]:
    yield from range(5)


def _nothing(_: Database) -> Iterator[int]:
    return iter(())


def test_export_is_read_to_its_end_on_a_database_of_its_own(opened: Opened) -> None:
    databases = DatabasePool(opened, 1)

    async def work() -> None:
        assert [one async for one in await databases.stream("owner", _counting)] == [0, 1, 2, 3, 4]
        assert [one async for one in await databases.stream("owner", _nothing)] == []
        await _wait_until(lambda: opened.now == 0)

    asyncio.run(work())
    databases.close()


def test_exports_are_bounded_and_a_closed_one_makes_room(opened: Opened) -> None:
    databases = DatabasePool(opened, 1, streams_max=2)

    async def work() -> None:
        first, second = await databases.stream("first", _counting), await databases.stream("second", _counting)
        with pytest.raises(PoolExhausted):
            await databases.stream("third", _counting)
        await databases.run(lambda database: database.store.ping())
        first.close()
        first.close()
        await _wait_until(lambda: databases._stream_places._value == 1)
        third = await databases.stream("third", _counting)
        second.close()
        third.close()
        await _wait_until(lambda: opened.now == 1)

    asyncio.run(work())
    databases.close()


def test_owner_of_an_export_has_no_second_one_and_leaves_the_place_to_others(opened: Opened) -> None:
    databases = DatabasePool(opened, 1, streams_max=2)

    async def work() -> None:
        first = await databases.stream("owner", _counting)
        for _ in range(3):
            with pytest.raises(RateLimited) as refused:
                await databases.stream("owner", _counting)
            assert refused.value.retry_after_s
        other = await databases.stream("another", _counting)
        first.close()
        await _wait_until(lambda: databases._stream_places._value == 1)
        (await databases.stream("owner", _counting)).close()
        other.close()
        await _wait_until(lambda: not databases._stream_owners)

    asyncio.run(work())
    databases.close()


def test_export_whose_reader_is_slower_than_the_least_speed_is_ended(opened: Opened) -> None:
    """He takes a piece each time before the idle time is over, and would hold the place for half an hour."""
    databases = DatabasePool(opened, 1, behind_s_max=0.5)

    def small(_: Database) -> Iterator[bytes]:
        while True:
            yield b"x"

    async def work() -> None:
        stream = await databases.stream("owner", small)
        with pytest.raises(ServiceUnavailable, match="too slowly"):
            await _read_slowly(stream, 0.1)
        await _wait_until(lambda: opened.now == 0)

    asyncio.run(work())
    databases.close()


def test_export_whose_reader_keeps_the_least_speed_goes_on_however_long_it_takes(opened: Opened) -> None:
    databases = DatabasePool(opened, 1, behind_s_max=2)

    def large(_: Database) -> Iterator[bytes]:
        for _number in range(25):
            yield bytes(STREAM_BYTES_A_SECOND_MIN)

    async def work() -> None:
        assert await _read_slowly(await databases.stream("owner", large), 0.1) == 25

    asyncio.run(work())
    databases.close()


def test_export_that_nobody_reads_on_is_ended(opened: Opened) -> None:
    databases = DatabasePool(opened, 1, streams_max=1, behind_s_max=0.05)

    async def work() -> None:
        stream = await databases.stream("owner", _counting)
        await _wait_until(lambda: databases._stream_places._value == 1)
        assert opened.now == 0
        assert await anext(stream) == 0, "what was read ahead is still there"
        with pytest.raises(ServiceUnavailable, match="too slowly"):
            await anext(stream)
        (await databases.stream("owner", _counting)).close()

    asyncio.run(work())
    databases.close()


async def _read_slowly(stream: ExportStream[Any], pause_s: float = 0.01) -> int:
    """How many items came."""
    count = 0
    async for _ in stream:
        count += 1
        await asyncio.sleep(pause_s)
    return count


def test_export_that_takes_too_long_is_ended(opened: Opened) -> None:
    databases = DatabasePool(opened, 1, stream_s_max=0.1)

    def endless(_: Database) -> Iterator[int]:
        while True:
            yield 1

    async def work() -> None:
        stream = await databases.stream("owner", endless)
        with pytest.raises(ServiceUnavailable, match="too long"):
            await _read_slowly(stream)
        await _wait_until(lambda: opened.now == 0)

    asyncio.run(work())
    databases.close()


def test_error_in_the_middle_of_an_export_ends_it(opened: Opened) -> None:
    databases = DatabasePool(opened, 1)

    def broken(_: Database) -> Iterator[int]:
        yield 1
        raise StoreUnavailable("away")

    async def work() -> None:
        stream = await databases.stream("owner", broken)
        assert await anext(stream) == 1
        with pytest.raises(StoreUnavailable):
            await anext(stream)
        await _wait_until(lambda: opened.now == 0)

    asyncio.run(work())
    databases.close()


def test_nothing_is_taken_on_after_the_end(opened: Opened) -> None:
    databases = DatabasePool(opened, 1)

    async def work() -> None:
        stream = await databases.stream("owner", _counting)
        await databases.run(lambda database: database.store.ping())
        await asyncio.to_thread(databases.close)
        assert await anext(stream) == 0
        for again in (
            databases.run(lambda database: database.store.ping()),
            databases.stream("owner", _counting),
            anext(stream),
        ):
            with pytest.raises(PoolExhausted):
                await again
        await _wait_until(lambda: opened.now == 0)

    asyncio.run(work())
