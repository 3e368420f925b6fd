"""A line of the route table, and a question on its way to an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from vipgate.admin.api.auth import (
    Door,
    Visit,
)
from vipgate.admin.api.long_poll import Watch
from vipgate.errors import Words
from vipgate.store.async_pool import (
    Desks,
    Stream,
)
from vipgate.store.interfaces.accounts import Scope
from vipgate.store.interfaces.admin import Desk

JSON: Final = "application/json"

A = TypeVar("A", bound=msgspec.Struct)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Inside:
    """What questions are answered with."""

    desks: Desks
    door: Door
    watch: Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[A]):
    """One question. `head`: only the head of the answer is wanted. `note_who` tells the log whose question it is."""

    ask: A
    scope: Scope
    authorization: str | None
    peer: str
    head: bool
    inside: Inside
    note_who: Callable[[str], None]

    def enter(self, desk: Desk) -> Visit:
        """Lets the question in. Raises Denied."""
        visit = self.inside.door.enter(desk, self.authorization, self.scope, self.peer)
        self.note_who(visit.who)
        return visit

    async def visit(self, work: Callable[[Visit, A], T]) -> T:
        """What `work` answers, on a desk and in a thread. Raises Denied, StoreError, DesksBusy."""
        return await self.inside.desks.run(lambda desk: work(self.enter(desk), self.ask))


@dataclass(frozen=True, slots=True)
class Export:
    """An answer that is sent as it is read; without a stream it is only the head of one."""

    stream: Stream[bytes] | None
    media: str
    file_name: str


Given = msgspec.Struct | Export
Serve = Callable[[Asked[A]], Awaitable[Given]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb(Generic[A]):
    """One thing that can be asked. `gives` is the struct of a JSON answer; an export has a media type instead."""

    name: str
    path: str
    scope: Scope
    asks: type[A]
    gives: type[msgspec.Struct] | None = None
    media: str = JSON
    summary: Words
    detail: Words
    serve: Serve[A]


def answering(work: Callable[[Visit, A], msgspec.Struct]) -> Serve[A]:
    """Serves what `work` answers at once."""

    async def serve(asked: Asked[A]) -> Given:
        return await asked.visit(work)

    return serve


AnyVerb = Verb[Any]
