"""The audit log: who changed what, and who viewed plates. For administrators."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from vipgate.admin.console.pages import StaffRoute
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.views.parks import PARK_UUID_CHARS_MAX

AUDIT_ENTRIES_PER_PAGE: Final = 100
WHO_CHARS_MAX: Final = 80


async def show(visit: StaffRequest) -> Response:
    """Shows the log, newest first."""
    who = visit.query.text("who", WHO_CHARS_MAX) or None
    park_uuid = visit.query.text("park", PARK_UUID_CHARS_MAX) or None
    before = visit.query.whole("after", 0, 2**62)
    entries = await visit.database(
        lambda database: database.accounts.audit_entries(who, park_uuid, before, AUDIT_ENTRIES_PER_PAGE + 1)
    )
    after = entries[AUDIT_ENTRIES_PER_PAGE - 1].number if len(entries) > AUDIT_ENTRIES_PER_PAGE else None
    return visit.page("audit.html", entries=entries[:AUDIT_ENTRIES_PER_PAGE], after=after)


PAGES: Final = (StaffRoute("/audit", show, role="admin"),)
