"""Records to review: they may be wrong, or changed under the same order number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from vipgate.admin.console.pages import StaffRoute, path_text
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.urls import park_at
from vipgate.admin.console.views.park import find
from vipgate.domain.park_health import Health
from vipgate.protocol.renewal import FLAG_MONEY_CHANGED, FLAG_NAMES, FLAG_PLATE_CHANGED
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park, StoredRecord, SupersededRecord
from vipgate.store.interfaces.queries import RecordPage, RecordPageCursor, RecordQuery
from vipgate.support.web.forms import FormData

RECORDS_A_PAGE: Final = 50
ALL_FLAGS: Final = sum(FLAG_NAMES)
CHANGED: Final = FLAG_PLATE_CHANGED | FLAG_MONEY_CHANGED
ORDER_CHARS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Flagged:
    """A flagged record, and its previous version if a change was flagged."""

    stored: StoredRecord
    before: SupersededRecord | None

    @property
    def names(self) -> list[str]:
        """The names of the record's flags."""
        return [name for flag, name in FLAG_NAMES.items() if self.stored.renewal.flags & flag]

    @property
    def mark(self) -> str:
        """Value of the checkbox: the flags shown, and the order number."""
        return f"{self.stored.renewal.flags & ALL_FLAGS}:{self.stored.renewal.pay_partner}"


async def show(staff: StaffRequest) -> Response:
    """Lists the flagged records of a park, newest change first."""
    park_uuid = path_text(staff, "park_uuid")
    flag = next((flag for flag, name in FLAG_NAMES.items() if name == staff.query.get("flag")), None)
    position = staff.query.whole("after", 0, 2**62)
    before = None if position is None else RecordPageCursor(position, park_uuid)
    query = RecordQuery(park_uuid=park_uuid, flags=flag or ALL_FLAGS)

    def read(database: Database) -> tuple[Park, Health, RecordPage, list[Flagged], dict[int, int]]:
        park, health = find(database, park_uuid, staff.now_us)
        page = database.queries.records(query, before, RECORDS_A_PAGE)
        rows = [Flagged(one.stored, _before(database, park_uuid, one.stored)) for one in page.items]
        return park, health, page, rows, database.queries.flagged(park_uuid)

    park, health, page, rows, counts = await staff.database(read)
    return staff.page(
        "review.html",
        park=park,
        health=health,
        rows=rows,
        flag=FLAG_NAMES.get(flag or 0),
        counts=[(name, counts.get(flag, 0)) for flag, name in FLAG_NAMES.items()],
        after=None if page.next is None else page.next.position,
    )


def _before(database: Database, park_uuid: str, stored: StoredRecord) -> SupersededRecord | None:
    if not stored.renewal.flags & CHANGED:
        return None
    history = database.queries.history_of(park_uuid, stored.renewal.pay_partner, limit=1)
    return history[-1] if history else None


async def review(staff: StaffRequest) -> Response:
    """Clears the flags shown, of the ticked records or of the whole page."""
    park_uuid = path_text(staff, "park_uuid")
    marks = read_marks(staff.form, "all" if staff.form.ticked("whole") else "one")

    def do(database: Database) -> int:
        done = 0
        for flags, order in marks:
            names = ", ".join(name for flag, name in FLAG_NAMES.items() if flags & flag)
            entry = staff.audit_entry("record.review", park_uuid=park_uuid, subject=order, detail=names)
            done += database.admin.review(park_uuid, order, flags, entry)
        return done

    done = await staff.database(do) if marks else 0
    return staff.go(park_at(park_uuid, "/review"), "reviewed" if done else "nothing_reviewed")


def read_marks(form: FormData, name: str) -> list[tuple[int, str]]:
    """Reads flags and order number of each checkbox; skips invalid values."""
    found = []
    for value in form.all(name)[:RECORDS_A_PAGE]:
        flags, _, order = value.partition(":")
        if flags.isascii() and flags.isdigit() and len(flags) <= 3 and 0 < len(order) <= ORDER_CHARS_MAX:
            found.append((int(flags) & ALL_FLAGS, order))
    return [(flags, order) for flags, order in found if flags]


PAGES: Final = (
    StaffRoute("/parks/{park_uuid}/review", show),
    StaffRoute("/parks/{park_uuid}/review", review, "POST", role="operator"),
)
