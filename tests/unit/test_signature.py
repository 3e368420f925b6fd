"""The signature: the page's vector, what is tolerated, and the near misses that are named to whoever holds the secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from hashlib import md5

import pytest

from vipgate.errors import BadSignature
from vipgate.sample import PAGE_BODY, PAGE_SECRET
from vipgate.signature import DIAGNOSIS_BYTES_MAX, diagnose, is_signed, sign
from vipgate.wire import Keys, explain, split, verify

TEXT = PAGE_BODY.decode()
VALUE = json.loads(TEXT)
TAIL = b"&app_secret=" + PAGE_SECRET.encode()


def digest(signed: bytes) -> str:
    return md5(signed, usedforsecurity=False).hexdigest()


def test_page_example_has_the_signature_that_its_java_makes() -> None:
    assert sign(PAGE_BODY, PAGE_SECRET) == digest((TEXT + "&app_secret=12323232323").encode())
    assert sign(b"{}", PAGE_SECRET) == "7fd0629758b41498e9df052205fa8db2"


@pytest.mark.parametrize("change", [str, str.upper, lambda text: f"  {text}\t", lambda text: text.upper() + " "])
def test_case_and_blanks_around_do_not_matter(change: Callable[[str], str]) -> None:
    assert is_signed(md5(PAGE_BODY, usedforsecurity=False), change(sign(PAGE_BODY, PAGE_SECRET)), PAGE_SECRET)


@pytest.mark.parametrize(
    "wrong", ["", "0" * 32, "é" * 32, "x" * 10_000, sign(PAGE_BODY, "other"), sign(b"{}", PAGE_SECRET)]
)
def test_any_other_signature_is_wrong(wrong: str) -> None:
    assert not is_signed(md5(PAGE_BODY, usedforsecurity=False), wrong, PAGE_SECRET)


NEAR_MISSES = {
    "gbk bytes": (PAGE_BODY, digest(TEXT.encode("gbk") + TAIL), "GBK"),
    "utf-8 bytes of a gbk body": (TEXT.encode("gbk"), digest(PAGE_BODY + TAIL), "UTF-8"),
    "&key=": (PAGE_BODY, digest(PAGE_BODY + b"&key=" + PAGE_SECRET.encode()), "&key="),
    "nothing before the secret": (PAGE_BODY, digest(PAGE_BODY + PAGE_SECRET.encode()), "什么也没有"),
    "sorted keys": (
        b'{"row":[1],"park_uuid":"p"}',
        digest(b'{"park_uuid":"p","row":[1]}' + TAIL),
        "键已排序",
    ),
    "blanks": (PAGE_BODY, digest(json.dumps(VALUE, ensure_ascii=False).encode() + TAIL), "带空格"),
    "no blanks": (json.dumps(VALUE, ensure_ascii=False).encode(), digest(PAGE_BODY + TAIL), "无空格"),
    "escapes done": (PAGE_BODY, digest(json.dumps(VALUE, separators=(",", ":")).encode() + TAIL), "\\uXXXX"),
    "escapes undone": (json.dumps(VALUE, separators=(",", ":")).encode(), digest(PAGE_BODY + TAIL), "未转义"),
    "newline signed": (PAGE_BODY, digest(PAGE_BODY + b"\n" + TAIL), "换行"),
    "newline sent": (PAGE_BODY + b"\r\n", digest(PAGE_BODY + TAIL), "换行"),
    "bom signed": (PAGE_BODY, digest(b"\xef\xbb\xbf" + PAGE_BODY + TAIL), "BOM"),
    "bom sent": (b"\xef\xbb\xbf" + PAGE_BODY, digest(PAGE_BODY + TAIL), "BOM"),
    "base64": (PAGE_BODY, base64.b64encode(bytes.fromhex(digest(PAGE_BODY + TAIL))).decode(), "base64"),
    "sixteen digits": (PAGE_BODY, digest(PAGE_BODY + TAIL)[8:24], "16 位"),
    "newline after the secret": (PAGE_BODY, digest(PAGE_BODY + TAIL + b"\n"), "密钥后"),
    "gbk and &key=": (PAGE_BODY, digest(TEXT.encode("gbk") + b"&key=" + PAGE_SECRET.encode()), "GBK"),
    "a word before it": (PAGE_BODY, "MD5 " + digest(PAGE_BODY + TAIL), "前面不应有"),
    "previous secret": (PAGE_BODY, digest(PAGE_BODY + b"&key=the-old-one"), "旧密钥"),
}


@pytest.mark.parametrize(("body", "authorization", "named"), NEAR_MISSES.values(), ids=NEAR_MISSES.keys())
def test_near_miss_is_named_to_the_holder_of_the_secret(body: bytes, authorization: str, named: str) -> None:
    keys = Keys(PAGE_SECRET, "the-old-one")
    hint = explain(body, authorization, keys).hint
    assert named in hint.zh
    assert hint.en.isascii()
    assert PAGE_SECRET not in hint.zh + hint.en


@pytest.mark.parametrize(("body", "authorization", "named"), NEAR_MISSES.values(), ids=NEAR_MISSES.keys())
def test_near_miss_tells_a_stranger_nothing(body: bytes, authorization: str, named: str) -> None:
    unknown = explain(body, authorization, None).hint
    assert unknown == explain(body, "0" * 32, Keys(PAGE_SECRET)).hint
    assert unknown == explain(body, authorization, Keys("another secret")).hint


def test_previous_secret_is_valid_until_it_is_retired() -> None:
    claim, given = split(PAGE_BODY, None), sign(PAGE_BODY, "old")
    body_md5 = md5(PAGE_BODY, usedforsecurity=False)
    assert verify(claim, body_md5, given, Keys("new", "old")).secret_used == "previous"
    assert verify(claim, body_md5, sign(PAGE_BODY, "new"), Keys("new", "old")).secret_used == "current"
    with pytest.raises(BadSignature):
        verify(claim, body_md5, given, Keys("new"))


@pytest.mark.parametrize("given", [None, "", "   "])
def test_missing_signature_is_named(given: str | None) -> None:
    with pytest.raises(BadSignature) as caught:
        verify(split(PAGE_BODY, None), md5(PAGE_BODY, usedforsecurity=False), given, Keys(PAGE_SECRET))
    assert "Authorization" in caught.value.hint.zh


def test_unknown_park_cannot_be_signed_for_with_any_text_of_the_source() -> None:
    for guess in ("", "no park has this secret", "None"):
        with pytest.raises(BadSignature):
            verify(split(PAGE_BODY, None), md5(PAGE_BODY, usedforsecurity=False), sign(PAGE_BODY, guess), None)


def test_search_for_a_mistake_is_bounded() -> None:
    large = b"x" * (DIAGNOSIS_BYTES_MAX + 1)
    assert diagnose(large, digest(large + b"&key=s"), [("s", None)]) is None
    assert diagnose(b"{}", "x" * 10_000, [("s", None)]) is None
