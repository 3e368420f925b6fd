"""A read API over a real SQLite database with two parks in it, and tokens of every kind."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from support.store_data import OTHER, PARK, changed, do, push, refused, renewals
from support.store_database import Clock
from vipgate.admin.api import build_api
from vipgate.admin.api.long_poll import ChangeWaiter
from vipgate.protocol.renewal import Renewal
from vipgate.store.async_pool import DatabasePool
from vipgate.store.interfaces.accounts import SCOPES, AuditEntry, Scope, Token
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Retention
from vipgate.store.open_database import open_database

TICK_S = 0.02
ROWS = 60


@dataclass(slots=True)
class Platform:
    """A database, a desk on it, and the API over it."""

    url: str
    clock: Clock
    database: Database
    databases: DatabasePool
    app: Starlette
    runner: asyncio.Runner

    def token(
        self, *, scopes: tuple[Scope, ...] = SCOPES, park: str | None = None, masked: bool = False, name: str = ""
    ) -> str:
        """Makes a token; its text."""
        text = f"vipgate_{secrets.token_urlsafe(32)}"
        made = Token(
            number=0,
            name=name or secrets.token_hex(6),
            digest=sha256(text.encode()).hexdigest(),
            scopes=scopes,
            park_uuid=park,
            masked=masked,
            created_us=self.clock(),
            used_us=None,
            revoked_us=None,
        )
        entry = AuditEntry(
            at_us=self.clock(), who="command", action="add token", park_uuid=park, subject=made.name, detail="", peer=""
        )
        assert self.database.accounts.add_token(made, entry)
        return text

    def ask(self, path: str, token: str | None = None, method: str = "GET", **headers: str) -> httpx.Response:
        """Asks in English, unless the headers say otherwise."""
        sent = {"accept-language": "en", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        return self.send(f"/api/v1{path}", method, sent)

    def send(self, path: str, method: str = "GET", headers: Any = None) -> httpx.Response:
        """Sends exactly this."""

        async def sent() -> httpx.Response:
            async with reader(self.app) as client:
                return await client.request(method, path, headers=headers)

        return self.runner.run(sent())

    def get(self, path: str, token: str) -> Any:
        """The JSON of an answer that must be a good one."""
        answer = self.ask(path, token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, path: str, token: str, limit: int) -> Iterator[list[dict[str, Any]]]:
        """All pages of a list."""
        after = ""
        for _ in range(1_000):
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit={limit}{after}", token)
            yield page["items"]
            if page["next"] is None:
                return
            after = f"&after={page['next']}"
        raise AssertionError("the pages have no end")


def reader(app: Starlette) -> httpx.AsyncClient:
    """A client of the API in this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://inside.test")


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """The API on a real server and a real socket."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


def build(url: str, clock: Callable[[], int], *, size: int = 2) -> tuple[DatabasePool, Starlette]:
    """The API over the database at `url`, with short ticks."""
    databases = DatabasePool(lambda: open_database(url, clock, Retention()), size)
    return databases, Starlette(
        routes=build_api(databases, clock, watch=ChangeWaiter(databases, tick_s=TICK_S, waiters_max=2))
    )


@contextmanager
def opened(url: str, clock: Clock) -> Iterator[Platform]:
    """A database of two parks at `url`, and the API over it."""
    database = open_database(url, clock, Retention())
    databases, app = build(url, clock)
    for park_uuid, name in ((PARK, "北门"), (OTHER, "南门")):
        database.store.add_park(park_uuid, name, b"sealed", clock())
    with asyncio.Runner() as runner:
        yield Platform(url, clock, database, databases, app, runner)
    databases.close()
    database.close()


def fill(platform: Platform) -> Platform:
    """Puts them there."""
    store, clock = platform.database.store, platform.clock
    rows = renewals(ROWS)
    do(store, push(rows, clock()), push(renewals(ROWS, seed=2, first=1_000), clock(), park=OTHER))
    clock.forward(60)
    do(store, push([changed(rows[0], plate="粤B99999", operator="李四")], clock()))
    clock.forward(60)
    do(store, push([changed(rows[0], plate="粤B99999", operator="王五")], clock()))
    do(store, refused(clock(), body=b"{}"), refused(clock(), park=None, code="401", claimed="nobody"))
    return platform


def row(**members: Any) -> Renewal:
    """One record with the given members."""
    return changed(renewals(1)[0], **members)
