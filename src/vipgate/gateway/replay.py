"""Replays a rejected request of a park for staff, corrected or unchanged, through the steps of the push pipeline. No HTTP.

The replay has its own seqno and names the old one. It changes the ledger exactly as a push of the park would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import md5, sha256
from typing import Final

import msgspec

from vipgate.errors import BadRequest, RequestError, VipgateError
from vipgate.i18n import LocalizedText
from vipgate.protocol.authentication import ParkSecrets, VerifiedRequest, verify
from vipgate.protocol.batch import decode_rows
from vipgate.protocol.envelope import BODY_BYTES_MAX, UnverifiedRequest, parse_request
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.signature_md5 import sign
from vipgate.store.common.versioning import same_content
from vipgate.store.interfaces.ledger import ParkAccess, Push, PushResult, RejectedRequest, RequestOrigin, Store
from vipgate.support.vault import Vault

# How many records of a request are checked for changes since its rejection.
LOOKED_UP_MAX: Final = 500
# A rejected replay can be replayed again: the time of the park's own request counts.
STEPS_BACK_MAX: Final = 100


class ReplayRejected(VipgateError):
    """The replay is not sent: it is not a valid request of the park, or the park is disabled."""

    def __init__(self, words: LocalizedText) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """A body to send under the new `seqno` in place of the rejected request `replay_of`, by the account `who`."""

    seqno: str
    replay_of: str
    park_uuid: str
    body: bytes
    who: str
    now_us: int

    @property
    def caller(self) -> RequestOrigin:
        """What the request log stores of the replay."""
        return RequestOrigin(
            received_us=self.now_us,
            peer=f"console:{self.who}",
            body_bytes=len(self.body),
            body_sha256=sha256(self.body).hexdigest(),
            replay_of=self.replay_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedReplay:
    """A replay that passed every step before the commit, with its effects for confirmation.

    `deletes`: how many records `complete=1` hides, None without it. `superseded`: order numbers that a later request wrote
    with other content; the replay would restore the older version. `looked_up`: how many records were compared for that.
    """

    push: Push
    generation: int
    deletes: int | None
    superseded: tuple[str, ...]
    looked_up: int

    @property
    def confirmation_token(self) -> str:
        """A token that changes with the effects to be confirmed; empty where nothing needs confirmation."""
        if self.deletes is None and not self.superseded:
            return ""
        asked = (self.push.complete, self.generation, self.superseded, self.push.origin.body_sha256)
        return sha256(repr(asked).encode()).hexdigest()[:16]


def prepare(store: Store, vault: Vault, again: ReplayRequest) -> PreparedReplay:
    """Runs all steps before the commit.

    Raises ReplayRejected where it must not be sent, RequestError where the pipeline would reject it, UsageError where the
    park's secret cannot be decrypted, StoreError.
    """
    unverified = _parse(again)
    access, park = store.park_access(again.park_uuid), store.find_park(again.park_uuid)
    if access is None or park is None or not access.enabled:
        raise ReplayRejected(
            LocalizedText("该车场不存在或已停用；请先启用车场", "the park is not there or is disabled; enable it first")
        )
    verified = _verified(unverified, again, access, vault, old=park.secret_used == "previous")
    batch = decode_rows(verified)
    looked_up = batch.renewals[:LOOKED_UP_MAX]
    # A full replace overwrites no record: it has its own confirmation.
    superseded = () if batch.complete else _superseded(store, again, looked_up)
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
        superseded=superseded,
        looked_up=len(looked_up),
    )


def _parse(again: ReplayRequest) -> UnverifiedRequest:
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
    """Signs and verifies the replay with the secret that the park used last: a replay must not look like a secret change.

    UTF-8 whatever the park's charset: the console encoded this body.
    """
    sealed = access.previous_secret
    previous = None if sealed is None else vault.open(sealed, again.park_uuid)
    secrets = ParkSecrets(vault.open(access.secret, again.park_uuid), previous)
    secret = previous if old and previous is not None else secrets.current
    return verify(unverified, md5(again.body, usedforsecurity=False), sign(again.body, secret), secrets)


def _superseded(store: Store, again: ReplayRequest, renewals: Sequence[Renewal]) -> tuple[str, ...]:
    """Returns the order numbers of `renewals` that a request after the rejected one wrote with other content."""
    sent = _origin(store, again.replay_of)
    found = []
    for renewal in renewals:
        existing = store.find_record(again.park_uuid, renewal.pay_partner)
        if existing is None or existing.seqno <= sent:
            continue
        if not same_content(msgspec.structs.astuple(existing.renewal), renewal):
            found.append(renewal.pay_partner)
    return tuple(found)


def _origin(store: Store, seqno: str) -> str:
    """Returns the seqno of the first request in a chain of replays."""
    for _ in range(STEPS_BACK_MAX):
        entry = store.request_log_entry(seqno)
        if entry is None or entry.origin.replay_of is None:
            break
        seqno = entry.origin.replay_of
    return seqno


def commit(store: Store, prepared: PreparedReplay) -> PushResult:
    """Commits a prepared replay. Raises StoreError, and RequestError where the store rejects it."""
    [outcome] = store.commit([prepared.push])
    if not isinstance(outcome, PushResult):
        raise outcome
    return outcome


def log_rejection(store: Store, again: ReplayRequest, refusal: RequestError) -> None:
    """Writes a rejected replay to the request log, with its body for a further replay. Raises StoreError."""
    body = again.body if refusal.code == BadRequest.code else None
    entry = RejectedRequest(
        again.seqno, again.park_uuid, again.park_uuid, refusal.code, refusal.hint, again.caller, body
    )
    [outcome] = store.commit([entry])
    if not isinstance(outcome, PushResult):
        raise outcome
