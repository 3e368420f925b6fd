"""The step `verify` for requests that HMAC signs: a claim and the time in, a Verified out. No clock, no disk, no network."""

from __future__ import annotations

from typing import Final

from vipgate.errors import BadSignature, Words
from vipgate.protocol.envelope import (
    NO_SECRET,
    Claim,
    Keys,
    Verified,
)
from vipgate.protocol.signature_hmac import (
    SIGNATURE_HEADER,
    Stamp,
    clock_fault,
    diagnose_stamp,
    form_fault,
    hmac_headers,
    is_stamped,
)

_UNKNOWN_MISTAKE: Final = Words(
    f"{SIGNATURE_HEADER} 不符, 或车场不存在或已停用; 请核对 park_uuid 和密钥, 应为 "
    "v1,base64(HMAC-SHA256(密钥, id.timestamp.实际发送的正文))",
    f"{SIGNATURE_HEADER} does not match, or the park is unknown or disabled; check park_uuid and secret: it is "
    "v1,base64(HMAC-SHA256(secret, id.timestamp.body)) over the very bytes that are sent",
)


def verify_stamped(claim: Claim, body: bytes, stamp: Stamp, keys: Keys | None, now_s: float, window_s: int) -> Verified:
    """`wire.verify` for a request that HMAC signs: `body` as it came, not longer ago than `window_s` by the park's clock.

    Raises BadSignature (docs/security.md, HMAC).
    """
    malformed = form_fault(stamp)
    if malformed is not None:
        raise BadSignature(malformed, explained=True)
    known = keys or Keys(NO_SECRET)
    current = is_stamped(body, stamp, known.current)
    # Where there is no previous secret, as much is done: the time must not tell.
    previous = not current and is_stamped(body, stamp, known.previous or NO_SECRET)
    if keys is None or not (current or (previous and keys.previous is not None)):
        raise BadSignature(_UNKNOWN_MISTAKE)
    late = clock_fault(stamp, now_s, window_s)
    if late is not None:
        raise BadSignature(late, explained=True)
    return Verified(claim, "current" if current else "previous", keys.charset, stamp.id)


def explain_stamped(body: bytes, stamp: Stamp, keys: Keys | None) -> BadSignature:
    """The refusal of a wrong HMAC, with the mistake where it is a known one. Tells nothing of a park that is unknown."""
    known = keys or Keys(NO_SECRET)
    # In the place of a previous secret: a text that nobody knows who does not know the secret.
    mistake = diagnose_stamp(body, stamp, known.current, known.previous or known.current + NO_SECRET)
    return BadSignature(_UNKNOWN_MISTAKE if mistake is None or keys is None else mistake)


def stamped_headers(body: bytes, secret: str, webhook_id: str, at_s: int) -> dict[str, str]:
    """`wire.signed_headers` for a park that signs with HMAC, sent at `at_s`."""
    return {"Content-Type": "application/json; charset=utf-8", **hmac_headers(body, secret, webhook_id, at_s)}
