"""The list of parks, and the registration of parks."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from vipgate.admin.console.pages import StaffRoute
from vipgate.admin.console.park_status import ParkStatus
from vipgate.admin.console.request import StaffRequest
from vipgate.admin.console.urls import park_at
from vipgate.admin.console.views.secret_shown import once
from vipgate.domain.park_health import MARKS, Mark, park_health
from vipgate.protocol.charset import Charset
from vipgate.store.interfaces.admin import Database
from vipgate.store.interfaces.ledger import Park
from vipgate.support.vault import make_secret
from vipgate.support.web.forms import FormData

PARKS_A_PAGE: Final = 50
# Marked parks read for one page, if a search excludes most of them.
MARKED_LOOKED_MAX: Final = 300
SEARCH_CHARS_MAX: Final = 64
PARK_UUID_CHARS_MAX: Final = 64
PARK_NAME_CHARS_MAX: Final = 128
SECRET_CHARS_MAX: Final = 256


async def show(staff: StaffRequest) -> Response:
    """Lists parks by park_uuid: all, those that match a search, those with a mark."""
    text = staff.query.text("q", SEARCH_CHARS_MAX)
    mark = next((mark for mark in MARKS if mark == staff.query.get("mark")), None)
    after = staff.query.get("after")
    look = await staff.context.park_status.read(staff.now_us)
    parks, following = await staff.database(lambda database: find_parks(database, look, text, mark, after))
    rows = [(park, look.parks.get(park.park_uuid) or park_health(park, (), staff.now_us)) for park in parks]
    return staff.page(
        "parks.html", rows=rows, text=text, mark=mark, marks=MARKS, after=following, total=len(look.parks)
    )


def find_parks(
    database: Database, look: ParkStatus, text: str, mark: Mark | None, after: str
) -> tuple[list[Park], str | None]:
    """Returns a page of parks, and the park after which the next page begins."""
    if mark is None:
        found = database.queries.search_parks(text, after, PARKS_A_PAGE + 1)
        return found[:PARKS_A_PAGE], found[PARKS_A_PAGE - 1].park_uuid if len(found) > PARKS_A_PAGE else None
    marked = [park_uuid for park_uuid in look.marked(mark) if park_uuid > after]
    parks: list[Park] = []
    for place, park_uuid in enumerate(marked):
        if len(parks) == PARKS_A_PAGE or place == MARKED_LOOKED_MAX:
            return parks, marked[place - 1]
        park = database.store.find_park(park_uuid)
        if park is not None and (text.lower() in park.name.lower() or text.lower() in park_uuid.lower()):
            parks.append(park)
    return parks, None


async def show_new(staff: StaffRequest) -> Response:
    """Shows the form."""
    return staff.page("park_new.html", form=staff.form)


def read_charset(form: FormData) -> Charset:
    """Returns the charset that a form's checkbox means."""
    return "gbk" if form.ticked("gbk") else "utf-8"


async def add(staff: StaffRequest) -> Response:
    """Registers a park; shows its secret if it was generated here."""
    form = staff.form
    park_uuid = form.text("park_uuid", PARK_UUID_CHARS_MAX, needed=True)
    name = form.text("name", PARK_NAME_CHARS_MAX)
    given, charset = form.text("secret", SECRET_CHARS_MAX), read_charset(form)
    secret = given or make_secret()
    if not form.errors:
        sealed = staff.context.vault.seal(secret, park_uuid)
        detail = name if charset == "utf-8" else f"{name}; charset: {charset}".removeprefix("; ")
        entry = staff.audit_entry("park.add", park_uuid=park_uuid, subject=park_uuid, detail=detail)

        def do(database: Database) -> bool:
            return database.store.add_park(park_uuid, name, sealed, staff.now_us, entry, charset=charset)

        if not await staff.database(do):
            form.fault("park_uuid", "这个车场已经登记过", "this park is registered already")
    if form.errors:
        return staff.page("park_new.html", status=422, form=form)
    staff.context.park_status.forget()
    if given:
        return staff.go(park_at(park_uuid), "park_added")
    return once(staff, "secret_shown.park", secret, park_uuid, park_at(park_uuid))


PAGES: Final = (
    StaffRoute("/parks", show),
    StaffRoute("/parks/new", show_new, role="operator"),
    StaffRoute("/parks/new", add, "POST", role="operator"),
)
