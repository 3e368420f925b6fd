"""Held replaces in the console: who sees them, what letting one through would change, and that the yes is asked twice.

And the two switches of a park's settings, with what tells whether it is safe to want HMAC.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from support.console_app import Browser, House
from support.console_data import OTHER, PARK, add_park, push, refuse, renewal, replace_stock, request, row
from support.console_pages import asked, bare
from support.store_data import do
from support.store_data import push as made_push
from support.store_database import NOON_US
from vipgate.admin.console.urls import park_at
from vipgate.store.interfaces import queries
from vipgate.store.interfaces.accounts import Language
from vipgate.store.interfaces.ledger import Filter, ParkChange

SECOND_US = 1_000_000
STOCK = request(row("P1"), row("P2"), complete=1)
SETTINGS = park_at(PARK, "/settings")


def fill(house: House) -> str:
    """A park whose stock of two was replaced, then got three more, and is sent twice again; the first seqno that is held."""
    add_park(house)
    house.database.store.change_park(PARK, ParkChange(hold_replaces=True))
    replace_stock(house, STOCK, at_us=NOON_US - 9 * SECOND_US)
    push(house, *(renewal(f"LATER{number}") for number in range(3)), at_us=NOON_US - 8 * SECOND_US)
    held = replace_stock(house, STOCK, at_us=NOON_US - 7 * SECOND_US)
    replace_stock(house, STOCK, at_us=NOON_US - 6 * SECOND_US)
    return held


def path_of(seqno: str, park: str = PARK) -> str:
    return park_at(park, f"/held/{seqno}")


def orders(house: House) -> set[str]:
    return {one.renewal.pay_partner for one in house.database.store.iter_records(PARK, Filter())}


# ---- held replaces ----


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", ["/", park_at(PARK)])
def test_held_replace_is_a_line_where_staff_look_first(house: House, path: str, language: Language) -> None:
    seqno = fill(house)
    page = house.enter("operator", language="en-GB" if language == "en" else "zh-CN").page(path)
    title = {"zh": "被暂扣的 complete=1", "en": "Held replaces (complete=1)"}[language]
    card = page.partition(title)[2].partition("</table>")[0]
    assert f'href="{path_of(seqno)}"' in card
    assert {"zh": "待确认", "en": "waits for approval"}[language] in card
    assert '<td class="n">2</td>' in card, "it came twice"


@pytest.mark.parametrize("path", ["/", park_at(PARK)])
def test_nothing_is_said_of_replaces_where_none_is_held(house: House, path: str) -> None:
    add_park(house)
    assert "被暂扣" not in house.enter("operator").page(path)


def test_reader_sees_the_held_replace_and_may_not_approve_it(house: House) -> None:
    seqno = fill(house)
    reader = house.enter("reader")
    page = reader.page(park_at(PARK))
    assert seqno in page
    assert "/held/" not in page
    reader.page(path_of(seqno), 403)
    assert reader.send(path_of(seqno), on="/account", sure="1").status_code == 403


def test_approval_is_asked_for_twice_and_lets_it_through_once(house: House) -> None:
    seqno = fill(house)
    browser = house.enter("operator")
    first = browser.page(path_of(seqno))
    assert "当前的 5 条记录不再可见，改为请求中的 2 条" in first
    assert "最近变更的 5 条记录中有 3 条不在其中" in first
    assert "/records/LATER2" in first
    assert "/records/P1" not in first
    second = browser.post(path_of(seqno), asked(first))
    assert (second.status_code, "请再次确认" in second.text) == (200, True)
    assert "park.allow_replace" not in house.actions()
    done = browser.post(path_of(seqno), asked(second.text))
    assert (done.status_code, done.headers["location"]) == (303, park_at(PARK) + "?done=replace_allowed")
    [entry, *_] = house.database.accounts.audit_entries(None, PARK, None, 5)
    assert (entry.action, entry.who, entry.subject, entry.detail) == ("park.allow_replace", "operator", seqno, "5 → 2")
    assert "已允许" in browser.page(park_at(PARK)).split("<table")[1].split("</table>")[0]
    allowed = browser.page(path_of(seqno))
    assert "已允许" in allowed
    assert asked(allowed) == {}, "there is nothing left to say yes to"
    assert f'action="{path_of(seqno)}/disallow"' in allowed

    replace_stock(house, STOCK, at_us=NOON_US)
    assert orders(house) == {"P1", "P2"}
    assert "被暂扣" not in browser.page(park_at(PARK))
    browser.page(path_of(seqno), 404)


def test_order_numbers_of_a_held_replace_are_read_in_the_charset_of_the_park(house: House) -> None:
    add_park(house)
    house.database.store.change_park(PARK, ParkChange(hold_replaces=True, charset="gbk"))
    # Valid as UTF-8 too, where it is another order number.
    order = "绮ょ菠"
    stock = request(row(order, plate="X1"), complete=1).decode().encode("gbk")
    replace_stock(house, stock, at_us=NOON_US - 3_000_000)
    push(house, renewal("LATER"), at_us=NOON_US - 2_000_000)
    seqno = replace_stock(house, stock, at_us=NOON_US - 1_000_000)
    assert "最近变更的 2 条记录中有 1 条不在其中" in house.enter("operator").page(path_of(seqno))


def test_approval_is_withdrawn_and_audited(house: House) -> None:
    seqno = fill(house)
    browser = house.enter("operator")
    second = browser.post(path_of(seqno), asked(browser.page(path_of(seqno))))
    browser.post(path_of(seqno), asked(second.text))
    path = f"{path_of(seqno)}/disallow"
    done = browser.send(path, on=path_of(seqno))
    assert (done.status_code, done.headers["location"]) == (303, park_at(PARK) + "?done=replace_disallowed")
    assert house.actions()[0] == "park.disallow_replace"
    assert "已允许" not in browser.page(path_of(seqno))
    assert browser.send(path, on=path_of(seqno)).status_code == 409
    replace_stock(house, STOCK, at_us=NOON_US)
    assert len(orders(house)) == 5


def test_approval_is_asked_for_again_where_the_park_has_pushed_in_the_meantime(house: House) -> None:
    seqno = fill(house)
    browser = house.enter("operator")
    second = browser.post(path_of(seqno), asked(browser.page(path_of(seqno))))
    push(house, renewal("MORE"), at_us=NOON_US)
    moved = browser.post(path_of(seqno), asked(second.text))
    assert (moved.status_code, "记录在此期间有变化" in moved.text) == (409, True)
    assert "park.allow_replace" not in house.actions()


def test_approval_cannot_be_given_by_one_form_alone(house: House) -> None:
    seqno = fill(house)
    browser = house.enter("operator")
    assert browser.send(path_of(seqno), on=path_of(seqno), sure="1").status_code == 200
    assert "park.allow_replace" not in house.actions()


def test_request_that_is_not_held_cannot_be_let_through(house: House) -> None:
    seqno = fill(house)
    add_park(house, OTHER, "南门")
    wrong = refuse(house, request(row("P1", quantity="1.5"), complete=1))
    browser = house.enter("operator")
    for path in (path_of(wrong), path_of("9" * 32), path_of("x"), path_of(seqno, OTHER), path_of(seqno, "nowhere")):
        browser.page(path, 404)
    house.database.store.change_park(PARK, ParkChange(hold_replaces=False))
    browser.page(path_of(seqno), 404)


def test_repeat_of_a_held_replace_leads_to_the_same_question(house: House) -> None:
    first = fill(house)
    again = replace_stock(house, STOCK, at_us=NOON_US - 5 * SECOND_US)
    browser = house.enter("operator")
    assert f'href="{path_of(again)}"' in browser.page(f"/requests/{again}")
    page = browser.page(path_of(again))
    assert "最近变更的 5 条记录中有 3 条不在其中" in page
    assert f'action="{path_of(first)}/dismiss"' in page


def test_more_times_than_are_counted_are_told_as_such(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "HELD_TIMES_MAX", 2)
    seqno = fill(house)
    browser = house.enter("operator")
    assert '<td class="n">2+</td>' in browser.page(park_at(PARK))
    assert "<dd>2+</dd>" in browser.page(path_of(seqno))


@pytest.mark.parametrize("allowed", [False, True])
def test_dismissed_replace_is_listed_no_more_until_it_comes_again(house: House, allowed: bool) -> None:
    seqno = fill(house)
    if allowed:
        body = house.database.queries.held_replaces(PARK, 0, 1)[0].body_sha256
        assert house.database.store.allow_replace(PARK, body, NOON_US)
    browser = house.enter("operator")
    dismissal = path_of(seqno) + "/dismiss"
    assert "被暂扣" in browser.page("/")
    done = browser.send(dismissal, on=path_of(seqno))
    assert (done.status_code, done.headers["location"]) == (303, park_at(PARK) + "?done=replace_dismissed")
    [entry, *_] = house.database.accounts.audit_entries(None, PARK, None, 5)
    assert (entry.action, entry.who, entry.subject) == ("park.dismiss_replace", "operator", seqno)
    assert "忽略被暂扣的 complete=1" in house.enter("admin").page("/audit")
    for path in ("/", park_at(PARK)):
        assert "被暂扣" not in browser.page(path)
    assert house.database.store.rejected_body(seqno) is None
    assert browser.send(dismissal, on="/account").status_code == 404
    assert house.actions().count("park.dismiss_replace") == 1
    again = replace_stock(house, STOCK, at_us=NOON_US)
    assert len(orders(house)) == 5, "a yes before the dismissal counts no more"
    assert f'href="{path_of(again)}"' in browser.page(park_at(PARK))


def test_reader_cannot_dismiss(house: House) -> None:
    seqno = fill(house)
    assert house.enter("reader").send(path_of(seqno) + "/dismiss", on="/account").status_code == 403
    assert house.database.store.rejected_body(seqno) is not None


# ---- a request's page ----


def test_request_shows_that_it_is_held_and_where_it_is_approved(house: House) -> None:
    seqno = fill(house)
    operator, reader = house.enter("operator"), house.enter("reader")
    assert f'href="{path_of(seqno)}"' in operator.page(f"/requests/{seqno}")
    page = reader.page(f"/requests/{seqno}")
    assert ("被暂扣，等待确认" in page, "/held/" in page) == (True, False)
    assert "complete=1: 与此前的请求" in page, "what masks plates takes nothing else for one"
    house.database.store.change_park(PARK, ParkChange(hold_replaces=False))
    assert "等待确认" not in operator.page(f"/requests/{seqno}")


def test_request_tells_the_id_under_which_hmac_signed_it(house: House) -> None:
    add_park(house)
    by_hmac = replace_stock(house, STOCK, webhook_id="msg_<b>")
    by_md5 = push(house, renewal("P9"))
    browser = house.enter("reader")
    assert "msg_&lt;b&gt;" in browser.page(f"/requests/{by_hmac}")
    assert "webhook-id" not in browser.page(f"/requests/{by_md5}")


# ---- settings ----


def save(browser: Browser, **ticked: str) -> int:
    return browser.send(SETTINGS, on=SETTINGS, name="海岸城北门", enabled="1", **ticked).status_code


def test_switches_are_saved_and_the_log_says_from_what_to_what(house: House) -> None:
    add_park(house)
    browser = house.enter("operator")
    assert save(browser, require_hmac="1", hold_replaces="1") == 303
    park = house.database.store.find_park(PARK)
    assert park is not None
    assert (park.require_hmac, park.hold_replaces) == (True, True)
    [entry, *_] = house.database.accounts.audit_entries(None, PARK, None, 5)
    assert (entry.action, entry.detail) == ("park.change", "require_hmac: False → True; hold_replaces: False → True")
    page = browser.page(SETTINGS)
    assert re.search(r'name="require_hmac" value="1" checked', page)
    assert re.search(r'name="hold_replaces" value="1" checked', page)
    assert save(browser, hold_replaces="1") == 303
    park = house.database.store.find_park(PARK)
    assert park is not None
    assert (park.require_hmac, park.hold_replaces) == (False, True)


def test_reader_cannot_turn_a_switch(house: House) -> None:
    add_park(house)
    reader = house.enter("reader")
    assert reader.send(SETTINGS, on="/account", enabled="1", require_hmac="1").status_code == 403


def signed(house: House, webhook_id: str | None, at_us: int = NOON_US - SECOND_US) -> Any:
    return msgspec.structs.replace(made_push([renewal("P1")], at_us, park=PARK), webhook_id=webhook_id)


@pytest.mark.parametrize(
    ("ids", "told", "counted"),
    [
        ([], "近 7 天没有推送", "HMAC 0 次，MD5 0 次"),
        (["a", "b"], "近 7 天的推送全部用 HMAC 签名，可以开启", "HMAC 2 次，MD5 0 次"),
        (["a", None], "近 7 天有推送用 MD5 签名，最近一次 2026-11-24 11:59", "HMAC 1 次，MD5 1 次"),
    ],
)
def test_settings_tell_whether_it_is_safe_to_want_hmac(
    house: House, ids: list[str | None], told: str, counted: str
) -> None:
    add_park(house)
    do(house.database.store, signed(house, None, NOON_US - 8 * 86_400 * SECOND_US))
    for one in ids:
        do(house.database.store, signed(house, one))
    browser = house.enter("operator")
    assert told in " ".join(bare(browser.page(SETTINGS)).split())
    assert counted in browser.page(park_at(PARK))
