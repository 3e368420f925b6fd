"""The signature check: names the mistake, keeps the secret to itself."""

from __future__ import annotations

import base64
from hashlib import md5

import pytest

from support.console_app import Browser, House
from support.console_data import OTHER, PARK, SECRET, add_park, request, row
from support.store_database import NOON_US
from vipgate.admin.console.views.signature_check import ECHO_BYTES_MAX
from vipgate.protocol.charset import Charset
from vipgate.protocol.signature_hmac import hmac_sign
from vipgate.protocol.signature_md5 import DIAGNOSIS_BYTES_MAX, sign
from vipgate.store.interfaces.ledger import ParkChange

BODY = request(row(operator="张三"))
TEXT = BODY.decode()


def ask(browser: Browser, status: int = 200, /, **fields: str) -> str:
    answer = browser.send("/signature-check", on="/signature-check", **{"coding": "utf-8", "body": TEXT, **fields})
    assert answer.status_code == status, answer.text
    return answer.text


def digest(data: bytes) -> str:
    return md5(data, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("authorization", "told"),
    [
        (sign(BODY, SECRET), "The signature is correct"),
        (f" {sign(BODY, SECRET).upper()} ", "The signature is correct"),
        (digest(BODY + b"&key=" + SECRET.encode()), "joined with &amp;key="),
        (digest(BODY + SECRET.encode()), "joined with nothing"),
        (digest(TEXT.encode("gb18030") + b"&app_secret=" + SECRET.encode()), "signed over GBK bytes"),
        (base64.b64encode(bytes.fromhex(sign(BODY, SECRET))).decode(), "the signature is base64"),
        ("0" * 32, "the signature does not match"),
    ],
)
def test_mistake_is_named_whether_the_secret_is_typed_or_kept(house: House, authorization: str, told: str) -> None:
    add_park(house)
    operator = house.enter("operator", language="en")
    for fields in ({"park": PARK}, {"park": ""}, {"secret": SECRET}):
        page = ask(operator, authorization=authorization, **fields)
        assert told in page, fields
        assert sign(BODY, SECRET) in page
        assert "&amp;app_secret=<b>‹secret›</b>" in page
        assert SECRET not in page
    assert told in ask(house.enter("reader", language="en"), authorization=authorization, secret=SECRET)


AT_S = NOON_US // 1_000_000
STAMP = {"webhook_id": "msg_1", "webhook_timestamp": str(AT_S)}


@pytest.mark.parametrize(
    ("signature", "told"),
    [
        (hmac_sign(BODY, SECRET, "msg_1", AT_S), "The signature is correct"),
        (hmac_sign(BODY, SECRET + "\n", "msg_1", AT_S), "a newline follows the secret"),
        (hmac_sign(TEXT.encode("gb18030"), SECRET, "msg_1", AT_S), "signed over GBK bytes"),
        (hmac_sign(BODY, SECRET, "msg_1", AT_S).removeprefix("v1,"), "v1, is missing before the signature"),
        ("v1," + "A" * 43 + "=", "does not match"),
        ("", 'class="secret"'),
    ],
)
def test_mistake_of_an_hmac_is_named(house: House, signature: str, told: str) -> None:
    add_park(house)
    operator = house.enter("operator", language="en")
    for fields in ({"park": PARK}, {"secret": SECRET}):
        page = ask(operator, authorization=signature, **fields, **STAMP)
        assert told in page, fields
        assert hmac_sign(BODY, SECRET, "msg_1", AT_S).replace("+", "&#43;") in page.replace("+", "&#43;")
        assert f"msg_1.{AT_S}.{{" in page
        assert "&amp;app_secret=" not in page
        assert SECRET not in page


@pytest.mark.parametrize("given", [True, False])
def test_hmac_is_made_over_the_timestamp_as_it_came(house: House, given: bool) -> None:
    add_park(house)
    at = f"0{AT_S}"
    right = hmac_sign(BODY, SECRET, "msg_1", at)
    words = {"authorization": right if given else "", "webhook_id": "msg_1", "webhook_timestamp": at}
    page = ask(house.enter("operator", language="en"), secret=SECRET, **words)
    assert right.replace("+", "&#43;") in page.replace("+", "&#43;")
    assert ("The signature is correct" in page) == given


def test_old_secret_and_old_time_of_an_hmac_are_told(house: House) -> None:
    add_park(house)
    assert house.database.store.rotate_secret(PARK, house.vault.seal("the new one", PARK), NOON_US)
    browser = house.enter("operator", language="en")
    old = hmac_sign(BODY, SECRET, "msg_1", AT_S)
    assert "made with the old secret" in ask(browser, authorization=old, park=PARK, **STAMP)
    early = hmac_sign(BODY, SECRET, "msg_1", AT_S - 86_400)
    page = ask(browser, authorization=early, secret=SECRET, webhook_id="msg_1", webhook_timestamp=str(AT_S - 86_400))
    assert "The signature is correct" in page
    assert "If it arrived now" in page


@pytest.mark.parametrize(
    ("fields", "status", "told"),
    [
        ({"webhook_id": "a.b", "webhook_timestamp": "1"}, 200, "without a full stop"),
        ({"webhook_id": "a", "webhook_timestamp": "today"}, 200, "seconds since 1970"),
        ({"webhook_id": "a"}, 200, "seconds since 1970"),
        ({"authorization": "v1,AAAA"}, 422, "needs its id and timestamp"),
        ({"webhook_id": "a" * 513, "webhook_timestamp": "1"}, 422, "at most 512"),
    ],
)
def test_header_of_an_hmac_that_cannot_be_one_is_told(
    house: House, fields: dict[str, str], status: int, told: str
) -> None:
    assert told in ask(house.enter(language="en"), status, secret=SECRET, **fields)


def test_line_ends_of_a_pasted_text_do_not_matter(house: House) -> None:
    browser = house.enter(language="en")
    for sent in (b'{\n"a":1\n}', b'{\r\n"a":1\r\n}'):
        page = ask(browser, body='{\r\n"a":1\r\n}', authorization=sign(sent, "s"), secret="s")
        assert "The signature is correct" in page
        assert f"{len(sent)} bytes" in page


@pytest.mark.parametrize(
    ("coding", "text"),
    [
        ("gbk", TEXT),
        ("hex", TEXT.encode("gb18030").hex(" ")),
        ("base64", base64.b64encode(TEXT.encode("gb18030")).decode()),
    ],
)
def test_raw_bytes_can_be_given_where_text_would_be_another(house: House, coding: str, text: str) -> None:
    raw = TEXT.encode("gb18030")
    page = ask(house.enter(language="en"), coding=coding, body=text, authorization=sign(raw, "s"), secret="s")
    assert "The signature is correct" in page
    assert "张三" in page
    assert f"{len(raw)} bytes" in page


@pytest.mark.parametrize(
    ("of_park", "coding", "text", "told"),
    [
        ("utf-8", "utf-8", TEXT, ""),
        ("utf-8", "gbk", TEXT, "--charset gbk"),
        ("utf-8", "hex", TEXT.encode("gb18030").hex(), "is not valid UTF-8"),
        ("gbk", "hex", TEXT.encode("gb18030").hex(), ""),
        ("gbk", "gbk", TEXT, ""),
        ("gbk", "utf-8", TEXT, "--charset utf-8"),
    ],
)
def test_right_signature_over_another_charset_than_the_park_s_is_told_of_it(
    house: House, of_park: Charset, coding: str, text: str, told: str
) -> None:
    add_park(house)
    house.database.store.change_park(PARK, ParkChange(charset=of_park))
    body = TEXT.encode("utf-8" if coding == "utf-8" else "gb18030")
    page = ask(house.enter("operator", language="en"), coding=coding, body=text, authorization=sign(body, SECRET))
    assert "The signature is correct" in page
    assert ("the body is rejected (400)" in page) == bool(told)
    assert told in page


@pytest.mark.parametrize(("coding", "text"), [("hex", "xyz"), ("base64", "é"), ("base64", "abc"), ("utf-8", "  ")])
def test_body_that_is_not_what_it_is_said_to_be_is_marked(house: House, coding: str, text: str) -> None:
    page = ask(house.enter(), 422, coding=coding, body=text, secret="s")
    assert 'id="body-notes"' in page


def test_old_secret_is_told_after_a_rotation(house: House) -> None:
    add_park(house)
    assert house.database.store.rotate_secret(PARK, house.vault.seal("the new one", PARK), NOON_US)
    browser = house.enter("operator", language="en")
    assert "made with the old secret" in ask(browser, authorization=sign(BODY, SECRET), park=PARK)
    assert "The signature is correct</p>" in ask(browser, authorization=sign(BODY, "the new one"), park=PARK)


def test_without_a_header_the_right_signature_is_made(house: House) -> None:
    page = ask(house.enter(), secret=SECRET)
    assert sign(BODY, SECRET) in page
    assert "签名不正确" not in page


def test_reader_does_not_use_the_secret_that_the_platform_keeps(house: House) -> None:
    add_park(house)
    browser = house.enter()
    assert sign(BODY, SECRET) not in ask(browser, 403, park=PARK)
    assert sign(BODY, SECRET) not in ask(browser, 422)
    assert "signature.check" not in house.actions()


def test_use_of_a_kept_secret_is_written_down_and_that_of_a_typed_one_is_not(house: House) -> None:
    add_park(house)
    browser = house.enter("operator")
    ask(browser, secret=SECRET)
    assert "signature.check" not in house.actions()
    ask(browser, park=PARK)
    [entry, *_] = house.database.accounts.audit_entries(None, PARK, None, 1)
    assert (entry.action, entry.park_uuid) == ("signature.check", PARK)
    assert SECRET not in repr(entry)


@pytest.mark.parametrize("park", ["nowhere", OTHER])
def test_park_that_is_not_there_is_marked(house: House, park: str) -> None:
    add_park(house)
    browser = house.enter("operator")
    assert 'id="park-notes"' in ask(browser, 422, park=park)
    assert "里没有可用的 park_uuid" in ask(browser, 422, body="no json")


def test_longest_body_is_examined_and_not_sent_back(house: House) -> None:
    add_park(house)
    browser = house.enter("operator", language="en")
    body = "x" * DIAGNOSIS_BYTES_MAX
    page = ask(browser, body=body, authorization=sign(body.encode(), SECRET), secret=SECRET)
    assert "The signature is correct" in page
    assert len(page.encode()) <= 50_000
    assert len(ask(browser, body='"' * (ECHO_BYTES_MAX // 5), secret=SECRET).encode()) <= 50_000
    assert "at most" in ask(browser, 422, body=body + "x", secret=SECRET)


def test_nothing_that_was_pasted_is_run(house: House) -> None:
    hostile = '"><script>alert(1)</script>'
    page = ask(house.enter(), body=hostile, authorization=hostile, secret="s")
    assert "<script" not in page


def test_no_other_site_asks(house: House) -> None:
    add_park(house)
    browser = house.enter("operator")
    assert (
        browser.post("/signature-check", {"body": TEXT, "park": PARK}, sec_fetch_site="cross-site").status_code == 403
    )
