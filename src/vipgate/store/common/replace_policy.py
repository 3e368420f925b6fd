"""Which `complete=1` is not carried out because of earlier ones: what was recorded on the line must not wipe a stock. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from vipgate.errors import BadRequest, HeldReplace, Refusal, Words
from vipgate.store.common.versioning import ParkState
from vipgate.store.interfaces.ledger import Push

ALREADY: Final = "already"
# Many times the longest window of a signature with time: past it, a recorded one is refused for its age.
ID_REMEMBERED_US: Final = 24 * 3_600_000_000
# A yes that nobody uses must not wait for somebody who recorded the body.
ALLOWED_US: Final = 24 * 3_600_000_000


@dataclass(frozen=True, slots=True)
class Earlier:
    """A stored replace with the same body, and the stock that it began."""

    seqno: str
    generation: int


def under_same_id(push: Push, seqno: str, body_sha256: str) -> Refusal | Literal["already"]:
    """What becomes of a replace under an id that `seqno` had: it was carried out already, or another one has its id.

    Sent again by a park that lost the answer, or by somebody who recorded it: the answer is a success, and nothing changes.
    """
    if push.caller.body_sha256 == body_sha256:
        return ALREADY
    return BadRequest(
        Words(
            f"webhook-id 已用于另一请求 (seqno {seqno}); 每次请求应使用新的 id",
            f"webhook-id was used for another request (seqno {seqno}); each request wants an id of its own",
        )
    )


def is_allowed(park: ParkState[Any], body_sha256: str, now_us: int) -> bool:
    """Whether the operator said yes to a replace with this body, and not too long ago."""
    return park.replace_allowed == body_sha256 and now_us < (park.replace_allowed_until_us or 0)


def hold(earlier: Earlier | None, park: ParkState[Any]) -> Refusal | None:
    """Why a replace whose signature has no time is held: it may be a recorded one, and would wipe what came since.

    Judged by what took effect under the park's lock, not by seqnos: these follow clocks, which differ and are set back.
    """
    if earlier is None or (earlier.generation == park.generation and not park.pushed_since_replace):
        return None
    return HeldReplace(
        Words(
            f"complete=1: 与此前的请求 (seqno {earlier.seqno}) 完全相同, 其后已有其他数据, 已暂扣且未保存; "
            "请平台运营方确认 (控制台或 vipgate park allow-replace) 后原样重发, 或改用 HMAC 签名",
            f"this complete=1 is the same as that of seqno {earlier.seqno}, and more was stored since: it is held and nothing is "
            "stored; ask the platform's operator to allow it (console, or vipgate park allow-replace), then send the same again, "
            "or sign with HMAC",
        ),
        park.generation_last,
    )
