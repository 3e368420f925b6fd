"""The signature by HMAC: the form that its libraries make, its time, and the near misses that are named."""

from __future__ import annotations

import base64
import hmac
import itertools
from hashlib import md5

import pytest

from vipgate.cli.sample import PAGE_BODY, PAGE_SECRET
from vipgate.errors import InvalidSignature
from vipgate.protocol import signature_hmac
from vipgate.protocol.authentication import (
    NO_SECRET,
    ParkSecrets,
    VerifiedRequest,
    explain_hmac_mismatch,
    hmac_headers_for,
    verify,
    verify_hmac,
)
from vipgate.protocol.envelope import parse_request
from vipgate.protocol.signature_hmac import (
    HMAC_WANTED,
    WINDOW_S,
    WebhookSignature,
    diagnose_hmac,
    hmac_matches,
    hmac_sign,
)
from vipgate.protocol.signature_md5 import sign

ID = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
NOW_S = 1_795_492_800
OLD = "the-old-secret"
CLAIM = parse_request(PAGE_BODY, None)


def stamp(secret: str = PAGE_SECRET, *, body: bytes = PAGE_BODY, at_s: int = NOW_S) -> WebhookSignature:
    return WebhookSignature(ID, str(at_s), hmac_sign(body, secret, ID, at_s))


def raw(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")


def proved(given: WebhookSignature, keys: ParkSecrets | None = None, *, now_s: float = NOW_S) -> VerifiedRequest:
    return verify_hmac(CLAIM, PAGE_BODY, given, keys or ParkSecrets(PAGE_SECRET, OLD), now_s, WINDOW_S)


def refused(given: WebhookSignature, keys: ParkSecrets | None = None, *, now_s: float = NOW_S) -> InvalidSignature:
    with pytest.raises(InvalidSignature) as told:
        proved(given, keys, now_s=now_s)
    return told.value


def test_form_is_that_of_the_libraries_for_standard_webhooks() -> None:
    # The example that those libraries are tested with.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    digest = signature_hmac._digest(key, signature_hmac._head("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"), body)
    assert base64.b64encode(digest) == b"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_page_example_under_hmac_has_this_signature() -> None:
    content = f"{ID}.{NOW_S}.".encode() + PAGE_BODY
    assert (
        hmac_sign(PAGE_BODY, PAGE_SECRET, ID, NOW_S) == "v1," + base64.b64encode(raw(b"12323232323", content)).decode()
    )


def test_client_s_half_signs_what_the_gateway_checks() -> None:
    headers = hmac_headers_for(PAGE_BODY, PAGE_SECRET, ID, NOW_S)
    assert "Authorization" not in headers
    given = WebhookSignature(headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"])
    assert (proved(given).secret_used, proved(given).webhook_id) == ("current", ID)


def test_both_secrets_do_while_a_rotation_lasts() -> None:
    assert proved(stamp(OLD)).secret_used == "previous"
    assert not refused(stamp(OLD), ParkSecrets(PAGE_SECRET)).explained


def test_one_right_signature_of_several_does() -> None:
    several = WebhookSignature(ID, str(NOW_S), f"v1,{'A' * 43}= v1a,xyz {stamp().signature}")
    assert proved(several).secret_used == "current"


def test_more_signatures_than_anybody_needs_are_not_tried() -> None:
    wrong = f"v1,{'A' * 43}="
    assert not hmac_matches(
        PAGE_BODY, WebhookSignature(ID, str(NOW_S), " ".join([wrong] * 4 + [stamp().signature])), PAGE_SECRET
    )


@pytest.mark.parametrize("part", ["id", "timestamp", "body"])
def test_each_part_is_signed(part: str) -> None:
    given = stamp()
    changed = {
        "id": WebhookSignature(ID + "x", given.timestamp, given.signature),
        "timestamp": WebhookSignature(ID, str(NOW_S + 1), given.signature),
        "body": stamp(body=PAGE_BODY + b" "),
    }[part]
    assert not hmac_matches(PAGE_BODY, changed, PAGE_SECRET)
    refused(changed)


@pytest.mark.parametrize(
    ("webhook_id", "timestamp", "named"),
    [
        ("", "1", "webhook-id"),
        ("a.b", "1", "webhook-id"),
        ("a b", "1", "webhook-id"),
        ("é", "1", "webhook-id"),
        ("x" * 129, "1", "webhook-id"),
        ("x", "", "webhook-timestamp"),
        ("x", "-5", "webhook-timestamp"),
        ("x", "1e9", "webhook-timestamp"),
        ("x", "٣", "webhook-timestamp"),
        ("x", "9" * 5000, "webhook-timestamp"),
    ],
)
def test_malformed_header_is_named_whatever_the_secret(webhook_id: str, timestamp: str, named: str) -> None:
    given = WebhookSignature(webhook_id, timestamp, f"v1,{'A' * 43}=")
    told = [refused(given, keys).hint for keys in (ParkSecrets(PAGE_SECRET), ParkSecrets("another"))]
    with pytest.raises(InvalidSignature) as stranger:
        verify_hmac(CLAIM, PAGE_BODY, given, None, NOW_S, WINDOW_S)
    assert told == [stranger.value.hint] * 2
    assert told[0].en.startswith(named)


@pytest.mark.parametrize("off_s", [0, WINDOW_S, -WINDOW_S])
def test_time_within_the_window_does(off_s: int) -> None:
    assert proved(stamp(at_s=NOW_S + off_s)).secret_used == "current"


@pytest.mark.parametrize("off_s", [WINDOW_S + 1, -WINDOW_S - 1, -86_400, 10**9])
def test_time_outside_the_window_is_refused_and_the_difference_told(off_s: int) -> None:
    told = refused(stamp(at_s=NOW_S + off_s))
    assert told.explained
    assert f"{off_s:+d} s" in told.hint.en
    assert f"{off_s:+d} 秒" in told.hint.zh


def test_milliseconds_are_named() -> None:
    assert "milliseconds" in refused(stamp(at_s=NOW_S * 1000)).hint.en


def test_time_of_a_wrong_signature_tells_nothing() -> None:
    assert refused(stamp("wrong", at_s=1)).hint == refused(stamp("wrong")).hint


def test_md5_does_not_do_where_hmac_is_wanted_and_only_the_holder_of_the_secret_learns_it() -> None:
    for secret in (PAGE_SECRET, OLD):
        with pytest.raises(InvalidSignature) as told:
            verify(
                CLAIM,
                md5(PAGE_BODY, usedforsecurity=False),
                sign(PAGE_BODY, secret),
                ParkSecrets(PAGE_SECRET, OLD, hmac_only=True),
            )
        assert (told.value.hint, told.value.explained) == (HMAC_WANTED, True)
    with pytest.raises(InvalidSignature) as stranger:
        verify(
            CLAIM,
            md5(PAGE_BODY, usedforsecurity=False),
            sign(PAGE_BODY, "guess"),
            ParkSecrets(PAGE_SECRET, OLD, hmac_only=True),
        )
    assert stranger.value.hint != HMAC_WANTED
    assert proved(stamp(), ParkSecrets(PAGE_SECRET, hmac_only=True)).secret_used == "current"


CONTENT = f"{ID}.{NOW_S}.".encode() + PAGE_BODY
KEY = PAGE_SECRET.encode()
BASE64_SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQ"


def b64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


NEAR: list[tuple[str, str, str]] = [
    ("the signature is hex", f"v1,{raw(KEY, CONTENT).hex()}", PAGE_SECRET),
    ("v1, is missing", b64(raw(KEY, CONTENT)), PAGE_SECRET),
    ("standard base64", f"v1,{b64(raw(KEY, CONTENT)).rstrip('=')}", PAGE_SECRET),
    ("from before the rotation", f"v1,{b64(raw(OLD.encode(), CONTENT))}", PAGE_SECRET),
    ("a blank or a newline", "v1," + b64(raw(KEY + b"\n", CONTENT)), PAGE_SECRET),
    ("joined with full stops", f"v1,{b64(raw(KEY, PAGE_BODY))}", PAGE_SECRET),
    ("joined with full stops", f"v1,{b64(raw(KEY, f'{NOW_S}.'.encode() + PAGE_BODY))}", PAGE_SECRET),
    ("GBK", f"v1,{b64(raw(KEY, CONTENT.decode().encode('gb18030')))}", PAGE_SECRET),
    ("decoded as base64", f"v1,{b64(raw(base64.b64decode(BASE64_SECRET + '='), CONTENT))}", BASE64_SECRET),
    ("the secret's base64", f"v1,{b64(raw(base64.b64encode(KEY), CONTENT))}", PAGE_SECRET),
]  # fmt: skip


@pytest.mark.parametrize(("named", "signature", "secret"), NEAR, ids=[f"{n}-{one[0]}" for n, one in enumerate(NEAR)])
def test_near_miss_is_named_to_the_holder_of_the_secret_alone(named: str, signature: str, secret: str) -> None:
    given = WebhookSignature(ID, str(NOW_S), signature)
    hint = explain_hmac_mismatch(PAGE_BODY, given, ParkSecrets(secret, OLD)).hint
    assert named in hint.en
    unknown = explain_hmac_mismatch(PAGE_BODY, given, None).hint
    assert unknown == explain_hmac_mismatch(PAGE_BODY, given, ParkSecrets("quite another")).hint
    assert named not in unknown.en


def test_unknown_park_cannot_be_signed_for_with_any_text_of_the_source() -> None:
    with pytest.raises(InvalidSignature):
        verify_hmac(CLAIM, PAGE_BODY, stamp(NO_SECRET), None, NOW_S, WINDOW_S)
    near = WebhookSignature(ID, str(NOW_S), raw(NO_SECRET.encode(), CONTENT).hex())
    assert (
        explain_hmac_mismatch(PAGE_BODY, near, None).hint
        == explain_hmac_mismatch(PAGE_BODY, near, ParkSecrets("another")).hint
    )


def test_url_alphabet_is_named() -> None:
    for number in itertools.count():
        webhook_id = f"{ID}{number}"
        text = base64.urlsafe_b64encode(raw(KEY, f"{webhook_id}.{NOW_S}.".encode() + PAGE_BODY)).decode()
        if "-" in text or "_" in text:
            break
    hint = explain_hmac_mismatch(
        PAGE_BODY, WebhookSignature(webhook_id, str(NOW_S), f"v1,{text}"), ParkSecrets(PAGE_SECRET)
    ).hint
    assert "standard base64" in hint.en


def test_search_for_the_mistake_does_as_much_for_every_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    real = hmac.digest

    def counted(key: bytes, content: bytes, name: str) -> bytes:
        counts[-1] += 1
        return real(key, content, name)

    monkeypatch.setattr("vipgate.protocol.signature_hmac.hmac.digest", counted)
    given = WebhookSignature(ID, str(NOW_S), f"v1,{'A' * 43}=")
    for secret, previous in ((PAGE_SECRET, OLD), (BASE64_SECRET, "密"), ("=", " x ")):
        counts.append(0)
        assert diagnose_hmac(PAGE_BODY, given, secret, previous) is None
    assert len(set(counts)) == 1
    assert counts[0] < 250


def test_large_body_is_not_searched() -> None:
    body = b" " * 300_000 + PAGE_BODY
    assert diagnose_hmac(body, WebhookSignature(ID, str(NOW_S), raw(KEY, body).hex()), PAGE_SECRET, OLD) is None
