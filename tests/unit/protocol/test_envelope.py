"""The contract's rules for a whole request: members, encodings, limits, the order of the checks, and the answer's form."""

from __future__ import annotations

import encodings
import json
import sys
from typing import Any

import msgspec
import pytest

from support.protocol_pipeline import SECRET, request, request_of, row, walk, written
from vipgate.cli.sample import PAGE_BODY
from vipgate.errors import (
    BadRequest,
    Forbidden,
    InternalError,
    InvalidSignature,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    RequestError,
    ServiceUnavailable,
)
from vipgate.i18n import LocalizedText
from vipgate.protocol.authentication import ParkSecrets, explain_mismatch
from vipgate.protocol.envelope import Payload, encode_error, encode_success, parse_request
from vipgate.protocol.nesting import NESTED_MAX
from vipgate.protocol.signature_md5 import sign


def test_interface_page_s_own_example_is_taken_whole() -> None:
    [one] = walk(PAGE_BODY).renewals
    assert (one.plate, one.pay_partner, one.operator) == ("粤X33333", "pay_partner_1234567890", "张三")
    assert (one.value_e4, one.pay_time_ms, one.pay_value_fen) == (300_000, 1_625_068_799_000, 10_000)


@pytest.mark.parametrize("bad", [None, "", "  ", 7, True, [], "x" * 65, "a\x00b", "a\nb", ...])
def test_unusable_park_uuid_is_refused_before_the_signature(bad: Any) -> None:
    members = {} if bad is ... else {"park_uuid": bad}
    body = json.dumps({"row": [row()], **members}).encode()
    with pytest.raises(BadRequest) as caught:
        walk(body, authorization="wrong")
    assert caught.value.hint.zh.startswith("park_uuid: ")


COMPLETE = [(0, False), (1, True), ("0", False), ("1", True), ("", False), (None, False), (1.0, True), (..., False)]


@pytest.mark.parametrize(("value", "complete"), COMPLETE)
def test_complete_is_zero_or_one_in_any_form(value: Any, complete: bool) -> None:
    members = {} if value is ... else {"complete": value}
    assert walk(request(row(), **members)).complete is complete


@pytest.mark.parametrize(("literal", "complete"), [(r'"\u0031"', True), (r'"\u0030"', False), ('" 1 "', True)])
def test_complete_means_what_its_string_says(literal: str, complete: bool) -> None:
    assert walk(request_of(written(), complete=literal)).complete is complete


# Taken for 1, each of these would take away all that the platform holds of the park.
@pytest.mark.parametrize("tail", ["5", "x", "e5", '","'])
@pytest.mark.parametrize("zeros", [1, 61, 62, 63, 64, 200])
def test_complete_is_read_to_its_end(zeros: int, tail: str) -> None:
    with pytest.raises(BadRequest) as caught:
        walk(request(row(), complete="1." + "0" * zeros + tail))
    assert caught.value.hint.zh.startswith("complete: 应为 0 或 1, 收到")


@pytest.mark.parametrize("value", [2, -1, "2", "yes", True, False, [1], {}, 0.5, "01", "10"])
def test_complete_of_another_value_is_refused(value: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        walk(request(row(), complete=value))
    assert caught.value.hint.zh.startswith("complete: 应为 0 或 1, 收到")


def test_rows_may_come_as_a_string_that_holds_the_array() -> None:
    rows = json.dumps([row(operator='引号"和\\反斜线'), row(pay_partner="P2")], ensure_ascii=False)
    batch = walk(request(row=rows))
    assert [one.pay_partner for one in batch.renewals] == ["P1", "P2"]
    assert batch.renewals[0].operator == '引号"和\\反斜线'


@pytest.mark.parametrize("bad", [None, ..., "", "x", 1, {}, "{}", "[", "[1,]", "null", True])
def test_row_that_is_no_array_is_refused(bad: Any) -> None:
    body = json.dumps({"park_uuid": "p"} | ({} if bad is ... else {"row": bad})).encode()
    with pytest.raises(BadRequest) as caught:
        walk(body)
    assert caught.value.hint.zh.startswith("row: ")


@pytest.mark.parametrize("empty", [[], "[]", " [ ] "])
def test_replace_with_nothing_is_refused_for_it_would_wipe_the_park(empty: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        walk(request(complete=1, row=empty))
    assert "至少一行" in caught.value.hint.zh


def test_ten_thousand_rows_are_taken_and_one_more_is_too_many() -> None:
    rows = [row(pay_partner=str(number)) for number in range(10_001)]
    assert len(walk(request(*rows[:10_000])).renewals) == 10_000
    with pytest.raises(PayloadTooLarge) as caught:
        walk(request(*rows))
    assert "10000" in caught.value.hint.zh


def test_list_of_nothing_but_commas_is_refused_before_it_is_taken_apart() -> None:
    for body in (b"1," * 1_100_000 + b"1", written(remark="[" + "1," * 1_100_000 + "1]")):
        with pytest.raises(PayloadTooLarge) as caught:
            walk(request_of(body))
        assert "1000000" in caught.value.hint.en


@pytest.mark.parametrize("charset", ["gbk", "GBK", "gb2312", "gb18030", "cp936", '"gbk"'])
def test_gbk_is_taken_of_a_park_that_has_it_where_the_header_says_so(charset: str) -> None:
    body = request(row(operator="张三")).decode().encode("gb18030")
    assert walk(body, f"application/json; charset={charset}", charset="gbk").renewals[0].operator == "张三"


def test_rows_in_a_string_may_be_in_gbk_too() -> None:
    rows = json.dumps([row(operator="张三")], ensure_ascii=False)
    body = request(row=rows).decode().encode("gbk")
    assert walk(body, "application/json; charset=gbk", charset="gbk").renewals[0].operator == "张三"


def test_signature_is_over_the_bytes_that_came_not_over_what_they_say() -> None:
    said = request(row(operator="张三"))
    sent = said.decode().encode("gbk")
    with pytest.raises(InvalidSignature):
        walk(sent, "application/json; charset=gbk", sign(said, SECRET), charset="gbk")
    with pytest.raises(InvalidSignature):
        walk(b"\xef\xbb\xbf" + said, None, sign(said, SECRET))


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "application/json;charset=UTF-8", "APPLICATION/JSON"]
)
def test_utf8_is_what_no_charset_means(content_type: str | None) -> None:
    assert walk(request(row(operator="张三")), content_type).renewals[0].operator == "张三"


def test_byte_order_mark_is_tolerated() -> None:
    assert walk(b"\xef\xbb\xbf" + request(row())).received == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (request(row(operator="张三")).decode().encode("gbk"), "application/json"),
        (request(row()), "application/json; charset=latin-1"),
        (request(row()), "application/json; charset=utf-16"),
        (request(row()), "application/json; charset=no-such"),
        (request(row()), "text/plain"),
        (request(row()), "application/x-www-form-urlencoded"),
        (request(row()), "text/json"),
        (request(row()), "application/problem+json"),
        (request(row()), "/+json"),
        (request(row()), "application/jsonp"),
        (request(row()), "application/json; charset=utf-16le"),
        (request(row()), "application/json; charset=big5"),
        (request(row()), "application/json; charset=utf-7"),
        (b"\xff\xfe{}", None),
        (request(row(operator="张三")), "application/json; charset=gbk; x"),
    ],
)
def test_other_encodings_and_types_are_refused_before_the_signature(body: bytes, content_type: str) -> None:
    if content_type == "application/json; charset=gbk; x":
        body += b"\x80"
    with pytest.raises(BadRequest):
        walk(body, content_type, authorization="wrong")


@pytest.mark.parametrize("mark", [False, True], ids=["bare", "with its mark"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("operator", ["张三", "Z"])
def test_body_in_utf_16_is_named(operator: str, encoding: str, mark: bool) -> None:
    text = ("\ufeff" if mark else "") + request(row(operator=operator)).decode()
    for content_type in (None, "application/json; charset=utf-8", "application/json; charset=gbk"):
        with pytest.raises(BadRequest) as caught:
            walk(text.encode(encoding), content_type)
        for hint in (caught.value.hint.zh, caught.value.hint.en):
            assert encoding[:6].upper() in hint
            assert "Encoding.UTF8" in hint


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_body_cut_by_a_length_in_characters_is_named(charset: str) -> None:
    """Java's `content.length()` in place of `getBytes().length`: the declared length ends before the body does."""
    for operators in range(1, 12):
        text = request(row(operator="张三" * operators)).decode()
        cut = text.encode(charset)[: len(text)]
        with pytest.raises(BadRequest) as caught:
            walk(cut, f"application/json; charset={charset}")
        assert f"第 {len(text)} 字节" in caught.value.hint.zh
        assert "Content-Length" in caught.value.hint.zh
        assert f"after {len(text)} bytes" in caught.value.hint.en


def test_body_cut_inside_a_character_is_named_however_long_it_is() -> None:
    text = request(row(padding="园" * 1_000_000)).decode()
    for charset, ends in (("utf-8", (-20, -21, -22)), ("gb18030", (-20, -21))):
        for end in ends:
            with pytest.raises(BadRequest, match="Content-Length"):
                parse_request(text.encode(charset)[:end], f"application/json; charset={charset}")


@pytest.mark.parametrize(
    "body",
    [
        b'{"park_uuid":"p"',
        b'{"park_uuid":"p","row":[{"a":"b"',
        '{"a":"张"} x'.encode(),
        '{"a":"张\xff"}'.encode("latin-1", "replace"),
    ],
)
def test_body_that_a_length_in_characters_has_not_cut_is_not_said_to_be(body: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        walk(body)
    assert "Content-Length" not in caught.value.hint.zh


@pytest.mark.parametrize("before", [0, 10, 1024 * 1024 - 3, 1024 * 1024 - 1, 3_000_000])
def test_broken_byte_of_a_gbk_body_is_named_by_its_place(before: int) -> None:
    body = b" " * before + "张三".encode("gbk") + b"\xff\xff "
    with pytest.raises(BadRequest) as caught:
        parse_request(body, "application/json; charset=gbk")
    assert f"第 {before + 4} 字节" in caught.value.hint.zh


def test_unknown_charsets_leave_nothing_behind_for_anybody_may_send_them() -> None:
    kept = encodings._cache
    before = len(kept)
    for number in range(500):
        with pytest.raises(BadRequest):
            parse_request(request(row()), f"application/json; charset=made-up-{number}")
    assert len(kept) < before + 250


@pytest.mark.parametrize("before", [0, 10, 1024 * 1024 - 3, 1024 * 1024 - 2, 1024 * 1024 - 1, 1024 * 1024, 3_000_000])
def test_broken_byte_is_named_by_its_place(before: int) -> None:
    body = b" " * before + "张三".encode() + b"\xff"
    with pytest.raises(BadRequest) as caught:
        parse_request(body, None)
    assert f"第 {before + 6} 字节" in caught.value.hint.zh
    assert f"byte {before + 6} " in caught.value.hint.en


@pytest.mark.parametrize(
    "body",
    [
        rb'{"park_uuid":"\ud800","row":[1]}', rb'{"park_uuid":"p","complete":"\ud800","row":[1]}',
        rb'{"park_uuid":"p","row":"\ud800"}', rb'{"park_uuid":"p","row":"[\"\\ud800\"]"}',
        rb'{"park_uuid":"p","row":[1],"more":"\udc00"}', rb'{"park_uuid":"p","row":[1],"\ud800":1}',
        rb'{"park_uuid":"p","row":[{"\ud800":1}]}',
    ],
)  # fmt: skip
def test_half_a_surrogate_pair_is_refused_wherever_it_stands(body: bytes) -> None:
    with pytest.raises(BadRequest):
        walk(body)


def nested(depth: int, place: str) -> bytes:
    knot = "[" * depth + "]" * depth
    if place == "unlisted member":
        return request_of(written(remark=knot))
    if place == "listed member":
        return request_of(written(operator=knot))
    if place == "row in a string":
        return request(row="[" + written(remark=knot).decode() + "]")
    return request_of(written(), **{place: knot})


@pytest.mark.parametrize("place", ["unlisted member", "listed member", "row in a string", "complete", "more"])
def test_no_depth_of_nesting_is_a_fault_of_ours(place: str) -> None:
    """The same on every interpreter, whatever its own limit and however much of it the caller has used up."""
    limit = sys.getrecursionlimit()
    for depth in [NESTED_MAX + 1, *range(limit - 150, limit + 10), 5_000, 100_000, 1_000_000]:
        body = nested(depth, place)
        explain_mismatch(body, "0" * 32, ParkSecrets(SECRET))
        with pytest.raises(BadRequest, match=f"{NESTED_MAX} levels at most"):
            walk(body)


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"[]", b"1", b'"x"', b"null", b"{]", b'{"park_uuid":"p",}', b'{"park_uuid":"p"} x', b"{'a':1}",
        b'{"park_uuid":"p","row":[{"a":01}]}', b'{"park_uuid":"p","row":[NaN]}', b'{"park_uuid":"p","row":[1]}\x00',
        rb'{"park_uuid":"p","row":["\ud800"]}', rb'{"park_uuid":"p","row":["\ud800\u0041"]}', rb'{"park_uuid":"p","row":["\x"]}',
        b'{"park_uuid":"p","row":["\xff"]}', b'{"park_uuid":"p","row":["a\nb"]}',
        b'{"park_uuid":"p","row":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"park_uuid":"p","row":' + b"[" * 100_000,
    ],
)  # fmt: skip
def test_malformed_json_is_refused_before_the_signature(body: bytes) -> None:
    with pytest.raises(BadRequest):
        walk(body, authorization="wrong")


def test_nothing_of_the_rows_is_looked_at_before_the_signature() -> None:
    with pytest.raises(InvalidSignature):
        walk(request(row(plate_color=9), complete=7), authorization="0" * 32)
    with pytest.raises(InvalidSignature):
        walk(request(row=1), authorization="0" * 32)


def test_number_of_rows_is_not_told_before_the_signature() -> None:
    with pytest.raises(InvalidSignature):
        walk(request(*[row(pay_partner=str(number)) for number in range(10_001)]), authorization="0" * 32)


def test_park_uuid_of_sixty_four_characters_is_taken_and_trimmed() -> None:
    assert parse_request(request(row(), park_uuid="  " + "园" * 64 + "\t"), None).park_uuid == "园" * 64


def test_members_and_rows_at_fault_are_named_together() -> None:
    with pytest.raises(BadRequest) as caught:
        walk(request(row(plate_color=9), complete=7))
    assert [line.split(": ")[0] for line in caught.value.hint.en.splitlines()] == ["complete", "row[0].plate_color"]


REFUSED_EACH_ITS_WAY: list[tuple[bytes, str | None, str | None]] = [
    (b"{", None, None),
    (b"\xff", None, None),
    (b"[]", None, None),
    (b'{"park_uuid":"p","row":' + b"[" * 5_000, None, None),
    (request(row(), park_uuid=""), None, None),
    (request(row()), "text/plain", None),
    (request(row()), "application/json; charset=x", None),
    (request(row()) + b"\x80", "application/json; charset=gbk", None),
    (request(row()), "application/json; charset=gbk", None),
    (request(row()), "application/json; charset*=gbk", None),
    (request(row()), None, "0" * 32),
    (request(row()), None, ""),
    (request(row(), complete=7), None, None),
    (request(), None, None),
    (request(row={}), None, None),
    (request(row="[1,]"), None, None),
    (request(row(plate_color=9)), None, None),
    (request(row(remark="x" * 5_000)), None, None),
    (request(row(), row(quantity=2)), None, None),
    (request(*[1] * 10_001), None, None),
]


@pytest.mark.parametrize(("body", "content_type", "authorization"), REFUSED_EACH_ITS_WAY)
def test_every_refusal_of_the_pipeline_bears_a_hint_in_both_languages(
    body: bytes, content_type: str | None, authorization: str | None
) -> None:
    with pytest.raises(RequestError) as caught:
        walk(body, content_type, authorization)
    chinese = json.loads(encode_error("2" * 32, caught.value, "zh"))
    english = json.loads(encode_error("2" * 32, caught.value, "en"))
    assert chinese["hint"].strip()
    assert not chinese["hint"].isascii()
    assert english["hint"].strip()
    assert english["hint"].isascii()


def test_duplicate_members_of_a_request_do_not_split_what_is_signed_from_what_is_stored() -> None:
    assert parse_request(b'{"park_uuid":"a","park_uuid":"b","row":[1]}', None).park_uuid == "b"


def test_success_has_its_members_in_order_and_never_a_hint() -> None:
    envelope = encode_success("1" * 32, Payload(3, 1, 1, 1), "zh")
    assert list(json.loads(envelope)) == ["code", "message", "seqno", "payload"]
    assert envelope.startswith('{"code":"1001","message":"操作成功","seqno":'.encode())
    assert json.loads(envelope)["payload"] == {"received": 3, "inserted": 1, "updated": 1, "unchanged": 1}
    assert json.loads(encode_success("1" * 32, Payload(0, 0, 0, 0), "en"))["message"] == "success"


HINT = LocalizedText("提示", "a hint")


@pytest.mark.parametrize(
    ("refusal", "code", "status", "message"),
    [
        (BadRequest(HINT), "400", 400, "请求参数错误"),
        (InvalidSignature(HINT), "401", 401, "请求签名校验不通过"),
        (Forbidden(HINT), "403", 403, "接口尚未授权"),
        (NotFound(HINT), "404", 404, "接口不存在"),
        (MethodNotAllowed(HINT, allow="POST"), "405", 405, "请求方法不支持"),
        (PayloadTooLarge(HINT), "413", 413, "请求数据过大"),
        (RateLimited(HINT, retry_after_s=3), "429", 429, "请求过于频繁"),
        (InternalError(HINT), "500", 500, "接口内部处理异常"),
        (ServiceUnavailable(HINT, retry_after_s=2), "503", 503, "服务暂不可用"),
    ],
)
def test_refusal_has_code_status_message_and_hint(refusal: RequestError, code: str, status: int, message: str) -> None:
    envelope = json.loads(encode_error("2" * 32, refusal, "zh"))
    assert list(envelope) == ["code", "message", "hint", "seqno"]
    assert (envelope["code"], refusal.status, envelope["message"], envelope["hint"]) == (code, status, message, "提示")
    english = json.loads(encode_error("2" * 32, refusal, "en"))
    assert english["hint"] == "a hint"
    assert english["message"].isascii()


def test_secret_does_not_show_in_what_is_printed_of_a_refusal() -> None:
    with pytest.raises(InvalidSignature) as caught:
        walk(request(row()), authorization="0" * 32)
    assert SECRET not in repr(caught.value)
    assert SECRET not in caught.value.hint.zh
    assert isinstance(msgspec.json.encode(caught.value.hint.zh), bytes)
