"""An HTTP server in this process that asks everybody to come back later, and connections to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from vipgate.errors import RequestError
from vipgate.gateway.app import PublicApp
from vipgate.gateway.http.messages import Request, Response
from vipgate.gateway.pipeline import PushPipeline
from vipgate.i18n import accepted_language
from vipgate.support.client_address import parse_trusted_proxies
from vipgate.support.metrics import MetricsRecorder

# Longer than any test waits.
LONG_S = 60
WAIT_S = 10.0
STRANGER = "127.0.0.2"
ASKED = b"POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n%s\r\n{}"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Busy(PublicApp):
    """Asks everybody to come back later."""

    def __init__(self) -> None:
        pipeline, recorder = cast("PushPipeline", None), cast("MetricsRecorder", None)
        super().__init__(pipeline, recorder, lambda: 0.0, parse_trusted_proxies(""), always_200=False)

    def check_headers(self, _: Request) -> None:
        """There is room."""

    async def handle(self, request: Request) -> Response:
        return Response(503, request.body, retry_after_s=LONG_S)


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not reached():  # noqa: ASYNC110 - a server that serves on tells nobody
            await asyncio.sleep(0.01)


class Shared(Busy):
    """Shares out among the addresses of this machine, too: there are no others to test from."""

    def is_quota_exempt(self, _: str) -> bool:
        return False

    async def handle_error(self, request: Request, refusal: RequestError) -> Response:
        hint = refusal.hint.text(accepted_language(request.header(b"accept-language")))
        return Response(refusal.status, hint.encode(), refusal.retry_after_s)


async def opened_from(address: str, port: int) -> Streams:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
