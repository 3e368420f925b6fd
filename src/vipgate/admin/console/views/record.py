"""One record: current members, earlier versions with the requests that wrote them, and its review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from vipgate.admin.console.errors import not_there
from vipgate.admin.console.formatting import MEMBERS, VERSIONS_SHOWN_MAX, flag_names, member_text, versions
from vipgate.admin.console.name_lookup import ChargeNames, read_names
from vipgate.admin.console.pages import StaffRoute, path_text
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.views.park import no_park
from vipgate.protocol.renewal import FLAG_NAMES
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import REVISION_MAX, Park, StoredRecord

ALL_FLAGS: Final = sum(FLAG_NAMES)


@dataclass(frozen=True, slots=True)
class RecordView:
    """A record, its park and a page of versions, newest first, plus one version if there are more."""

    park: Park
    stored: StoredRecord
    versions: list[StoredRecord]
    names: ChargeNames


def _read(database: Database, park_uuid: str, order: str, before: int | None) -> RecordView:
    park = database.store.find_park(park_uuid)
    if park is None:
        raise no_park(park_uuid)
    stored = database.store.find_record(park_uuid, order)
    if stored is None:
        raise not_there(
            f"这个车场当前没有订单号为 {order} 的记录；它可能在被替换的旧存量中",
            f"this park has no record of the order {order} now; it may be in a stock that was replaced",
        )
    replaced = database.queries.history_of(park_uuid, order, before, VERSIONS_SHOWN_MAX + 1)
    history = [one.stored for one in reversed(replaced)]
    return RecordView(
        park, stored, [stored, *history] if before is None else history, read_names(database, [park_uuid])
    )


async def show(visit: StaffRequest) -> Response:
    """Shows the page."""
    park_uuid, order = path_text(visit, "park_uuid"), path_text(visit, "pay_partner")
    before = visit.query.whole("before", 1, REVISION_MAX)
    view = await visit.database(lambda database: _read(database, park_uuid, order, before))
    renewal, more = view.stored.renewal, len(view.versions) > VERSIONS_SHOWN_MAX
    return visit.page(
        "record.html",
        told=view,
        park=view.park,
        one=renewal,
        members=[(member, member_text(visit, renewal, member)) for member in MEMBERS],
        flags=flag_names(renewal),
        versions=versions(visit, view.versions, current=view.stored.revision),
        before=view.versions[VERSIONS_SHOWN_MAX - 1].revision if more else None,
        here=visit.park_at(park_uuid, f"/records/{visit.segment(order)}"),
    )


async def review(visit: StaffRequest) -> Response:
    """Clears the flags that the user saw."""
    park_uuid, order = path_text(visit, "park_uuid"), path_text(visit, "pay_partner")
    flags = (visit.form.whole("flags", 0, ALL_FLAGS) or 0) & ALL_FLAGS
    names = ", ".join(name for flag, name in FLAG_NAMES.items() if flags & flag)
    entry = visit.audit_entry("record.review", park_uuid=park_uuid, subject=order, detail=names)
    done = bool(flags) and await visit.database(lambda database: database.admin.review(park_uuid, order, flags, entry))
    here = visit.park_at(park_uuid, f"/records/{visit.segment(order)}")
    return visit.go(here, "reviewed" if done else "nothing_reviewed")


PAGES: Final = (
    StaffRoute("/parks/{park_uuid}/records/{pay_partner}", show),
    StaffRoute("/parks/{park_uuid}/records/{pay_partner}", review, "POST", role="operator"),
)
