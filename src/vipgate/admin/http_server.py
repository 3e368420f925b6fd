"""The HTTP server of the admin port: uvicorn with the bounds that it lacks, and without its own words in the log."""

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
# Between requests, and from the first byte of a head to its last.
IDLE_S: Final = 20
# For the rest of an answer to be taken, once the connection is closed.
LINGER_S: Final = 10
# To answer what is in flight when stopping.
STOP_S: Final = 3
BACKLOG: Final = 128


class _Closing:
    """A transport that is gone LINGER_S after it was closed, though its peer takes nothing of what is still to be sent."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        """Sends what is left, for a while."""
        self._transport.close()
        self._loop.call_later(LINGER_S, self._transport.abort)


class BoundedProtocol(H11Protocol):
    """A connection on which the head of a request must come whole within IDLE_S, and which ends when it is closed.

    uvicorn alone waits for ever for either.
    """

    _head_due_s = math.inf

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A caller is here."""
        super().connection_made(cast("asyncio.Transport", _Closing(transport, self.loop)))
        if len(self.connections) > CONNECTIONS_MAX:
            transport.close()
            return
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """The wait for a head does not begin anew with each byte of it."""
        super().data_received(data)
        between = self.cycle is None or self.cycle.response_complete
        if between and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_at(self._head_due_s, self.timeout_keep_alive_handler)

    def on_response_complete(self) -> None:
        """The next head may come."""
        self._head_due_s = self.loop.time() + IDLE_S
        super().on_response_complete()

    def _expect_head(self) -> None:
        self._head_due_s = self.loop.time() + IDLE_S
        self.timeout_keep_alive_task = self.loop.call_at(self._head_due_s, self.timeout_keep_alive_handler)


class AdminServer(Server):
    """uvicorn's server, told to stop by `should_exit` alone: signals are the process's own business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves them as they are."""
        yield


def build_server(app: ASGIApp) -> AdminServer:
    """A server for `app` that is to be given its listening socket."""
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
    return AdminServer(config)
