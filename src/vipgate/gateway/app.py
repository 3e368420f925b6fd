"""Routes requests of the public port: push, reconcile, `/healthz`. Connects HTTP with the push pipeline."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import md5, sha256
from typing import Final

import msgspec

from vipgate.errors import MethodNotAllowed, NotFound, RequestError
from vipgate.gateway.http.messages import Request, Response
from vipgate.gateway.pipeline import PushPipeline
from vipgate.gateway.push_request import PushRequest
from vipgate.i18n import LocalizedText, accepted_language
from vipgate.protocol.envelope import DIGEST_PATH, PUSH_PATH
from vipgate.protocol.signature_hmac import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSignature
from vipgate.support.client_address import TrustedProxies, is_local
from vipgate.support.hashes import Hash
from vipgate.support.metrics import MetricsRecorder

_READING: Final = ("GET", "HEAD")
_PROXIED: Final = frozenset({b"x-forwarded-for", b"forwarded", b"via"})
_ID, _TIMESTAMP, _SIGNATURE = (name.encode() for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER))


class PublicApp:
    """Handles the requests of the public port."""

    def __init__(
        self,
        pipeline: PushPipeline,
        recorder: MetricsRecorder,
        clock_s: Callable[[], float],
        proxies: TrustedProxies,
        *,
        always_200: bool,
    ) -> None:
        self._pipeline = pipeline
        self._recorder = recorder
        self._clock_s = clock_s
        self._proxies = proxies
        self._always_200 = always_200

    def check_headers(self, request: Request) -> RequestError | None:
        """Returns NotFound, MethodNotAllowed or, for a push while the queue is full, ServiceUnavailable; else None."""
        if request.path == PUSH_PATH and request.method == "POST":
            return self._pipeline.overload_error()
        allowed = {PUSH_PATH: ("POST",), DIGEST_PATH: ("POST",), "/healthz": _READING}.get(request.path)
        return _routed(request, allowed, f"POST {PUSH_PATH}")

    def new_body_hashes(self) -> tuple[Hash, Hash]:
        """Returns an MD5 for the signature and a SHA-256 for the request log."""
        return md5(usedforsecurity=False), sha256()

    async def handle(self, request: Request) -> Response:
        """Handles a request that `check_headers` accepted."""
        if request.path == "/healthz":
            return _plain(200, {"status": "ok"})
        since_s = self._clock_s() - request.queued_s
        process = self._pipeline.reconcile if request.path == DIGEST_PATH else self._pipeline.push
        return self._recorded(request, await process(self._push_request(request)), since_s)

    async def handle_error(self, request: Request, refusal: RequestError) -> Response:
        """Logs a rejection to the request log and returns its envelope."""
        since_s = self._clock_s() - request.queued_s
        return self._recorded(request, await self._pipeline.reject(self._push_request(request), refusal), since_s)

    def is_proxied(self, request: Request) -> bool:
        """Whether the request came through a proxy: a trusted one, or one that identifies itself by a header."""
        return not _PROXIED.isdisjoint(request.headers) or self._proxies.is_trusted(request.peer)

    def is_quota_exempt(self, peer: str) -> bool:
        """Whether `peer` may use all connections: trusted proxies and local ones carry many parks."""
        return is_local(peer) or (bool(self._proxies) and self._proxies.is_trusted(peer))

    def client_address(self, request: Request) -> str:
        """Returns the client address that the trusted proxies report, else the peer."""
        return self._proxies.client_address(request.peer, request.header(b"x-forwarded-for"))

    def _push_request(self, request: Request) -> PushRequest:
        body_md5, body_sha256 = request.body_hashes
        return PushRequest(
            body=request.body,
            body_md5=body_md5,
            body_sha256=body_sha256.hexdigest(),
            content_type=request.header(b"content-type"),
            authorization=request.header(b"authorization"),
            webhook_signature=_webhook_signature(request),
            peer=self.client_address(request) if self._proxies else request.peer,
            received_us=request.received_us,
            language=accepted_language(request.header(b"accept-language")),
        )

    def _recorded(self, request: Request, response: Response, since_s: float) -> Response:
        """Records the response in the metrics. With `always_200`, replaces an error status by 200."""
        code = "1001" if response.status == 200 else str(response.status)
        self._recorder.answered(code, len(request.body), self._clock_s() - since_s)
        if self._always_200 and response.status != 200:
            return msgspec.structs.replace(response, status=200)
        return response


def _routed(request: Request, allowed: tuple[str, ...] | None, offered: str) -> RequestError | None:
    if allowed is None:
        shown = request.path[:64]
        return NotFound(LocalizedText(f"没有路径 {shown}; 应为 {offered}", f"there is no {shown}; {offered} is"))
    if request.method not in allowed:
        methods = ", ".join(allowed)
        words = LocalizedText(
            f"{request.path} 只接受 {methods}, 收到 {request.method}",
            f"{request.path} takes {methods}, got {request.method}",
        )
        return MethodNotAllowed(words, allow=methods)
    return None


def _plain(status: int, members: dict[str, str]) -> Response:
    return Response(status, msgspec.json.encode(members))


def _webhook_signature(request: Request) -> WebhookSignature | None:
    """Returns the HMAC signature headers, or None without `webhook-signature`."""
    if _SIGNATURE not in request.headers:
        return None
    return WebhookSignature(*(request.header(name) or "" for name in (_ID, _TIMESTAMP, _SIGNATURE)))
