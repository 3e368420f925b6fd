"""Builds the admin port's ASGI application: probes, read API and console behind one request guard."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from vipgate.admin.api.app import build_api
from vipgate.admin.auth.plate_search_limit import MaskedSearches
from vipgate.admin.console.app import build_console
from vipgate.admin.console.context import ConsoleSettings
from vipgate.admin.middleware import RequestGuard
from vipgate.admin.probes import build_probes
from vipgate.admin.prometheus import PrometheusExporter
from vipgate.admin.readiness import Readiness
from vipgate.store.async_pool import DatabasePool
from vipgate.support.client_address import TrustedProxies
from vipgate.support.metrics import AdminRecorder, SharedMetrics
from vipgate.support.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminDependencies:
    """Everything that `build_app` needs. `watching` is the pool of the probes: a busy console must not make a server look down."""

    metrics: SharedMetrics
    recorder: AdminRecorder
    databases: DatabasePool
    watching: DatabasePool
    vault: Vault
    console: ConsoleSettings
    masked_searches_per_hour: int
    clock_us: Callable[[], int]
    clock_s: Callable[[], float]
    proxies: TrustedProxies = field(default_factory=TrustedProxies)


def build_app(deps: AdminDependencies) -> ASGIApp:
    """Builds the application. The console is mounted last and answers every path that no other route matches."""
    readiness = Readiness(deps.metrics, deps.watching, deps.clock_us)
    exporter = PrometheusExporter(deps.metrics, deps.watching, deps.clock_us)
    searches = MaskedSearches(deps.masked_searches_per_hour, deps.recorder.searched)
    console = build_console(
        deps.databases, deps.vault, deps.console, deps.clock_us, secrets.token_urlsafe, searches=searches
    )
    api = build_api(deps.databases, deps.clock_us, searches=searches)
    probes = build_probes(readiness, exporter, deps.watching)
    routes: list[BaseRoute] = [*probes, *api, Mount("/", console)]
    return RequestGuard(Starlette(routes=routes), deps.recorder, deps.clock_s, proxies=deps.proxies)
