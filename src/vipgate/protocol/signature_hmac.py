"""HMAC-SHA256 signatures over id, timestamp and body, as in Standard Webhooks: signs, checks, diagnoses. Pure.

Why this form: docs/decisions/013-hmac.md.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from vipgate.i18n import LocalizedText
from vipgate.protocol.signature_md5 import BOM, BOM_IN_SECRET, DIAGNOSIS_BYTES_MAX, bodies_signed

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
ID_CHARS_MAX: Final = 128
SIGNATURES_MAX: Final = 4
SIGNATURE_CHARS_MAX: Final = 512
WINDOW_S: Final = 300

HMAC_MARK: Final = "v1,"
_DIGEST_BYTES: Final = 32
# No full stop: it separates id, timestamp and body in the signed content.
_is_id = re.compile(rf"[!-\-/-~]{{1,{ID_CHARS_MAX}}}", re.ASCII).fullmatch
_is_timestamp = re.compile(r"\d{1,13}", re.ASCII).fullmatch

HMAC_WANTED: Final = LocalizedText(
    "该车场只接受 HMAC 签名; 请改用请求头 webhook-id, webhook-timestamp, webhook-signature: "
    "v1,base64(HMAC-SHA256(密钥, id.timestamp.正文))",
    "this park takes HMAC signatures only: send the headers webhook-id, webhook-timestamp and webhook-signature: "
    "v1,base64(HMAC-SHA256(secret, id.timestamp.body))",
)


class WebhookSignature(msgspec.Struct, frozen=True, gc=False):
    """The three received headers, not verified; empty where one is missing."""

    id: str
    timestamp: str
    signature: str


def hmac_sign(body: bytes, secret: str, webhook_id: str, timestamp: int | str) -> str:
    """Returns the header `webhook-signature`; `timestamp` in seconds since 1970 UTC, as number or text."""
    return HMAC_MARK + base64.b64encode(_digest(secret.encode(), _head(webhook_id, str(timestamp)), body)).decode(
        "ascii"
    )


def hmac_headers(body: bytes, secret: str, webhook_id: str, timestamp: int | str) -> dict[str, str]:
    """Returns the headers that replace `Authorization`; `timestamp` as in `hmac_sign`."""
    return {
        ID_HEADER: webhook_id,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: hmac_sign(body, secret, webhook_id, timestamp),
    }


def hmac_matches(body: bytes, headers: WebhookSignature, secret: str) -> bool:
    """Whether one of the signatures matches `body` under `secret`. Does not check the timestamp. Constant time."""
    wanted = base64.b64encode(_digest(secret.encode(), _head(headers.id, headers.timestamp), body))
    matches = False
    for given in headers.signature[:SIGNATURE_CHARS_MAX].split()[:SIGNATURES_MAX]:
        matches |= hmac.compare_digest(HMAC_MARK.encode() + wanted, given.encode("utf-8", "replace"))
    return matches


def header_error(headers: WebhookSignature) -> LocalizedText | None:
    """Returns what is wrong with the form of the headers, or None."""
    if not _is_id(headers.id):
        return LocalizedText(
            f"{ID_HEADER}: 应为 1 到 {ID_CHARS_MAX} 个可见 ASCII 字符, 不含句点, 每次请求各不相同",
            f"{ID_HEADER}: must be 1 to {ID_CHARS_MAX} visible ASCII characters without a full stop, another for each request",
        )
    if not _is_timestamp(headers.timestamp):
        return LocalizedText(
            f"{TIMESTAMP_HEADER}: 应为 1970 年以来的秒数 (UTC)", f"{TIMESTAMP_HEADER}: must be seconds since 1970 UTC"
        )
    return None


def timestamp_error(headers: WebhookSignature, now_s: float, window_s: int) -> LocalizedText | None:
    """Returns what is wrong with the timestamp of well-formed headers, or None."""
    at_s = int(headers.timestamp)
    if abs(at_s / 1000 - now_s) <= window_s:
        return LocalizedText(
            f"{TIMESTAMP_HEADER}: 应为秒, 收到的是毫秒", f"{TIMESTAMP_HEADER}: seconds wanted, milliseconds came"
        )
    off_s = round(at_s - now_s)
    if abs(off_s) <= window_s:
        return None
    return LocalizedText(
        f"{TIMESTAMP_HEADER}: 与平台时钟相差 {off_s:+d} 秒, 最多 {window_s} 秒; 请校准本机时钟 (NTP), 并在每次发送时重新签名",
        f"{TIMESTAMP_HEADER}: {off_s:+d} s from the platform's clock, {window_s} s at most; "
        "set this machine's clock (NTP), and sign again each time you send",
    )


def _head(webhook_id: str, timestamp: str) -> bytes:
    return f"{webhook_id}.{timestamp}.".encode("utf-8", "replace")


def _digest(key: bytes, head: bytes, body: bytes) -> bytes:
    return hmac.digest(key, head + body, "sha256")


def diagnose_hmac(body: bytes, headers: WebhookSignature, current: str, previous: str) -> LocalizedText | None:
    """Finds the client mistake that explains a wrong HMAC; None where none is known.

    Ignores bodies over DIAGNOSIS_BYTES_MAX bytes. Does the same work for every secret: the time reveals nothing about it.
    """
    if len(body) > DIAGNOSIS_BYTES_MAX or len(headers.signature) > SIGNATURE_CHARS_MAX:
        return None
    given = [meant for entry in headers.signature.split()[:SIGNATURES_MAX] for meant in _digests_meant(entry)]
    found = None
    for digest, causes in _mistakes(body, headers, current, previous):
        for meant, form in given:
            named = [words for words in (form, *causes) if words is not None]
            if hmac.compare_digest(digest, meant) and named and found is None:
                found = LocalizedText("; ".join(one.zh for one in named), "; ".join(one.en for one in named))
    return found


def _mistakes(
    body: bytes, headers: WebhookSignature, current: str, previous: str
) -> Iterator[tuple[bytes, tuple[LocalizedText | None, ...]]]:
    """Yields the digests that clients compute by mistake, each with its mistakes."""
    old = LocalizedText("用的是轮换前的旧密钥", "the secret is the one from before the rotation")
    head = _head(headers.id, headers.timestamp)
    for secret, age in ((current, None), (previous, old)):
        for key, form in _keys(secret):
            for content, order in _contents(headers, body):
                yield hmac.digest(key, content, "sha256"), (form, order, age)
        for variant, changed in bodies_signed(body):
            if changed is not None:
                yield _digest(secret.encode(), head, variant), (changed, age)


def _keys(secret: str) -> Iterator[tuple[bytes, LocalizedText | None]]:
    """Yields what clients use as the key, each with its mistake."""
    key = secret.encode()
    yield key, None
    decoded = LocalizedText(
        "密钥被当作 base64 解码了; 应直接使用其 UTF-8 字节 (库若要求 whsec_ 形式, 请用 whsec_ 加密钥的 base64)",
        "the secret was decoded as base64; its UTF-8 bytes are the key "
        "(a library that wants the form whsec_… is given whsec_ and the base64 of the secret)",
    )
    padded = key.rstrip(b"=") + b"=" * (-len(key.rstrip(b"=")) % 4)
    yield _decoded(padded, b"+/") or key, decoded
    yield _decoded(padded, b"-_") or key, decoded
    encoded = LocalizedText(
        "密钥被编码成了 base64; 应直接使用其 UTF-8 字节", "the secret's base64 was used as the key, not its bytes"
    )
    yield base64.b64encode(key), encoded
    yield b"whsec_" + base64.b64encode(key), encoded
    yield BOM + key, BOM_IN_SECRET
    for tail in (b" ", b"\n", b"\r\n"):
        yield key + tail, LocalizedText("密钥后多了空格或换行", "a blank or a newline follows the secret")


def _decoded(text: bytes, altchars: bytes) -> bytes:
    try:
        return base64.b64decode(text, altchars, validate=True)
    except binascii.Error:
        return b""


def _contents(headers: WebhookSignature, body: bytes) -> Iterator[tuple[bytes, LocalizedText | None]]:
    """Yields what clients sign instead of id, timestamp and body, each with its mistake."""
    wanted = f"{ID_HEADER}.{TIMESTAMP_HEADER}.body"
    words = LocalizedText(f"签名的内容应为 {wanted}, 用句点连接", f"what is signed is {wanted}, joined with full stops")
    webhook_id, at = headers.id.encode("utf-8", "replace"), headers.timestamp.encode("utf-8", "replace")
    yield b".".join((webhook_id, at, body)), None
    for pieces in ((at, body), (webhook_id, body), (at, webhook_id, body), (body,)):
        yield b".".join(pieces), words
    yield webhook_id + at + body, words


def _digests_meant(entry: str) -> Iterator[tuple[bytes, LocalizedText | None]]:
    """Yields the digests that one entry of the header may mean, each with what is wrong about its form."""
    bare = entry.removeprefix(HMAC_MARK).removeprefix("sha256=")
    version = (
        None if entry.startswith(HMAC_MARK) else LocalizedText("签名前少了 v1,", "v1, is missing before the signature")
    )
    padded = bare.rstrip("=") + "=" * (-len(bare.rstrip("=")) % 4)
    text = padded.encode("utf-8", "replace")
    alphabet = LocalizedText("应为带 = 的标准 base64 (+ 和 /)", "standard base64 with + and / and its = wanted")
    if len(raw := _decoded(text, b"+/")) == _DIGEST_BYTES:
        yield raw, version if padded == bare else alphabet
    elif len(raw := _decoded(text, b"-_")) == _DIGEST_BYTES:
        yield raw, alphabet
    if re.fullmatch(r"[0-9a-fA-F]{64}", bare):
        yield bytes.fromhex(bare), LocalizedText("签名是十六进制, 应为 base64", "the signature is hex, base64 wanted")
