"""Monitoring endpoints: `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final

import msgspec
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vipgate.admin.prometheus import PrometheusExporter
from vipgate.admin.readiness import Readiness
from vipgate.errors import VipgateError
from vipgate.store.async_pool import DatabasePool
from vipgate.store.interfaces.ledger import Unreachable
from vipgate.support.client_address import parse_address

RETRY_AFTER_S: Final = 5
TOKEN_CHARS_MAX: Final = 128
_SCHEME: Final = "bearer "
_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
# A forwarded request comes from the proxy's loopback address, not from its client's.
_PROXIED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


def build_probes(readiness: Readiness, exposition: PrometheusExporter, databases: DatabasePool) -> list[Route]:
    """Returns the three routes."""

    async def healthz(_: Request) -> Response:
        return _json(200, {"status": "ok"})

    async def readyz(_: Request) -> Response:
        reason = await readiness.failure()
        if reason is None:
            return _json(200, {"status": "ok"} | _missing(databases.unreachable))
        return _json(503, {"status": "unavailable", "reason": reason}, {"retry-after": str(RETRY_AFTER_S)})

    async def metrics(request: Request) -> Response:
        refusal = None if is_from_here(request) else await _refusal(request, databases)
        if refusal is not None:
            return refusal
        return Response(await exposition.text(), 200, _HEADERS, CONTENT_TYPE_PLAIN_0_0_4)

    views: dict[str, Callable[[Request], Awaitable[Response]]]
    views = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}
    return [Route(path, view, methods=["GET"]) for path, view in views.items()]


def is_from_here(request: Request) -> bool:
    """Whether a program on this machine sends the request, and not a proxy for someone else."""
    if request.client is None or any(name in request.headers for name in _PROXIED):
        return False
    address = parse_address(request.client.host)
    return address is not None and address.is_loopback


async def _refusal(request: Request, databases: DatabasePool) -> Response | None:
    """Returns the rejection, or None for a token with scope `metrics` for all parks."""
    given = request.headers.get("authorization", "")
    secret = given[len(_SCHEME) :].strip() if given.lower().startswith(_SCHEME) else ""
    if not 0 < len(secret) <= TOKEN_CHARS_MAX:
        return _json(401, {"status": "refused", "reason": "send a token"}, {"www-authenticate": "Bearer"})
    digest = sha256(secret.encode()).hexdigest()
    try:
        token = await databases.run(lambda database: database.accounts.find_token(digest))
    except VipgateError as error:
        return _json(503, {"status": "unavailable", "reason": str(error)}, {"retry-after": str(RETRY_AFTER_S)})
    if token is None:
        wrong = 'Bearer error="invalid_token"'
        return _json(401, {"status": "refused", "reason": "this token is not known"}, {"www-authenticate": wrong})
    request.state.who = f"token:{token.name}"
    if "metrics" not in token.scopes or token.park_uuid is not None:
        wrong = 'Bearer error="insufficient_scope", scope="metrics"'
        reason = "this token is not for metrics; make one with: vipgate token add --scope metrics"
        return _json(403, {"status": "refused", "reason": reason}, {"www-authenticate": wrong})
    return None


def _missing(unreachable: Unreachable | None) -> dict[str, str]:
    """Says what a ready gateway cannot serve: it must stay behind the load balancer for the parks on the other nodes."""
    if unreachable is None:
        return {}
    nodes = ", ".join(unreachable.nodes)
    return {"unreachable": f"{nodes} does not answer; the {unreachable.parks} parks on it get 503 until it is back"}


def _json(status: int, members: dict[str, str], headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(members), status, _HEADERS | (headers or {}), "application/json")
