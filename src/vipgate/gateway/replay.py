"""Sends a refused request of a park again for the staff, mended or as it was, through the same steps as the road. No HTTP.

The new request has a seqno of its own and names the old one; what it does to the ledger is what the park's own would do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import md5, sha256
from typing import Final

import msgspec

from vipgate.errors import BadRequest, Refusal, VipgateError, Words
from vipgate.protocol.envelope import (
    BODY_BYTES_MAX,
    Claim,
    Keys,
    Verified,
    decode,
    split,
    verify,
)
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.signature_md5 import sign
from vipgate.store.common.versioning import alike
from vipgate.store.interfaces.ledger import (
    Caller,
    Outcome,
    ParkAccess,
    Push,
    Refused,
    Store,
)
from vipgate.support.vault import Vault

# So many of a request's records are looked up before it is sent, to see which of them have moved on since it was refused.
LOOKED_UP_MAX: Final = 500
# A replay that was refused is mended and replayed in turn: what counts is when the park itself sent it.
STEPS_BACK_MAX: Final = 100


class Unsendable(VipgateError):
    """This is no request of the park, or the park takes none now: it is not sent at all."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A body on its way: under the new `seqno`, in place of the refused request `replay_of`, by the account `who`."""

    seqno: str
    replay_of: str
    park_uuid: str
    body: bytes
    who: str
    now_us: int

    @property
    def caller(self) -> Caller:
        """What the journal keeps of it."""
        return Caller(
            received_us=self.now_us,
            peer=f"console:{self.who}",
            body_bytes=len(self.body),
            body_sha256=sha256(self.body).hexdigest(),
            replay_of=self.replay_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request that passed every step before the commit, and what one should know before it is stored.

    `deletes` are the records that `complete=1` takes out of sight, None where it is not complete. `overtaken` are order
    numbers that a later request has written otherwise: this one would put its older version in their place.
    `looked_up` counts the records that were compared for that.
    """

    push: Push
    generation: int
    deletes: int | None
    overtaken: tuple[str, ...]
    looked_up: int

    @property
    def question(self) -> str:
        """What must be confirmed before it is sent, as a mark that changes with the question; empty where nothing must."""
        if self.deletes is None and not self.overtaken:
            return ""
        asked = (self.push.complete, self.generation, self.overtaken, self.push.caller.body_sha256)
        return sha256(repr(asked).encode()).hexdigest()[:16]


def prepare(store: Store, vault: Vault, again: Again) -> Prepared:
    """All steps before the commit.

    Raises Unsendable for what is not to be sent, Refusal for what the road would refuse, OperatorError where the park's
    secret cannot be read, StoreError.
    """
    claim = _claim(again)
    access, park = store.park_access(again.park_uuid), store.find_park(again.park_uuid)
    if access is None or park is None or not access.enabled:
        raise Unsendable(
            Words("该车场不存在或已停用；请先启用车场", "the park is not there or is disabled; enable it first")
        )
    verified = _verified(claim, again, access, vault, old=park.secret_used == "previous")
    batch = decode(verified)
    looked_up = batch.renewals[:LOOKED_UP_MAX]
    # A new stock asks its own question, and nothing of the old one is written over.
    overtaken = () if batch.complete else _overtaken(store, again, looked_up)
    push = Push(
        again.seqno,
        again.park_uuid,
        batch.renewals,
        batch.received,
        batch.complete,
        verified.secret_used,
        again.caller,
    )
    return Prepared(
        push=push,
        generation=park.generation,
        deletes=park.records if batch.complete else None,
        overtaken=overtaken,
        looked_up=len(looked_up),
    )


def _claim(again: Again) -> Claim:
    if len(again.body) > BODY_BYTES_MAX:
        raise Unsendable(Words(f"正文最多 {BODY_BYTES_MAX} 字节", f"a body has at most {BODY_BYTES_MAX} bytes"))
    try:
        claim = split(again.body, None)
    except BadRequest as refusal:
        raise Unsendable(refusal.hint) from None
    if claim.park_uuid != again.park_uuid:
        raise Unsendable(
            Words(
                f"park_uuid: 应为 {again.park_uuid}；只能以原车场的名义重放",
                f"park_uuid: must be {again.park_uuid}; it can be sent again for the same park only",
            )
        )
    return claim


def _verified(claim: Claim, again: Again, access: ParkAccess, vault: Vault, *, old: bool) -> Verified:
    """Signed as the park last signed: a replay must not make it look as if the park had changed over to its new secret.

    In UTF-8 whatever the park's charset: the console wrote this body, and staff saw its text.
    """
    sealed = access.previous_secret
    previous = None if sealed is None else vault.open(sealed, again.park_uuid)
    keys = Keys(vault.open(access.secret, again.park_uuid), previous)
    secret = previous if old and previous is not None else keys.current
    return verify(claim, md5(again.body, usedforsecurity=False), sign(again.body, secret), keys)


def _overtaken(store: Store, again: Again, renewals: Sequence[Renewal]) -> tuple[str, ...]:
    """The order numbers of `renewals` that a request after the refused one has written with another content."""
    sent = _origin(store, again.replay_of)
    found = []
    for renewal in renewals:
        held = store.find_record(again.park_uuid, renewal.pay_partner)
        if held is not None and held.seqno > sent and not alike(msgspec.structs.astuple(held.renewal), renewal):
            found.append(renewal.pay_partner)
    return tuple(found)


def _origin(store: Store, seqno: str) -> str:
    """The first request in a line of replays."""
    for _ in range(STEPS_BACK_MAX):
        entry = store.journal_entry(seqno)
        if entry is None or entry.caller.replay_of is None:
            break
        seqno = entry.caller.replay_of
    return seqno


def commit(store: Store, prepared: Prepared) -> Outcome:
    """Stores a prepared request; what it did. Raises StoreError, and Refusal where the store does not carry it out."""
    [outcome] = store.commit([prepared.push])
    if not isinstance(outcome, Outcome):
        raise outcome
    return outcome


def note_refusal(store: Store, again: Again, refusal: Refusal) -> None:
    """Journals a replay that was refused, with its body, so that it can be mended in turn. Raises StoreError."""
    body = again.body if refusal.code == BadRequest.code else None
    line = Refused(again.seqno, again.park_uuid, again.park_uuid, refusal.code, refusal.hint, again.caller, body)
    [outcome] = store.commit([line])
    if not isinstance(outcome, Outcome):
        raise outcome
