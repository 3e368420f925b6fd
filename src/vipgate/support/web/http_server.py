"""The HTTP server of web pages: uvicorn with the limits that it lacks, and without its own logs."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Iterator
from typing import Any, Final, cast

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import Server

CONNECTIONS_MAX: Final = 512
REQUESTS_MAX: Final = 256
HEAD_BYTES_MAX: Final = 32 * 1024
# For a complete request head to arrive, counted from the connection or the previous response.
IDLE_S: Final = 20
# For the peer to take the rest of a response after close.
LINGER_S: Final = 10
# For requests in flight at shutdown.
STOP_S: Final = 3
BACKLOG: Final = 128


class _Closing:
    """A transport that is aborted LINGER_S after close, even if the peer reads nothing."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Sends the buffered data, for LINGER_S at most."""
        self._transport.close()
        self._loop.call_later(LINGER_S, self._transport.abort)


class BoundedProtocol(H11Protocol):
    """A connection whose request heads must arrive within IDLE_S, and that ends within LINGER_S of its close.

    uvicorn sets no limit to either.
    """

    _head_due_s = math.inf

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Closes the connection above CONNECTIONS_MAX; else waits for the first head."""
        super().connection_made(cast("asyncio.Transport", _Closing(transport, self.loop)))
        if len(self.connections) > CONNECTIONS_MAX:
            transport.close()
            return
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Keeps the deadline of a head when more of its bytes arrive."""
        super().data_received(data)
        between = self.cycle is None or self.cycle.response_complete
        if between and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_at(self._head_due_s, self.timeout_keep_alive_handler)

    def on_response_complete(self) -> None:
        """Sets the deadline of the next head."""
        self._head_due_s = self.loop.time() + IDLE_S
        super().on_response_complete()

    def _expect_head(self) -> None:
        self._head_due_s = self.loop.time() + IDLE_S
        self.timeout_keep_alive_task = self.loop.call_at(self._head_due_s, self.timeout_keep_alive_handler)


class WebServer(Server):
    """uvicorn's server without its signal handlers: only `should_exit` stops it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Installs no signal handlers."""
        yield


def build_server(app: ASGIApp) -> WebServer:
    """Builds the server of `app`; `serve` takes its listening socket."""
    config = Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=REQUESTS_MAX,
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=STOP_S,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
    )
    return WebServer(config)
