"""One caller's HTTP/1.1 connection: bounded reads, deadlines, one answer a request in order. Knows no path and no park."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol, cast

import httptools

from vipgate.errors import BadRequest, Refusal, Unavailable, Words
from vipgate.gateway.group_commit import OVERLOADED
from vipgate.gateway.http import headers
from vipgate.gateway.http.eager_task import start
from vipgate.gateway.http.messages import (
    App,
    HttpLimits,
    Request,
    answer_bytes,
)
from vipgate.gateway.http.read_pause import Rest
from vipgate.gateway.http.scheduler import Intake
from vipgate.gateway.limits.body_quota import (
    Body,
    Uploads,
)
from vipgate.gateway.pipeline import readable_peer
from vipgate.support.client_address import network_of

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_RAW_SLACK_BYTES: Final = 1024 * 1024
_RETRY_S: Final = 2


class Host(Protocol):
    """The server that a connection belongs to, as far as the connection cares."""

    app: App
    limits: HttpLimits
    clock_us: Callable[[], int]
    loop: asyncio.AbstractEventLoop
    uploads: Uploads
    intake: Intake
    stopping: bool
    date: bytes

    def admit(self, connection: Connection, peer: str) -> Refusal | None:
        """A connection has come; why it may not stay."""

    def forget(self, connection: Connection) -> None:
        """A connection has ended."""


class Connection(asyncio.Protocol):
    """One caller's connection. Requests are answered one after another, in the order they came."""

    def __init__(self, server: Host) -> None:
        self._server = server
        self._limits = server.limits
        self.deadline_s = self._end_s = math.inf
        self._transport: asyncio.Transport
        self._peer = ""
        self._parser = httptools.HttpRequestParser(self)
        self._request: Request | None = None
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._repeated = b""
        self._head_done = False
        self._head_bytes = self._again_bytes = 0
        self._raw_bytes = self._piece_bytes = 0
        self._body = Body(server.uploads, server.app.caller)
        self._discarding = False
        self._skipped: Refusal | None = None
        self._reading = True
        self._rest = Rest(server.uploads)
        self._closing = False
        self._waiting: deque[tuple[Request, Refusal | None]] = deque()
        # Whether what waits is worked on or waits for its turn, and the task, where it has to wait in between.
        self._busy = False
        self._worker: asyncio.Task[None] | None = None
        # The park that was proved last, else the address (of IPv6: its /64): whose turn it has to be. None before the first answer.
        self._line: str | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller is here."""
        self._transport = cast("asyncio.Transport", transport)
        self._peer = readable_peer(transport.get_extra_info("peername"))
        self._set_deadline(self._limits.idle_s)
        refusal = self._server.admit(self, self._peer)
        if refusal is not None:
            self._refuse_raw(refusal)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The caller is gone; what it has sent whole is still worked on."""
        self._body.drop()
        self._rest.end()
        self._writable.set()
        self._server.forget(self)
        self.deadline_s = math.inf

    def pause_writing(self) -> None:
        """The caller reads slowly: no further answer until it has read this one."""
        self._writable.clear()
        self._set_deadline(self._limits.send_s)

    def resume_writing(self) -> None:
        """The caller has caught up."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Feeds the parser, whose callbacks are the on_… methods below."""
        if self._rest.is_on:
            if self._rest.keep(data):
                # With nothing read, nobody would see the caller go: it stops with the first piece.
                self._read_no_more()
            else:
                self._transport.abort()
            return
        self._piece_bytes = len(data)
        self._raw_bytes += len(data)
        if self._discarding:
            if self._raw_bytes > self._limits.drain_bytes_max:
                self._transport.abort()
            elif self._head_done:
                self._feed(data)
            return
        self._feed(data)
        if self._busy and not self._discarding and (self._waiting or self._request is not None):
            # It sends on before it has its answer: it may fill its own buffers, not ours.
            self._read_no_more()
        if not self._head_done and not self._discarding:
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes_max:
                self._refuse_raw(headers.too_long(self._limits.head_bytes_max))
        elif self._raw_bytes > 2 * self._limits.body_bytes_max + _RAW_SLACK_BYTES:
            self._refuse_body(headers.too_large(self._limits.body_bytes_max))

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if self._discarding:
                return
            self._refuse_raw(headers.not_http(str(error) or type(error).__name__))

    def _go_on_without_upgrade(self, rest: bytes) -> None:
        """Does not take up an offer to change the protocol, which Java's own client makes with every request.

        The parser takes what follows such a head for the other protocol, so a new one is given the head without the offer.
        """
        method, version = self._parser.get_method(), self._parser.get_http_version()
        if method == b"CONNECT" or self._repeated or version not in headers.VERSIONS:
            said = Words("不支持 CONNECT 或重复的请求头", "neither CONNECT nor repeated headers are taken")
            self._refuse_raw(headers.head_refusal(self._headers, version, self._repeated) or BadRequest(said))
            return
        self._parser = httptools.HttpRequestParser(self)
        self._feed(headers.without_offer(method, self._url, version, self._headers) + rest)

    def eof_received(self) -> bool:
        """The caller sends no more; it may still want its answers."""
        if self._request is not None and not self._discarding:
            self._refuse_raw(BadRequest(Words("请求没有发完连接就断了", "the connection ended before the request did")))
        self._closing = True
        # TLS has no half of a connection.
        return bool(self._waiting or self._busy or self._rest.kept) and self._transport.can_write_eof()

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._discarding:
            return
        self._url, self._headers, self._repeated = b"", {}, b""
        # A piece that ends another request before is not counted: how much of it is this head's nobody says.
        self._head_bytes, self._again_bytes = -self._piece_bytes if self._head_done else 0, 0
        self._head_done, self._skipped = False, None
        self._raw_bytes = self._piece_bytes
        if self._body.here or self._body.upload is not None:
            self._body.drop()
        self._request = Request("", "", self._headers, self._peer, False, self._server.clock_us())
        self._set_deadline(self._limits.send_s)

    def on_url(self, url: bytes) -> None:
        """A piece of the request's target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; one that follows the body changes nothing any more."""
        if self._head_done:
            return
        name = name.lower()
        if name in self._headers:
            self._again_bytes += headers.header_bytes(name, value)
            if name in headers.ONCE:
                self._repeated = name
            elif name in headers.LISTS:
                value = self._headers[name] + b"," + value
        self._headers[name] = value

    def on_headers_complete(self) -> None:
        """The head is here: decide whether the body may come."""
        request = self._request
        if request is None or self._discarding or self._parser.should_upgrade():
            return
        self._head_done = True
        request.method = self._parser.get_method().decode("latin-1")
        request.path = headers.path_of(self._url)
        version = self._parser.get_http_version()
        request.keep_alive = self._parser.should_keep_alive()
        request.is_http_1_0 = version == "1.0"
        declared = self._headers.get(b"content-length", b"0")
        has_body = declared != b"0" or b"transfer-encoding" in self._headers
        declared_bytes = int(declared[:20]) if declared.isdigit() else 0
        refusal = (
            self._oversized()
            or headers.head_refusal(self._headers, version, self._repeated)
            or self._server.app.refusal_before_body(request)
            or self._no_room(request, declared_bytes)
        )
        if (
            isinstance(refusal, Unavailable)
            and 0 < declared_bytes <= self._limits.skipped_bytes_max
            and b"expect" not in self._headers
        ):
            # It is on its way already: to let it pass costs less than a new connection, for both sides.
            self._skipped = refusal
        elif refusal is not None and has_body:
            self._refuse_body(refusal)
        elif refusal is not None:
            self._request = None
            self._enqueue(request, refusal)
        elif b"expect" in self._headers and has_body and not request.is_http_1_0:
            self._let_it_come()

    def _no_room(self, request: Request, declared_bytes: int) -> Refusal | None:
        """Why a body of this size need not come."""
        if declared_bytes > self._limits.body_bytes_max:
            return headers.too_large(self._limits.body_bytes_max)
        if not self._body.expect(request, declared_bytes):
            return Unavailable(OVERLOADED, retry_after_s=_RETRY_S)
        return None

    def _let_it_come(self) -> None:
        """Tells a caller that asks first to go on, unless it has to hear something else before."""
        if self._headers[b"expect"].lower() == b"100-continue" and not self._busy:
            self._transport.write(_CONTINUE)

    def _oversized(self) -> Refusal | None:
        """A head that came in one piece has not been counted yet."""
        limit = self._limits.head_bytes_max
        if self._raw_bytes <= limit or headers.size_of(self._url, self._headers) + self._again_bytes <= limit:
            return None
        return headers.too_long(limit)

    def on_body(self, chunk: bytes) -> None:
        """A piece of the body, within the bounds."""
        request = self._request
        if request is None or self._discarding or self._skipped is not None:
            return
        if len(self._body.here) + len(chunk) > self._limits.body_bytes_max:
            self._refuse_body(headers.too_large(self._limits.body_bytes_max))
            return
        if not self._body.take(request, chunk):
            self._refuse_body(Unavailable(OVERLOADED, retry_after_s=_RETRY_S))
            return
        request.body_md5.update(chunk)
        request.body_sha256.update(chunk)
        if self._body.upload is not None and not self._busy:
            # The next piece must not be long in coming.
            earned_s = len(chunk) / self._limits.bytes_a_second_min
            pause_ends_s = self._server.loop.time() + self._limits.pause_s
            self.deadline_s = min(self._end_s, pause_ends_s, self.deadline_s + earned_s)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._parser.should_upgrade():
            return
        request, self._request = self._request, None
        if self._discarding:
            self._closing = True
            if not self._busy:
                self._transport.close()
            return
        if request is None:
            return
        # Received when it is whole: an upload that took minutes must not be older than what was stored meanwhile.
        request.received_us = self._server.clock_us()
        request.body = self._body.whole()
        self._enqueue(request, self._skipped)

    def _enqueue(self, request: Request, refusal: Refusal | None) -> None:
        self._waiting.append((request, refusal))
        request.waited_s = -self._server.loop.time()
        if self._writable.is_set():  # Else its time to read the answers before goes on.
            self.deadline_s = math.inf
        if not self._busy:
            self._busy = True
            self._server.intake.enter(self._line, len(request.body), self._begin)

    def _begin(self) -> None:
        self._worker = start(self._work(), self._server.loop, self._broke)

    async def _work(self) -> None:
        """Answers what waits, then listens again."""
        rest_s = 0.0
        while self._waiting and not self._transport.is_closing():
            request, refusal = self._waiting.popleft()
            request.waited_s += self._server.loop.time()
            app = self._server.app
            try:
                reply = await (app.answer(request) if refusal is None else app.refuse(request, refusal))
            finally:
                self._server.uploads.total_bytes -= len(request.body)
            self._line = reply.park_uuid or network_of(self._peer)
            last = not request.keep_alive or ((self._closing or self._server.stopping) and not self._waiting)
            asked_s = reply.retry_after_s
            rest_s = 0.0 if not asked_s or app.is_shared(request) else min(asked_s, self._limits.rest_s_max)
            if not self._transport.is_closing():
                self._transport.write(answer_bytes(request, reply, self._server.date, last=last))
            await self._writable.wait()
            if last:
                # Whatever was sent behind a last request has no answer.
                self._forget_waiting()
                if not self._discarding:
                    self._transport.close()
            elif self._waiting:
                await asyncio.sleep(0)  # One in a turn of the loop, however many were sent at once.
        self._busy, self._worker = False, None
        if self._closing:
            self._transport.close()
        if self._transport.is_closing():
            self._forget_waiting()
            # A last answer that is not read must not keep its place for ever.
            self._set_deadline(self._limits.send_s)
        elif self._discarding:
            # The caller sees the end of the answer although we still read what it sends; TLS cannot, nor who is gone.
            with suppress(NotImplementedError, OSError):
                self._transport.write_eof()
        else:
            self._set_deadline(rest_s + (self._limits.idle_s if self._request is None else self._limits.send_s))
            if rest_s:
                # Who was asked to wait and comes back at once would keep us busy with nothing but refusals.
                self._rest.begin(self._server.loop, rest_s, self._listen_again)
            self._read_on()

    def _broke(self, _: BaseException) -> None:
        """A fault, which is logged, ended the work: nothing here has an answer to wait for any more."""
        self._busy, self._worker = False, None
        self._forget_waiting()
        self._transport.abort()

    def _listen_again(self) -> None:
        kept = self._rest.end()
        self._read_on()
        if kept and not self._transport.is_closing():
            self.data_received(kept)

    def _read_no_more(self) -> None:
        self._transport.pause_reading()
        self._reading = False

    def _read_on(self) -> None:
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()

    def _forget_waiting(self) -> None:
        self._server.uploads.total_bytes -= sum(len(request.body) for request, _ in self._waiting)
        self._waiting.clear()

    def _refuse_body(self, refusal: Refusal) -> None:
        """Answers at once and throws away the rest of the body, within bounds, so that the caller can read the answer."""
        request = self._request
        if request is None or self._discarding:
            return
        self._discarding = True
        request.keep_alive = False
        self._body.drop()
        self._enqueue(request, refusal)
        self._read_on()
        self._set_deadline(self._limits.drain_s)

    def _refuse_raw(self, refusal: Refusal) -> None:
        """The same where the stream itself makes no sense any more: there is no end of a request to wait for."""
        if self._request is None:
            self._request = Request("", "", {}, self._peer, False, self._server.clock_us())
        self._head_done = False
        self._refuse_body(refusal)

    def _set_deadline(self, wait_s: float) -> None:
        self.deadline_s = self._end_s = self._server.loop.time() + wait_s

    def expire(self) -> None:
        """The caller has used up its time."""
        if self._discarding or self._request is None or not self._writable.is_set():
            self.deadline_s = math.inf
            self._transport.abort()
            return
        limits, slow = self._limits, self.deadline_s < self._end_s
        self._refuse_raw(
            headers.too_slow(limits.bytes_a_second_min, limits.pause_s) if slow else headers.too_late(limits.send_s)
        )

    def finish(self) -> None:
        """The server stops: close when the request in flight is answered, or now where there is none."""
        self._closing = True
        if self._request is None and not self._waiting and not self._busy:
            self._transport.close()

    def abort(self) -> None:
        """Ends the connection as it is."""
        self._transport.abort()
