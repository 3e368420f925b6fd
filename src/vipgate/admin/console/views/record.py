"""One record: current members, earlier versions with the requests that wrote them, and its review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from vipgate.admin.console.formatting import MEMBERS, VERSIONS_SHOWN_MAX, flag_names, member_text, versions
from vipgate.admin.console.name_lookup import ChargeNames, read_names
from vipgate.admin.console.pages import StaffRoute, path_text
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.views.park import no_park
from vipgate.protocol.renewal import FLAG_NAMES
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import REVISION_MAX, Park, StoredRecord
from vipgate.support.web.errors import not_there

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
            f"这个车场当前没有订单号为 {order} 的记录；它可能在被替换的存量批次中",
            f"this park has no current record of the order {order}; it may be in a replaced generation",
        )
    replaced = database.queries.history_of(park_uuid, order, before, VERSIONS_SHOWN_MAX + 1)
    history = [one.stored for one in reversed(replaced)]
    return RecordView(
        park, stored, [stored, *history] if before is None else history, read_names(database, [park_uuid])
    )


async def show(staff: StaffRequest) -> Response:
    """Shows the page."""
    park_uuid, order = path_text(staff, "park_uuid"), path_text(staff, "pay_partner")
    before = staff.query.whole("before", 1, REVISION_MAX)
    view = await staff.database(lambda database: _read(database, park_uuid, order, before))
    renewal, more = view.stored.renewal, len(view.versions) > VERSIONS_SHOWN_MAX
    return staff.page(
        "record.html",
        view=view,
        park=view.park,
        one=renewal,
        members=[(member, member_text(staff, renewal, member)) for member in MEMBERS],
        flags=flag_names(renewal),
        versions=versions(staff, view.versions, current=view.stored.revision),
        before=view.versions[VERSIONS_SHOWN_MAX - 1].revision if more else None,
        here=staff.park_at(park_uuid, f"/records/{staff.segment(order)}"),
    )


async def review(staff: StaffRequest) -> Response:
    """Clears the flags that the user saw."""
    park_uuid, order = path_text(staff, "park_uuid"), path_text(staff, "pay_partner")
    flags = (staff.form.whole("flags", 0, ALL_FLAGS) or 0) & ALL_FLAGS
    names = ", ".join(name for flag, name in FLAG_NAMES.items() if flags & flag)
    entry = staff.audit_entry("record.review", park_uuid=park_uuid, subject=order, detail=names)
    done = bool(flags) and await staff.database(lambda database: database.admin.review(park_uuid, order, flags, entry))
    here = staff.park_at(park_uuid, f"/records/{staff.segment(order)}")
    return staff.go(here, "reviewed" if done else "nothing_reviewed")


PAGES: Final = (
    StaffRoute("/parks/{park_uuid}/records/{pay_partner}", show),
    StaffRoute("/parks/{park_uuid}/records/{pay_partner}", review, "POST", role="operator"),
)
