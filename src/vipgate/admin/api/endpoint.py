"""`Endpoint`, an entry of the route table, and `ApiRequest`, a request to one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from vipgate.admin.api.auth import AuthorizedRequest, TokenAuthenticator
from vipgate.admin.api.long_poll import ChangeWaiter
from vipgate.i18n import LocalizedText
from vipgate.store.async_pool import DatabasePool, ExportStream
from vipgate.store.interfaces.accounts import Scope
from vipgate.store.interfaces.admin import Database

JSON: Final = "application/json"

A = TypeVar("A", bound=msgspec.Struct)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ApiDependencies:
    """What endpoints need to answer requests."""

    databases: DatabasePool
    authenticator: TokenAuthenticator
    watch: ChangeWaiter


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest(Generic[A]):
    """One request. `head`: only the headers are wanted. `note_who` passes the token's name to the log."""

    params: A
    scope: Scope
    authorization: str | None
    peer: str
    head: bool
    dependencies: ApiDependencies
    note_who: Callable[[str], None]

    def enter(self, database: Database) -> AuthorizedRequest:
        """Authenticates and authorizes the request. Raises ApiError (401, 403)."""
        authorized = self.dependencies.authenticator.enter(database, self.authorization, self.scope, self.peer)
        self.note_who(authorized.who)
        return authorized

    async def authorize(self, work: Callable[[AuthorizedRequest, A], T]) -> T:
        """Authorizes the request and runs `work`, in a thread. Raises ApiError, StoreError, ServiceUnavailable."""
        return await self.dependencies.databases.run(lambda database: work(self.enter(database), self.params))


@dataclass(frozen=True, slots=True)
class Export:
    """A response that is sent while it is read; without a stream, only its headers."""

    stream: ExportStream[bytes] | None
    media: str
    file_name: str


Given = msgspec.Struct | Export
Handler = Callable[[ApiRequest[A]], Awaitable[Given]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[A]):
    """An entry of the route table. `returns` is the struct of a JSON response; an export has a media type instead."""

    name: str
    path: str
    scope: Scope
    params: type[A]
    returns: type[msgspec.Struct] | None = None
    media: str = JSON
    summary: LocalizedText
    detail: LocalizedText
    handler: Handler[A]


def answering(work: Callable[[AuthorizedRequest, A], msgspec.Struct]) -> Handler[A]:
    """Makes a handler that returns the result of `work`."""

    async def serve(request: ApiRequest[A]) -> Given:
        return await request.authorize(work)

    return serve


AnyEndpoint = Endpoint[Any]
