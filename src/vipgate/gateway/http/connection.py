"""One HTTP/1.1 connection: bounded reads, deadlines, responses in order of requests. Knows no path and no park."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from contextlib import suppress
from typing import Final, cast

import httptools

from vipgate.errors import OVERLOADED, BadRequest, RequestError, ServiceUnavailable
from vipgate.gateway.http import headers
from vipgate.gateway.http.body import BodyBuffer
from vipgate.gateway.http.connection_host import ConnectionHost
from vipgate.gateway.http.messages import Request, serialize_response
from vipgate.gateway.http.read_pause import ReadPause
from vipgate.i18n import LocalizedText
from vipgate.support.background import start_task
from vipgate.support.client_address import normalize_peer, quota_key

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_RAW_SLACK_BYTES: Final = 1024 * 1024
_RETRY_S: Final = 2


class Connection(asyncio.Protocol):
    """One client connection. Requests are processed one after another, in order of arrival."""

    def __init__(self, server: ConnectionHost) -> None:
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
        self._body = BodyBuffer(server.body_quota, server.app.client_address)
        self._discarding = False
        self._skipped: RequestError | None = None
        self._reading = True
        self._read_pause = ReadPause(server.body_quota)
        self._closing = False
        self._pipelined: deque[tuple[Request, RequestError | None]] = deque()
        # Whether requests are scheduled or being processed, and the task, where processing has to wait.
        self._busy = False
        # The key for fair scheduling: the last authenticated park, else the address (IPv6: /64). None before the first response.
        self._flow_key: str | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Registers the connection, or rejects it over the quota."""
        self._transport = cast("asyncio.Transport", transport)
        self._peer = normalize_peer(transport.get_extra_info("peername"))
        self._set_deadline(self._limits.keepalive_timeout_s)
        refusal = self._server.register(self, self._peer)
        if refusal is not None:
            self._reject_stream(refusal)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Cleans up after a disconnect; complete requests are still processed."""
        self._body.discard()
        self._read_pause.stop()
        self._writable.set()
        self._server.unregister(self)
        self.deadline_s = math.inf

    def pause_writing(self) -> None:
        """The client reads slowly: no further response until it has read this one."""
        self._writable.clear()
        self._set_deadline(self._limits.request_timeout_s)

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Feeds the parser, which calls the on_… methods below."""
        if self._read_pause.active:
            if self._read_pause.buffer(data):
                # Stop reading only now: a disconnect is noticed only while reading.
                self._pause_reading()
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
        if self._busy and not self._discarding and (self._pipelined or self._request is not None):
            # A pipelining client may fill its own buffers, not ours.
            self._pause_reading()
        if not self._head_done and not self._discarding:
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes_max:
                self._reject_stream(headers.head_too_large(self._limits.head_bytes_max))
        elif self._raw_bytes > 2 * self._limits.body_bytes_max + _RAW_SLACK_BYTES:
            self._reject_body(headers.body_too_large(self._limits.body_bytes_max))

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if self._discarding:
                return
            self._reject_stream(headers.malformed_request(str(error) or type(error).__name__))

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Ignores `Upgrade`, which Java's own client sends with every request.

        The parser treats the bytes after such a head as another protocol, so a new parser gets the head without `Upgrade`.
        """
        method, version = self._parser.get_method(), self._parser.get_http_version()
        if method == b"CONNECT" or self._repeated or version not in headers.VERSIONS:
            said = LocalizedText("不支持 CONNECT 或重复的请求头", "neither CONNECT nor repeated headers are taken")
            self._reject_stream(headers.validate_headers(self._headers, version, self._repeated) or BadRequest(said))
            return
        self._parser = httptools.HttpRequestParser(self)
        self._feed(headers.strip_upgrade(method, self._url, version, self._headers) + rest)

    def eof_received(self) -> bool:
        """The client has closed its side; it may still read responses."""
        if self._request is not None and not self._discarding:
            self._reject_stream(
                BadRequest(LocalizedText("请求没有发完连接就断了", "the connection ended before the request did"))
            )
        self._closing = True
        # TLS cannot close one direction only.
        return bool(self._pipelined or self._busy or self._read_pause.buffered) and self._transport.can_write_eof()

    def on_message_begin(self) -> None:
        """Starts a request."""
        if self._discarding:
            return
        self._url, self._headers, self._repeated = b"", {}, b""
        # Where the piece ends an earlier request it is not counted: its share in this head is unknown.
        self._head_bytes, self._again_bytes = -self._piece_bytes if self._head_done else 0, 0
        self._head_done, self._skipped = False, None
        self._raw_bytes = self._piece_bytes
        if self._body.here or self._body.upload is not None:
            self._body.discard()
        self._request = self._new_request(self._headers)
        self._set_deadline(self._limits.request_timeout_s)

    def on_url(self, url: bytes) -> None:
        """Adds a piece of the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Adds a header; trailers after the body are ignored."""
        if self._head_done:
            return
        name = name.lower()
        if name in self._headers:
            self._again_bytes += headers.header_bytes(name, value)
            if name in headers.SINGLETON_HEADERS:
                self._repeated = name
            elif name in headers.LIST_HEADERS:
                value = self._headers[name] + b"," + value
        self._headers[name] = value

    def on_headers_complete(self) -> None:
        """Decides on the head whether to receive the body."""
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
            or headers.validate_headers(self._headers, version, self._repeated)
            or self._server.app.check_headers(request)
            or self._capacity_error(request, declared_bytes)
        )
        if (
            isinstance(refusal, ServiceUnavailable)
            and 0 < declared_bytes <= self._limits.skipped_bytes_max
            and b"expect" not in self._headers
        ):
            # A small body is on its way already: reading it costs both sides less than a new connection.
            self._skipped = refusal
        elif refusal is not None and has_body:
            self._reject_body(refusal)
        elif refusal is not None:
            self._request = None
            self._enqueue(request, refusal)
        elif b"expect" in self._headers and has_body and not request.is_http_1_0:
            self._send_continue()

    def _new_request(self, head: dict[bytes, bytes]) -> Request:
        server = self._server
        return Request("", "", head, self._peer, False, server.clock_us(), body_hashes=server.app.new_body_hashes())

    def _capacity_error(self, request: Request, declared_bytes: int) -> RequestError | None:
        """Returns why a body of this size is rejected, or None."""
        if declared_bytes > self._limits.body_bytes_max:
            return headers.body_too_large(self._limits.body_bytes_max)
        if not self._body.reserve(request, declared_bytes):
            return ServiceUnavailable(OVERLOADED, retry_after_s=_RETRY_S)
        return None

    def _send_continue(self) -> None:
        """Sends `100 Continue` where the client expects it, unless an earlier response is due first."""
        if self._headers[b"expect"].lower() == b"100-continue" and not self._busy:
            self._transport.write(_CONTINUE)

    def _oversized(self) -> RequestError | None:
        """Checks the size of the head; a head in one piece is not counted before."""
        limit = self._limits.head_bytes_max
        if self._raw_bytes <= limit or headers.size_of(self._url, self._headers) + self._again_bytes <= limit:
            return None
        return headers.head_too_large(limit)

    def on_body(self, chunk: bytes) -> None:
        """Adds a piece of the body, within the limits."""
        request = self._request
        if request is None or self._discarding or self._skipped is not None:
            return
        if len(self._body.here) + len(chunk) > self._limits.body_bytes_max:
            self._reject_body(headers.body_too_large(self._limits.body_bytes_max))
            return
        if not self._body.append(request, chunk):
            self._reject_body(ServiceUnavailable(OVERLOADED, retry_after_s=_RETRY_S))
            return
        for body_hash in request.body_hashes:
            body_hash.update(chunk)
        if self._body.upload is not None and not self._busy:
            # Deadline for the next piece, by minimum rate and longest pause.
            earned_s = len(chunk) / self._limits.bytes_a_second_min
            pause_ends_s = self._server.loop.time() + self._limits.pause_s
            self.deadline_s = min(self._end_s, pause_ends_s, self.deadline_s + earned_s)

    def on_message_complete(self) -> None:
        """Queues the complete request."""
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
        # The time of complete receipt: a slow upload must not count as older than requests stored meanwhile.
        request.received_us = self._server.clock_us()
        request.body = self._body.finish()
        self._enqueue(request, self._skipped)

    def _enqueue(self, request: Request, refusal: RequestError | None) -> None:
        self._pipelined.append((request, refusal))
        request.queued_s = -self._server.loop.time()
        if self._writable.is_set():  # Else its deadline for reading earlier responses stays.
            self.deadline_s = math.inf
        if not self._busy:
            self._busy = True
            self._server.scheduler.schedule(self._flow_key, len(request.body), self._begin)

    def _begin(self) -> None:
        start_task(self._work(), "request", self._broke, loop=self._server.loop)

    async def _work(self) -> None:
        """Processes the queued requests, then resumes reading."""
        pause_s = 0.0
        while self._pipelined and not self._transport.is_closing():
            request, refusal = self._pipelined.popleft()
            request.queued_s += self._server.loop.time()
            app = self._server.app
            try:
                response = await (app.handle(request) if refusal is None else app.handle_error(request, refusal))
            finally:
                self._server.body_quota.total_bytes -= len(request.body)
            self._flow_key = response.park_uuid or quota_key(self._peer)
            last = not request.keep_alive or ((self._closing or self._server.stopping) and not self._pipelined)
            retry_s = response.retry_after_s
            pause_s = 0.0 if not retry_s or app.is_proxied(request) else min(retry_s, self._limits.rest_s_max)
            if not self._transport.is_closing():
                self._transport.write(serialize_response(request, response, self._server.date, last=last))
            await self._writable.wait()
            if last:
                # Requests after the last one get no response.
                self._drop_pipelined()
                if not self._discarding:
                    self._transport.close()
            elif self._pipelined:
                await asyncio.sleep(0)  # One pipelined request per tick of the loop.
        self._busy = False
        if self._closing:
            self._transport.close()
        if self._transport.is_closing():
            self._drop_pipelined()
            # A client that does not read the last response must not keep its slot for ever.
            self._set_deadline(self._limits.request_timeout_s)
        elif self._discarding:
            # Half-close, so that the client sees the end of the response. Not possible with TLS or a closed peer.
            with suppress(NotImplementedError, OSError):
                self._transport.write_eof()
        else:
            self._set_deadline(
                pause_s
                + (self._limits.keepalive_timeout_s if self._request is None else self._limits.request_timeout_s)
            )
            if pause_s:
                # A client that ignores Retry-After would keep the server busy with rejections only.
                self._read_pause.start(self._server.loop, pause_s, self._end_read_pause)
            self._resume_reading()

    def _broke(self, _: BaseException) -> None:
        """Processing failed, which is logged: closes the connection."""
        self._busy = False
        self._drop_pipelined()
        self._transport.abort()

    def _end_read_pause(self) -> None:
        buffered = self._read_pause.stop()
        self._resume_reading()
        if buffered and not self._transport.is_closing():
            self.data_received(buffered)

    def _pause_reading(self) -> None:
        self._transport.pause_reading()
        self._reading = False

    def _resume_reading(self) -> None:
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()

    def _drop_pipelined(self) -> None:
        self._server.body_quota.total_bytes -= sum(len(request.body) for request, _ in self._pipelined)
        self._pipelined.clear()

    def _reject_body(self, refusal: RequestError) -> None:
        """Responds at once and discards the rest of the body, within limits, so that the client can read the response."""
        request = self._request
        if request is None or self._discarding:
            return
        self._discarding = True
        request.keep_alive = False
        self._body.discard()
        self._enqueue(request, refusal)
        self._resume_reading()
        self._set_deadline(self._limits.drain_s)

    def _reject_stream(self, refusal: RequestError) -> None:
        """Rejects a stream that cannot be parsed further, or ended early."""
        if self._request is None:
            self._request = self._new_request({})
        self._head_done = False
        self._reject_body(refusal)

    def _set_deadline(self, wait_s: float) -> None:
        self.deadline_s = self._end_s = self._server.loop.time() + wait_s

    def expire(self) -> None:
        """Rejects or aborts a connection past its deadline."""
        if self._discarding or self._request is None or not self._writable.is_set():
            self.deadline_s = math.inf
            self._transport.abort()
            return
        limits, slow = self._limits, self.deadline_s < self._end_s
        self._reject_stream(
            headers.body_too_slow(limits.bytes_a_second_min, limits.pause_s)
            if slow
            else headers.request_timeout(limits.request_timeout_s)
        )

    def close_gracefully(self) -> None:
        """Closes after the requests in flight, or now where there are none."""
        self._closing = True
        if self._request is None and not self._pipelined and not self._busy:
            self._transport.close()

    def abort(self) -> None:
        """Closes the connection immediately."""
        self._transport.abort()
