"""A park's charge types: the list as last fetched, fetching it now, and ids in use that it lacks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Final

import anyio.to_thread
from starlette.responses import Response

from vipgate.admin.console.pages import StaffRoute, path_text
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.views.park import find
from vipgate.domain.charge_types import ChargeTypeQuery, Result, query_for, refresh_park
from vipgate.domain.park_health import Health
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park
from vipgate.store.interfaces.queries import ChargeType, ChargeTypes, RecordQuery
from vipgate.support.web.errors import PageError, conflict

# The newest records are searched for ids in use.
RECORDS_LOOKED_AT: Final = 500
TYPES_A_PAGE: Final = 100
ASKED_AT_ONCE_MAX: Final = 4
_BUSY: Final = LocalizedText(
    "正在向多个车场读取收费类型，请稍后重试", "charge types of several parks are being fetched; try again later"
)


@dataclass(frozen=True, slots=True)
class ChargeTypesView:
    """The list, and how often the newest records use each id."""

    park: Park
    health: Health
    listed: ChargeTypes
    used: Counter[str]
    looked_at: int


def _read(database: Database, park_uuid: str, now_us: int) -> ChargeTypesView:
    park, health = find(database, park_uuid, now_us)
    newest = database.queries.records(RecordQuery(park_uuid=park_uuid), None, RECORDS_LOOKED_AT).items
    used = Counter(found.stored.renewal.charge_type for found in newest)
    return ChargeTypesView(park, health, database.queries.charge_types(park_uuid), used, len(newest))


async def show(staff: StaffRequest) -> Response:
    """Shows the page."""
    park_uuid = path_text(staff, "park_uuid")
    view = await staff.database(partial(_read, park_uuid=park_uuid, now_us=staff.now_us))
    begin = staff.query.whole("after", 0, 10**6) or 0
    known = {one.id for one in view.listed.items}
    fetched = view.listed.fetched_us is not None
    items: list[ChargeType] = view.listed.items[begin : begin + TYPES_A_PAGE]
    return staff.page(
        "charge_types.html",
        view=view,
        park=view.park,
        items=items,
        unknown=[pair for pair in view.used.most_common(TYPES_A_PAGE) if fetched and pair[0] not in known],
        after=begin + TYPES_A_PAGE if len(view.listed.items) > begin + TYPES_A_PAGE else None,
    )


async def fetch(staff: StaffRequest) -> Response:
    """Fetches the list from the park's gateway now; one request per park at a time."""
    park_uuid = path_text(staff, "park_uuid")
    asked = staff.context.asked
    if park_uuid in asked or len(asked) >= ASKED_AT_ONCE_MAX:
        raise PageError(503, _BUSY)
    asked.add(park_uuid)
    try:
        order = await staff.database(partial(_order, park_uuid=park_uuid, staff=staff))
        # In another thread, without a database connection: a park may answer slowly.
        question = partial(refresh_park, order, allow_private=staff.context.settings.charge_types_allow_private)
        result = await anyio.to_thread.run_sync(question)
        await staff.database(partial(_save, park_uuid=park_uuid, staff=staff, result=result))
    finally:
        asked.discard(park_uuid)
    here = staff.park_at(park_uuid, "/charge-types")
    return staff.go(here, "types_fetched" if result.trouble is None else "")


def _order(database: Database, park_uuid: str, staff: StaffRequest) -> ChargeTypeQuery:
    find(database, park_uuid, staff.now_us)
    order = query_for(database, staff.context.vault, park_uuid)
    if isinstance(order, LocalizedText):
        raise conflict(order.zh, order.en)
    return order


def _save(database: Database, park_uuid: str, staff: StaffRequest, result: Result) -> None:
    database.admin.save_charge_types(park_uuid, result.items, result.trouble, staff.context.clock_us())
    count = "–" if result.items is None else str(len(result.items))
    database.accounts.write_audit_entry(staff.audit_entry("park.charge_types", park_uuid=park_uuid, detail=count))


PAGES: Final = (
    StaffRoute("/parks/{park_uuid}/charge-types", show),
    StaffRoute("/parks/{park_uuid}/charge-types", fetch, "POST", role="operator"),
)
