"""The change feed: nothing skipped, nothing out of order, and readers that wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from support.api_app import ROWS, TICK_S, Platform, build, reader, row
from support.store_data import OTHER, PARK, changed, do, push, renewals
from support.store_database import Clock
from vipgate.admin.api import change_feed
from vipgate.admin.api.long_poll import ChangePosition, ChangeWaiter
from vipgate.admin.api.responses import ChangesResponse
from vipgate.clock import clock_us
from vipgate.domain.masking import mask_plate
from vipgate.store.async_pool import DatabasePool
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Push, Retention
from vipgate.store.open_database import open_database

FEED = f"/changes?park_uuid={PARK}"


def _read_on(platform: Platform, token: str, after: str | None, limit: int = 100) -> tuple[list[dict[str, Any]], str]:
    """Everything that is there behind a cursor, and the cursor behind it."""
    items: list[dict[str, Any]] = []
    for _ in range(1_000):
        page = platform.get(f"{FEED}&limit={limit}" + (f"&after={after}" if after else ""), token)
        items += page["items"]
        after = str(page["next"])
        assert len(page["items"]) <= limit
        if not page["more"]:
            return items, after
    raise AssertionError("the feed has no end")


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_feed_tells_every_record_once_in_order_and_then_what_changes(stocked: Platform, limit: int) -> None:
    token = stocked.token()
    items, after = _read_on(stocked, token, None, limit)
    assert len(items) == len({one["pay_partner"] for one in items}) == ROWS
    assert {one["kind"] for one in items} == {"renewal"}
    positions = [one["position"] for one in items]
    assert positions == sorted(set(positions))
    assert _read_on(stocked, token, after, limit) == ([], after)
    do(stocked.database.store, push([row(operator="赵六")], stocked.clock()))
    [one], last = _read_on(stocked, token, after, limit)
    assert (one["operator"], one["plate"], last != after) == ("赵六", row().plate, True)


def test_feed_of_an_empty_park_has_a_cursor_to_go_on_with(platform: Platform) -> None:
    token = platform.token(park=PARK)
    page = platform.get("/changes", token)
    assert (page["items"], page["more"]) == ([], False)
    do(platform.database.store, push([row()], platform.clock()))
    [one] = platform.get(f"/changes?after={page['next']}", token)["items"]
    assert one["kind"] == "renewal"


def test_record_that_is_sent_again_alike_is_no_change(stocked: Platform) -> None:
    token = stocked.token()
    _, after = _read_on(stocked, token, None)
    do(stocked.database.store, push(renewals(ROWS)[1:], stocked.clock()))
    assert _read_on(stocked, token, after)[0] == []


@pytest.mark.parametrize("limit", [1, 4, 100])
def test_new_generation_begins_with_the_word_that_the_old_one_is_gone(stocked: Platform, limit: int) -> None:
    token = stocked.token()
    _, after = _read_on(stocked, token, None)
    stock = renewals(9, first=9_000)
    do(stocked.database.store, push(stock, stocked.clock(), complete=True))
    items, after = _read_on(stocked, token, after, limit)
    assert items[0] == {"kind": "replaced", "generation": 2}
    assert [one["pay_partner"] for one in items[1:]] == [one.pay_partner for one in stock]
    assert _read_on(stocked, token, after, limit)[0] == []


@pytest.mark.parametrize("limit", [1, 100])
def test_generation_that_is_restored_is_told_whole_although_its_changes_are_older(
    stocked: Platform, limit: int
) -> None:
    token = stocked.token()
    do(stocked.database.store, push(renewals(9, first=9_000), stocked.clock(), complete=True))
    _, after = _read_on(stocked, token, None)
    assert stocked.database.store.restore(PARK, 1, stocked.clock())
    items, _ = _read_on(stocked, token, after, limit)
    assert items[0] == {"kind": "replaced", "generation": 1}
    assert len(items) == 1 + ROWS


def test_masked_token_is_told_of_changes_with_the_plate_hidden(platform: Platform) -> None:
    do(platform.database.store, push([row(plate="粤B88123")], platform.clock()))
    items, _ = _read_on(platform, platform.token(masked=True), None)
    assert [one["plate"] for one in items] == [mask_plate("粤B88123")]


# ---- readers that wait ----


async def _ask(app: Any, token: str, query: str) -> httpx.Response:
    async with reader(app) as client:
        return await client.get(f"/api/v1{FEED}{query}", headers={"authorization": f"Bearer {token}"}, timeout=60)


async def _waiting(watch: ChangeWaiter, count: int) -> None:
    for _ in range(5_000):
        if watch._waiting == count:
            return
        await asyncio.sleep(0.002)
    raise AssertionError(f"{watch._waiting} wait, not {count}")


def _watch(platform: Platform) -> ChangeWaiter:
    watch: ChangeWaiter = platform.app.routes[0].endpoint._dependencies.watch  # type: ignore[attr-defined]
    return watch


@pytest.mark.parametrize("complete", [False, True])
def test_waiting_readers_are_told_as_soon_as_something_changes(stocked: Platform, complete: bool) -> None:
    token = stocked.token()
    _, after = _read_on(stocked, token, None)

    async def work() -> list[httpx.Response]:
        waiting = [asyncio.create_task(_ask(stocked.app, token, f"&after={after}&wait_s=30")) for _ in range(2)]
        await _waiting(_watch(stocked), 2)
        do(stocked.database.store, push([row(pay_partner="new")], stocked.clock(), park=OTHER))
        await asyncio.sleep(5 * TICK_S)
        assert not any(task.done() for task in waiting), "another park's changes are none of theirs"
        do(stocked.database.store, push([row(pay_partner="new")], stocked.clock(), complete=complete))
        return list(await asyncio.gather(*waiting))

    for answer in stocked.runner.run(work()):
        assert [one.get("pay_partner", one["kind"]) for one in answer.json()["items"]] == [
            *(["replaced"] if complete else []),
            "new",
        ]


def test_reader_that_waited_in_vain_gets_an_empty_page_and_its_cursor(stocked: Platform) -> None:
    token = stocked.token()
    _, after = _read_on(stocked, token, None)
    page = stocked.get(f"{FEED}&after={after}&wait_s=1", token)
    assert page == {"items": [], "next": after, "more": False}


def test_push_that_changes_nothing_does_not_end_the_waiting(stocked: Platform) -> None:
    token = stocked.token()
    _, after = _read_on(stocked, token, None)

    async def work() -> httpx.Response:
        waiting = asyncio.create_task(_ask(stocked.app, token, f"&after={after}&wait_s=30"))
        await _waiting(_watch(stocked), 1)
        do(stocked.database.store, push(renewals(ROWS)[1:], stocked.clock()))
        await asyncio.sleep(5 * TICK_S)
        assert not waiting.done()
        do(stocked.database.store, push([row(pay_partner="new")], stocked.clock()))
        return await waiting

    assert [one["pay_partner"] for one in stocked.runner.run(work()).json()["items"]] == ["new"]


def test_change_that_comes_while_the_page_is_read_is_not_slept_through(
    stocked: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = stocked.token()
    _, after = _read_on(stocked, token, None)
    read, rows = change_feed._page, [[row(pay_partner="new")]]

    def page(*given: Any) -> ChangesResponse:
        answer = read(*given)
        while rows:
            do(stocked.database.store, push(rows.pop(), stocked.clock()))
        return answer

    monkeypatch.setattr(change_feed, "_page", page)
    assert len(stocked.get(f"{FEED}&after={after}&wait_s=5", token)["items"]) == 1


def test_no_more_wait_than_allowed_and_those_that_go_make_room(stocked: Platform) -> None:
    token = stocked.token()
    _, after = _read_on(stocked, token, None)
    waits = f"&after={after}&wait_s=30"

    async def work() -> httpx.Response:
        waiting = [asyncio.create_task(_ask(stocked.app, token, waits)) for _ in range(2)]
        await _waiting(_watch(stocked), 2)
        refused = await _ask(stocked.app, token, waits)
        for task in waiting:
            task.cancel()
        await _waiting(_watch(stocked), 0)
        again = asyncio.create_task(_ask(stocked.app, token, waits))
        await _waiting(_watch(stocked), 1)
        do(stocked.database.store, push([row(pay_partner="new")], stocked.clock()))
        assert len((await again).json()["items"]) == 1
        return refused

    refused = stocked.runner.run(work())
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0


def test_many_readers_of_a_park_cost_one_look_a_tick(stocked: Platform) -> None:
    looks = 0

    class Counting(DatabasePool):
        async def run(self, fn: Callable[[Database], Any]) -> Any:
            nonlocal looks
            looks += 1
            return await super().run(fn)

    databases = Counting(lambda: open_database(stocked.url, stocked.clock, Retention()), 1)
    watch = ChangeWaiter(databases, tick_s=0.05)
    park = stocked.database.store.find_park(PARK)
    more = stocked.database.queries.park_details(PARK)
    assert park is not None
    assert more is not None

    async def work() -> None:
        mark = ChangePosition(park.generation, more.position)
        found = await asyncio.gather(*[watch.changed(PARK, mark, 0.5) for _ in range(50)])
        assert not any(found)

    asyncio.run(work())
    databases.close()
    assert 1 <= looks <= 10


# ---- readers and writers at once ----

WRITERS, PUSHES, ROWS_A_PUSH = 4, 30, 5


def _pushes(writer: int) -> Iterator[Push]:
    """What one writer sends: new records, and some of its own again, changed."""
    first = 1_000 * writer + 1
    for number in range(PUSHES):
        rows = renewals(ROWS_A_PUSH, first=first + number * ROWS_A_PUSH)
        again = (
            [changed(one, operator=f"第{number}次") for one in renewals(ROWS_A_PUSH, first=first)[:2]] if number else []
        )
        yield push([*rows, *again], clock_us())


def _race(url: str) -> None:
    """Writers commit side by side while a reader follows the feed; what the reader has in the end is what the ledger has."""
    database = open_database(url, clock_us, Retention())
    database.store.add_park(PARK, "", b"sealed", clock_us())
    databases, app = build(url, clock_us)
    platform = Platform(url, Clock(), database, databases, app, asyncio.Runner())
    token, left = platform.token(), threading.Semaphore(0)

    def write(writer: int) -> None:
        own = open_database(url, clock_us, Retention())
        for request in _pushes(writer):
            do(own.store, request)
        own.close()
        left.release()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    seen: dict[str, dict[str, Any]] = {}
    position, after, pages, done = 0, "", 0, False
    while True:
        finished = done
        page = platform.get(f"{FEED}&limit=7&wait_s={0 if finished else 1}{after}", token)
        for one in page["items"]:
            assert one["position"] > position, "out of order, or told twice"
            position = one["position"]
            seen[one["pay_partner"]] = one
        after, pages = f"&after={page['next']}", pages + 1
        done = done or not any(thread.is_alive() for thread in threads)
        if finished and not page["more"]:
            break
    held = {one.renewal.pay_partner: one for one in database.queries.iter_park(PARK)}
    assert len(held) == WRITERS * PUSHES * ROWS_A_PUSH
    assert {number: (one["revision"], one["operator"]) for number, one in seen.items()} == {
        number: (one.revision, one.renewal.operator) for number, one in held.items()
    }
    for _ in threads:
        assert left.acquire(timeout=1), "a writer has failed"
    assert pages > 20
    platform.runner.close()
    databases.close()
    database.close()


def test_nothing_is_skipped_while_others_write(url: str) -> None:
    _race(url)


def test_nothing_is_skipped_while_others_write_on_postgres(postgres: str) -> None:
    _race(postgres)
