"""All pages of the console, each from the file of its views."""

from __future__ import annotations

from typing import Final

from vipgate.console.guard import Door, Page
from vipgate.console.views import (
    account,
    accounts,
    audit,
    chargetypes,
    doctor,
    erase,
    find,
    held,
    overview,
    park,
    parks,
    record,
    records,
    request,
    requests,
    review,
    session,
    settings,
    tokens,
    vehicles,
)

PAGES: Final[tuple[Page | Door, ...]] = (
    *session.PAGES,
    *overview.PAGES,
    *find.PAGES,
    *parks.PAGES,
    *park.PAGES,
    *settings.PAGES,
    *held.PAGES,
    *review.PAGES,
    *records.PAGES,
    *record.PAGES,
    *vehicles.PAGES,
    *requests.PAGES,
    *request.PAGES,
    *doctor.PAGES,
    *chargetypes.PAGES,
    *account.PAGES,
    *accounts.PAGES,
    *tokens.PAGES,
    *audit.PAGES,
    *erase.PAGES,
)
