"""The change feed of a park: delivers every changed record, in order, without gaps.

Positions are assigned inside the commit, so a reader that sees one position has seen all before it (decision 2).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from vipgate.admin.api.auth import AuthorizedRequest
from vipgate.admin.api.cursors import ChangeCursor, read_cursor, write_cursor
from vipgate.admin.api.endpoint import ApiRequest
from vipgate.admin.api.errors import invalid_params
from vipgate.admin.api.long_poll import ChangePosition, read_position
from vipgate.admin.api.params import bad_cursor
from vipgate.admin.api.requests import ChangesParams
from vipgate.admin.api.responses import Changed, ChangesResponse, Replaced
from vipgate.domain.serialization import record_to_dict


@dataclass(frozen=True, slots=True)
class _Seen:
    """A response, and the park's change position before it was read."""

    park_uuid: str
    mark: ChangePosition | None
    answer: ChangesResponse


async def serve_changes(request: ApiRequest[ChangesParams]) -> ChangesResponse:
    """Returns the changes after the cursor; if there are none, waits up to `wait_s` for the first."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + (0 if request.head else request.params.wait_s)
    seen = await request.authorize(_read)
    while not seen.answer.items and seen.mark is not None and (left_s := end_s - loop.time()) > 0:
        if not await request.dependencies.watch.changed(seen.park_uuid, seen.mark, left_s):
            break
        seen = await request.authorize(_read)
    return seen.answer


def _read(authorized: AuthorizedRequest, ask: ChangesParams) -> _Seen:
    park_uuid = authorized.one_park(ask.park_uuid).park_uuid
    cursor = ChangeCursor(0, 0)
    if ask.after is not None:
        given = read_cursor(ask.after, ChangeCursor)
        if given is None:
            raise invalid_params([bad_cursor(ask.after)])
        cursor = given
    # Read before the page: a commit between the two must count as a change.
    mark = read_position(authorized.database, park_uuid)
    return _Seen(park_uuid, mark, _page(authorized, ask, park_uuid, cursor))


def _page(authorized: AuthorizedRequest, ask: ChangesParams, park_uuid: str, cursor: ChangeCursor) -> ChangesResponse:
    fresh = ask.after is None
    page = authorized.database.queries.changes(
        park_uuid, None if fresh else cursor.generation, cursor.position, ask.limit
    )
    if page is None:
        return ChangesResponse([], write_cursor(cursor), more=False)
    items: list[Replaced | Changed] = []
    position = cursor.position
    if not fresh and page.generation != cursor.generation:
        items.append(Replaced(page.generation))
        position = 0
    taken = page.items[: ask.limit - len(items)]
    for one in taken:
        items.append(Changed(position=one.position, **record_to_dict(one.stored, masked=authorized.masked)))
        position = one.position
    following = write_cursor(ChangeCursor(page.generation, position))
    return ChangesResponse(items, following, more=page.more or len(taken) < len(page.items))
