"""Erasing one plate from the ledger, as its owner may demand: asks twice, cannot be undone. For administrators."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from vipgate.admin.console.pages import Page
from vipgate.admin.console.request import StaffVisit
from vipgate.admin.console.views.parks import PARK_UUID_CHARS_MAX
from vipgate.domain.masking import mask_plate
from vipgate.protocol.renewal import (
    PLATE_CHARS_MAX,
    PLATE_RAW_CHARS_MAX,
    fold_plate,
)
from vipgate.store.interfaces.admin import (
    Desk,
    Erased,
)


async def show(visit: StaffVisit) -> Response:
    """The form."""
    return visit.page("erase.html", form=visit.form, plate="", park_uuid="", parks=None, erased=None)


async def erase(visit: StaffVisit) -> Response:
    """Says what would be erased; then, asked a second time, erases it."""
    form = visit.form
    plate = fold_plate(form.text("plate", PLATE_RAW_CHARS_MAX))
    if not plate:
        form.fault("plate", "必填", "required")
    if len(plate) > PLATE_CHARS_MAX:
        form.fault("plate", f"最多 {PLATE_CHARS_MAX} 个字符", f"at most {PLATE_CHARS_MAX} characters")
    park_uuid = form.text("park_uuid", PARK_UUID_CHARS_MAX)
    deed = visit.deed("plate.erase", park_uuid=park_uuid or None, subject=mask_plate(plate))

    def work(desk: Desk) -> tuple[int, Erased | None]:
        """In how many parks the plate is, and what was erased."""
        if park_uuid and desk.store.find_park(park_uuid) is None:
            form.fault("park_uuid", "没有这个车场", "there is no such park")
            return 0, None
        found = {
            one.park_uuid for one in visit.search(desk, plate, lambda: desk.browse.vehicle(park_uuid or None, plate))
        }
        sure = form.ticked("sure") and form.get("plate") == plate
        return len(found), desk.keep.erase_plate(plate, park_uuid or None, deed) if sure else None

    parks, erased = await visit.desk(work) if not form.faults else (0, None)
    status = 422 if form.faults else 200
    shown = None if form.faults else parks
    return visit.page(
        "erase.html", status=status, form=form, plate=plate, park_uuid=park_uuid, parks=shown, erased=erased
    )


PAGES: Final = (
    Page("/erase", show, role="admin"),
    Page("/erase", erase, "POST", role="admin"),
)
