"""The change feed of a park: everything that changes is told once, in order, and nothing is left out.

A park's positions are given out inside the commit, so whoever sees one position has seen all before it (decision 2).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from vipgate.admin.api.auth import AuthorizedRequest
from vipgate.admin.api.cursors import (
    ChangeCursor,
    read_cursor,
    write_cursor,
)
from vipgate.admin.api.endpoint import ApiRequest
from vipgate.admin.api.errors import invalid_params
from vipgate.admin.api.long_poll import (
    ChangePosition,
    read_position,
)
from vipgate.admin.api.params import bad_cursor
from vipgate.admin.api.requests import AskChanges
from vipgate.admin.api.responses import (
    Changed,
    ChangesAnswer,
    Replaced,
)
from vipgate.domain.serialization import record_to_dict


@dataclass(frozen=True, slots=True)
class _Seen:
    """An answer, and how far the park's changes went before it was read."""

    park_uuid: str
    mark: ChangePosition | None
    answer: ChangesAnswer


async def serve_changes(asked: ApiRequest[AskChanges]) -> ChangesAnswer:
    """The changes behind the cursor, or the first that come while the reader waits."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + (0 if asked.head else asked.params.wait_s)
    seen = await asked.authorize(_read)
    while not seen.answer.items and seen.mark is not None and (left_s := end_s - loop.time()) > 0:
        if not await asked.inside.watch.changed(seen.park_uuid, seen.mark, left_s):
            break
        seen = await asked.authorize(_read)
    return seen.answer


def _read(visit: AuthorizedRequest, ask: AskChanges) -> _Seen:
    park_uuid = visit.one_park(ask.park_uuid).park_uuid
    cursor = ChangeCursor(0, 0)
    if ask.after is not None:
        given = read_cursor(ask.after, ChangeCursor)
        if given is None:
            raise invalid_params([bad_cursor(ask.after)])
        cursor = given
    # Before the page: what is committed between the two shows as a change, not as nothing.
    mark = read_position(visit.database, park_uuid)
    return _Seen(park_uuid, mark, _page(visit, ask, park_uuid, cursor))


def _page(visit: AuthorizedRequest, ask: AskChanges, park_uuid: str, cursor: ChangeCursor) -> ChangesAnswer:
    fresh = ask.after is None
    page = visit.database.queries.changes(park_uuid, None if fresh else cursor.generation, cursor.position, ask.limit)
    if page is None:
        return ChangesAnswer([], write_cursor(cursor), more=False)
    items: list[Replaced | Changed] = []
    position = cursor.position
    if not fresh and page.generation != cursor.generation:
        items.append(Replaced(page.generation))
        position = 0
    taken = page.items[: ask.limit - len(items)]
    for one in taken:
        items.append(Changed(position=one.position, **record_to_dict(one.stored, masked=visit.masked)))
        position = one.position
    following = write_cursor(ChangeCursor(page.generation, position))
    return ChangesAnswer(items, following, more=page.more or len(taken) < len(page.items))
