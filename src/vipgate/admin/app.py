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
    meter: AdminRecorder
    databases: DatabasePool
    watching: DatabasePool
    vault: Vault
    console: ConsoleSettings
    masked_searches_per_hour: int
    clock_us: Callable[[], int]
    clock_s: Callable[[], float]
    proxies: TrustedProxies = field(default_factory=TrustedProxies)


def build_app(parts: AdminDependencies) -> ASGIApp:
    """Builds the application. The console is mounted last and answers every path that no other route matches."""
    readiness = Readiness(parts.metrics, parts.watching, parts.clock_us)
    exporter = PrometheusExporter(parts.metrics, parts.watching, parts.clock_us)
    searches = MaskedSearches(parts.masked_searches_per_hour, parts.meter.searched)
    chance = secrets.token_urlsafe
    console = build_console(parts.databases, parts.vault, parts.console, parts.clock_us, chance, searches=searches)
    api = build_api(parts.databases, parts.clock_us, searches=searches)
    probes = build_probes(readiness, exporter, parts.watching)
    routes: list[BaseRoute] = [*probes, *api, Mount("/", console)]
    return RequestGuard(Starlette(routes=routes), parts.meter, parts.clock_s, proxies=parts.proxies)
