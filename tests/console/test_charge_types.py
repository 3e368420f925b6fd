"""A park's charge types: the list, fetching it from a real gateway, and ids that it lacks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from support.console_app import Build, House
from support.console_data import OTHER, PARK, add_park, push, renewal, save_types, set_address
from support.rerouting import NEAR, rerouted
from support.store_database import NOON_US
from vipgate.domain.charge_types import SERVICE
from vipgate.i18n import LocalizedText

PATH = f"/parks/{PARK}/charge-types"
HOSTILE = "<b onclick=x>名</b>"


class _Gateway(BaseHTTPRequestHandler):
    """A park's gateway that has one charge type."""

    def do_POST(self) -> None:
        asked = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))
        right = asked["service"] == SERVICE and asked["park_uuid"] == PARK
        code = "1001" if right else "1400"
        body = msgspec.json.encode({"result_code": code, "message": "m", "row": [{"id": "101", "name": HOSTILE}]})
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def gateway() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gateway)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with rerouted():
        yield f"http://{NEAR}:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_list_is_shown_with_when_it_was_fetched_and_what_is_in_use(house: House) -> None:
    add_park(house)
    save_types(house, [("101", "月卡（业主）"), ("102", "季卡")])
    push(house, renewal("P1"), renewal("P2"), renewal("P3", charge_type="999"))
    page = house.enter(language="en").page(PATH)
    assert "2026-11-24 12:00:00" in page
    assert "月卡（业主）" in page
    assert "2026-01-01 00:00" in page
    assert "20260101000000" not in page
    assert "Ids in use but not in the list" in page
    assert f'href="/records?park={PARK}&amp;charge_type=999"' in page
    assert "charge_type=101" not in page


def test_park_that_was_never_asked_has_no_unknown_ids(house: House) -> None:
    add_park(house)
    push(house, renewal())
    page = house.enter().page(PATH)
    assert "还没有读取过收费类型" in page
    assert "列表中没有的编号" not in page


def test_trouble_of_the_last_try_is_told_beside_the_older_list(house: House) -> None:
    add_park(house)
    save_types(house, [("101", "月卡")])
    house.database.admin.save_charge_types(PARK, None, LocalizedText("网关未答", "no answer"), NOON_US + 60_000_000)
    page = house.enter(language="en").page(PATH)
    assert "The last attempt failed: no answer" in page
    assert "2026-11-24 12:01:00" in page
    assert "月卡" in page


def test_list_is_fetched_now_and_nothing_in_it_is_run(build: Build, gateway: str) -> None:
    house = build(charge_types_allow_private=True)
    add_park(house)
    set_address(house, gateway)
    browser = house.enter("operator")
    answer = browser.send(PATH, on=PATH)
    assert answer.headers["location"] == f"{PATH}?done=types_fetched"
    page = browser.page(PATH)
    assert "<b onclick" not in page
    assert "&lt;b onclick=x&gt;名&lt;/b&gt;" in page
    [done, *_] = house.database.accounts.audit_entries(None, PARK, None, 1)
    assert (done.action, done.detail, done.who) == ("park.charge_types", "1", "operator")


def test_address_inside_our_own_network_is_not_asked(house: House, gateway: str) -> None:
    add_park(house)
    set_address(house, gateway)
    browser = house.enter("operator")
    assert browser.send(PATH, on=PATH).headers["location"] == PATH
    assert house.database.queries.charge_types(PARK).items == []
    assert house.database.queries.charge_types(PARK).trouble is not None
    assert "最近一次读取失败" in browser.page(PATH)


def test_park_without_an_address_cannot_be_asked(house: House) -> None:
    add_park(house)
    browser = house.enter("operator")
    assert "立即读取" not in browser.page(PATH)
    assert browser.send(PATH, on="/signature-check").status_code == 409


def test_reader_asks_no_park_and_no_other_site_does(house: House) -> None:
    add_park(house)
    set_address(house, "https://park.example/")
    reader = house.enter()
    assert "立即读取" not in reader.page(PATH)
    assert reader.send(PATH, on="/signature-check").status_code == 403
    assert house.enter("operator").post(PATH, {}, sec_fetch_site="cross-site").status_code == 403
    assert house.database.queries.charge_types(PARK).tried_us is None


def test_park_that_is_not_there_says_so(house: House) -> None:
    assert "没有车场" in house.enter().page(f"/parks/{OTHER}/charge-types", 404)


def test_long_list_comes_in_small_pages(house: House) -> None:
    add_park(house)
    save_types(house, [(f"TYPE-{n:04}", "小区业主月卡（含节假日）") for n in range(250)])
    browser = house.enter()
    first = browser.page(PATH)
    assert len(first.encode()) <= 50_000
    assert "TYPE-0099" in first
    assert "TYPE-0100" not in first
    assert "TYPE-0249" in browser.page(f"{PATH}?after=200")
