"""The signature: the page's vector, what is tolerated, and the near misses that are named to whoever holds the secret."""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Callable
from hashlib import md5
from typing import Any

import pytest

from vipgate.cli.sample import PAGE_BODY, PAGE_SECRET
from vipgate.errors import InvalidSignature
from vipgate.i18n import LocalizedText
from vipgate.protocol import authentication
from vipgate.protocol.authentication import ParkSecrets, explain_mismatch, signed_headers, verify
from vipgate.protocol.envelope import parse_request
from vipgate.protocol.signature_md5 import DIAGNOSIS_BYTES_MAX, diagnose, is_signed, sign

TEXT = PAGE_BODY.decode()
VALUE = json.loads(TEXT)
TAIL = b"&app_secret=" + PAGE_SECRET.encode()


def digest(signed: bytes) -> str:
    return md5(signed, usedforsecurity=False).hexdigest()


def test_page_example_has_the_signature_that_its_java_makes() -> None:
    assert sign(PAGE_BODY, PAGE_SECRET) == digest((TEXT + "&app_secret=12323232323").encode())
    assert sign(PAGE_BODY, PAGE_SECRET) == "a21f5acb889ca3f2dd7f69e290ce0d90"
    assert sign(b"{}", PAGE_SECRET) == "7fd0629758b41498e9df052205fa8db2"
    assert sign("{}张".encode(), "密") == digest("{}张&app_secret=密".encode())


def test_page_example_has_the_values_of_the_page() -> None:
    assert (VALUE["park_uuid"], PAGE_SECRET) == ("49f0cc52-e8c7-41e3-b54d-af666b8cc11a", "12323232323")
    assert VALUE["row"] == [
        {
            "plate": "粤X33333", "plate_color": "1", "card_no": "ID000001", "card_id": "ID000001", "charge_type": "101",
            "vip_type": "1", "quantity": "1", "pay_partner": "pay_partner_1234567890", "pay_type": "1", "value": "30",
            "pay_time": "1625068799000", "pay_value": "10000", "operator": "张三",
        }
    ]  # fmt: skip


def test_client_s_half_signs_what_the_gateway_checks() -> None:
    headers = signed_headers(PAGE_BODY, PAGE_SECRET)
    claim = parse_request(PAGE_BODY, headers["Content-Type"])
    body_md5 = md5(PAGE_BODY, usedforsecurity=False)
    assert verify(claim, body_md5, headers["Authorization"], ParkSecrets(PAGE_SECRET)).secret_used == "current"
    assert body_md5.hexdigest() == digest(PAGE_BODY)


@pytest.mark.parametrize("change", [str, str.upper, lambda text: f"  {text}\t", lambda text: text.upper() + " "])
def test_case_and_blanks_around_do_not_matter(change: Callable[[str], str]) -> None:
    assert is_signed(md5(PAGE_BODY, usedforsecurity=False), change(sign(PAGE_BODY, PAGE_SECRET)), PAGE_SECRET)


@pytest.mark.parametrize(
    "wrong", ["", "0" * 32, "é" * 32, "x" * 10_000, sign(PAGE_BODY, "other"), sign(b"{}", PAGE_SECRET)]
)
def test_any_other_signature_is_wrong(wrong: str) -> None:
    assert not is_signed(md5(PAGE_BODY, usedforsecurity=False), wrong, PAGE_SECRET)


def in_capitals(text: str) -> bytes:
    """`text` with the digits of its escapes in upper case."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: "\\u" + found[1].upper(), text).encode()


SLASHED = {
    "park_uuid": "p",
    "row": [{"operator": "张三/早班", "pay_partner": "2026/11/24-1", "more": [], "none": {}}],
    "complete": 0,
}
SENT_SLASHED = json.dumps(SLASHED, ensure_ascii=False, separators=(",", ":")).encode()
# What PHP's json_encode writes of it, as it is, with JSON_UNESCAPED_UNICODE and with JSON_PRETTY_PRINT.
PHP = (
    SENT_SLASHED.replace(b"/", rb"\/")
    .replace("张三".encode(), rb"\u5f20\u4e09")
    .replace("早班".encode(), rb"\u65e9\u73ed")
)
PHP_UNICODE = SENT_SLASHED.replace(b"/", rb"\/")
# By hand, as the libraries write them.
FASTJSON = """{
\t"park_uuid":"p",
\t"row":[
\t\t{
\t\t\t"operator":"张三/早班",
\t\t\t"pay_partner":"2026/11/24-1",
\t\t\t"more":[],
\t\t\t"none":{}
\t\t}
\t],
\t"complete":0
}"""
JACKSON = """{
  "park_uuid" : "p",
  "row" : [ {
    "operator" : "张三/早班",
    "pay_partner" : "2026/11/24-1",
    "more" : [ ],
    "none" : { }
  } ],
  "complete" : 0
}"""
GSON = """{
  "park_uuid": "p",
  "row": [
    {
      "operator": "张三/早班",
      "pay_partner": "2026/11/24-1",
      "more": [],
      "none": {}
    }
  ],
  "complete": 0
}"""
PHP_PRETTY = (
    GSON.replace("  ", "    ").replace("/", "\\/").replace("张三", "\\u5f20\\u4e09").replace("早班", "\\u65e9\\u73ed")
)
SYSTEM_TEXT_JSON = GSON.replace("张三", "\\u5F20\\u4E09").replace("早班", "\\u65E9\\u73ED")
ROWS_ALONE = SENT_SLASHED[SENT_SLASHED.index(b"[") : SENT_SLASHED.rindex(b"]") + 1].decode()
AS_PAIRS = f"complete=0&park_uuid=p&row={ROWS_ALONE}"


def mistaken(signed: bytes | str, named: str, tail: bytes = TAIL) -> tuple[bytes, str, str]:
    """SENT_SLASHED with the signature of `signed`."""
    text = signed if isinstance(signed, bytes) else signed.encode()
    return SENT_SLASHED, digest(text + tail), named


NEAR_MISSES = {
    "php": mistaken(PHP, "\\/"),
    "php with characters as they are": mistaken(PHP_UNICODE, "\\/"),
    "slashes undone in what was sent": (
        rb'{ "park_uuid":"p",  "more":"a\/b" }',
        digest(b'{ "park_uuid":"p",  "more":"a/b" }' + TAIL),
        "\\/",
    ),
    "slashes done in what was signed": (
        b'{ "park_uuid":"p",  "more":"a/b" }',
        digest(rb'{ "park_uuid":"p",  "more":"a\/b" }' + TAIL),
        "PHP",
    ),
    "php sent, something else signed": (PHP, digest(SENT_SLASHED + TAIL), "未转义"),
    "fastjson pretty": mistaken(FASTJSON, "缩进"),
    "jackson pretty": mistaken(JACKSON, "Jackson"),
    "jackson pretty on windows": mistaken(JACKSON.replace("\n", "\r\n"), "Jackson"),
    "gson pretty": mistaken(GSON, "缩进"),
    "newtonsoft indented on windows": mistaken(GSON.replace("\n", "\r\n"), "缩进"),
    "system.text.json indented": mistaken(SYSTEM_TEXT_JSON, "缩进"),
    "four blanks": mistaken(GSON.replace("  ", "    "), "缩进"),
    "tabs": mistaken(GSON.replace("  ", "\t"), "缩进"),
    "php pretty": mistaken(PHP_PRETTY, "缩进"),
    "question marks": mistaken(SENT_SLASHED.decode().encode("ascii", "replace"), "?"),
    "bom in the secret": mistaken(SENT_SLASHED, "BOM", b"&app_secret=\xef\xbb\xbf" + PAGE_SECRET.encode()),
    "pairs by name": mistaken(AS_PAIRS, "名称=值"),
    "pairs by name and &key=, in capitals": (
        SENT_SLASHED,
        mistaken(AS_PAIRS, "", b"&key=" + PAGE_SECRET.encode())[1].upper(),
        "名称=值",
    ),
    "pairs as they came": mistaken(f"park_uuid=p&row={ROWS_ALONE}&complete=0", "名称=值"),
    "pairs of rows in a string": (
        json.dumps({"row": ROWS_ALONE, "park_uuid": "p", "complete": ""}).encode(),
        digest(f"park_uuid=p&row={ROWS_ALONE}".encode() + TAIL),
        "名称=值",
    ),
    "all of it in utf-16": mistaken((SENT_SLASHED + TAIL).decode().encode("utf-16-le"), "UTF-16", b""),
    "all of it in utf-16 with its bom": mistaken(
        b"\xfe\xff" + (SENT_SLASHED + TAIL).decode().encode("utf-16-be"), "UTF-16", b""
    ),
    "body alone in utf-16": mistaken(SENT_SLASHED.decode().encode("utf-16-be"), "UTF-16"),
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
    "escapes done in capitals": (
        PAGE_BODY,
        digest(in_capitals(json.dumps(VALUE, separators=(",", ":"))) + TAIL),
        "\\uXXXX",
    ),
    "escapes in capitals undone": (
        in_capitals(json.dumps(VALUE, separators=(",", ":"))),
        digest(PAGE_BODY + TAIL),
        "未转义",
    ),
    "newline signed": (PAGE_BODY, digest(PAGE_BODY + b"\n" + TAIL), "换行"),
    "newline sent": (PAGE_BODY + b"\r\n", digest(PAGE_BODY + TAIL), "换行"),
    "bom signed": (PAGE_BODY, digest(b"\xef\xbb\xbf" + PAGE_BODY + TAIL), "BOM"),
    "bom sent": (b"\xef\xbb\xbf" + PAGE_BODY, digest(PAGE_BODY + TAIL), "BOM"),
    "base64 of the hex": (PAGE_BODY, base64.b64encode(digest(PAGE_BODY + TAIL).encode()).decode(), "base64"),
    "base64 of the hex in capitals": (
        PAGE_BODY,
        base64.b64encode(digest(PAGE_BODY + TAIL).upper().encode()).decode(),
        "base64",
    ),
    "newline not sent": (PAGE_BODY, digest(PAGE_BODY + b"\r\n" + TAIL), "换行"),
    "base64": (PAGE_BODY, base64.b64encode(bytes.fromhex(digest(PAGE_BODY + TAIL))).decode(), "base64"),
    "sixteen digits": (PAGE_BODY, digest(PAGE_BODY + TAIL)[8:24], "16 位"),
    "newline after the secret": (PAGE_BODY, digest(PAGE_BODY + TAIL + b"\n"), "密钥后"),
    "gbk and &key=": (PAGE_BODY, digest(TEXT.encode("gbk") + b"&key=" + PAGE_SECRET.encode()), "GBK"),
    "a word before it": (PAGE_BODY, "MD5 " + digest(PAGE_BODY + TAIL), "前面不应有"),
    "previous secret": (PAGE_BODY, digest(PAGE_BODY + b"&key=the-old-one"), "旧密钥"),
}


@pytest.mark.parametrize(("body", "authorization", "named"), NEAR_MISSES.values(), ids=NEAR_MISSES.keys())
def test_near_miss_is_named_to_the_holder_of_the_secret(body: bytes, authorization: str, named: str) -> None:
    keys = ParkSecrets(PAGE_SECRET, "the-old-one")
    hint = explain_mismatch(body, authorization, keys).hint
    assert named in hint.zh
    assert hint.en.isascii()
    assert PAGE_SECRET not in hint.zh + hint.en


@pytest.mark.parametrize(("body", "authorization", "named"), NEAR_MISSES.values(), ids=NEAR_MISSES.keys())
def test_near_miss_is_a_miss(body: bytes, authorization: str, named: str) -> None:
    content_type = "application/json; charset=gbk" if "UTF-8" in named else None
    with pytest.raises(InvalidSignature):
        verify(
            parse_request(body, content_type),
            md5(body, usedforsecurity=False),
            authorization,
            ParkSecrets(PAGE_SECRET, None if named == "旧密钥" else "the-old-one"),
        )


SENT = '{"row":[{"plate":"粤X33333","n":1}],"park_uuid":"p"}'
MEANT = json.loads(SENT)
SIGNED = {
    "": SENT.encode(),
    "GBK": SENT.encode("gbk"),
    "BOM": b"\xef\xbb\xbf" + SENT.encode(),
    "换行": SENT.encode() + b"\n",
    "键已排序, 无空格, 中文未转义": json.dumps(
        MEANT, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode(),
    "键已排序, 无空格, 中文未转义|GBK": json.dumps(
        MEANT, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode("gbk"),
    "(带空格, 中文未转义)": json.dumps(MEANT, ensure_ascii=False).encode(),
    "(无空格, 中文写成 \\uXXXX)": json.dumps(MEANT, separators=(",", ":")).encode(),
    "键已排序, 带空格, 中文写成 \\uXXXX": json.dumps(MEANT, sort_keys=True).encode(),
}
MARKS = {"": b"&app_secret=", "&key=": b"&key=", "什么也没有": b""}
FORMS: dict[str, Callable[[str], str]] = {
    "": str.upper,
    "base64": lambda text: base64.b64encode(bytes.fromhex(text)).decode(),
}
SECRETS = {"": "the-new-one", "旧密钥": "the-old-one"}


@pytest.mark.parametrize(
    "mistakes", [four for four in itertools.product(SIGNED, MARKS, FORMS, SECRETS) if any(four)], ids="+".join
)
def test_mistakes_made_together_are_all_named(mistakes: tuple[str, str, str, str]) -> None:
    signed, mark, form, secret = mistakes
    given = FORMS[form](digest(SIGNED[signed] + MARKS[mark] + SECRETS[secret].encode()))
    keys = ParkSecrets("the-new-one", "the-old-one")
    if mistakes != ("", "", "", "旧密钥"):  # which is no mistake until the old secret is retired
        with pytest.raises(InvalidSignature):
            verify(parse_request(SENT.encode(), None), md5(SENT.encode(), usedforsecurity=False), given, keys)
    hint = explain_mismatch(SENT.encode(), given, keys).hint.zh
    assert [name for name in "|".join(mistakes).split("|") if name not in hint] == []


@pytest.mark.parametrize(("body", "authorization", "named"), NEAR_MISSES.values(), ids=NEAR_MISSES.keys())
def test_near_miss_tells_a_stranger_nothing(body: bytes, authorization: str, named: str) -> None:
    unknown = explain_mismatch(body, authorization, None).hint
    assert unknown == explain_mismatch(body, "0" * 32, ParkSecrets(PAGE_SECRET)).hint
    assert unknown == explain_mismatch(body, authorization, ParkSecrets("another secret")).hint


def test_previous_secret_is_valid_until_it_is_retired() -> None:
    claim, given = parse_request(PAGE_BODY, None), sign(PAGE_BODY, "old")
    body_md5 = md5(PAGE_BODY, usedforsecurity=False)
    assert verify(claim, body_md5, given, ParkSecrets("new", "old")).secret_used == "previous"
    assert verify(claim, body_md5, sign(PAGE_BODY, "new"), ParkSecrets("new", "old")).secret_used == "current"
    with pytest.raises(InvalidSignature):
        verify(claim, body_md5, given, ParkSecrets("new"))


@pytest.mark.parametrize("given", [None, "", "   "])
def test_missing_signature_is_named(given: str | None) -> None:
    with pytest.raises(InvalidSignature) as caught:
        verify(parse_request(PAGE_BODY, None), md5(PAGE_BODY, usedforsecurity=False), given, ParkSecrets(PAGE_SECRET))
    assert "Authorization" in caught.value.hint.zh


def test_unknown_park_cannot_be_signed_for_with_any_text_of_the_source() -> None:
    for guess in ("", "no park has this secret", "None"):
        with pytest.raises(InvalidSignature):
            verify(parse_request(PAGE_BODY, None), md5(PAGE_BODY, usedforsecurity=False), sign(PAGE_BODY, guess), None)
        near_miss = digest(PAGE_BODY + b"&key=" + guess.encode())
        assert explain_mismatch(PAGE_BODY, near_miss, None).hint == explain_mismatch(PAGE_BODY, "0" * 32, None).hint


@pytest.mark.parametrize("secret", ["another", " another "])
def test_no_text_of_the_source_signs_a_near_miss_that_tells_which_parks_there_are(secret: str) -> None:
    body = PAGE_BODY
    for text in (authentication.NO_SECRET, authentication.NO_SECRET + " ", authentication.NO_SECRET * 2):
        told = [
            explain_mismatch(body, sign(body, text), keys).hint
            for keys in (ParkSecrets(secret), ParkSecrets(secret, "old"), None)
        ]
        assert told[0] == told[1] == told[2]


@pytest.mark.parametrize(
    "keys",
    [None, ParkSecrets("current"), ParkSecrets("current", "previous"), ParkSecrets(" blanks around ")],
    ids=["unknown", "known", "rotated", "blanks in the secret"],
)
def test_wrong_signature_costs_the_same_whether_or_not_the_park_is_known(
    keys: ParkSecrets | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    tried: list[int] = []

    def count_check(body_md5: Any, authorization: str, secret: str) -> bool:
        checked.append(secret)
        return is_signed(body_md5, authorization, secret)

    def count_tries(
        body: bytes, authorization: str, secrets: list[tuple[str, LocalizedText | None]]
    ) -> LocalizedText | None:
        tried.append(len(secrets))
        return diagnose(body, authorization, secrets)

    monkeypatch.setattr(authentication, "is_signed", count_check)
    monkeypatch.setattr(authentication, "diagnose", count_tries)
    with pytest.raises(InvalidSignature):
        verify(parse_request(PAGE_BODY, None), md5(PAGE_BODY, usedforsecurity=False), "0" * 32, keys)
    explain_mismatch(PAGE_BODY, "0" * 32, keys)
    explain_mismatch(PAGE_BODY, "0" * 32, None)
    assert len(checked) == 2
    assert tried[0] == tried[1]


def test_search_for_a_mistake_takes_the_largest_body_that_it_may() -> None:
    largest = b'"' + b"x" * (DIAGNOSIS_BYTES_MAX - 2) + b'"'
    found = diagnose(largest, digest(largest + b"&key=s"), [("s", None)])
    assert found is not None
    assert "&key=" in found.zh


def test_search_for_a_mistake_is_bounded() -> None:
    large = b"x" * (DIAGNOSIS_BYTES_MAX + 1)
    assert diagnose(large, digest(large + b"&key=s"), [("s", None)]) is None
    assert diagnose(b"{}", "x" * 10_000, [("s", None)]) is None
