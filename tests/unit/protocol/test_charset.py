"""A park has one charset: the header that declares one is not signed, and so never decides what signed bytes mean."""

from __future__ import annotations

import itertools
import json
from hashlib import md5

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.protocol_pipeline import SECRET, request, row, walk
from vipgate.errors import BadRequest, InvalidSignature, RequestError
from vipgate.protocol.authentication import ParkSecrets, text_of, verify, verify_hmac
from vipgate.protocol.batch import decode_rows
from vipgate.protocol.charset import CHARSETS, CONTENT_TYPE_CHARS_MAX, Charset, declared_charset, shown_text, to_utf8
from vipgate.protocol.envelope import parse_request
from vipgate.protocol.signature_hmac import WebhookSignature, hmac_sign
from vipgate.protocol.signature_md5 import sign

# 粤 in UTF-8, followed by an ASCII letter, is 绮 and that letter's neighbour in GBK: both readings are valid JSON.
BODY = request(row(plate="粤BB12345", operator="张三丰收"))
IN_GBK = BODY.decode().encode("gbk")


def declaring(charset: str | None) -> str:
    return "application/json" if charset is None else f"application/json; charset={charset}"


@pytest.mark.parametrize("signature", ["md5", "hmac"])
@pytest.mark.parametrize("of_park", CHARSETS)
@pytest.mark.parametrize("declared", [None, "utf-8", "UTF8", "gbk", "gb2312", "gb18030", "cp936"])
def test_signed_bytes_mean_the_same_or_nothing_whatever_the_header_declares(
    declared: str | None, of_park: Charset, signature: str
) -> None:
    body = BODY if of_park == "utf-8" else IN_GBK
    same = (of_park == "utf-8") == (declared in (None, "utf-8", "UTF8"))
    assert meaning(body, declared, of_park, signature) == (("粤BB12345", "张三丰收") if same else None)


def meaning(body: bytes, declared: str | None, of_park: Charset, signature: str) -> tuple[str, str | None] | None:
    """Plate and operator as they are stored; None where it is refused as a bad request."""
    keys = ParkSecrets(SECRET, charset=of_park)
    try:
        claim = parse_request(body, declaring(declared))
        if signature == "md5":
            verified = verify(claim, md5(body, usedforsecurity=False), sign(body, SECRET), keys)
        else:
            stamp = WebhookSignature("a", "1000", hmac_sign(body, SECRET, "a", 1000))
            verified = verify_hmac(claim, body, stamp, keys, 1000.0, 300)
        [stored] = decode_rows(verified).renewals
    except BadRequest:
        return None
    return stored.plate, stored.operator


def test_question_of_digests_is_read_in_no_other_charset_either() -> None:
    body = request(row())
    claim = parse_request(body, declaring("gbk"))
    verified = verify(claim, md5(body, usedforsecurity=False), sign(body, SECRET), ParkSecrets(SECRET))
    with pytest.raises(BadRequest, match="Content-Type"):
        text_of(verified)


@pytest.mark.parametrize(
    ("of_park", "declared", "zh", "en"),
    [
        (
            "utf-8",
            "gbk",
            "该车场的编码是 UTF-8, 应为 application/json; charset=utf-8",
            "--charset gbk, got charset=gbk",
        ),
        ("gbk", None, "该车场的编码是 GBK, 应为 application/json; charset=gbk", "--charset utf-8, got charset=utf-8"),
    ],
)
def test_other_charset_is_told_by_place_value_and_remedy(
    of_park: Charset, declared: str | None, zh: str, en: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        walk(request(row(operator="x", plate="X1")), declaring(declared), charset=of_park)
    assert caught.value.hint.zh.startswith("Content-Type: ")
    assert caught.value.hint.en.startswith("Content-Type: ")
    assert zh in caught.value.hint.zh
    assert "vipgate park set PARK_UUID --charset" in caught.value.hint.zh
    assert caught.value.hint.en.endswith(en)


def test_charset_of_a_park_is_told_to_nobody_who_cannot_sign() -> None:
    told = []
    for keys in (ParkSecrets(SECRET), ParkSecrets(SECRET, charset="gbk"), ParkSecrets(SECRET, hmac_only=True), None):
        with pytest.raises(InvalidSignature) as caught:
            verify(parse_request(BODY, None), md5(BODY, usedforsecurity=False), "0" * 32, keys)
        told.append(caught.value.hint)
    assert len(set(told)) == 1


KINDS = [
    ("application/json", "utf-8"),
    ("", "utf-8"),
    (None, "utf-8"),
    ("  ", "utf-8"),
    ("APPLICATION/JSON ; CHARSET = GBK", "gbk"),
    ('application/json;charset="gbk"', "gbk"),
    ("application/json;charset=gbk;", "gbk"),
    ("application/json; x; charset=gbk; y=1", "gbk"),
    ("application/json; charset=gbk; charset=GB18030", "gbk"),
    ('application/json; x="; charset=gbk"', "utf-8"),
    ('application/json; x="; charset=gbk"; charset=utf8', "utf-8"),
]


@pytest.mark.parametrize(("content_type", "charset"), KINDS)
def test_declared_charset_is_read(content_type: str | None, charset: Charset) -> None:
    assert declared_charset(content_type) == charset


@pytest.mark.parametrize(
    "content_type",
    [
        # The first of these was once a TypeError of Python's parser of mail headers.
        "application/json; charset*1=x; charset*=y",
        "application/json; charset*0*=gbk''x; charset*1=y",
        "application/json; charset*=utf-8''gbk",
        "application/json; charset*=gbk",
        "application/json; charset=gbk; charset=utf-8",
        "application/json; charset=gbk; charset=",
        "application/json; charset",
        "application/json; charset='gbk'",
        "application/json; charset=gbk charset=utf-8",
        "application/json, application/json",
        "; charset=gbk",
        "application/json; x=" + "y" * CONTENT_TYPE_CHARS_MAX,
    ],
)
def test_content_type_that_means_no_one_thing_is_refused_with_what_came(content_type: str) -> None:
    with pytest.raises(BadRequest) as caught:
        declared_charset(content_type)
    assert caught.value.hint.zh.startswith("Content-Type: ")
    assert content_type[:40] in caught.value.hint.en


# What parsers of such headers trip over, put together at random; and any text at all.
TOKENS = [
    "application/json", "text/plain", ";", "; ", "=", "*=", "*0=", "*1=", "*0*=", "*1*=", "charset", "CHARSET", "gbk", "utf-8",
    "''", "'", '"', "\\", '\\"', ",", " ", "\t", "%", "%ff", "%E7", "x", "\x80", "\xff", "\x00", "\r\n ", "(", ")", "/", "é",
    "\ud800", "粤", "=?utf-8?b?", "?=", "-1", "9" * 400,
]  # fmt: skip
any_header = st.lists(st.sampled_from(TOKENS), max_size=14).map("".join) | st.text(max_size=60)


@given(any_header)
@settings(deadline=None, max_examples=2_000)
@example("application/json; charset*1=x; charset*=y")
def test_no_content_type_raises_anything_but_a_refusal(content_type: str) -> None:
    for body, of_park in itertools.product((BODY, IN_GBK), CHARSETS):
        try:
            batch = walk(body, content_type, charset=of_park)
        except RequestError as refused:
            json.dumps([refused.hint.zh, refused.hint.en])
        else:
            assert batch.renewals[0].operator == "张三丰收"


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("粤B".encode(), "utf-8", "粤B"),
        ("粤B".encode("gbk"), "gbk", "粤B"),
        ("粤B".encode("gbk"), "utf-8", "粤B"),
        # These bytes are valid in both: the park's charset decides, where a guess would take UTF-8.
        ("粤粤".encode(), "utf-8", "粤粤"),
        ("粤粤".encode(), "gbk", "绮ょ菠"),
        (b"\xef\xbb\xbf{}", "utf-8", "{}"),
        (b"a\xff\xff", "utf-8", "a\ufffd\ufffd"),
    ],
)
def test_body_is_shown_in_the_charset_of_its_park(body: bytes, charset: Charset, text: str) -> None:
    assert shown_text(body, charset) == text


def test_four_byte_characters_of_gb18030_are_read() -> None:
    assert to_utf8("㐀😀".encode("gb18030"), "gbk").decode() == "㐀😀"
