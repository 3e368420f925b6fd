"""Clients that push without end over real HTTP: new records, new versions, whole stocks, the same again, and bad ones.

Each has order numbers of its own and sends one request at a time, so that a greater quantity is always a later version.
"""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import msgspec

from support.gateway_process import SECRET, Gateway, send
from torture.books import Diary, Sent
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.envelope import encode_renewals
from vipgate.protocol.renewal import Renewal

UNTIL_US: Final = 1_795_492_800_000_000
SHARED: Final = ("shared-0", "shared-1")
ROWS: Final = (1, 1, 1, 2, 5, 60)
OLD_ROWS_MAX: Final = 200
PAUSE_S: Final = 0.02
WAIT_S: Final = 60.0


class Unmeant(Exception):
    """The gateway said what it must not say."""


@dataclass
class Client:
    """One car park's program, for as long as its gateway has a home."""

    number: int
    chance: random.Random
    diary: Diary
    stamp: int = 0
    orders: int = 0
    old: dict[str, list[Renewal]] = field(default_factory=dict)
    last: tuple[bytes, Sent] | None = None
    # Sent until it is acknowledged: a stock that replaces another, before anything of the next one; of the others half.
    pending: tuple[bytes, Sent] | None = None

    @property
    def own_park(self) -> str:
        return f"own-{self.number}"

    def next(self) -> tuple[bytes, Sent]:
        if self.pending is not None:
            return self.pending
        way = self.chance.random()
        if way < 0.1 and self.last is not None:
            return self.last
        park_uuid = self.chance.choice((*SHARED, self.own_park))
        rows = self._new() if way < 0.75 else self._versions(park_uuid)
        complete = park_uuid == self.own_park and self.chance.random() < 0.1
        made = (encode_renewals(park_uuid, rows, complete=complete), Sent(park_uuid, rows, complete))
        if complete or self.chance.random() < 0.5:
            self.pending = made
        return made

    def _new(self) -> list[Renewal]:
        count = self.chance.choice(ROWS)
        self.stamp += 1
        self.orders += count
        made = sample_renewals(count, self.chance.randrange(10**9), until_us=UNTIL_US)
        first = self.orders - count
        return [
            msgspec.structs.replace(one, pay_partner=f"{self.number}-{first + place}", quantity=self.stamp)
            for place, one in enumerate(made)
        ]

    def _versions(self, park_uuid: str) -> list[Renewal]:
        held = self.old.get(park_uuid, [])
        if not held:
            return self._new()
        self.stamp += 1
        chosen = self.chance.sample(held, min(len(held), self.chance.choice((1, 2, 6))))
        return [msgspec.structs.replace(one, quantity=self.stamp, pay_value_fen=self.stamp) for one in chosen]

    def heard(self, body: bytes, sent: Sent) -> None:
        """What was sent was acknowledged."""
        held = [] if sent.complete else self.old.get(sent.park_uuid, [])
        by_order = {one.pay_partner: one for one in (*held, *sent.rows)}
        self.old[sent.park_uuid] = list(islice(reversed(by_order.values()), OLD_ROWS_MAX))
        self.last = (body, sent)
        self.pending = None


@dataclass
class Load:
    """All clients at work against one gateway, until they are stopped."""

    gateway: Gateway
    clients: Sequence[Client]
    diary: Diary
    faults: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        for client in self.clients:
            one = threading.Thread(target=self._push, args=(client,), daemon=True)
            self._threads.append(one)
            one.start()

    def stop(self) -> None:
        self._stop.set()
        for one in self._threads:
            one.join(WAIT_S)
            if one.is_alive():
                self.faults.append(f"a client has had no answer for {WAIT_S} s")

    def progress(self, requests: int) -> bool:
        """Waits until so many more are acknowledged; False where that takes too long."""
        goal = len(self.diary.acknowledged) + requests
        end_s = time.monotonic() + WAIT_S
        while len(self.diary.acknowledged) < goal:
            if time.monotonic() > end_s or self.faults:
                return False
            time.sleep(0.005)
        return True

    def _push(self, client: Client) -> None:
        while not self._stop.is_set():
            connection = self.gateway.connect()
            try:
                while not self._stop.is_set():
                    self._one(client, connection)
            except (OSError, http.client.HTTPException):
                time.sleep(PAUSE_S)
            except Unmeant as fault:
                self.faults.append(str(fault))
                return
            finally:
                connection.close()

    def _one(self, client: Client, connection: http.client.HTTPConnection) -> None:
        if client.chance.random() < 0.05:
            self._bad(client, connection)
        body, sent = client.next()
        digest = self.diary.send(body, sent)
        answer = send(connection, body)
        if answer.code == "1001":
            payload = answer.envelope["payload"]
            counts = tuple(payload[name] for name in ("received", "inserted", "updated", "unchanged"))
            self.diary.acknowledge(digest, str(answer.envelope["seqno"]), counts)
            client.heard(body, sent)
        elif answer.code in ("500", "503") and "hint" in answer.envelope:
            self.diary.refuse(str(answer.envelope["seqno"]))
            time.sleep(PAUSE_S)
        else:
            raise Unmeant(f"{answer.code} for a good request: {answer.envelope}")

    def _bad(self, client: Client, connection: http.client.HTTPConnection) -> None:
        wrong = client.chance.choice(("row", "signature"))
        body = encode_renewals(client.own_park, client._new())
        if wrong == "row":
            body = body.replace(b'"plate_color":', b'"plate_color":9,"was":', 1)
        answer = send(connection, body, SECRET if wrong == "row" else "wrong")
        if answer.code not in ("400" if wrong == "row" else "401", "503", "500"):
            raise Unmeant(f"{answer.code} for a bad {wrong}: {answer.envelope}")
