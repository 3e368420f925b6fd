"""Checks a body and a signature for the signature check: which bytes are meant, is it valid, what is wrong. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import md5, sha256
from typing import Final, Literal, get_args

from vipgate.errors import BadRequest
from vipgate.i18n import LocalizedText
from vipgate.protocol.authentication import ParkSecrets, explain_hmac_mismatch, explain_mismatch
from vipgate.protocol.charset import CHARSETS, Charset, charset_fault, other_charset, shown_text
from vipgate.protocol.envelope import parse_request
from vipgate.protocol.signature_hmac import (
    WINDOW_S,
    WebhookSignature,
    header_error,
    hmac_matches,
    hmac_sign,
    timestamp_error,
)
from vipgate.protocol.signature_md5 import DIAGNOSIS_BYTES_MAX, SECRET_MARK, is_signed, sign
from vipgate.support.web.forms import FormData

Coding = Literal["utf-8", "gbk", "base64", "hex"]
CODINGS: Final[tuple[Coding, ...]] = get_args(Coding)
HEAD_CHARS: Final = 1_200
TAIL_CHARS: Final = 200
EDGE_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class SignatureFinding:
    """The result. `used`: the secret that a valid signature was made with; `mistake` is None for a valid one.

    `hashed` is the signed text without the secret, in two pieces if long. `late`: the error in the timestamp of a valid HMAC
    that arrived now. `right` is the correct signature; empty if the headers are malformed.
    """

    given: bool
    used: Literal["current", "previous"] | None
    mistake: LocalizedText | None
    right: str
    bytes: int
    sha256: str
    hashed: tuple[str, str]
    left_out: int
    first: str
    last: str
    kind: Literal["md5", "hmac"] = "md5"
    late: LocalizedText | None = None


def read_bodies(form: FormData) -> list[bytes]:
    """Returns the bytes that the field `body` may stand for, likeliest first; empty with an error added to the form.

    A browser sends every line end of a text as CR LF, whatever was pasted.
    """
    text, coding = form.raw("body"), form.get("coding")
    if not text.strip():
        form.fault("body", "必填", "required")
        return []
    try:
        if coding == "base64":
            bodies = [base64.b64decode("".join(text.split()), validate=True)]
        elif coding == "hex":
            bodies = [bytes.fromhex(text)]
        else:
            charset = "gb18030" if coding == "gbk" else "utf-8"
            bare = text.replace("\r\n", "\n").encode(charset)
            bodies = list(dict.fromkeys((bare, bare.replace(b"\n", b"\r\n"))))
    except (ValueError, binascii.Error):
        form.fault("body", f"不是有效的 {coding}", f"not valid {coding}")
        return []
    if len(bodies[-1]) > DIAGNOSIS_BYTES_MAX:
        form.fault("body", f"最多 {DIAGNOSIS_BYTES_MAX} 字节", f"at most {DIAGNOSIS_BYTES_MAX} bytes")
        return []
    return bodies


def park_named(bodies: Sequence[bytes]) -> str:
    """Returns the park_uuid in the body; empty if it cannot be read."""
    for body in bodies[:1]:
        for charset in CHARSETS:
            try:
                return parse_request(body, f"application/json; charset={charset}").park_uuid
            except BadRequest:
                continue
    return ""


def refusal_for_charset(body: bytes, coding: str, of_park: Charset) -> LocalizedText | None:
    """Returns why the gateway rejects `body` for its charset, or None if it is the park's."""
    for sent in CHARSETS:
        if coding == sent != of_park:
            return other_charset(sent, of_park).hint
    return charset_fault(body, of_park)


def examine(bodies: Sequence[bytes], authorization: str, keys: ParkSecrets) -> SignatureFinding:
    """Checks an MD5 signature: reports the first body that matches, else the first with a known mistake, else the likeliest."""
    given = authorization.strip()
    for body in bodies:
        used = _used(body, given, keys)
        if used is not None:
            return _finding(body, given, used, None, keys)
    if not given:
        return _finding(bodies[0], given, None, None, keys)
    unknown = explain_mismatch(b"", given, None).hint
    for body in bodies:
        mistake = explain_mismatch(body, given, keys).hint
        if mistake != unknown:
            return _finding(body, given, None, mistake, keys)
    return _finding(bodies[0], given, None, unknown, keys)


def examine_hmac(bodies: Sequence[bytes], sent: WebhookSignature, keys: ParkSecrets, now_s: float) -> SignatureFinding:
    """Checks the three headers of an HMAC signature, in the same way."""
    malformed = header_error(sent)
    if malformed is not None:
        return _hmac_result(bodies[0], sent, None, malformed, "")
    right = [hmac_sign(body, keys.current, sent.id, sent.timestamp) for body in bodies]
    for body, signature in zip(bodies, right, strict=True):
        used = _signed_with(body, sent, keys)
        if used is not None:
            late = timestamp_error(sent, now_s, WINDOW_S)
            return replace(_hmac_result(body, sent, used, None, signature), late=late)
    if not sent.signature:
        return _hmac_result(bodies[0], sent, None, None, right[0])
    unknown = explain_hmac_mismatch(b"", sent, None).hint
    for body, signature in zip(bodies, right, strict=True):
        mistake = explain_hmac_mismatch(body, sent, keys).hint
        if mistake != unknown:
            return _hmac_result(body, sent, None, mistake, signature)
    return _hmac_result(bodies[0], sent, None, unknown, right[0])


def _signed_with(body: bytes, sent: WebhookSignature, keys: ParkSecrets) -> Literal["current", "previous"] | None:
    if hmac_matches(body, sent, keys.current):
        return "current"
    return "previous" if keys.previous is not None and hmac_matches(body, sent, keys.previous) else None


def _hmac_result(
    body: bytes,
    sent: WebhookSignature,
    used: Literal["current", "previous"] | None,
    mistake: LocalizedText | None,
    right: str,
) -> SignatureFinding:
    before = f"{sent.id}.{sent.timestamp}."
    return _result(body, before, "", given=bool(sent.signature), used=used, mistake=mistake, right=right, kind="hmac")


def _used(body: bytes, given: str, keys: ParkSecrets) -> Literal["current", "previous"] | None:
    body_md5 = md5(body, usedforsecurity=False)
    if is_signed(body_md5, given, keys.current):
        return "current"
    return "previous" if keys.previous is not None and is_signed(body_md5, given, keys.previous) else None


def _finding(
    body: bytes,
    given: str,
    used: Literal["current", "previous"] | None,
    mistake: LocalizedText | None,
    keys: ParkSecrets,
) -> SignatureFinding:
    right, mark = sign(body, keys.current), SECRET_MARK.decode()
    return _result(body, "", mark, given=bool(given), used=used, mistake=mistake, right=right, kind="md5")


def _result(
    body: bytes,
    before: str,
    after: str,
    *,
    given: bool,
    used: Literal["current", "previous"] | None,
    mistake: LocalizedText | None,
    right: str,
    kind: Literal["md5", "hmac"],
) -> SignatureFinding:
    text = shown_text(body, "utf-8")
    left_out = max(0, len(text) - HEAD_CHARS - TAIL_CHARS)
    pieces = (text[:HEAD_CHARS], text[-TAIL_CHARS:]) if left_out else (text, "")
    return SignatureFinding(
        given=given,
        used=used,
        mistake=mistake,
        right=right,
        bytes=len(body),
        sha256=sha256(body).hexdigest(),
        hashed=(before + pieces[0], pieces[1] + after),
        left_out=left_out,
        first=body[:EDGE_BYTES].hex(" "),
        last=body[-EDGE_BYTES:].hex(" "),
        kind=kind,
    )
