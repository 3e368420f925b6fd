"""All pages of the console."""

from __future__ import annotations

from typing import Final

from vipgate.admin.console.pages import PublicRoute, StaffRoute
from vipgate.admin.console.views import (
    account,
    accounts,
    audit_log,
    charge_types,
    erasure,
    held_replaces,
    login,
    overview,
    park,
    parks,
    record,
    records,
    request,
    requests,
    review,
    search,
    settings,
    signature_check,
    tokens,
    vehicles,
)

PAGES: Final[tuple[StaffRoute | PublicRoute, ...]] = (
    *login.PAGES,
    *overview.PAGES,
    *search.PAGES,
    *parks.PAGES,
    *park.PAGES,
    *settings.PAGES,
    *held_replaces.PAGES,
    *review.PAGES,
    *records.PAGES,
    *record.PAGES,
    *vehicles.PAGES,
    *requests.PAGES,
    *request.PAGES,
    *signature_check.PAGES,
    *charge_types.PAGES,
    *account.PAGES,
    *accounts.PAGES,
    *tokens.PAGES,
    *audit_log.PAGES,
    *erasure.PAGES,
)
