"""What a park's gateway may answer when it is asked for its charge types, and what is made of it."""

from __future__ import annotations

import json
from hashlib import md5
from typing import Any

import pytest

from support.park_gateway import DONE, PARK, ROW, SECRET, Behaviour, ParkGateway, fetch, refusal, sends
from support.rerouting import NEAR
from vipgate.domain.charge_types import ITEMS_MAX, SERVICE, encode_question
from vipgate.store.interfaces.queries import ChargeType


def test_request_is_signed_over_sorted_members() -> None:
    with ParkGateway(sends({**DONE, "row": [ROW]})) as gateway:
        fetch(gateway)
    head, _, body = gateway.requests[0].partition(b"\r\n\r\n")
    text = f"charset=UTF-8&park_uuid={PARK}&service=service.parking.charge_type.list&version=1.0&key={SECRET}"
    members = json.loads(body)
    assert members.pop("sign") == md5(text.encode(), usedforsecurity=False).hexdigest().upper()
    assert members == {"service": SERVICE, "version": "1.0", "charset": "UTF-8", "park_uuid": PARK}
    assert head.startswith(b"POST /gateway/1.0/dispatch HTTP/1.1\r\n")
    assert f"Host: {NEAR}:{gateway.port}".encode() in head.split(b"\r\n")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, {}),
        ({"id": 101}, {}),
        ({"id": " 101 "}, {}),
        ({"vip_type": 1, "price": 30000}, {}),
        ({"vip_type": "1.0", "price": 30000.0}, {}),
        ({"vip_type": 9, "price": -1}, {"vip_type": None, "price_fen": None}),
        ({"vip_type": True, "price": "30,000"}, {"vip_type": None, "price_fen": None}),
        ({"vip_type": None, "price": "9" * 31}, {"vip_type": None, "price_fen": None}),
        ({"extra_days": "3"}, {"extra_days": 3}),
        ({"desc": "每月\n一次\x00", "name": ["月卡"]}, {"desc": "每月 一次", "name": ""}),
        ({"name": "长" * 300}, {"name": "长" * 200}),
        (
            {"create_time": 20260101000000, "update_time": "20260102000000"},
            {"create_time": "20260101000000", "update_time": "20260102000000"},
        ),
    ],
)
@pytest.mark.parametrize("as_string", [False, True])
def test_members_are_read_leniently(row: dict[str, Any], expected: dict[str, Any], as_string: bool) -> None:
    plain: dict[str, Any] = {
        "id": "101",
        "name": "月卡",
        "desc": "",
        "vip_type": 1,
        "price_fen": 30000,
        "extra_days": None,
        "create_time": "",
        "update_time": "",
    }
    rows = [ROW | row]
    with ParkGateway(sends({**DONE, "row": json.dumps(rows) if as_string else rows})) as gateway:
        assert fetch(gateway) == [ChargeType(**(plain | expected))]


def test_of_two_with_one_id_the_last_wins() -> None:
    rows = [ROW, ROW | {"id": "102"}, ROW | {"name": "季卡"}]
    with ParkGateway(sends({**DONE, "row": rows})) as gateway:
        assert [(one.id, one.name) for one in fetch(gateway)] == [("102", "月卡"), ("101", "季卡")]


def test_park_without_charge_types_has_an_empty_list() -> None:
    with ParkGateway(sends({**DONE, "row": []})) as gateway:
        assert fetch(gateway) == []


@pytest.mark.parametrize(("charset", "encoding"), [("GBK", "gbk"), ("utf-8", "utf-8-sig"), ('"gb2312"', "gb2312")])
def test_other_encodings_are_read(charset: str, encoding: str) -> None:
    body = json.dumps({**DONE, "row": [ROW]}, ensure_ascii=False).encode(encoding)
    with ParkGateway(sends(body, content_type=f"text/json; charset={charset}")) as gateway:
        assert fetch(gateway)[0].name == "月卡"


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        (sends({**DONE, "result_code": "1400"}), "request as wrong"),
        (sends({**DONE, "result_code": 1401, "message": "bad\x00sign"}), "rejects the signature"),
        (sends({**DONE, "result_code": "1500"}, "500 Oops"), "internal error of the gateway"),
        (sends({**DONE, "result_code": "1503"}), "not available now"),
        (sends({**DONE, "result_code": "42", "message": "nope"}), "could not answer; ask the park"),
        (
            sends({**DONE, "row": [ROW]}, "500 Oops"),
            "gateway's log (HTTP 500, application/json",
        ),
        (
            sends(b"<html>not found</html>", "404 Not Found"),
            "without result_code (HTTP 404, application/json, 22 bytes)",
        ),
        (sends(b""), "without result_code (HTTP 200, application/json, 0 bytes)"),
        (sends(b"[" * 100_000), "nested too deeply"),
        (sends(b'{"result_code": "1001", "row": [\xff]}'), "without result_code"),
        (sends(b"\x00\x01"), "without result_code"),
        (sends([DONE]), "without result_code"),
        (sends(DONE), "row: must be an array"),
        (sends({**DONE, "row": None}), "row: must be an array"),
        (sends({**DONE, "row": "[{"}), "row: must be an array"),
        (sends({**DONE, "row": '"[]"'}), "row: must be an array"),
        (sends({**DONE, "row": [ROW, 7]}), "row[1]: must be an object"),
        (sends({**DONE, "row": [{"name": "x"}]}), "row[0].id: must have 1 to 64"),
        (sends({**DONE, "row": [ROW, ROW | {"id": "x" * 65}]}), "row[1].id: must have 1 to 64"),
        (sends({**DONE, "row": [ROW] * (ITEMS_MAX + 1)}), f"at most {ITEMS_MAX} items"),
        (sends(b'{"result_code": "1001", "row": [{"id": ' + b"9" * 5000 + b"}]}"), "without result_code"),
        (lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9\r\n"), "did not answer with whole HTTP"),
        (
            lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
            "did not answer with whole HTTP",
        ),
        (lambda _: None, "did not answer with whole HTTP"),
    ],
)
def test_answer_that_is_no_list_is_told_in_both_languages(behave: Behaviour, said: str) -> None:
    words = refusal(behave)
    assert said in words.en
    assert words.zh != words.en
    assert (words.zh + words.en).isprintable()


def test_question_keeps_its_members_as_strings() -> None:
    assert all(isinstance(value, str) for value in json.loads(encode_question(PARK, SECRET)).values())
