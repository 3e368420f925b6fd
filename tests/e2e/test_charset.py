"""One charset a park, end to end: what the unsigned header declares never decides what is stored."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

import pytest

from support.admin_port import eventually
from support.gateway_process import PARK, SECRET, Answer, Gateway
from vipgate.cli.sample import sample_renewals
from vipgate.protocol.authentication import hmac_headers_for
from vipgate.protocol.envelope import DIGEST_PATH, PUSH_PATH, encode_renewals
from vipgate.protocol.signature_md5 import sign
from vipgate.store.interfaces.ledger import Filter

PLATE = "粤B12345"
UNTIL_US = 1_795_492_800_000_000
GBK = "application/json; charset=gbk"
UTF8 = "application/json; charset=utf-8"


def body_of(*orders: str, complete: int = 0, charset: str = "utf-8") -> bytes:
    row = {"plate": PLATE, "plate_color": 1, "charge_type": "1", "vip_type": 1, "quantity": 1, "pay_type": 1}
    rows = [row | {"pay_partner": order} for order in orders]
    said = {"park_uuid": PARK, "complete": complete, "row": rows}
    return json.dumps(said, ensure_ascii=False).encode(charset)


def post(
    gateway: Gateway,
    body: bytes,
    content_type: str | None,
    headers: dict[str, str] | None = None,
    path: str = PUSH_PATH,
    secret: str = SECRET,
) -> Answer:
    """One push; under MD5, unless `headers` sign it."""
    named = {"Accept-Language": "en", **(headers or {"Authorization": sign(body, secret)})}
    named.pop("Content-Type", None)
    if content_type is not None:
        named["Content-Type"] = content_type
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    try:
        connection.request("POST", path, body, named)
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), json.loads(response.read()))
    finally:
        connection.close()


def plates(gateway: Gateway) -> dict[str, str]:
    with gateway.store() as store:
        return {one.renewal.pay_partner: one.renewal.plate for one in store.iter_records(PARK, Filter())}


def run(gateway: Gateway, *arguments: str) -> str:
    done = gateway.command(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(gateway: Gateway) -> Any:
    return json.loads(run(gateway, "park", "show", PARK, "--format", "json"))


@pytest.fixture
def running(own: Gateway) -> Gateway:
    own.admin = True
    return own.start()


def test_push_that_is_played_again_under_another_charset_changes_nothing(running: Gateway) -> None:
    body = body_of("P1")
    assert post(running, body, None).code == "1001"
    for charset in ("gbk", "GB2312", "gb18030", "cp936"):
        answer = post(running, body, f"application/json; charset={charset}")
        assert (answer.status, answer.code) == (400, "400")
        assert "vipgate park set PARK_UUID --charset gbk" in answer.envelope["hint"]
    assert plates(running) == {"P1": PLATE}
    assert post(running, body, UTF8).envelope["payload"]["unchanged"] == 1


def test_replace_whose_charset_was_changed_on_its_way_is_refused_and_the_honest_retry_is_stored(
    running: Gateway,
) -> None:
    body = body_of("P1", "P2", complete=1)
    headers = hmac_headers_for(body, SECRET, "msg_once", int(time.time()))
    changed = post(running, body, GBK, headers)
    assert changed.code == "400"
    assert plates(running) == {}
    honest = post(running, body, UTF8, headers)
    assert honest.envelope["payload"] == {"received": 2, "inserted": 2, "updated": 0, "unchanged": 0}
    assert plates(running) == {"P1": PLATE, "P2": PLATE}


def test_stranger_learns_nothing_of_a_charset(running: Gateway) -> None:
    answers = [post(running, body_of("P1"), kind, secret="guessed") for kind in (UTF8, GBK)]
    assert {(one.code, one.envelope["hint"]) for one in answers} == {("401", answers[0].envelope["hint"])}


def test_large_body_of_another_charset_is_refused_too(running: Gateway) -> None:
    # In ASCII, which every charset reads alike: the declaration alone is wrong.
    large = json.dumps(json.loads(encode_renewals(PARK, sample_renewals(8_000, 1, until_us=UNTIL_US)))).encode()
    assert len(large) > 1024 * 1024
    assert post(running, large, GBK).code == "400"
    assert post(running, large, None).code == "1001"


def test_park_that_writes_gbk_is_understood_once_the_operator_has_set_it(running: Gateway) -> None:
    body = body_of("P1", charset="gbk")
    refused = post(running, body, GBK)
    assert (refused.code, refused.envelope["hint"].startswith("Content-Type: ")) == ("400", True)
    assert shown(running)["charset"] == "utf-8"
    run(running, "park", "set", PARK, "--charset", "gbk")
    assert shown(running)["charset"] == "gbk"
    eventually(lambda: post(running, body, GBK).code == "1001", "the gateway knows the new charset")
    assert plates(running) == {"P1": PLATE}
    for declared in (None, "application/json", UTF8):
        answer = post(running, body_of("P1", charset="utf-8"), declared)
        assert answer.code == "400"
        assert "--charset utf-8" in answer.envelope["hint"]
        assert post(running, body, declared).code == "400"
    assert plates(running) == {"P1": PLATE}
    [entry] = [json.loads(line) for line in run(running, "audit", "--format", "jsonl").splitlines()]
    assert (entry["action"], entry["detail"]) == ("park.change", "charset: utf-8 → gbk")


def test_park_is_registered_with_its_charset(running: Gateway) -> None:
    run(running, "park", "add", "another", "--name", "北门", "--charset", "gbk")
    assert json.loads(run(running, "park", "show", "another", "--format", "json"))["charset"] == "gbk"
    [entry] = [json.loads(line) for line in run(running, "audit", "--format", "jsonl").splitlines()]
    assert (entry["action"], entry["detail"]) == ("park.add", "北门; charset: gbk")
    refused = running.command("park", "set", PARK, "--charset", "latin-1")
    assert refused.returncode == 2
    assert "gbk" in refused.stderr


def test_digests_are_asked_for_in_the_charset_of_the_park(running: Gateway) -> None:
    question = json.dumps({"park_uuid": PARK}).encode()
    assert post(running, question, GBK, path=DIGEST_PATH).code == "400"
    assert post(running, question, None, path=DIGEST_PATH).code == "1001"


def test_body_that_is_refused_for_its_charset_is_kept_as_it_came(running: Gateway) -> None:
    answer = post(running, body_of("P1"), GBK)
    kept = running.command("request", str(answer.envelope["seqno"]), "--body")
    assert kept.stdout.encode() == body_of("P1")


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset*1=x; charset*=y", "application/json; charset*0*=gbk''x; charset*1=y"],
)
def test_header_that_python_s_own_parser_stumbles_over_is_a_bad_request(running: Gateway, content_type: str) -> None:
    answer = post(running, body_of("P1"), content_type, secret="guessed")
    assert (answer.status, answer.code) == (400, "400")
    assert "Traceback" not in (running.home / "log").read_text()
