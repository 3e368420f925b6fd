"""The pages that the navigation leads to, in its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vipgate.store.interfaces.accounts import Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the navigation: the key of its text, where it leads, who sees it. `group` begins a new block."""

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
    Entry("nav.doctor", "/doctor"),
    Entry("nav.accounts", "/accounts", "admin", group=True),
    Entry("nav.tokens", "/tokens", "admin"),
    Entry("nav.erase", "/erase", "admin"),
    Entry("nav.audit", "/audit", "admin"),
)


@dataclass(frozen=True, slots=True)
class Tab:
    """One link below a park: the key of its text, and its address below the park's page or a page with the park as a filter."""

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
