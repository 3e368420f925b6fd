"""Checks signatures: turns an UnverifiedRequest into a VerifiedRequest. Only this file makes one. Pure."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from vipgate.errors import InvalidSignature
from vipgate.i18n import LocalizedText
from vipgate.protocol.charset import Charset, other_charset
from vipgate.protocol.envelope import UnverifiedRequest
from vipgate.protocol.signature_hmac import (
    HMAC_WANTED,
    SIGNATURE_HEADER,
    WebhookSignature,
    diagnose_hmac,
    header_error,
    hmac_headers,
    hmac_matches,
    timestamp_error,
)
from vipgate.protocol.signature_md5 import diagnose, is_signed, sign
from vipgate.support.hashes import Hash

NO_SECRET = "no park has this secret"
_NO_SIGNATURE = LocalizedText(
    "缺少 Authorization 请求头; 应为 MD5(正文 + &app_secret= + 密钥) 的十六进制",
    "the Authorization header is missing; it is the hex MD5 of body + &app_secret= + secret",
)
_UNKNOWN_MISTAKE = LocalizedText(
    "签名不符, 或车场不存在或已停用; 请核对 park_uuid 和密钥, 并对实际发送的字节计算 MD5(正文 + &app_secret= + 密钥)",
    "the signature does not match, or the park is unknown or disabled; check park_uuid and secret, "
    "and sign the very bytes that are sent: MD5 of body + &app_secret= + secret",
)
_UNKNOWN_HMAC_MISTAKE: Final = LocalizedText(
    f"{SIGNATURE_HEADER} 不符, 或车场不存在或已停用; 请核对 park_uuid 和密钥, 应为 "
    "v1,base64(HMAC-SHA256(密钥, id.timestamp.实际发送的正文))",
    f"{SIGNATURE_HEADER} does not match, or the park is unknown or disabled; check park_uuid and secret: it is "
    "v1,base64(HMAC-SHA256(secret, id.timestamp.body)) over the very bytes that are sent",
)


class ParkSecrets(msgspec.Struct, frozen=True, gc=False):
    """The secrets that a park may sign with: after a rotation two. `hmac_only`: MD5 signatures are rejected.

    `charset` is the charset of the park's bodies.
    """

    current: str
    previous: str | None = None
    hmac_only: bool = False
    charset: Charset = "utf-8"

    def __repr__(self) -> str:
        return f"ParkSecrets(hmac_only={self.hmac_only})"  # Without the secrets: it may stand in a traceback.


class VerifiedRequest(msgspec.Struct, frozen=True, gc=False):
    """A request with a valid signature, made by `verify` and `verify_hmac` only. `webhook_id` is set for HMAC.

    `charset` is the park's; `text_of` compares it with the declared one.
    """

    request: UnverifiedRequest
    secret_used: Literal["current", "previous"]
    charset: Charset
    webhook_id: str | None = None


def text_of(verified: VerifiedRequest) -> bytes:
    """Returns the body of a verified request in UTF-8.

    Raises BadRequest where it was decoded in another charset than the park's: no signature covers the Content-Type header.
    """
    request = verified.request
    if request.charset != verified.charset:
        raise other_charset(request.charset, verified.charset)
    return request.text


def verify(
    unverified: UnverifiedRequest, body_md5: Hash, authorization: str | None, secrets: ParkSecrets | None
) -> VerifiedRequest:
    """Checks the MD5 signature of `unverified` against `secrets`.

    `secrets` is None for a park that is unknown or disabled: time and error are the same as for a wrong signature.
    Raises InvalidSignature (wire contract, Signature).
    """
    used = secret_used(body_md5, authorization, secrets)
    if used is None or secrets is None:
        raise InvalidSignature(_UNKNOWN_MISTAKE if (authorization or "").strip() else _NO_SIGNATURE)
    return _verified_by_md5(unverified, used, secrets)


def secret_used(
    body_md5: Hash, authorization: str | None, secrets: ParkSecrets | None
) -> Literal["current", "previous"] | None:
    """Returns which of `secrets` made the MD5 signature, or None."""
    known = secrets or ParkSecrets(NO_SECRET)
    given = authorization or ""
    if is_signed(body_md5, given, known.current) and secrets is not None:
        return "current"
    # Rejections take the same time with and without a previous secret.
    previous = is_signed(body_md5, given, known.previous or NO_SECRET)
    return "previous" if previous and secrets is not None and secrets.previous is not None else None


def _verified_by_md5(
    unverified: UnverifiedRequest, used: Literal["current", "previous"], secrets: ParkSecrets
) -> VerifiedRequest:
    """Rejects MD5 for an HMAC-only park. Only a holder of the secret learns that the park is one."""
    if secrets.hmac_only:
        raise InvalidSignature(HMAC_WANTED, explained=True)
    return VerifiedRequest(unverified, used, secrets.charset)


def explain_mismatch(body: bytes, authorization: str | None, secrets: ParkSecrets | None) -> InvalidSignature:
    """Makes the error for a wrong signature, with the diagnosed mistake where one is found.

    Takes the same time for an unknown park, and reveals nothing about it.
    """
    given = (authorization or "").strip()
    if not given:
        return InvalidSignature(_NO_SIGNATURE)
    mistake = diagnose(body, given, _secrets_to_try(secrets or ParkSecrets(NO_SECRET)))
    return InvalidSignature(_UNKNOWN_MISTAKE if mistake is None or secrets is None else mistake)


def _secrets_to_try(secrets: ParkSecrets) -> list[tuple[str, LocalizedText | None]]:
    """Returns the same number of secrets for every park, so that the time reveals nothing about them."""
    old = LocalizedText("用的是轮换前的旧密钥", "the secret is the one from before the rotation")
    # A stand-in for a missing secret. Unknown to strangers: a guessable one would reveal which parks exist.
    nothing = secrets.current + NO_SECRET
    tries = [(secrets.current, None), (secrets.previous or nothing, old)]
    if secrets.current.strip() != secrets.current:
        bare = LocalizedText("密钥两端的空格也要参与签名", "blanks around the secret count")
        return [*tries, (secrets.current.strip(), bare), (nothing, bare), (nothing, bare)]
    blank = LocalizedText("密钥后多了空格或换行", "a blank or a newline follows the secret")
    return tries + [(secrets.current + tail, blank) for tail in (" ", "\n", "\r\n")]


def verify_hmac(
    unverified: UnverifiedRequest,
    body: bytes,
    headers: WebhookSignature,
    secrets: ParkSecrets | None,
    now_s: float,
    window_s: int,
) -> VerifiedRequest:
    """Checks the HMAC signature over the received `body`, and its timestamp within `window_s` of `now_s`.

    Raises InvalidSignature (docs/security.md, HMAC).
    """
    malformed = header_error(headers)
    if malformed is not None:
        raise InvalidSignature(malformed, explained=True)
    known = secrets or ParkSecrets(NO_SECRET)
    current = hmac_matches(body, headers, known.current)
    # Without a previous secret the same work is done: constant time.
    previous = not current and hmac_matches(body, headers, known.previous or NO_SECRET)
    if secrets is None or not (current or (previous and secrets.previous is not None)):
        raise InvalidSignature(_UNKNOWN_HMAC_MISTAKE)
    late = timestamp_error(headers, now_s, window_s)
    if late is not None:
        raise InvalidSignature(late, explained=True)
    return VerifiedRequest(unverified, "current" if current else "previous", secrets.charset, headers.id)


def explain_hmac_mismatch(body: bytes, headers: WebhookSignature, secrets: ParkSecrets | None) -> InvalidSignature:
    """Makes the error for a wrong HMAC, with the diagnosed mistake. Reveals nothing about unknown parks."""
    known = secrets or ParkSecrets(NO_SECRET)
    # A stand-in for a missing previous secret, unknown to strangers.
    mistake = diagnose_hmac(body, headers, known.current, known.previous or known.current + NO_SECRET)
    return InvalidSignature(_UNKNOWN_HMAC_MISTAKE if mistake is None or secrets is None else mistake)


def signed_headers(body: bytes, secret: str) -> dict[str, str]:
    """Returns the headers of an MD5-signed push of `body`."""
    return {"Content-Type": "application/json; charset=utf-8", "Authorization": sign(body, secret)}


def hmac_headers_for(body: bytes, secret: str, webhook_id: str, at_s: int) -> dict[str, str]:
    """Returns the headers of an HMAC-signed push of `body` at `at_s`, in seconds since 1970 UTC."""
    return {"Content-Type": "application/json; charset=utf-8", **hmac_headers(body, secret, webhook_id, at_s)}
