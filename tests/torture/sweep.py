"""Each write, sync, truncation, deletion and opening of a short life of the SQLite store fails in turn, or the power at it."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from torture.books import Diary, Sent, Verdict, judge, read_books
from torture.vfs import Fault, FaultyVfs, Operation
from vipgate.cli.sample import sample_renewals
from vipgate.errors import StoreError
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.store.interfaces.ledger import Push, PushResult, RejectedRequest, RequestOrigin
from vipgate.store.sqlite.store import SqliteStore

NOON_US: Final = 1_795_492_800_000_000
PARK: Final = "park"
T = TypeVar("T")


@dataclass
class InTurn:
    """Lets the operation number `at` fail, and `more` after it."""

    at: int
    fault: Fault
    more: int = 0
    seen: int = 0
    struck: list[Operation] = field(default_factory=list)

    def strike(self, operation: Operation) -> Fault | None:
        self.seen += 1
        if not self.at <= self.seen <= self.at + self.more:
            return None
        self.struck.append(operation)
        return self.fault

    def power_failed(self) -> None:
        """From now on every operation fails: the store is thrown away."""


@dataclass
class Life:
    """What happens in it, and what the store said."""

    path: Path
    weather: InTurn
    # Takes something away from the store, to see that the sweep notices.
    spoil: Callable[[SqliteStore], None] | None = None
    diary: Diary = field(default_factory=Diary)
    seqno_generator: SeqnoGenerator = field(default_factory=lambda: SeqnoGenerator(0))
    troubles: int = 0

    def live(self) -> None:
        """Opens, adds a park, pushes, replaces, changes, checkpoints and closes, whatever fails meanwhile."""
        stock = _rows(80, 1)
        store = self._tried(lambda: SqliteStore(self.path, lambda: NOON_US))
        if store is None:
            return
        if self.spoil is not None:
            self.spoil(store)
        self._tried(lambda: store.add_park(PARK, "", b"sealed", NOON_US))
        self._commit(store, self.push(stock))
        self._commit(store, self.push(stock[:20], complete=True), self.push(_rows(3, 200)))
        self._commit(store, self.push(_changed(stock[:7])), self.refused(), self.push(_changed(_changed(stock[:2]))))
        self._tried(lambda: _checkpoint(store))
        self._commit(store, self.push(_rows(30, 300)))
        self._tried(lambda: _checkpoint(store))
        self._commit(store, self.push(_rows(1, 400)))
        self._tried(store.close)

    def afterwards(self) -> Verdict:
        """What is wrong once all is well again; the store must take pushes as if nothing had happened."""
        try:
            store = SqliteStore(self.path, lambda: NOON_US)
            store.add_park(PARK, "", b"sealed", NOON_US)
            self._commit(store, self.push(_rows(5, 900)))
            store.close()
            verdict = judge(read_books(f"sqlite:///{self.path}"), self.diary)
        except (StoreError, AssertionError) as error:
            return Verdict([f"the whole ledger: {error}"], self.diary.records)
        if self.last not in self.diary.acknowledged:
            verdict.faults.append("takes no push afterwards")
        return verdict

    def push(self, rows: list[Renewal], *, complete: bool = False) -> Push:
        self.last = self.seqno_generator.generate(NOON_US)
        digest = self.diary.send(self.last.encode(), Sent(PARK, rows, complete))
        return Push(self.last, PARK, rows, len(rows), complete, "current", _caller(digest))

    def refused(self) -> RejectedRequest:
        seqno = self.seqno_generator.generate(NOON_US)
        return RejectedRequest(
            seqno, PARK, PARK, "400", LocalizedText("不对", "wrong"), _caller(sha256(b"").hexdigest()), b"{}" * 50
        )

    def _commit(self, store: SqliteStore, *group: Push | RejectedRequest) -> None:
        for request, outcome in zip(group, store.commit(group), strict=True):
            if not isinstance(outcome, PushResult):
                self.troubles += 1
            elif isinstance(request, Push):
                self.diary.acknowledge(request.origin.body_sha256, request.seqno, (request.received, *_counts(outcome)))

    def _tried(self, step: Callable[[], T]) -> T | None:
        try:
            return step()
        except (StoreError, sqlite3.Error):
            self.troubles += 1
            return None


def sweep(
    folder: Path,
    fault: Fault,
    seed: int,
    *,
    more: int = 0,
    stride: int = 1,
    spoil: Callable[[SqliteStore], None] | None = None,
) -> Iterator[tuple[Life, Verdict]]:
    """One life for each operation that a life has, or each so many, and what is wrong after it."""
    for at in count(1 + seed % stride, stride):
        weather = InTurn(at, fault, more)
        life = Life(folder / f"{fault}-{more}-{at}.db", weather, spoil)
        with FaultyVfs(weather, random.Random(seed * 1_000_003 + at)):
            life.live()
        if not weather.struck:
            return
        yield life, life.afterwards()
        for file in folder.glob(f"{life.path.name}*"):
            file.unlink()


def _rows(how_many: int, first: int) -> list[Renewal]:
    made = sample_renewals(how_many, first, until_us=NOON_US, first=first)
    return [msgspec.structs.replace(one, quantity=1) for one in made]


def _changed(rows: list[Renewal]) -> list[Renewal]:
    return [msgspec.structs.replace(one, quantity=one.quantity + 1, pay_value_fen=7 * one.quantity) for one in rows]


def _caller(digest: str) -> RequestOrigin:
    return RequestOrigin(received_us=NOON_US, peer="", body_bytes=1, body_sha256=digest)


def _counts(outcome: PushResult) -> tuple[int, int, int]:
    return outcome.inserted, outcome.updated, outcome.unchanged


def _checkpoint(store: SqliteStore) -> None:
    with closing(store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")) as cursor:
        cursor.fetchall()
