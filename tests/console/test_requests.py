"""Requests: found, explained row by row, fixed and sent again from the page."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from support.console_app import Browser, House
from support.console_data import (
    DAY_US,
    OTHER,
    PARK,
    PLATE,
    add_park,
    push,
    refuse,
    refuse_stranger,
    renewal,
    request,
    row,
)
from support.store_database import NOON_US
from vipgate.domain.masking import mask_plate
from vipgate.store.interfaces.ledger import ParkChange
from vipgate.store.interfaces.queries import RecordQuery

HOSTILE = '<img src=x onerror="alert(1)">'
ODD: dict[str, Any] = {HOSTILE: 1}
WRONG = request(
    row("P0", card_no="CARD-4711", operator="张三丰"),
    row("P1", quantity="1.5", plate="粤B77777"),
    row("P2", plate="粤B88888粤B88888粤B88888", tel="13800000000", deep={"name": "李四四"}),
)
SECRETS = (PLATE, "粤B77777", "粤B88888", "CARD-4711", "张三丰", "13800000000", "李四四")


def text_of(page: str, name: str = "body") -> str:
    """What stands in a text field of the page."""
    found = re.search(rf'<textarea id="{name}"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    assert found is not None, page
    return html.unescape(found[1])


def field(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return "" if found is None else html.unescape(found[1])


def replay(browser: Browser, seqno: str, **fields: str) -> Any:
    return browser.send(f"/requests/{seqno}/replay", on=f"/requests/{seqno}", **fields)


def records(house: House) -> dict[str, str]:
    """Plates by order number."""
    return {one.stored.renewal.pay_partner: one.stored.renewal.plate for one in _all(house)}


def _all(house: House) -> Any:
    return house.database.queries.records(RecordQuery(park_uuid=PARK), None, 1_000).items


# ---- the list ----


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", "abcd"),
        (f"park={PARK}", "ab"),
        ("park=科技园", "d"),
        ("code=400", "b"),
        ("code=401", "c"),
        ("refused=1", "bc"),
        ("strangers=1", "c"),
        (f"park={PARK}&refused=1", "b"),
        ("since=2026-11-24&until=2026-11-24", "abc"),
        ("since=2026-11-25", "d"),
        ("since=2026-11-26", ""),
    ],
)
def test_list_has_what_is_asked_for_and_nothing_else(house: House, query: str, wanted: str) -> None:
    add_park(house)
    add_park(house, OTHER, "科技园")
    made = {
        "a": push(house, renewal()),
        "b": refuse(house, WRONG),
        "c": refuse_stranger(house, claimed=PARK),
        "d": push(house, renewal(), park=OTHER, at_us=NOON_US + DAY_US),
    }
    page = house.enter().page(f"/requests?{query}")
    assert "".join(name for name, seqno in made.items() if f'href="/requests/{seqno}"' in page) == wanted


def test_whole_seqno_leads_straight_to_its_request_and_half_a_one_is_told(house: House) -> None:
    add_park(house)
    seqno = push(house, renewal())
    browser = house.enter()
    spaced = f"{seqno[:17]} {seqno[17:]}"
    assert browser.get(f"/requests?seqno={spaced}").headers["location"] == f"/requests/{seqno}"
    assert "收到 12 位" in browser.page(f"/requests?seqno={seqno[:12]}", 422)


def test_pages_of_requests_follow_each_other(house: House) -> None:
    add_park(house)
    made = [push(house, renewal(f"P{n}"), at_us=NOON_US + n * 1000) for n in range(101)]
    browser = house.enter()
    seen: list[str] = []
    path = f"/requests?park={PARK}"
    while path:
        page = browser.page(path)
        seen += re.findall(r'href="/requests/(\d{32})"', page)
        path = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert seen == made[::-1]


def test_full_list_stays_small(house: House) -> None:
    add_park(house)
    faults = request(*(row(f"P{n}", plate_color="9", quantity="x" * 64) for n in range(30)))
    for n in range(50):
        refuse(house, faults, at_us=NOON_US + n)
    assert len(house.enter().page("/requests").encode()) <= 50_000


# ---- one request ----


def test_stored_request_tells_its_outcome_and_the_records_that_are_still_as_it_wrote_them(house: House) -> None:
    add_park(house)
    seqno = push(house, renewal("P1"), renewal("P2"))
    push(house, renewal("P2", plate="粤B99999"), at_us=NOON_US + DAY_US)
    page = house.enter(language="en").page(f"/requests/{seqno}")
    assert "2 new, 0 changed, 0 unchanged" in page
    assert "203.0.113.9" in page
    assert ">P1</a>" in page
    assert ">P2</a>" not in page


@pytest.mark.parametrize("seqno", ["1" * 32, "0" * 31, "x", "20261124040000000" + "9" * 15])
def test_request_that_is_not_there_says_so(house: House, seqno: str) -> None:
    assert "它可能早于请求日志的保留期" in house.enter().page(f"/requests/{seqno}", 404)


def test_refused_request_is_explained_row_by_row_with_no_plate_in_the_clear(house: House) -> None:
    add_park(house)
    push(house, renewal("P1", plate="粤B77777"), at_us=NOON_US - DAY_US)
    seqno = refuse(house, WRONG)
    for role in ("reader", "operator"):
        page = house.enter(role, language="en").page(f"/requests/{seqno}")
        assert "row[1].quantity" in page
        assert "must be an integer from 0 to 1000000000" in page
        assert f'href="/parks/{PARK}/records/P1"' in page
        assert "粤B***77" in page
        assert [secret for secret in SECRETS if secret in page] == []


def test_plates_of_the_body_are_shown_to_those_who_see_them(house: House) -> None:
    add_park(house)
    seqno = refuse(house, WRONG)
    browser = house.enter("operator", sees_plates=True)
    assert browser.get(f"/requests/{seqno}/body").status_code == 403
    assert browser.send("/plates/show", next="/").status_code == 303
    page = browser.page(f"/requests/{seqno}")
    assert [secret for secret in SECRETS if secret not in page] == []
    answer = browser.get(f"/requests/{seqno}/body")
    assert answer.content == WRONG
    assert answer.headers["content-disposition"] == f'attachment; filename="{seqno}.json"'


def test_nothing_that_a_park_sent_is_run(house: House) -> None:
    add_park(house, name=HOSTILE)
    seqno = refuse(house, request(row(HOSTILE, quantity=HOSTILE, plate=HOSTILE, charge_type=HOSTILE), **ODD))
    stranger = refuse_stranger(house, claimed=HOSTILE)
    browser = house.enter("operator", sees_plates=True)
    browser.send("/plates/show", next="/")
    for path in ("/requests", f"/requests/{seqno}", f"/requests/{stranger}", f"/requests?park={PARK}"):
        assert "<img" not in browser.page(path)


def test_stranger_is_told_as_one_and_leads_to_the_signature_check(house: House) -> None:
    add_park(house)
    seqno = refuse_stranger(house, claimed=PARK)
    page = house.enter().page(f"/requests/{seqno}")
    assert "未通过身份验证" in page
    assert f'href="/signature-check?park={PARK}"' in page
    assert "<textarea" not in page


def test_body_that_cannot_be_read_row_by_row_is_shown_only_in_the_clear(house: House) -> None:
    add_park(house)
    seqno = refuse(house, request() + b" ")
    odd = refuse(house, b'{"park_uuid":"' + PARK.encode() + b'","row":{"plate":"' + PLATE.encode() + b'"}}')
    browser = house.enter("operator", sees_plates=True)
    assert "<textarea" in browser.page(f"/requests/{seqno}")
    page = browser.page(f"/requests/{odd}")
    assert "正文无法按行读取" in page
    assert PLATE not in page
    browser.send("/plates/show", next="/")
    assert PLATE in text_of(browser.page(f"/requests/{odd}"))


# These bytes are valid in both charsets, so nothing but the park's own says what they mean.
IN_GBK = "绮ょ菠"
assert IN_GBK.encode("gbk") == "粤粤".encode()


def gbk_park(house: House) -> None:
    add_park(house)
    house.database.store.change_park(PARK, ParkChange(charset="gbk"))


def in_gbk(body: bytes) -> bytes:
    return body.decode().encode("gb18030")


def wrong_in_gbk() -> bytes:
    """Of a park that writes GBK; every byte of it might be UTF-8 as well."""
    return in_gbk(request(row("P1", plate="X12345", quantity="1.5", operator=IN_GBK)))


def test_kept_body_is_shown_in_the_charset_of_its_park(house: House) -> None:
    gbk_park(house)
    seqno = refuse(house, wrong_in_gbk(), declared="gbk")
    browser = house.enter("operator", sees_plates=True)
    browser.send("/plates/show", next="/")
    assert IN_GBK in text_of(browser.page(f"/requests/{seqno}"))
    assert browser.get(f"/requests/{seqno}/body").content == wrong_in_gbk()


def test_mended_request_of_a_park_that_writes_gbk_is_stored_as_it_was_meant(house: House) -> None:
    gbk_park(house)
    old = refuse(house, wrong_in_gbk(), declared="gbk")
    browser = house.enter("operator")
    text = text_of(browser.page(f"/requests/{old}"))
    again = replay(browser, old, body=text.replace('"1.5"', '"2.5"'), hidden="1").headers["location"]
    new, _, done = again.removeprefix("/requests/").partition("?done=")
    assert done == "replay_rejected"
    # The console wrote this one, in UTF-8.
    last = replay(browser, new, body=text_of(browser.page(f"/requests/{new}")).replace('"2.5"', '"3"'), hidden="1")
    assert last.headers["location"].endswith("?done=replayed")
    stored = house.database.store.find_record(PARK, "P1")
    assert stored is not None
    assert (stored.renewal.plate, stored.renewal.operator) == ("X12345", IN_GBK)


def test_body_in_another_charset_than_its_park_s_is_shown_with_a_word_about_it_and_not_taken_silently(
    house: House,
) -> None:
    add_park(house)
    seqno = refuse(house, in_gbk(WRONG), declared="gbk")
    browser = house.enter("operator", sees_plates=True, language="en")
    page = browser.page(f"/requests/{seqno}")
    assert "is not valid UTF-8; if it is GBK" in page
    assert PLATE not in page
    assert replay(browser, seqno).status_code == 422
    browser.send("/plates/show", next="/")
    assert PLATE in text_of(browser.page(f"/requests/{seqno}"))
    house.database.store.change_park(PARK, ParkChange(charset="gbk"))
    page = browser.page(f"/requests/{seqno}")
    assert "is not valid UTF-8" not in page
    assert PLATE in text_of(page)


def test_body_that_came_before_its_park_changed_its_charset_is_not_replayed(house: House) -> None:
    """It would be read in the new charset: another plate under the same bytes."""
    add_park(house)
    old = refuse(house, request(row("P1", quantity="1.5")))
    browser = house.enter("operator")
    text = text_of(browser.page(f"/requests/{old}"))
    house.clock.now_us += 1_000_000
    house.database.store.change_park(PARK, ParkChange(charset="gbk"))
    assert replay(browser, old, body=text.replace('"1.5"', '"2"'), hidden="1").status_code == 409
    assert records(house) == {}


# ---- fix and send again ----


def test_replay_tests_no_guess_at_a_plate_while_plates_are_hidden(house: House) -> None:
    """A stored guess would stand beside the record that it hits."""
    add_park(house)
    old = refuse(house, request(row("P0"), row("P1", quantity="1.5")))
    browser = house.enter("operator", sees_plates=True)
    text = text_of(browser.page(f"/requests/{old}")).replace('"1.5"', '"2"')
    guesses = request(row("P0"), row("P1"), row("G1", plate="粤B00145"), row("G2", plate="粤B00245")).decode()
    for body in (text.replace("P1", "P0").replace("粤B***45", "粤B00145"), guesses):
        assert replay(browser, old, body=body, hidden="1").status_code == 422
    assert records(house) == {}
    browser.send("/plates/show", next="/")
    assert replay(browser, old, body=guesses).headers["location"].endswith("?done=replayed")


@pytest.mark.parametrize("member", ["plate", "card_no", "operator", "tel"])
def test_right_guess_at_a_hidden_value_is_refused_like_a_wrong_one(house: House, member: str) -> None:
    """A refusal of wrong ones alone would tell the right one, and costs no search."""
    add_park(house)
    held = row("P1", card_no="CARD-4711", operator="张三丰", quantity="1.5") | {"tel": "13800000000"}
    old = refuse(house, request(held))
    browser = house.enter("operator")
    for guess in (str(held[member]), "粤B00145", "1"):
        for fields in (
            {"body": request(held | {member: guess}).decode()},
            {"body": text_of(browser.page(f"/requests/{old}")).replace(mask_plate(str(held[member])), guess)},
            {"row-0": json.dumps(held | {member: guess})},
            {"row-0": json.dumps({"pay_partner": "P1", member: guess})},
        ):
            answer = browser.send(f"/requests/{old}/replay", on=f"/requests/{old}", **fields)
            assert answer.status_code == 422, (guess, fields)
            assert "车牌隐藏时不能填写" in answer.text
    assert records(house) == {}


def test_request_is_mended_while_its_plates_are_hidden_and_is_stored_whole(house: House) -> None:
    add_park(house)
    old = refuse(house, request(row("P0", operator="张三丰"), row("P1", quantity="1.5", plate="粤B77777")))
    browser = house.enter("operator")
    text = text_of(browser.page(f"/requests/{old}"))
    answer = replay(browser, old, body=text.replace('"1.5"', '"2"'), hidden="1")
    assert answer.status_code == 303, answer.text
    new, _, done = answer.headers["location"].removeprefix("/requests/").partition("?done=")
    assert done == "replayed"
    assert records(house) == {"P0": PLATE, "P1": "粤B77777"}
    stored = house.database.store.find_record(PARK, "P0")
    assert stored is not None
    assert (stored.seqno, stored.renewal.operator) == (new, "张三丰")
    assert f'href="/requests/{old}"' in browser.page(f"/requests/{new}")
    assert f'href="/requests/{new}"' in browser.page(f"/requests/{old}")
    entry = house.database.store.request_log_entry(new)
    assert entry is not None
    assert (entry.origin.peer, entry.origin.replay_of) == ("console:operator", old)
    [audited, *_] = house.database.accounts.audit_entries(None, PARK, None, 1)
    assert (audited.action, audited.subject, audited.detail) == ("request.replay", old, new)


def test_replay_that_is_refused_again_is_shown_with_its_hints_and_can_be_mended_further(house: House) -> None:
    add_park(house)
    old = refuse(house, request(row("P1", quantity="1.5")))
    browser = house.enter("operator")
    answer = replay(browser, old, body=text_of(browser.page(f"/requests/{old}")).replace('"1.5"', '"2.5"'), hidden="1")
    new, _, done = answer.headers["location"].removeprefix("/requests/").partition("?done=")
    assert done == "replay_rejected"
    page = browser.page(f"/requests/{new}")
    assert "row[0].quantity" in page
    assert f'href="/requests/{old}"' in page
    assert records(house) == {}
    last = replay(browser, new, body=text_of(page).replace('"2.5"', '"3"'), hidden="1")
    assert last.headers["location"].endswith("?done=replayed")
    assert records(house) == {"P1": PLATE}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not a valid request"),
        ('{"park_uuid":"another","row":[]}', "for the same park only"),
        ("", "not a valid request"),
    ],
)
def test_text_that_is_no_request_comes_back_with_what_is_wrong(house: House, text: str, told: str) -> None:
    add_park(house)
    old = refuse(house, request(row("P1", quantity="1.5")))
    browser = house.enter("operator", language="en")
    answer = replay(browser, old, body=text)
    assert answer.status_code == 422
    assert told in answer.text
    assert text_of(answer.text) == text
    assert house.database.queries.replays_of(PARK, old) == []


def test_hidden_value_that_was_changed_is_not_sent(house: House) -> None:
    add_park(house)
    old = refuse(house, request(row("P1", quantity="1.5")))
    browser = house.enter("operator")
    text = text_of(browser.page(f"/requests/{old}")).replace('"1.5"', '"1"').replace("粤B***45", "粤B***46")
    answer = replay(browser, old, body=text, hidden="1")
    assert answer.status_code == 422
    assert "row[0].plate" in answer.text
    assert records(house) == {}


def test_full_replace_is_confirmed_before_it_is_sent(house: House) -> None:
    add_park(house)
    push(house, renewal("A"), renewal("B"))
    old = refuse(house, request(row("P1", quantity="1.5"), complete=1))
    browser = house.enter("operator")
    text = text_of(browser.page(f"/requests/{old}")).replace('"1.5"', '"1"')
    asked = replay(browser, old, body=text, hidden="1")
    assert asked.status_code == 200
    assert "当前的 2 条记录不再可见，改为这 1 条" in asked.text
    assert set(records(house)) == {"A", "B"}
    push(house, renewal("C"), complete=True, at_us=NOON_US + 1)
    stale = replay(browser, old, body=text_of(asked.text), hidden="1", sure=field(asked.text, "sure"))
    assert stale.status_code == 409
    assert "当前的 1 条记录不再可见" in stale.text
    done = replay(browser, old, body=text_of(stale.text), hidden="1", sure=field(stale.text, "sure"))
    assert done.headers["location"].endswith("?done=replayed")
    assert set(records(house)) == {"P1"}


def test_later_content_is_not_turned_back_without_being_asked_about(house: House) -> None:
    add_park(house)
    old = refuse(house, request(row("P1", quantity="1.5")))
    push(house, renewal("P1", plate="粤B00001"), at_us=NOON_US + 1_000_000)
    house.clock.forward(60)
    browser = house.enter("operator")
    text = text_of(browser.page(f"/requests/{old}")).replace('"1.5"', '"1"')
    asked = replay(browser, old, body=text, hidden="1")
    assert (asked.status_code, records(house)) == (200, {"P1": "粤B00001"})
    assert "已有更新的内容" in asked.text
    replay(browser, old, body=text_of(asked.text), hidden="1", sure=field(asked.text, "sure"))
    assert records(house) == {"P1": PLATE}


def test_long_request_is_mended_by_the_rows_that_were_wrong(house: House) -> None:
    add_park(house)
    rows = [row(f"P{n:03}", plate=f"粤B1{n:04}") for n in range(600)]
    rows[17]["quantity"], rows[400]["plate_color"] = "1.5", "9"
    old = refuse(house, request(*rows))
    browser = house.enter("operator")
    page = browser.page(f"/requests/{old}")
    assert len(page.encode()) <= 50_000
    assert "粤B10017" not in page
    fields = {
        "row-17": text_of(page, "row-17").replace('"1.5"', '"1"'),
        "row-400": text_of(page, "row-400").replace('"9"', '"1"'),
    }
    answer = replay(browser, old, hidden="1", **fields)
    assert answer.headers["location"].endswith("?done=replayed")
    assert records(house) == {f"P{n:03}": f"粤B1{n:04}" for n in range(600)}


def test_row_that_is_no_json_is_marked_at_its_field(house: House) -> None:
    add_park(house)
    rows = [row(f"P{n:03}") for n in range(600)]
    rows[17]["quantity"] = "1.5"
    old = refuse(house, request(*rows))
    answer = replay(house.enter("operator"), old, **{"row-17": "{oops"})
    assert answer.status_code == 422
    assert 'id="row-17-notes"' in answer.text
    assert records(house) == {}


def test_longest_page_of_a_body_stays_small(house: House) -> None:
    add_park(house)
    many = [row(f"P{n:03}", quantity="x", operator="张" * 60, remark="备注" * 500) for n in range(40)]
    old = refuse(house, request(*many))
    fitting = refuse(house, request(*many[:5]))
    browser = house.enter("operator", sees_plates=True)
    browser.send("/plates/show", next="/")
    for seqno in (old, fitting):
        assert len(browser.page(f"/requests/{seqno}").encode()) <= 50_000


def test_reader_sends_nothing_again_and_no_other_site_does(house: House) -> None:
    add_park(house)
    old = refuse(house, request(row("P1", quantity="1.5")))
    reader = house.enter()
    assert "<textarea" not in reader.page(f"/requests/{old}")
    assert replay(reader, old, body=request(row()).decode()).status_code == 403
    operator = house.enter("operator")
    sent = operator.post(f"/requests/{old}/replay", {"body": request(row()).decode()}, sec_fetch_site="cross-site")
    assert sent.status_code == 403
    assert records(house) == {}


def test_stored_request_is_not_sent_again(house: House) -> None:
    add_park(house)
    seqno = push(house, renewal())
    assert replay(house.enter("operator"), seqno, body=request(row()).decode()).status_code == 409
