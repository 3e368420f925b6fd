"""Erases a plate from the ledger, as its owner may demand: confirmed twice, irreversible. For administrators."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from vipgate.admin.console.pages import StaffRoute
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.views.parks import PARK_UUID_CHARS_MAX
from vipgate.domain.masking import mask_plate
from vipgate.protocol.renewal import PLATE_CHARS_MAX, PLATE_RAW_CHARS_MAX, normalize_plate
from vipgate.store.interfaces.admin import Database, ErasureResult
from vipgate.store.interfaces.queries import CardsBehind, Vehicle


async def show(staff: StaffRequest) -> Response:
    """Shows the form."""
    return staff.page("erase.html", form=staff.form, plate="", park_uuid="", parks=None, erased=None)


async def erase(staff: StaffRequest) -> Response:
    """Shows what would be erased; erases it after confirmation."""
    form = staff.form
    plate = normalize_plate(form.text("plate", PLATE_RAW_CHARS_MAX))
    if not plate:
        form.fault("plate", "必填", "required")
    if len(plate) > PLATE_CHARS_MAX:
        form.fault("plate", f"最多 {PLATE_CHARS_MAX} 个字符", f"at most {PLATE_CHARS_MAX} characters")
    park_uuid = form.text("park_uuid", PARK_UUID_CHARS_MAX)
    entry = staff.audit_entry("plate.erase", park_uuid=park_uuid or None, subject=mask_plate(plate))

    def work(database: Database) -> tuple[int, ErasureResult | None]:
        """Returns in how many parks the plate is, and what was erased."""
        if park_uuid and database.store.find_park(park_uuid) is None:
            form.fault("park_uuid", "没有这个车场", "there is no such park")
            return 0, None
        found = {
            one.park_uuid
            for one in staff.search(database, plate, lambda: _of_plate(database, park_uuid or None, plate))
        }
        sure = form.ticked("sure") and form.get("plate") == plate
        return len(found), database.admin.erase_plate(plate, park_uuid or None, entry) if sure else None

    parks, erased = await staff.database(work) if not form.errors else (0, None)
    status = 422 if form.errors else 200
    shown = None if form.errors else parks
    return staff.page(
        "erase.html", status=status, form=form, plate=plate, park_uuid=park_uuid, parks=shown, erased=erased
    )


def _of_plate(database: Database, park_uuid: str | None, plate: str) -> list[Vehicle]:
    try:
        return database.queries.vehicle(park_uuid, plate)
    except CardsBehind as behind:
        return behind.by_plate


PAGES: Final = (
    StaffRoute("/erase", show, role="admin"),
    StaffRoute("/erase", erase, "POST", role="admin"),
)
