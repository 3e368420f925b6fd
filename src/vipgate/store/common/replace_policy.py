"""Which `complete=1` is not carried out because of earlier ones: what was recorded on the line must not wipe a stock. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from vipgate.errors import (
    BadRequest,
    ReplaceOnHold,
    RequestError,
)
from vipgate.i18n import LocalizedText
from vipgate.store.common.versioning import ParkState
from vipgate.store.interfaces.ledger import Push

ALREADY: Final = "already"
# Many times the longest window of a signature with time: past it, a recorded one is refused for its age.
ID_REMEMBERED_US: Final = 24 * 3_600_000_000
# A yes that nobody uses must not wait for somebody who recorded the body.
APPROVAL_US: Final = 24 * 3_600_000_000


@dataclass(frozen=True, slots=True)
class EarlierReplace:
    """A stored replace with the same body, and the stock that it began."""

    seqno: str
    generation: int


def check_webhook_id(push: Push, seqno: str, body_sha256: str) -> RequestError | Literal["already"]:
    """What becomes of a replace under an id that `seqno` had: it was carried out already, or another one has its id.

    Sent again by a park that lost the answer, or by somebody who recorded it: the answer is a success, and nothing changes.
    """
    if push.origin.body_sha256 == body_sha256:
        return ALREADY
    return BadRequest(
        LocalizedText(
            f"webhook-id 已用于另一请求 (seqno {seqno}); 每次请求应使用新的 id",
            f"webhook-id was used for another request (seqno {seqno}); each request wants an id of its own",
        )
    )


def is_approved(park: ParkState[Any], body_sha256: str, now_us: int) -> bool:
    """Whether the operator said yes to a replace with this body, and not too long ago."""
    return park.replace_allowed == body_sha256 and now_us < (park.replace_allowed_until_us or 0)


def hold_reason(earlier: EarlierReplace | None, park: ParkState[Any]) -> RequestError | None:
    """Why a replace whose signature has no time is held: it may be a recorded one, and would wipe what came since.

    Judged by what took effect under the park's lock, not by seqnos: these follow clocks, which differ and are set back.
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
