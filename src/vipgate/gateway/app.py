"""The paths of the public port: the push, its digests and `/healthz`. The only place that knows both HTTP and the road."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from vipgate.errors import (
    MethodNotAllowed,
    NotFound,
    RequestError,
)
from vipgate.gateway.http.messages import (
    Request,
    Response,
)
from vipgate.gateway.pipeline import (
    PushPipeline,
    PushRequest,
)
from vipgate.i18n import (
    LocalizedText,
    accepted_language,
)
from vipgate.protocol.envelope import (
    DIGEST_PATH,
    PUSH_PATH,
)
from vipgate.protocol.signature_hmac import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    WebhookSignature,
)
from vipgate.support.client_address import (
    TrustedProxies,
    is_local,
)
from vipgate.support.metrics import MetricsRecorder

_READING: Final = ("GET", "HEAD")
_PROXIED: Final = frozenset({b"x-forwarded-for", b"forwarded", b"via"})
_ID, _TIMESTAMP, _SIGNATURE = (name.encode() for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER))


class PublicApp:
    """The port that car parks reach: the push, the digests of what it brought, `/healthz`, nothing else."""

    def __init__(
        self,
        road: PushPipeline,
        meter: MetricsRecorder,
        clock_s: Callable[[], float],
        proxies: TrustedProxies,
        *,
        always_200: bool,
    ) -> None:
        self._pipeline = road
        self._metrics = meter
        self._clock_s = clock_s
        self._proxies = proxies
        self._always_200 = always_200

    def check_headers(self, request: Request) -> RequestError | None:
        """No such path, a method it does not take, or no room for any push."""
        if request.path == PUSH_PATH and request.method == "POST":
            return self._pipeline.overload_error()
        allowed = {PUSH_PATH: ("POST",), DIGEST_PATH: ("POST",), "/healthz": _READING}.get(request.path)
        return _routed(request, allowed, f"POST {PUSH_PATH}")

    async def handle(self, request: Request) -> Response:
        """The answer to a request that has a path of ours."""
        if request.path == "/healthz":
            return _plain(200, {"status": "ok"})
        since_s = self._clock_s() - request.queued_s
        steps = self._pipeline.reconcile if request.path == DIGEST_PATH else self._pipeline.push
        return self._recorded(request, await steps(self._push_request(request)), since_s)

    async def handle_error(self, request: Request, refusal: RequestError) -> Response:
        """The envelope of a refusal, journaled."""
        since_s = self._clock_s() - request.queued_s
        return self._recorded(request, await self._pipeline.reject(self._push_request(request), refusal), since_s)

    def is_proxied(self, request: Request) -> bool:
        """A proxy sends one park's request after another's: one of ours, or one that says what it is."""
        return not _PROXIED.isdisjoint(request.headers) or self._proxies.is_trusted(request.peer)

    def is_quota_exempt(self, peer: str) -> bool:
        """All parks may come by a proxy of ours, or by one on this machine; who is on the machine is the operator's anyway."""
        return is_local(peer) or (bool(self._proxies) and self._proxies.is_trusted(peer))

    def client_address(self, request: Request) -> str:
        """Whom our own proxies name."""
        return self._proxies.client_address(request.peer, request.header(b"x-forwarded-for"))

    def _push_request(self, request: Request) -> PushRequest:
        return PushRequest(
            body=request.body,
            body_md5=request.body_md5,
            body_sha256=request.body_sha256.hexdigest(),
            content_type=request.header(b"content-type"),
            authorization=request.header(b"authorization"),
            webhook_signature=_webhook_signature(request),
            peer=self.client_address(request) if self._proxies else request.peer,
            received_us=request.received_us,
            language=accepted_language(request.header(b"accept-language")),
        )

    def _recorded(self, request: Request, reply: Response, since_s: float) -> Response:
        """Counts the answer. For clients that cannot read the body of an error, its status can be kept at 200."""
        code = "1001" if reply.status == 200 else str(reply.status)
        self._metrics.answered(code, len(request.body), self._clock_s() - since_s)
        if self._always_200 and reply.status != 200:
            return msgspec.structs.replace(reply, status=200)
        return reply


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
    """The headers of a signature by HMAC, None where there is none."""
    if _SIGNATURE not in request.headers:
        return None
    return WebhookSignature(*(request.header(name) or "" for name in (_ID, _TIMESTAMP, _SIGNATURE)))
