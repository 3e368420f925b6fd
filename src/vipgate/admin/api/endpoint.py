"""A line of the route table, and a question on its way to an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from vipgate.admin.api.auth import (
    AuthorizedRequest,
    TokenAuthenticator,
)
from vipgate.admin.api.long_poll import ChangeWaiter
from vipgate.i18n import LocalizedText
from vipgate.store.async_pool import (
    DatabasePool,
    ExportStream,
)
from vipgate.store.interfaces.accounts import Scope
from vipgate.store.interfaces.admin import Database

JSON: Final = "application/json"

A = TypeVar("A", bound=msgspec.Struct)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ApiDependencies:
    """What questions are answered with."""

    databases: DatabasePool
    authenticator: TokenAuthenticator
    watch: ChangeWaiter


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest(Generic[A]):
    """One question. `head`: only the head of the answer is wanted. `note_who` tells the log whose question it is."""

    params: A
    scope: Scope
    authorization: str | None
    peer: str
    head: bool
    inside: ApiDependencies
    note_who: Callable[[str], None]

    def enter(self, database: Database) -> AuthorizedRequest:
        """Lets the question in. Raises Denied."""
        visit = self.inside.authenticator.enter(database, self.authorization, self.scope, self.peer)
        self.note_who(visit.who)
        return visit

    async def authorize(self, work: Callable[[AuthorizedRequest, A], T]) -> T:
        """What `work` answers, on a desk and in a thread. Raises Denied, StoreError, DesksBusy."""
        return await self.inside.databases.run(lambda database: work(self.enter(database), self.params))


@dataclass(frozen=True, slots=True)
class Export:
    """An answer that is sent as it is read; without a stream it is only the head of one."""

    stream: ExportStream[bytes] | None
    media: str
    file_name: str


Given = msgspec.Struct | Export
Handler = Callable[[ApiRequest[A]], Awaitable[Given]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[A]):
    """One thing that can be asked. `gives` is the struct of a JSON answer; an export has a media type instead."""

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
    """Serves what `work` answers at once."""

    async def serve(asked: ApiRequest[A]) -> Given:
        return await asked.authorize(work)

    return serve


AnyEndpoint = Endpoint[Any]
