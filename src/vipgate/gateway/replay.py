"""Sends a refused request of a park again for the staff, mended or as it was, through the same steps as the road. No HTTP.

The new request has a seqno of its own and names the old one; what it does to the ledger is what the park's own would do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import md5, sha256
from typing import Final

import msgspec

from vipgate.errors import (
    BadRequest,
    RequestError,
    VipgateError,
)
from vipgate.i18n import LocalizedText
from vipgate.protocol.authentication import (
    ParkSecrets,
    VerifiedRequest,
    verify,
)
from vipgate.protocol.batch import decode_rows
from vipgate.protocol.envelope import (
    BODY_BYTES_MAX,
    UnverifiedRequest,
    parse_request,
)
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.signature_md5 import sign
from vipgate.store.common.versioning import same_content
from vipgate.store.interfaces.ledger import (
    ParkAccess,
    Push,
    PushResult,
    RejectedRequest,
    RequestOrigin,
    Store,
)
from vipgate.support.vault import Vault

# So many of a request's records are looked up before it is sent, to see which of them have moved on since it was refused.
LOOKED_UP_MAX: Final = 500
# A replay that was refused is mended and replayed in turn: what counts is when the park itself sent it.
STEPS_BACK_MAX: Final = 100


class ReplayRejected(VipgateError):
    """This is no request of the park, or the park takes none now: it is not sent at all."""

    def __init__(self, words: LocalizedText) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """A body on its way: under the new `seqno`, in place of the refused request `replay_of`, by the account `who`."""

    seqno: str
    replay_of: str
    park_uuid: str
    body: bytes
    who: str
    now_us: int

    @property
    def caller(self) -> RequestOrigin:
        """What the journal keeps of it."""
        return RequestOrigin(
            received_us=self.now_us,
            peer=f"console:{self.who}",
            body_bytes=len(self.body),
            body_sha256=sha256(self.body).hexdigest(),
            replay_of=self.replay_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedReplay:
    """A request that passed every step before the commit, and what one should know before it is stored.

    `deletes` are the records that `complete=1` takes out of sight, None where it is not complete. `overtaken` are order
    numbers that a later request has written otherwise: this one would put its older version in their place.
    `looked_up` counts the records that were compared for that.
    """

    push: Push
    generation: int
    deletes: int | None
    superseded: tuple[str, ...]
    looked_up: int

    @property
    def confirmation_token(self) -> str:
        """What must be confirmed before it is sent, as a mark that changes with the question; empty where nothing must."""
        if self.deletes is None and not self.superseded:
            return ""
        asked = (self.push.complete, self.generation, self.superseded, self.push.origin.body_sha256)
        return sha256(repr(asked).encode()).hexdigest()[:16]


def prepare(store: Store, vault: Vault, again: ReplayRequest) -> PreparedReplay:
    """All steps before the commit.

    Raises Unsendable for what is not to be sent, Refusal for what the road would refuse, OperatorError where the park's
    secret cannot be read, StoreError.
    """
    unverified = _claim(again)
    access, park = store.park_access(again.park_uuid), store.find_park(again.park_uuid)
    if access is None or park is None or not access.enabled:
        raise ReplayRejected(
            LocalizedText("该车场不存在或已停用；请先启用车场", "the park is not there or is disabled; enable it first")
        )
    verified = _verified(unverified, again, access, vault, old=park.secret_used == "previous")
    batch = decode_rows(verified)
    looked_up = batch.renewals[:LOOKED_UP_MAX]
    # A new stock asks its own question, and nothing of the old one is written over.
    overtaken = () if batch.complete else _superseded(store, again, looked_up)
    push = Push(
        again.seqno,
        again.park_uuid,
        batch.renewals,
        batch.received,
        batch.complete,
        verified.secret_used,
        again.caller,
    )
    return PreparedReplay(
        push=push,
        generation=park.generation,
        deletes=park.records if batch.complete else None,
        superseded=overtaken,
        looked_up=len(looked_up),
    )


def _claim(again: ReplayRequest) -> UnverifiedRequest:
    if len(again.body) > BODY_BYTES_MAX:
        raise ReplayRejected(
            LocalizedText(f"正文最多 {BODY_BYTES_MAX} 字节", f"a body has at most {BODY_BYTES_MAX} bytes")
        )
    try:
        unverified = parse_request(again.body, None)
    except BadRequest as refusal:
        raise ReplayRejected(refusal.hint) from None
    if unverified.park_uuid != again.park_uuid:
        raise ReplayRejected(
            LocalizedText(
                f"park_uuid: 应为 {again.park_uuid}；只能以原车场的名义重放",
                f"park_uuid: must be {again.park_uuid}; it can be sent again for the same park only",
            )
        )
    return unverified


def _verified(
    unverified: UnverifiedRequest, again: ReplayRequest, access: ParkAccess, vault: Vault, *, old: bool
) -> VerifiedRequest:
    """Signed as the park last signed: a replay must not make it look as if the park had changed over to its new secret.

    In UTF-8 whatever the park's charset: the console wrote this body, and staff saw its text.
    """
    sealed = access.previous_secret
    previous = None if sealed is None else vault.open(sealed, again.park_uuid)
    keys = ParkSecrets(vault.open(access.secret, again.park_uuid), previous)
    secret = previous if old and previous is not None else keys.current
    return verify(unverified, md5(again.body, usedforsecurity=False), sign(again.body, secret), keys)


def _superseded(store: Store, again: ReplayRequest, renewals: Sequence[Renewal]) -> tuple[str, ...]:
    """The order numbers of `renewals` that a request after the refused one has written with another content."""
    sent = _origin(store, again.replay_of)
    found = []
    for renewal in renewals:
        held = store.find_record(again.park_uuid, renewal.pay_partner)
        if held is not None and held.seqno > sent and not same_content(msgspec.structs.astuple(held.renewal), renewal):
            found.append(renewal.pay_partner)
    return tuple(found)


def _origin(store: Store, seqno: str) -> str:
    """The first request in a line of replays."""
    for _ in range(STEPS_BACK_MAX):
        entry = store.request_log_entry(seqno)
        if entry is None or entry.origin.replay_of is None:
            break
        seqno = entry.origin.replay_of
    return seqno


def commit(store: Store, prepared: PreparedReplay) -> PushResult:
    """Stores a prepared request; what it did. Raises StoreError, and Refusal where the store does not carry it out."""
    [outcome] = store.commit([prepared.push])
    if not isinstance(outcome, PushResult):
        raise outcome
    return outcome


def log_rejection(store: Store, again: ReplayRequest, refusal: RequestError) -> None:
    """Journals a replay that was refused, with its body, so that it can be mended in turn. Raises StoreError."""
    body = again.body if refusal.code == BadRequest.code else None
    line = RejectedRequest(
        again.seqno, again.park_uuid, again.park_uuid, refusal.code, refusal.hint, again.caller, body
    )
    [outcome] = store.commit([line])
    if not isinstance(outcome, PushResult):
        raise outcome
