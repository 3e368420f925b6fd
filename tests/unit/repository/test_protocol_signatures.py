"""The signatures on the protocol pages: the worked examples, the code, and the hint that each known mistake gets."""

from __future__ import annotations

import base64
import hmac
import json
import re
import shutil
import subprocess
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from support.protocol_page import BOTH, ZH, Document, span
from vipgate.cli.sample import PAGE_BODY, PAGE_SECRET
from vipgate.errors import BadRequest, InvalidSignature
from vipgate.i18n import LocalizedText
from vipgate.protocol.authentication import ParkSecrets, explain_hmac_mismatch, explain_mismatch, verify, verify_hmac
from vipgate.protocol.envelope import parse_request
from vipgate.protocol.signature_hmac import (
    ID_CHARS_MAX,
    ID_HEADER,
    SIGNATURE_HEADER,
    SIGNATURES_MAX,
    TIMESTAMP_HEADER,
    WINDOW_S,
    WebhookSignature,
    header_error,
    hmac_headers,
    hmac_matches,
)
from vipgate.protocol.signature_md5 import sign
from vipgate.store.common.replace_policy import ID_REMEMBERED_US, check_webhook_id
from vipgate.store.interfaces.ledger import Push, RequestOrigin


@BOTH
def test_md5_example_is_right_to_the_byte(page: Document) -> None:
    [shown] = page.blocks("4.2", "json")
    assert shown.encode() == PAGE_BODY
    assert f"`{PAGE_SECRET}`" in page.section("4.2")
    for row, codec in zip(page.table("4.2"), ("utf-8", "gbk"), strict=True):
        body = shown.encode(codec)
        charset, count, plate, signature = row[0], int(row[1]), span(row[2]), span(row[3])
        assert (len(body), "粤".encode(codec).hex(), sign(body, PAGE_SECRET)) == (count, plate, signature)
        claim = parse_request(body, f"application/json; charset={charset.lower()}")
        body_md5 = md5(body, usedforsecurity=False)
        assert verify(claim, body_md5, signature, ParkSecrets(PAGE_SECRET)).secret_used == "current"
    assert f"`{sign(PAGE_BODY, PAGE_SECRET)}`" in page.section("10")
    assert str(len(PAGE_BODY)) in page.section("4.2").partition("```")[0]


@BOTH
def test_md5_command_gives_the_signature(page: Document, tmp_path: Path) -> None:
    if shutil.which("md5sum") is None:
        pytest.skip("no md5sum on this machine")
    (tmp_path / "body.json").write_bytes(PAGE_BODY)
    script = f"secret={PAGE_SECRET}\n{page.blocks('4.2', 'sh')[0]}"
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split()[0] == sign(PAGE_BODY, PAGE_SECRET)


@BOTH
def test_hmac_example_is_right(page: Document) -> None:
    [shown] = page.blocks("5.2", "text")
    headers = dict(line.split(": ") for line in shown.splitlines())
    assert hmac_headers(PAGE_BODY, PAGE_SECRET, headers[ID_HEADER], headers[TIMESTAMP_HEADER]) == headers


@BOTH
def test_hmac_headers_are_bounded_as_the_page_says(page: Document) -> None:
    identity, timestamp, signature = (row[1] for row in page.table("5.1"))
    assert f"1 – {ID_CHARS_MAX} " in identity
    assert f" {WINDOW_S} " in timestamp
    assert "`v1,`" in signature
    assert re.search(rf"(最多|at most) {SIGNATURES_MAX}\b", page.section("5.1"))
    good = hmac_headers(PAGE_BODY, PAGE_SECRET, "i", 1)[SIGNATURE_HEADER]
    for others, right in ((SIGNATURES_MAX - 1, True), (SIGNATURES_MAX, False)):
        assert hmac_matches(PAGE_BODY, WebhookSignature("i", "1", "v1,x " * others + good), PAGE_SECRET) is right
    assert ID_REMEMBERED_US == 24 * 3600 * 1_000_000
    assert re.search(r"一天|one day", page.section("5.4"))


@pytest.mark.parametrize("language", ["python", "sh"])
def test_hmac_code_of_the_page_signs_as_the_gateway_wants(tmp_path: Path, language: str) -> None:
    [block] = ZH.blocks("5.3", language)
    if language == "python":
        made: dict[str, object] = {"body": PAGE_BODY, "secret": PAGE_SECRET}
        exec(f"import base64, hmac, secrets, time\n{block}", made)  # noqa: S102 - the page's own text
        headers = made["headers"]
        assert isinstance(headers, dict)
        stamp = WebhookSignature(*(headers[name] for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)))
    else:
        if shutil.which("openssl") is None:
            pytest.skip("no openssl on this machine")
        (tmp_path / "body.json").write_bytes(PAGE_BODY)
        script = f"secret={PAGE_SECRET}\n{block.partition('curl')[0]}\nprintf '%s %s v1,%s' $id $at $signature"
        done = subprocess.run(
            ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
        )
        stamp = WebhookSignature(*done.stdout.split())
    assert header_error(stamp) is None
    assert hmac_matches(PAGE_BODY, stamp, PAGE_SECRET)


PLAIN = '{"row":["/张"],"park_uuid":"p"}'
AGAIN = json.loads(PLAIN)
LOOSE = PLAIN.replace(":", " :").encode()  # as no library writes it
TAIL = f"&app_secret={PAGE_SECRET}".encode()
NOW_S = 1_795_492_800


def digest(signed: bytes, tail: bytes = TAIL) -> str:
    return md5(signed + tail, usedforsecurity=False).hexdigest()


def pairs_of(members: dict[str, Any]) -> str:
    return "&".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
        for name, value in sorted(members.items())
    )


# What was done, in the order of the table 7.5: the body, `Authorization`, and the park's secrets where they matter.
MD5_MISTAKES: dict[str, tuple[bytes, str] | tuple[bytes, str, ParkSecrets]] = {
    "no signature": (PAGE_BODY, ""),
    "unknown": (PAGE_BODY, "0" * 32),
    "GBK signed": (PAGE_BODY, digest(PAGE_BODY.decode().encode("gbk"))),
    "GBK sent": (PAGE_BODY.decode().encode("gbk"), digest(PAGE_BODY)),
    "UTF-16 signed": (PAGE_BODY, digest(PAGE_BODY.decode().encode("utf-16-le"))),
    "question marks": (PAGE_BODY, digest(PAGE_BODY.decode().encode("ascii", "replace"))),
    "BOM": (PAGE_BODY, digest(b"\xef\xbb\xbf" + PAGE_BODY)),
    "line break": (PAGE_BODY, digest(PAGE_BODY + b"\n")),
    "serialised again": (PLAIN.encode(), digest(json.dumps(AGAIN, sort_keys=True, separators=(",", ":")).encode())),
    "indented": (PLAIN.encode(), digest(json.dumps(AGAIN, indent=2, ensure_ascii=False).encode())),
    "Jackson": (PLAIN.encode(), digest('{\n  "row" : [ "/张" ],\n  "park_uuid" : "p"\n}'.encode())),
    "slashes escaped": (LOOSE, digest(LOOSE.replace(b"/", rb"\/"))),
    "slashes not escaped": (LOOSE.replace(b"/", rb"\/"), digest(LOOSE)),
    "pairs": (PLAIN.encode(), digest(pairs_of(AGAIN).encode())),
    "&key=": (PAGE_BODY, digest(PAGE_BODY, b"&key=" + PAGE_SECRET.encode())),
    "nothing before the secret": (PAGE_BODY, digest(PAGE_BODY, PAGE_SECRET.encode())),
    "no ampersand": (PAGE_BODY, digest(PAGE_BODY, TAIL[1:])),
    "blank before =": (PAGE_BODY, digest(PAGE_BODY, TAIL.replace(b"=", b" ="))),
    "line break after the secret": (PAGE_BODY, digest(PAGE_BODY, TAIL + b"\n")),
    "secret trimmed": (PAGE_BODY, sign(PAGE_BODY, "s"), ParkSecrets(" s")),
    "BOM before the secret": (PAGE_BODY, sign(PAGE_BODY, "\ufeff" + PAGE_SECRET)),
    "old secret": (PAGE_BODY, sign(PAGE_BODY, "old"), ParkSecrets("new", "old")),
    "base64": (PAGE_BODY, base64.b64encode(bytes.fromhex(sign(PAGE_BODY, PAGE_SECRET))).decode()),
    "16 digits": (PAGE_BODY, sign(PAGE_BODY, PAGE_SECRET)[8:24]),
    "word before": (PAGE_BODY, "Bearer " + sign(PAGE_BODY, PAGE_SECRET)),
    "name=value": (PAGE_BODY, "sign=" + sign(PAGE_BODY, PAGE_SECRET)),
    "HMAC wanted": (PAGE_BODY, sign(PAGE_BODY, PAGE_SECRET), ParkSecrets(PAGE_SECRET, hmac_only=True)),
}  # fmt: skip


def is_shown(told: str, shown: str) -> bool:
    return re.fullmatch(re.escape(shown).replace("…", ".+"), told) is not None


def told_of_md5(body: bytes, authorization: str, keys: ParkSecrets) -> LocalizedText:
    """As the pipeline says it: the refusal itself where that names the mistake, else what the search for one finds."""
    try:
        verify(parse_request(PAGE_BODY, None), md5(body, usedforsecurity=False), authorization, keys)
    except InvalidSignature as refusal:
        if refusal.explained:
            return refusal.hint
    return explain_mismatch(body, authorization, keys).hint


@BOTH
@pytest.mark.parametrize("place", range(len(MD5_MISTAKES)), ids=MD5_MISTAKES)
def test_mistake_in_an_md5_signature_gets_the_hint_of_the_page(page: Document, place: int) -> None:
    body, authorization, *keys = [*MD5_MISTAKES.values()][place]
    told = told_of_md5(body, authorization, *(keys or [ParkSecrets(PAGE_SECRET)]))
    shown = span(page.table("7.5")[place][0])
    assert is_shown(told.text(page.language), shown)
    assert len(MD5_MISTAKES) == len(page.table("7.5"))


def hmac_of(content: bytes, key: str = PAGE_SECRET) -> str:
    return "v1," + base64.b64encode(hmac.digest(key.encode(), content, "sha256")).decode()


RIGHT = hmac_of(b"i.%d." % NOW_S + PAGE_BODY)
RIGHT_BYTES = base64.b64decode(RIGHT[3:])
LATE_S = NOW_S - 512
LONG_SECRET = "c2VjcmV0IG9mIGEgcGFyaw=="

# The same of the table 7.6: id, timestamp, signature, secret. None: the store finds it.
HMAC_MISTAKES: dict[str, tuple[str, int | str, str, str] | None] = {
    "unknown": ("i", NOW_S, "v1,x", PAGE_SECRET),
    "no id": ("", NOW_S, RIGHT, PAGE_SECRET),
    "no timestamp": ("i", "", RIGHT, PAGE_SECRET),
    "milliseconds": ("i", NOW_S * 1000, hmac_of(b"i.%d000." % NOW_S + PAGE_BODY), PAGE_SECRET),
    "late": ("i", LATE_S, hmac_of(b"i.%d." % LATE_S + PAGE_BODY), PAGE_SECRET),
    "id used before": None,
    "no full stops": ("i", NOW_S, hmac_of(b"i%d" % NOW_S + PAGE_BODY), PAGE_SECRET),
    "no version": ("i", NOW_S, RIGHT[3:], PAGE_SECRET),
    "hex": ("i", NOW_S, "v1," + RIGHT_BYTES.hex(), PAGE_SECRET),
    "no padding": ("i", NOW_S, RIGHT.rstrip("="), PAGE_SECRET),
    "secret decoded": (
        "i", NOW_S, hmac_of(b"i.%d." % NOW_S + PAGE_BODY, base64.b64decode(LONG_SECRET).decode()), LONG_SECRET,
    ),
    "secret encoded": (
        "i", NOW_S, hmac_of(b"i.%d." % NOW_S + PAGE_BODY, base64.b64encode(PAGE_SECRET.encode()).decode()), PAGE_SECRET,
    ),
}  # fmt: skip


def told_of_hmac(stamp: WebhookSignature, keys: ParkSecrets) -> LocalizedText:
    try:
        verify_hmac(parse_request(PAGE_BODY, None), PAGE_BODY, stamp, keys, NOW_S, WINDOW_S)
    except InvalidSignature as refusal:
        return refusal.hint if refusal.explained else explain_hmac_mismatch(PAGE_BODY, stamp, keys).hint
    raise AssertionError(stamp)


@BOTH
@pytest.mark.parametrize("place", range(len(HMAC_MISTAKES)), ids=HMAC_MISTAKES)
def test_mistake_in_an_hmac_signature_gets_the_hint_of_the_page(page: Document, place: int) -> None:
    mistake, shown = [*HMAC_MISTAKES.values()][place], span(page.table("7.6")[place][0])
    assert len(HMAC_MISTAKES) == len(page.table("7.6"))
    if mistake is None:
        push = Push(
            "2" * 32,
            "p",
            [],
            1,
            True,
            "current",
            RequestOrigin(received_us=0, peer="", body_bytes=1, body_sha256="x"),
            "i",
        )
        refusal = check_webhook_id(push, "1" * 32, "y")
        assert isinstance(refusal, BadRequest)
        told = refusal.hint
    else:
        webhook_id, at, signature, secret = mistake
        told = told_of_hmac(WebhookSignature(webhook_id, str(at), signature), ParkSecrets(secret))
    assert is_shown(told.text(page.language), shown)
