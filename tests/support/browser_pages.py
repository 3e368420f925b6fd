"""Every page of the console, with what there is to see on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from support.browser_data import BUSY, CHANGED, GUARDED, NEVER, OLD_SECRET, REFUSING, SILENT, SOON_PLATE, STOCKS
from support.browser_visitor import House
from vipgate.store.interfaces.queries import RequestLogQuery

# Pages before the login, those that anybody of the staff may see, and those of administrators.
OUTSIDE: Final = {"login": "/login", "no page": "/nowhere"}
INSIDE: Final = {
    "overview": "/",
    "overview 90": "/?days=90",
    "overview wrong day": "/?since=2026-13-01&until=2026-01-01",
    "find": "/find?q=%E5%81%9C%E8%BD%A6%E5%9C%BA",
    "find none": "/find?q=%E6%B2%A1%E6%9C%89",
    "parks": "/parks",
    "parks none": "/parks?q=zzz",
    "park busy": f"/parks/{BUSY}",
    "park silent": f"/parks/{SILENT}",
    "park refusing": f"/parks/{REFUSING}",
    "park old secret": f"/parks/{OLD_SECRET}",
    "park never": f"/parks/{NEVER}",
    "park guarded": f"/parks/{GUARDED}",
    "held": f"/parks/{GUARDED}/held/{{held}}",
    "settings guarded": f"/parks/{GUARDED}/settings",
    "park new": "/parks/new",
    "settings": f"/parks/{REFUSING}/settings",
    "settings old secret": f"/parks/{OLD_SECRET}/settings",
    "restore": f"/parks/{STOCKS}/generations/1",
    "review": f"/parks/{BUSY}/review",
    "review none": f"/parks/{SILENT}/review",
    "records empty": "/records",
    "records": f"/records?park={BUSY}",
    "records more": f"/records?park={BUSY}&flag=any&vip_type=1&since=2020-01-01",
    "records all parks": f"/records?plate={SOON_PLATE}",
    "records wrong": "/records?vip_type=1&since=yesterday",
    "record": f"/parks/{BUSY}/records/{CHANGED}",
    "vehicles empty": "/vehicles",
    "vehicles": f"/vehicles?park={BUSY}",
    "vehicle": f"/vehicles?q={SOON_PLATE}",
    "requests": "/requests",
    "requests refused": f"/requests?park={REFUSING}&refused=1",
    "request refused": "/requests/{refused}",
    "request stored": "/requests/{stored}",
    "request stranger": "/requests/{stranger}",
    "request held": "/requests/{held}",
    "no request": "/requests/20200101000000000000000000000001",
    "signature_check": "/signature-check",
    "charge types": f"/parks/{BUSY}/charge-types",
    "charge types none": f"/parks/{SILENT}/charge-types",
    "account": "/account",
    "accounts": "/accounts",
    "account edit": "/accounts/reader.one",
    "tokens": "/tokens",
    "erase": "/erase",
    "audit": "/audit",
}
# Pages that say what is wrong.
STATUSES: Final = {"no page": 404, "no request": 404, "overview wrong day": 422, "records wrong": 422}


def inside(house: House) -> Iterator[tuple[str, str, int]]:
    """Each page for staff: its name, its address, and the status of its answer."""
    known = _seqnos(house)
    for name, path in INSIDE.items():
        yield name, path.format(**known) if "{" in path else path, STATUSES.get(name, 200)


def _seqnos(house: House) -> dict[str, str]:
    stored = house.database.queries.request_log(RequestLogQuery(park_uuid=BUSY, code="1001"), None, 5).items[2].seqno
    stranger = house.database.queries.request_log(RequestLogQuery(strangers=True), None, 1).items[0].seqno
    return {"refused": house.seqnos["zh"][0], "stored": stored, "stranger": stranger, "held": house.held["stays"]}
