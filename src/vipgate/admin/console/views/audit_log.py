"""The audit log: who changed what, and who viewed plates. For administrators."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from vipgate.admin.console.pages import StaffRoute
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.views.parks import PARK_UUID_CHARS_MAX

AUDIT_ENTRIES_PER_PAGE: Final = 100
WHO_CHARS_MAX: Final = 80


async def show(staff: StaffRequest) -> Response:
    """Shows the log, newest first."""
    who = staff.query.text("who", WHO_CHARS_MAX) or None
    park_uuid = staff.query.text("park", PARK_UUID_CHARS_MAX) or None
    before = staff.query.whole("after", 0, 2**62)
    entries = await staff.database(
        lambda database: database.accounts.audit_entries(who, park_uuid, before, AUDIT_ENTRIES_PER_PAGE + 1)
    )
    after = entries[AUDIT_ENTRIES_PER_PAGE - 1].number if len(entries) > AUDIT_ENTRIES_PER_PAGE else None
    return staff.page("audit.html", entries=entries[:AUDIT_ENTRIES_PER_PAGE], after=after)


PAGES: Final = (StaffRoute("/audit", show, role="admin"),)
