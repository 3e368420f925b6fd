"""The navigation's entries and the tabs of a park, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vipgate.store.interfaces.accounts import Role


@dataclass(frozen=True, slots=True)
class Entry:
    """A link of the navigation: text key, path, required role. `group` starts a new block."""

    key: str
    path: str
    role: Role = "reader"
    group: bool = False


NAV: Final = (
    Entry("nav.overview", "/"),
    Entry("nav.parks", "/parks"),
    Entry("nav.records", "/records"),
    Entry("nav.vehicles", "/vehicles"),
    Entry("nav.requests", "/requests"),
    Entry("nav.signature_check", "/signature-check"),
    Entry("nav.accounts", "/accounts", "admin", group=True),
    Entry("nav.tokens", "/tokens", "admin"),
    Entry("nav.erase", "/erase", "admin"),
    Entry("nav.audit", "/audit", "admin"),
)


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of a park: text key, and its path below the park's page or the page to filter by the park."""

    key: str
    below: str = ""
    path: str = ""


PARK_TABS: Final = (
    Tab("park.tab.state"),
    Tab("park.tab.records", path="/records"),
    Tab("park.tab.vehicles", path="/vehicles"),
    Tab("park.tab.requests", path="/requests"),
    Tab("park.tab.charge_types", "/charge-types"),
    Tab("park.tab.review", "/review"),
    Tab("park.tab.settings", "/settings"),
)
