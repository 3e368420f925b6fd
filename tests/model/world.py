"""One real store with the real pipeline before it and a clock that a test sets; emptied between runs."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from hashlib import md5, sha256
from typing import Any, Final, cast

import msgspec
import psycopg

from support.store_database import NOON_US, Clock
from vipgate.gateway.group_commit import CommitLimits, GroupCommitter
from vipgate.gateway.park_access import ParkAccessCache
from vipgate.gateway.pipeline import PushPipeline
from vipgate.gateway.push_request import PushRequest
from vipgate.gateway.reconcile import ReconcileService
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.store.common.park_ids import ParkIds
from vipgate.store.interfaces.ledger import ParkAccess, Retention, Store
from vipgate.store.open import is_postgres, open_store, sqlite_path
from vipgate.store.open_database import open_database
from vipgate.support.metrics import SharedMetrics, WorkerRecorder
from vipgate.support.vault import Vault

RETENTION: Final = Retention(rejected_bodies_max=3, rejected_bytes_max=1_500)
# The committer cleans up when it starts; after that only when a test says so.
LIMITS: Final = CommitLimits(housekeeping_s=1e9)
VAULT: Final = Vault("a master key of the model's own ....")
SEQNOS_A_RUN: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it goes over the wire, signed."""

    body: bytes
    authorization: str
    peer: str


class World:
    """See above. All but the committer's thread happens in the thread of the test."""

    def __init__(self, url: str) -> None:
        self.clock = Clock()
        self.seconds = 0.0
        self._url = url
        self._runs = 0
        self._loop = asyncio.new_event_loop()
        self.database = open_database(url, self.clock, RETENTION)
        self._stores: list[Any] = [self.database.store]
        self._slow = ThreadPoolExecutor(1)
        self._meter = WorkerRecorder(SharedMetrics(1), 0)
        self._committer = self._loop.run_until_complete(self._start())

    async def _start(self) -> GroupCommitter:
        committer = GroupCommitter(
            self._open_store,
            LIMITS, RETENTION, self._meter, self.clock, self._clock_s,
        )  # fmt: skip
        await committer.start()
        return committer

    def _open_store(self) -> Store:
        store = open_store(self._url, self.clock, RETENTION)
        self._stores.append(store)
        return store

    def _clock_s(self) -> float:
        return self.seconds

    def _read(self, park_uuids: Sequence[str]) -> dict[str, ParkAccess]:
        return self.database.store.park_accesses(park_uuids)

    def begin(self) -> None:
        """An empty ledger, the clock at noon, and a gateway that has just been started."""
        self._runs += 1
        self.clock.now_us = NOON_US
        _empty(self._url)
        for store in self._stores:
            # Parks are never deleted but here, so a store would look for those of the run before.
            store.park_ids = ParkIds()
        directory = ParkAccessCache(self._read, self._loop.call_soon, VAULT, self._clock_s)
        self._road = PushPipeline(
            directory, self._committer, SeqnoGenerator(self._runs * SEQNOS_A_RUN), self._slow, self._slow,
            cast("ReconcileService", None),
            self._meter, self._clock_s,
        )  # fmt: skip

    def forget_parks(self) -> None:
        """Lets the time pass for which the gateway remembers who may push."""
        self.seconds += 1.0

    def push(self, requests: Sequence[Sent]) -> list[dict[str, Any]]:
        """The envelopes of requests that arrive at the same time, in this order."""
        return self._loop.run_until_complete(self._push(requests))

    async def _push(self, requests: Sequence[Sent]) -> list[dict[str, Any]]:
        replies = await asyncio.gather(*[self._road.push(self._knock(one)) for one in requests])
        return [msgspec.json.decode(reply.body) for reply in replies]

    def _knock(self, sent: Sent) -> PushRequest:
        return PushRequest(
            body=sent.body,
            body_md5=md5(sent.body, usedforsecurity=False),
            body_sha256=sha256(sent.body).hexdigest(),
            content_type="application/json",
            authorization=sent.authorization,
            peer=sent.peer,
            received_us=self.clock.now_us,
            language="en",
        )

    def housekeep(self) -> None:
        """To the end."""
        _until_done(lambda: self.database.store.run_maintenance(self.clock.now_us, RETENTION))

    def close(self) -> None:
        self._loop.run_until_complete(self._committer.stop())
        self._slow.shutdown()
        self._loop.close()
        self.database.close()


def _until_done(step: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if not step():
            return
    raise AssertionError("housekeeping does not come to an end")


def _empty(url: str) -> None:
    """Deletes every line of every table of the ledger."""
    if is_postgres(url):
        with psycopg.connect(url) as db:
            found = db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'vipgate'").fetchall()
            for (table,) in found:
                if table != "schema_version":
                    db.execute(f'DELETE FROM vipgate."{table}"')  # noqa: S608 - our own tables
        return
    with closing(sqlite3.connect(sqlite_path(url))) as file, file:
        tables = file.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        for (table,) in tables.fetchall():
            file.execute(f'DELETE FROM "{table}"')  # noqa: S608
