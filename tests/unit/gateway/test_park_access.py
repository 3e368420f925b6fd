"""Who may push is asked for many parks at a time, ahead of its time where a park pushes on, and never held for longer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

import pytest

from support.protocol_pipeline import SECRET
from vipgate.errors import RateLimited, StoreUnavailable, UsageError
from vipgate.gateway.park_access import (
    AT_REST_S,
    PARKS_PER_READ_MAX,
    REFRESH_AFTER_S,
    TTL_S,
    ParkAccessCache,
    ParkPolicy,
)
from vipgate.store.interfaces.ledger import ParkAccess
from vipgate.support.vault import Vault

VAULT = Vault("k" * 32)


@dataclass
class Desk:
    """A store that answers when it may, and time that stands still until it is moved."""

    known: dict[str, ParkAccess] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    asked: list[list[str]] = field(default_factory=list)
    jobs: list[Callable[[], None]] = field(default_factory=list)
    jobs_most: int = 0
    now_s: float = 100.0
    may_answer: bool = True

    def read(self, park_uuids: Sequence[str]) -> dict[str, ParkAccess]:
        self.asked.append(list(park_uuids))
        if not self.broken.isdisjoint(park_uuids):
            raise StoreUnavailable("out of reach")
        return {one: self.known[one] for one in park_uuids if one in self.known}

    def submit(self, job: Callable[[], None]) -> None:
        self.jobs.append(job)
        self.jobs_most = max(self.jobs_most, len(self.jobs))
        asyncio.get_running_loop().call_soon(self.work)

    def work(self) -> None:
        while self.may_answer and self.jobs:
            self.jobs.pop(0)()

    def directory(self, reads_at_once: int = 1) -> ParkAccessCache:
        return ParkAccessCache(
            self.read, self.submit, VAULT, lambda: self.now_s, reads_at_once=reads_at_once, refresh_delay_s=0
        )


def access(park_uuid: str, secret: str = SECRET) -> ParkAccess:
    return ParkAccess(park_uuid, True, VAULT.seal(secret, park_uuid), None, (), None)


def on_loop(steps: Callable[[Desk], Awaitable[None]]) -> None:
    async def scenario() -> None:
        await steps(Desk({one: access(one) for one in ("a", "b", "c")}))

    asyncio.run(scenario())


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_what_is_wanted_while_a_read_is_under_way_is_asked_for_together_and_once() -> None:
    async def steps(database: Desk) -> None:
        directory = database.directory()
        wanted = ["a", "b", "c", "b", "nobody", "a"]
        found = await asyncio.gather(*[directory.load(one) for one in wanted])
        assert database.asked == [["a"], ["b", "c", "nobody"]]
        assert [one.secrets is not None for one in found] == [True, True, True, True, False, True]
        assert found[0] is found[5] is directory.get_cached("a")

    on_loop(steps)


def test_reads_are_bounded_in_size_and_number() -> None:
    async def steps(database: Desk) -> None:
        directory = database.directory(reads_at_once=2)
        await asyncio.gather(*[directory.load(f"x{number}") for number in range(3 * PARKS_PER_READ_MAX)])
        assert max(map(len, database.asked)) == PARKS_PER_READ_MAX
        assert sum(map(len, database.asked)) == 3 * PARKS_PER_READ_MAX
        assert database.jobs_most == 2

    on_loop(steps)


def test_park_that_pushes_on_never_waits_and_each_answer_holds_for_its_time() -> None:
    async def steps(database: Desk) -> None:
        directory = database.directory()
        await directory.load("a")
        for _ in range(40):
            database.now_s += REFRESH_AFTER_S / 2
            assert directory.get_cached("a") is not None
            await settle()
        # Some looks were ahead of its time, and asked; not each of them.
        assert 10 <= len(database.asked) <= 21

    on_loop(steps)


def test_refreshes_that_come_due_together_are_one_read() -> None:
    async def steps(database: Desk) -> None:
        directory = database.directory()
        for park_uuid in ("a", "b", "c"):
            await directory.load(park_uuid)
        database.asked.clear()
        database.now_s += REFRESH_AFTER_S
        assert all(directory.get_cached(park_uuid) for park_uuid in ("a", "b", "c"))
        await settle()
        assert database.asked == [["a", "b", "c"]]

    on_loop(steps)


def test_lookup_does_not_wait_for_the_refreshes_before_it() -> None:
    async def steps(database: Desk) -> None:
        directory = ParkAccessCache(database.read, database.submit, VAULT, lambda: database.now_s, refresh_delay_s=60)
        await directory.load("a")
        database.now_s += REFRESH_AFTER_S
        assert directory.get_cached("a") is not None
        await directory.load("b")
        assert database.asked == [["a"], ["a", "b"]]

    on_loop(steps)


def test_answer_is_forgotten_after_its_time_however_long_the_next_one_takes() -> None:
    async def steps(database: Desk) -> None:
        directory = database.directory()
        await directory.load("a")
        database.may_answer = False
        database.now_s += TTL_S * 0.99
        assert directory.get_cached("a") is not None
        database.known["a"] = replace(access("a"), enabled=False)
        database.now_s += TTL_S * 0.02
        assert directory.get_cached("a") is None
        found = asyncio.ensure_future(directory.load("a"))
        await settle()
        # Who waits now waits for the look that is under way already.
        assert (found.done(), len(database.jobs)) == (False, 1)
        database.may_answer = True
        database.work()
        assert (await found).secrets is None

    on_loop(steps)


def test_what_was_read_counts_before_the_loop_has_heard_of_it() -> None:
    async def steps(database: Desk) -> None:
        directory = database.directory()
        await directory.load("a")
        database.now_s += REFRESH_AFTER_S
        database.may_answer = False
        assert directory.get_cached("a") is not None
        await settle()
        database.may_answer = True
        database.work()
        # The turn goes on for long, and nobody was told yet.
        database.now_s += TTL_S * 0.9
        assert directory.get_cached("a") is not None

    on_loop(steps)


def test_changed_secret_counts_and_an_unchanged_one_is_not_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(database: Desk) -> None:
        opened: list[str] = []
        real = Vault.open

        def counted(vault: Vault, sealed: bytes, park_uuid: str) -> str:
            opened.append(park_uuid)
            return real(vault, sealed, park_uuid)

        monkeypatch.setattr(Vault, "open", counted)
        directory = database.directory()
        secrets: list[str] = []
        for secret in ("first", "first", "second", "first"):
            if not opened or secret != secrets[-1]:
                database.known["a"] = access("a", secret)
            found: ParkPolicy = await directory.load("a")
            assert found.secrets is not None
            secrets.append(found.secrets.current)
        assert secrets == ["first", "first", "second", "first"]
        assert opened == ["a"] * 3

    on_loop(steps)


def test_one_that_cannot_be_reached_does_not_take_the_others_with_it() -> None:
    async def steps(database: Desk) -> None:
        database.broken = {"b"}
        directory = database.directory()
        first = asyncio.ensure_future(directory.load("nobody"))
        found = await asyncio.gather(*[directory.load(one) for one in ("a", "b", "c")], return_exceptions=True)
        await first
        assert [type(one) for one in found] == [ParkPolicy, StoreUnavailable, ParkPolicy]
        # It is asked for again, not remembered as broken.
        database.broken = set()
        assert (await directory.load("b")).secrets is not None

    on_loop(steps)


def test_one_that_takes_long_keeps_no_other_of_its_list_waiting() -> None:
    async def steps(database: Desk) -> None:
        database.broken, database.may_answer = {"b"}, False
        directory = database.directory(reads_at_once=2)
        wanted = ["nobody", "nobody else", "a", "b", "c"]
        finds = [asyncio.ensure_future(directory.load(one)) for one in wanted]
        for _ in range(10):
            await settle()
            for job in list(database.jobs):
                # The read of b alone does not end.
                if cast("partial[None]", job).args[0] != ["b"]:
                    database.jobs.remove(job)
                    job()
        await settle()
        assert [one.done() for one in finds] == [one != "b" for one in wanted]
        database.may_answer = True
        database.work()
        await asyncio.wait(finds)
        assert isinstance(finds[3].exception(), StoreUnavailable)

    on_loop(steps)


def test_secret_that_cannot_be_opened_is_a_matter_of_its_own_park() -> None:
    async def steps(database: Desk) -> None:
        database.known["b"] = replace(access("b"), secret=b"damaged")
        directory = database.directory()
        first = asyncio.ensure_future(directory.load("nobody"))
        found = await asyncio.gather(*[directory.load(one) for one in ("a", "b", "c")], return_exceptions=True)
        await first
        assert [type(one) for one in found] == [ParkPolicy, UsageError, ParkPolicy]

    on_loop(steps)


def test_caller_who_gives_up_leaves_the_answer_to_the_others() -> None:
    async def steps(database: Desk) -> None:
        database.may_answer = False
        directory = database.directory()
        leaving, staying = (asyncio.ensure_future(directory.load("a")) for _ in range(2))
        await settle()
        leaving.cancel()
        await settle()
        database.may_answer = True
        database.work()
        assert (await staying).secrets is not None

    on_loop(steps)


def test_row_that_makes_no_sense_is_a_matter_of_its_own_park_and_reads_go_on() -> None:
    """What no command writes, but a hand in the database may. Without an end of its read no park would be read again."""

    async def steps(database: Desk) -> None:
        database.known["b"] = replace(access("b"), allow_list=("10.0.0.1/8",))
        directory = database.directory()
        first = asyncio.ensure_future(directory.load("nobody"))
        found = await asyncio.gather(*[directory.load(one) for one in ("a", "b", "c")], return_exceptions=True)
        await first
        assert [type(one) for one in found] == [ParkPolicy, ValueError, ParkPolicy]
        assert (await directory.load("a")).secrets is not None

    on_loop(steps)


def test_list_that_cannot_be_read_for_whatever_reason_is_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(database: Desk) -> None:
        def read(park_uuids: Sequence[str]) -> dict[str, ParkAccess]:
            if "b" in park_uuids:
                raise AttributeError("split")
            return {one: database.known[one] for one in park_uuids if one in database.known}

        monkeypatch.setattr(database, "read", read)
        directory = database.directory()
        first = asyncio.ensure_future(directory.load("nobody"))
        found = await asyncio.gather(*[directory.load(one) for one in ("a", "b", "c")], return_exceptions=True)
        await first
        assert [type(one) for one in found] == [ParkPolicy, AttributeError, ParkPolicy]

    on_loop(steps)


def test_answer_of_a_slow_store_is_as_old_as_its_question(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(database: Desk) -> None:
        def read(park_uuids: Sequence[str]) -> dict[str, ParkAccess]:
            found = {one: database.known[one] for one in park_uuids if one in database.known}
            # Whoever retires a secret now is not heard of by this read.
            database.now_s += TTL_S
            return found

        monkeypatch.setattr(database, "read", read)
        directory = database.directory()
        assert (await directory.load("a")).secrets is not None
        assert directory.get_cached("a") is None

    on_loop(steps)


@pytest.mark.parametrize("real", [False, True], ids=["invented names", "other parks"])
def test_flood_of_names_takes_no_bucket_from_a_park_that_is_quiet_for_a_moment(
    monkeypatch: pytest.MonkeyPatch, real: bool
) -> None:
    async def steps(database: Desk) -> None:
        monkeypatch.setattr("vipgate.gateway.park_access.PARKS_CACHED_MAX", 50)
        database.known["a"] = replace(access("a"), rate_per_minute=3)
        flood = [f"flood-{number}" for number in range(500)]
        if real:
            database.known |= {one: access(one) for one in flood}
        directory = database.directory()
        for _ in range(3):
            (await directory.load("a")).check("192.0.2.1", database.now_s)
        await asyncio.gather(*[directory.load(one) for one in flood])
        database.now_s += TTL_S
        with pytest.raises(RateLimited):
            (await directory.load("a")).check("192.0.2.1", database.now_s)
        assert len(directory._strangers) <= 50

    on_loop(steps)


def test_parks_that_are_at_rest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(database: Desk) -> None:
        monkeypatch.setattr("vipgate.gateway.park_access.PARKS_CACHED_MAX", 50)
        database.known = {f"park-{number}": access(f"park-{number}") for number in range(200)}
        directory = database.directory()
        await asyncio.gather(*[directory.load(one) for one in list(database.known)[:150]])
        database.now_s += AT_REST_S
        await asyncio.gather(*[directory.load(one) for one in list(database.known)[150:]])
        assert len(directory._parks) == 50

    on_loop(steps)
