"""Decides which `complete=1` must not take effect, so that a recorded request cannot wipe a park's records. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from vipgate.errors import BadRequest, ReplaceOnHold, RequestError
from vipgate.i18n import LocalizedText
from vipgate.store.common.versioning import ParkState
from vipgate.store.interfaces.ledger import Push

ALREADY: Final = "already"
# Far longer than the window of signed timestamps: an older recorded request is rejected for its age.
ID_REMEMBERED_US: Final = 24 * 3_600_000_000
# An unused approval must not stay open for an attacker who recorded the body.
APPROVAL_US: Final = 24 * 3_600_000_000


@dataclass(frozen=True, slots=True)
class EarlierReplace:
    """A stored replace with the same body, and the generation that it started."""

    seqno: str
    generation: int


def check_webhook_id(push: Push, seqno: str, body_sha256: str) -> RequestError | Literal["already"]:
    """Decides about a replace whose webhook-id `seqno` used: `already` for the same body, BadRequest for another one.

    The same request, sent again after a lost answer or replayed from a recording, is answered with success and changes nothing.
    """
    if push.origin.body_sha256 == body_sha256:
        return ALREADY
    return BadRequest(
        LocalizedText(
            f"webhook-id 已用于另一请求 (seqno {seqno}); 每次请求应使用新的 id",
            f"webhook-id was used for another request (seqno {seqno}); each request wants an id of its own",
        )
    )


def is_approved(park: ParkState, body_sha256: str, now_us: int) -> bool:
    """Whether a valid approval exists for a replace with this body."""
    return park.replace_allowed == body_sha256 and now_us < (park.replace_allowed_until_us or 0)


def hold_reason(earlier: EarlierReplace | None, park: ParkState) -> RequestError | None:
    """Why a replace without a signed timestamp is held, or None: it may be a recording and would wipe newer records.

    Depends on the order of commits under the park's lock, not on seqnos: those follow clocks, which differ and jump back.
    """
    if earlier is None or (earlier.generation == park.generation and not park.pushed_since_replace):
        return None
    return ReplaceOnHold(
        LocalizedText(
            f"complete=1: 与此前的请求 (seqno {earlier.seqno}) 完全相同, 其后已有其他数据, 已暂扣且未保存; "
            "请平台运营方确认 (控制台或 vipgate park allow-replace) 后原样重发, 或改用 HMAC 签名",
            f"this complete=1 is the same as that of seqno {earlier.seqno}, and more was stored since: it is held and nothing is "
            "stored; ask the platform's operator to allow it (console, or vipgate park allow-replace), then send the same again, "
            "or sign with HMAC",
        ),
        park.generation_last,
    )
