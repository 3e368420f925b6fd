"""Puts the inside port together: probes, read API, console, and the door that every request passes."""

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
from vipgate.admin.middleware import Door
from vipgate.admin.probes import build_probes
from vipgate.admin.prometheus import Exposition
from vipgate.admin.readiness import Readiness
from vipgate.store.async_pool import Desks
from vipgate.support.client_address import Proxies
from vipgate.support.metrics import (
    Board,
    InsideMeter,
)
from vipgate.support.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the inside port is made of. `watching` are desks for the probes: busy pages must not make a server look dead."""

    board: Board
    meter: InsideMeter
    desks: Desks
    watching: Desks
    vault: Vault
    console: ConsoleSettings
    masked_searches_per_hour: int
    clock_us: Callable[[], int]
    clock_s: Callable[[], float]
    proxies: Proxies = field(default_factory=Proxies)


def build_app(parts: Parts) -> ASGIApp:
    """The whole application. The console comes last: what nothing else takes is its own to answer."""
    readiness = Readiness(parts.board, parts.watching, parts.clock_us)
    exposition = Exposition(parts.board, parts.watching, parts.clock_us)
    searches = MaskedSearches(parts.masked_searches_per_hour, parts.meter.searched)
    chance = secrets.token_urlsafe
    console = build_console(parts.desks, parts.vault, parts.console, parts.clock_us, chance, searches=searches)
    api = build_api(parts.desks, parts.clock_us, searches=searches)
    probes = build_probes(readiness, exposition, parts.watching)
    routes: list[BaseRoute] = [*probes, *api, Mount("/", console)]
    return Door(Starlette(routes=routes), parts.meter, parts.clock_s, proxies=parts.proxies)
