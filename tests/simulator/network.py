"""A bad line between an agent and the gateway: an HTTP proxy that loses, holds back, cuts, repeats and answers by itself.

What a request suffers is drawn from a seeded chance. Copies that are held back arrive late, at most `HELD_S_MAX` after they came.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from simulator.events import Events

HELD_S_MAX: Final = 1.0
ECHO_S_MAX: Final = 1.0
FORWARD_S_MAX: Final = 20.0
BODY_BYTES_MAX: Final = 32 * 1024 * 1024
_ERRORS: Final = ((500, None), (502, None), (503, "0"), (503, "1"), (503, None), (429, "1"), (429, "0"))


@dataclass(frozen=True, slots=True)
class Request:
    """One push: as it came, and what it says."""

    number: int
    head: bytes
    body: bytes
    rows: int
    complete: bool
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, of the gateway's or of the line's own."""

    status: int
    body: bytes
    retry_after: str | None = None

    def encode(self) -> bytes:
        wait = "" if self.retry_after is None else f"Retry-After: {self.retry_after}\r\n"
        head = (
            f"HTTP/1.1 {self.status} Said\r\nContent-Type: application/json\r\n{wait}Content-Length: {len(self.body)}"
        )
        return head.encode() + b"\r\n\r\n" + self.body

    def recoded(self, code: str) -> Reply:
        """The same from a platform with another code for success."""
        return Reply(self.status, self.body.replace(b'"code":"1001"', f'"code":"{code}"'.encode(), 1))


class Line:
    """The proxy on a port of its own. It passes everything until `faulty`, and again after `calm`."""

    def __init__(self, target: int, seed: int, events: Events) -> None:
        self._target = target
        self._rng = random.Random(f"line {seed}")
        self._events = events
        self._share = 0.0
        self._kinds: list[str] = []
        self._rows_max = self._rng.choice((40, 150, 400))
        self.counts: Counter[str] = Counter()
        self.replacements = 0
        self._numbers = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line", daemon=True)
        self._open: set[asyncio.Task[None]] = set()
        self._held: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        # Keeps the port while the line refuses connections: bound, but nobody listens.
        self._guard = socket.socket()
        self._guard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._guard.bind(("127.0.0.1", 0))
        self.port = int(self._guard.getsockname()[1])
        # How each fault is brought about; a bound method, so that the table is in one place.
        self.faults: Mapping[str, Callable[[Request, asyncio.StreamWriter], Awaitable[None]]] = {
            "drop": self._drop, "lose": self._lose, "cut": self._cut, "hold": self._hold, "slow": self._slow,
            "twice": self._twice, "echo": self._echo, "error": self._error, "large": self._large,
            "garbage": self._garbage, "hint": self._hint, "recode": self._recode, "shut": self._shut, "trickle": self._trickle,
        }  # fmt: skip

    # ---- its life ----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        self._guard.close()

    def _do(self, work: Awaitable[None]) -> None:
        async def done() -> None:
            await work

        asyncio.run_coroutine_threadsafe(done(), self._loop).result(30)

    def faulty(self, share: float, kinds: list[str]) -> None:
        """From now on so large a share of the requests suffers one of `kinds`."""
        self._kinds, self._share = kinds, share
        self._events.add("line", f"faulty: {share:.0%} of {', '.join(kinds)}")

    def calm(self) -> None:
        """Passes everything; returns when the last copy that was held back has arrived."""
        self._share = 0.0
        self._do(self._settled())
        self._events.add("line", "calm")

    async def _settled(self) -> None:
        while self._held:
            await asyncio.wait(set(self._held))
        await self._listen()

    async def _listen(self) -> None:
        if self._server is None:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(("127.0.0.1", self.port))
            self._server = await asyncio.start_server(self._serve, sock=listener)

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = self._open | self._held
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- one request -------------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while (request := await self._read(reader)) is not None:
                await self._suffer(request, writer)
                if writer.is_closing():
                    return
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            self._open.discard(task)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        lines = [line for line in head.split(b"\r\n") if line and not line.lower().startswith(b"connection:")]
        [length] = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
        assert length <= BODY_BYTES_MAX, "the agent sends more than any platform takes"
        body = await reader.readexactly(length)
        said = json.loads(body)
        rows = said.get("row") or []
        self._numbers += 1
        self.replacements += bool(said.get("complete"))
        versions = {str(row.get("pay_partner")): str(row.get("operator")) for row in rows}
        head = b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n"
        return Request(self._numbers, head, body, len(rows), bool(said.get("complete")), versions)

    async def _suffer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        kind = self._rng.choice(self._kinds) if self._rng.random() < self._share else "pass"
        if kind == "large" and request.rows <= self._rows_max:
            kind = "pass"
        self.counts[kind] += 1
        self._tell(request, f"comes: {kind}")
        await (self._pass(request, writer) if kind == "pass" else self.faults[kind](request, writer))

    def _tell(self, request: Request, text: str) -> None:
        what = "complete=1, " if request.complete else ""
        told = f"#{request.number} ({what}{request.rows} rows) {text}"
        # A replacement is about every record: also about those that it does not bring.
        self._events.add("line", told, request.versions, for_all=request.complete)

    async def _forward(self, request: Request, copy: str = "") -> Reply:
        """To the gateway and back. Every copy counts as under way until it was answered."""
        task = asyncio.ensure_future(asyncio.wait_for(self._exchange(request, copy), FORWARD_S_MAX))
        self._keep(task)
        return await asyncio.shield(task)

    async def _exchange(self, request: Request, copy: str) -> Reply:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            writer.write(request.head + request.body)
            await writer.drain()
            answer = await reader.read()
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        waits = [
            line.split(b":")[1].strip().decode()
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"retry-after:")
        ]
        self._tell(request, f"{copy} answered by the gateway: {status} {body[:50].decode('utf-8', 'replace')}")
        return Reply(status, body, waits[0] if waits else None)

    def _keep(self, task: asyncio.Task[Reply] | asyncio.Task[None]) -> None:
        """A copy that lives on when the agent that sent it is gone."""
        kept: asyncio.Task[None] = task  # type: ignore[assignment]
        self._held.add(kept)
        kept.add_done_callback(self._held.discard)

    async def _answer(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        with suppress(OSError):
            writer.write(reply.encode())
            await writer.drain()

    # ---- what it may suffer ------------------------------------------------------------------------------------------

    async def _pass(self, request: Request, writer: asyncio.StreamWriter) -> None:
        await self._answer(writer, await self._forward(request))

    async def _drop(self, _: Request, writer: asyncio.StreamWriter) -> None:
        """Never arrives."""
        writer.transport.abort()

    async def _lose(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """Arrives; its answer does not."""
        if self._rng.random() < 0.5:
            await self._forward(request)
        else:
            self._keep(asyncio.ensure_future(self._late(request, 0.0)))
        writer.transport.abort()

    async def _cut(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """Arrives; its answer breaks off in the middle."""
        whole = (await self._forward(request)).encode()
        writer.write(whole[: self._rng.randrange(1, len(whole))])
        await writer.drain()
        writer.close()

    async def _hold(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """Arrives when the agent has given it up, perhaps after what the agent sent next."""
        held_s = self._rng.uniform(0.5, HELD_S_MAX)
        if self._rng.random() < 0.5:
            # The agent learns at once that the connection is gone; the request is on its way all the same.
            self._keep(asyncio.ensure_future(self._late(request, held_s)))
            writer.transport.abort()
            return
        held = asyncio.ensure_future(self._late(request, held_s))
        self._keep(held)
        await asyncio.shield(held)
        writer.close()

    async def _late(self, request: Request, held_s: float) -> None:
        await asyncio.sleep(held_s)
        await self._forward(request, f"held back {held_s:.2f} s,")

    async def _slow(self, request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self._rng.uniform(0.05, 0.5))
        await self._pass(request, writer)

    async def _twice(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """Arrives twice at the same time."""
        replies = await asyncio.gather(self._forward(request, "one copy"), self._forward(request, "other copy"))
        await self._answer(writer, self._rng.choice(replies))

    async def _echo(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """Arrives once more after it was answered."""
        await self._pass(request, writer)
        self._keep(asyncio.ensure_future(self._late(request, self._rng.uniform(0.05, ECHO_S_MAX))))

    async def _error(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """A proxy between answers; at times the request has arrived nevertheless."""
        status, wait = self._rng.choice(_ERRORS)
        if self._rng.random() < 0.3:
            self._keep(asyncio.ensure_future(self._late(request, self._rng.uniform(0.0, 0.8))))
        enveloped = self._rng.random() < 0.5
        said = (
            b'{"code":"%d","message":"busy","hint":"later","seqno":"0"}' % status
            if enveloped
            else b"<html>Sorry</html>"
        )
        await self._answer(writer, Reply(status, said, wait))

    async def _large(self, _: Request, writer: asyncio.StreamWriter) -> None:
        await self._answer(writer, Reply(413, b"<html>Request Entity Too Large</html>"))

    async def _garbage(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """Something that is no answer; at times the request has arrived."""
        said = self._rng.choice((
            b"<html>Please log in to the hotel's network</html>", b'{"code":"1001","mess', b"", b"[]", b"null",
            b'{"code":1001.5}', b"\xff\xfe\x00", b'{"code":null,"message":"ok"}', b"[" * 5000,
        ))  # fmt: skip
        if self._rng.random() < 0.4:
            await self._forward(request)
        await self._answer(writer, Reply(self._rng.choice((200, 200, 400)), said))

    async def _hint(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """A success that is none: the platform says so in its hint."""
        if self._rng.random() < 0.3:
            await self._forward(request)
        code = self._rng.choice((b"1001", b"1000", b"200"))
        await self._answer(writer, Reply(200, b'{"code":"' + code + b'","message":"ok","hint":"dropped","seqno":"0"}'))

    async def _recode(self, request: Request, writer: asyncio.StreamWriter) -> None:
        await self._answer(writer, (await self._forward(request)).recoded(self._rng.choice(("1000", "200"))))

    async def _shut(self, _: Request, writer: asyncio.StreamWriter) -> None:
        """Connections are refused for a while; this one breaks."""
        writer.transport.abort()
        if self._server is not None:
            self._server.close()
            self._server = None
            self._keep(asyncio.ensure_future(self._reopen(self._rng.uniform(0.1, 0.5))))

    async def _reopen(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._listen()

    async def _trickle(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """The answer comes in drops, each in time, all of it late."""
        whole = (await self._forward(request)).encode()
        step = len(whole) // 4 + 1
        with suppress(OSError):
            for start in range(0, len(whole), step):
                await asyncio.sleep(self._rng.uniform(0.05, 0.3))
                writer.write(whole[start : start + step])
                await writer.drain()
