"""One real pipeline in process: HTTP bytes go into a real connection, records come to lie in a real SQLite file."""

from __future__ import annotations

import asyncio
import random
import socket
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from support.http_responses import Answered, read_answers
from vipgate.cli.sample import PAGE_PARK_UUID, PAGE_SECRET, sample_renewals
from vipgate.clock import clock_s, clock_us
from vipgate.gateway.app import PublicApp
from vipgate.gateway.group_commit import CommitLimits, GroupCommitter
from vipgate.gateway.http.connection import Connection
from vipgate.gateway.http.messages import HttpLimits, Request, Response
from vipgate.gateway.http.server import HttpServer
from vipgate.gateway.park_access import ParkAccessCache
from vipgate.gateway.pipeline import PushPipeline
from vipgate.gateway.reconcile import ReconcileService
from vipgate.protocol.authentication import signed_headers
from vipgate.protocol.charset import Charset
from vipgate.protocol.envelope import PUSH_PATH, encode_renewals
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.store.interfaces.ledger import Filter, ParkAccess, Retention, Store, StoredRecord
from vipgate.store.open import open_store
from vipgate.support.client_address import parse_trusted_proxies
from vipgate.support.metrics import SharedMetrics, WorkerRecorder
from vipgate.support.vault import Vault

PARK: Final = PAGE_PARK_UUID
SECRET: Final = PAGE_SECRET
UNTIL_US: Final = 1_795_492_800_000_000
# An answer that takes longer does not come.
ANSWER_S: Final = 10.0
ANSWERS_BYTES_MAX: Final = 4 * 1024 * 1024
PIECES_MAX: Final = 8
# Small, so that what is larger than it is small too.
LIMITS: Final = HttpLimits(body_bytes_max=256 * 1024, drain_bytes_max=1024 * 1024)
RETENTION: Final = Retention(rejected_bodies_max=3, rejected_bytes_max=100_000, strangers_max=100)
VALID: Final = encode_renewals(PARK, list(sample_renewals(2, 1, until_us=UNTIL_US)))
STOCK: Final = encode_renewals(PARK, list(sample_renewals(3, 2, until_us=UNTIL_US)), complete=True)


@dataclass(frozen=True, slots=True)
class Sender:
    """A park as it sends: its name, its secret, its charset and the codec of that."""

    park: str = PARK
    secret: str = SECRET
    charset: Charset = "utf-8"
    codec: str = "utf-8"

    def written(self, body: bytes) -> bytes:
        """`body`, which is one of PARK in UTF-8, as one of this park."""
        return body.replace(PARK.encode(), self.park.encode()).decode().encode(self.codec)


UTF8: Final = Sender()
GBK: Final = Sender("49f0cc52-e8c7-41e3-b54d-af666b8cc11b", f"{SECRET}-gbk", "gbk", "gb18030")
# Requests from here may come by way of others.
PROXY: Final = "10.0.0.7"


class Wrong(AssertionError):
    """The gateway has not done what holds for every input."""


def head(body: bytes, *, path: str = PUSH_PATH, sender: Sender = UTF8, extra: str = "") -> bytes:
    """The head of a request that carries `body`, signed as it should be."""
    headers = signed_headers(body, sender.secret) | {"Content-Type": f"application/json; charset={sender.charset}"}
    lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
    return f"POST {path} HTTP/1.1\r\nHost: gate\r\n{lines}Content-Length: {len(body)}\r\n{extra}\r\n".encode()


class Gate:
    """See above. Everything happens in the loop of this object; `close` lets go of its threads."""

    def __init__(self, folder: Path) -> None:
        self._url = f"sqlite:///{folder / 'ledger.db'}"
        self._vault = Vault("a master key of the fuzzer's own ..")
        self._loop = asyncio.new_event_loop()
        self._faults: list[str] = []
        self._loop.set_exception_handler(lambda _, context: self._faults.append(str(context)))
        structlog.configure(processors=[self._keep], cache_logger_on_first_use=False)
        self._look = self._open()
        for one in (UTF8, GBK):
            sealed = self._vault.seal(one.secret, one.park)
            self._look.add_park(one.park, "", sealed, clock_us(), charset=one.charset)
        self._slow = ThreadPoolExecutor(1)
        self._server = self._loop.run_until_complete(self._start())
        self._fresh: set[Sender] = set()

    def _keep(self, _: Any, method: str, event: Any) -> Any:
        """The log: what it calls an error is one."""
        if method in ("error", "exception", "critical"):
            self._faults.append(str(event))
        raise structlog.DropEvent

    def _open(self) -> Store:
        return open_store(self._url, clock_us, RETENTION)

    async def _start(self) -> HttpServer:
        recorder = WorkerRecorder(SharedMetrics(1), 0)
        limits = CommitLimits(housekeeping_s=5.0)
        self._committer = GroupCommitter(self._open, limits, RETENTION, recorder, clock_us, clock_s)
        await self._committer.start()
        self._digests = ReconcileService(self._open, clock_s)
        directory = ParkAccessCache(self._access, self._loop.call_soon, self._vault, clock_s)
        seqnos = SeqnoGenerator(random.randrange(10**15))
        pipeline = PushPipeline(
            directory, self._committer, seqnos, self._slow, self._slow, self._digests, recorder, clock_s
        )
        server = HttpServer(
            PublicApp(pipeline, recorder, clock_s, parse_trusted_proxies(PROXY), always_200=False), LIMITS, clock_us
        )
        await server.start(socket.create_server(("127.0.0.1", 0)))
        return server

    def _access(self, park_uuids: Sequence[str]) -> dict[str, ParkAccess]:
        return self._look.park_accesses(park_uuids)

    def close(self) -> None:
        self._loop.run_until_complete(self._server.stop(1.0))
        self._digests.stop()
        self._digests.close()
        self._loop.run_until_complete(self._committer.stop())
        self._slow.shutdown()
        self._loop.close()
        self._look.close()
        structlog.reset_defaults()

    def held(self, sender: Sender = UTF8) -> dict[str, StoredRecord]:
        """What the ledger holds of a park."""
        return {one.renewal.pay_partner: one for one in self._look.iter_records(sender.park, Filter())}

    def answer(self, request: Request) -> Response:
        """What the gateway answers to a request that its HTTP parser has let through."""
        reply = self._loop.run_until_complete(self._server.app.handle(request))
        self._tell_faults()
        return reply

    @property
    def store(self) -> Store:
        """The ledger, for those who look."""
        return self._look

    def exchange(self, stream: bytes) -> list[Answered]:
        """Sends `stream` in pieces, ends it, and reads to the end; the answers. Raises Wrong for what must never be."""
        received = self._loop.run_until_complete(self._exchange(_pieces(stream)))
        answers = read_answers(received)
        self._tell_faults()
        return answers

    def _tell_faults(self) -> None:
        if self._faults:
            raise Wrong("; ".join(self._faults.pop() for _ in range(len(self._faults)))[:2000])

    async def _exchange(self, pieces: Sequence[bytes]) -> bytes:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        ours.setblocking(False)
        await self._loop.connect_accepted_socket(lambda: Connection(self._server), theirs)
        try:
            async with asyncio.timeout(ANSWER_S):
                reading = self._loop.create_task(self._read(ours))
                await self._send(ours, pieces)
                received = await reading
                # It may be draining what we were not able to send any more.
                ours.close()
                while self._server.connections:  # noqa: ASYNC110 - a server that serves on tells nobody
                    await asyncio.sleep(0)
        except TimeoutError:
            raise Wrong(f"no end after {ANSWER_S} s") from None
        finally:
            ours.close()
        if self._server.body_quota.total_bytes:
            raise Wrong(
                f"{self._server.body_quota.total_bytes} bytes of bodies are still counted after the last connection"
            )
        return received

    async def _send(self, ours: socket.socket, pieces: Sequence[bytes]) -> None:
        try:
            for piece in pieces:
                await self._loop.sock_sendall(ours, piece)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            ours.shutdown(socket.SHUT_WR)
        except OSError:
            return  # It was refused and closed before all was sent.

    async def _read(self, ours: socket.socket) -> bytes:
        received = bytearray()
        try:
            while piece := await self._loop.sock_recv(ours, 65_536):
                received += piece
                if len(received) > ANSWERS_BYTES_MAX:
                    raise Wrong(f"answers of over {ANSWERS_BYTES_MAX} bytes")
        except ConnectionResetError:
            pass
        return bytes(received)

    def check(self, run: Callable[[], None], sender: Sender = UTF8) -> None:
        """`run` on the same small stock of a park each time, and a valid push is stored after it."""
        if sender not in self._fresh:
            self._must_store(sender)
        self._fresh.discard(sender)
        run()
        self._must_store(sender)
        self._fresh.add(sender)

    def _must_store(self, sender: Sender) -> None:
        body = sender.written(STOCK)
        answers = self.exchange(head(body, sender=sender, extra="Connection: close\r\n") + body)
        if [one.code for one in answers] != ["1001"]:
            raise Wrong(f"a valid push is answered {answers}")


def _pieces(stream: bytes) -> list[bytes]:
    """`stream`, cut at places that depend on nothing but itself."""
    chance = random.Random(zlib.crc32(stream))
    if not stream or chance.random() < 0.4:
        return [stream]
    cuts = sorted(chance.randrange(len(stream)) for _ in range(chance.randrange(1, PIECES_MAX)))
    return [stream[since:until] for since, until in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
