"""The road: bytes in, envelope out. Every step is told in wire.py; here they are put in line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, TypeVar, TypeVarTuple

import msgspec
import structlog

from vipgate.errors import (
    BadRequest,
    BadSignature,
    HeldReplace,
    InternalFault,
    Language,
    OperatorError,
    Refusal,
    StoreError,
    TooOften,
    Unavailable,
    VipgateError,
    Words,
)
from vipgate.gateway.group_commit import (
    INTERNAL,
    Committer,
)
from vipgate.gateway.limits.rate_limit import (
    DiagnosisBudget,
    Often,
    Tally,
)
from vipgate.gateway.park_access import (
    Admission,
    Directory,
)
from vipgate.gateway.park_order import (
    Line,
    Lines,
    park_meant,
)
from vipgate.gateway.reconcile import (
    Digests,
    read_question,
)
from vipgate.protocol.authentication import (
    explain_stamped,
    verify_stamped,
)
from vipgate.protocol.envelope import (
    Batch,
    Claim,
    Payload,
    Verified,
    decode,
    encode_refusal,
    encode_success,
    explain,
    secret_used,
    split,
    text_of,
    verify,
)
from vipgate.protocol.seqno import SeqnoMint
from vipgate.protocol.signature_hmac import (
    WINDOW_S,
    Stamp,
)
from vipgate.protocol.signature_md5 import (
    DIAGNOSIS_BYTES_MAX,
    Hash,
)
from vipgate.store.interfaces.ledger import (
    Caller,
    Outcome,
    Push,
    Refused,
)
from vipgate.support.client_address import read_address
from vipgate.support.metrics import Meter

log = structlog.get_logger()

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# Larger bodies are read and decoded off the event loop, so that nobody waits behind them.
INLINE_BYTES_MAX: Final = 1024 * 1024
CLAIMED_CHARS_MAX: Final = 64

STORE_DOWN = Words(
    "平台存储暂不可用; 请稍后原样重发, 只会保存一次",
    "the platform's store is unavailable; send the same again later, it is stored once",
)


class Knock(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came through the door, whole."""

    body: bytes
    body_md5: Hash
    body_sha256: str
    content_type: str | None
    authorization: str | None
    peer: str
    received_us: int
    language: Language
    stamp: Stamp | None = None

    @property
    def caller(self) -> Caller:
        """What the journal keeps of it."""
        return Caller(
            received_us=self.received_us, peer=self.peer, body_bytes=len(self.body), body_sha256=self.body_sha256
        )


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What goes back through the door."""

    status: int
    body: bytes
    retry_after_s: int | None = None
    allow: str | None = None
    # Who was answered, where that was proved.
    park_uuid: str | None = None


class _OtherPark(Exception):
    """A body that was read names another park than it seemed to."""


class Road:
    """Answers pushes. Lives on the event loop.

    What would hold it up has two threads: `slow` for requests that are proved, `unproved` for those that are not, so that strangers
    make nobody wait but strangers.
    """

    def __init__(
        self,
        directory: Directory,
        committer: Committer,
        mint: SeqnoMint,
        slow: Executor,
        unproved: Executor,
        digests: Digests,
        meter: Meter,
        clock_s: Callable[[], float],
        *,
        hmac_window_s: int = WINDOW_S,
    ) -> None:
        self._hmac_window_s = hmac_window_s
        self._directory = directory
        self._meter = meter
        self._committer = committer
        self._digests = digests
        self._mint = mint
        self._slow = slow
        self._unproved = unproved
        self._clock_s = clock_s
        self._budget = DiagnosisBudget(clock_s)
        self._lines = Lines()
        self._store_refused = Tally("store refused", clock_s)
        self._unjournaled = Tally("refused, not journaled", clock_s)
        self._often = Often(clock_s)

    async def push(self, knock: Knock) -> Reply:
        """The answer to one push, after the commit. Never raises."""
        return await self._answered(knock, self._through)

    async def compare(self, knock: Knock) -> Reply:
        """The answer to a park that asks for the sums of what the platform holds of it. Never raises."""
        return await self._answered(knock, self._compared)

    def refusal_of_all(self) -> Unavailable | None:
        """Why no push of any park is taken now, or None."""
        return self._committer.refusal()

    async def _answered(self, knock: Knock, steps: Callable[[Knock, str, Progress], Awaitable[Reply]]) -> Reply:
        seqno = self._mint.mint(knock.received_us)
        known = Progress()
        try:
            return await steps(knock, seqno, known)
        except Refusal as refusal:
            return await self._refused(knock, seqno, known, refusal)
        except StoreError as error:
            self._store_refused.count(seqno=seqno, reason=str(error))
            return self._reply(knock.language, seqno, Unavailable(STORE_DOWN, retry_after_s=5))
        except OperatorError as error:
            log.error("cannot serve park", seqno=seqno, reason=str(error))
            return self._reply(knock.language, seqno, InternalFault(INTERNAL))
        except Exception:  # Whatever slipped through must still reach the caller as an envelope.
            log.exception("fault on the road", seqno=seqno)
            return await self._refused(knock, seqno, known, InternalFault(INTERNAL))

    async def refuse(self, knock: Knock, refusal: Refusal) -> Reply:
        """The answer to a request that never came as far as the road: wrong path, too large, cut off."""
        return await self._refused(knock, self._mint.mint(knock.received_us), Progress(), refusal)

    async def _through(self, knock: Knock, seqno: str, known: Progress) -> Reply:
        try:
            committed = await self._large(knock, seqno, known) if _is_large(knock) else None
            if committed is None:
                claim = await self._claim(knock, known)
                committed = self._at_once(claim, knock, seqno, known) or await self._in_line(claim, knock, seqno, known)
        except BadSignature as refusal:
            raise await self._explained(knock, known, refusal) from None
        outcome = await committed
        payload = Payload(known.received, outcome.inserted, outcome.updated, outcome.unchanged)
        return Reply(200, encode_success(seqno, payload, knock.language), park_uuid=known.park_uuid)

    async def _compared(self, knock: Knock, seqno: str, known: Progress) -> Reply:
        """Signed and admitted like a push, but it changes nothing and waits in no line."""
        claim = await self._claim(knock, known)
        try:
            verified = await self._verified_aside(claim, knock, await self._admission(claim), known)
        except BadSignature as refusal:
            raise await self._explained(knock, known, refusal) from None
        payload = await self._digests.answer(read_question(text_of(verified), claim.park_uuid))
        return Reply(200, encode_success(seqno, payload, knock.language))

    async def _claim(self, knock: Knock, known: Progress) -> Claim:
        """What is read before the signature is checked; off the event loop where it takes long."""
        if not _is_large(knock):
            claim = split(knock.body, knock.content_type)
        else:
            claim = await _aside(self._unproved, split, knock.body, knock.content_type)
        known.claimed = claim.park_uuid
        return claim

    async def _large(self, knock: Knock, seqno: str, known: Progress) -> asyncio.Future[Outcome] | None:
        """Puts a large push into the commit's queue where its MD5 proves at once who sent it; None where it does not.

        The park is looked for in the unread body, so that it has its place in its park's line before that is read.
        """
        park_uuid = park_meant(knock.body) if knock.stamp is None else None
        if park_uuid is None:
            return None
        with self._lines.of(park_uuid) as line:
            admission = await self._named(line, park_uuid)
            if secret_used(knock.body_md5, knock.authorization, admission.keys) is None:
                return None
            with line.place(len(knock.body)):
                await line.decoding.wait()
                try:
                    decoded = await line.decoding.hold(self._read_aside(park_uuid, knock, admission, known))
                except _OtherPark:
                    return None
                return self._submit(*decoded, knock, seqno, known)

    async def _read_aside(
        self, park_uuid: str, knock: Knock, admission: Admission, known: Progress
    ) -> tuple[Batch, Verified]:
        """All steps for a large push of `park_uuid`. Raises _OtherPark where it turns out to name another."""
        claim = await _aside(self._slow, split, knock.body, knock.content_type)
        if claim.park_uuid != park_uuid:
            raise _OtherPark
        known.claimed = park_uuid
        verified = self._verified(claim, knock, admission, known)
        self._check_room(verified, knock)
        return await _aside(self._slow, decode, verified), verified

    def _at_once(self, claim: Claim, knock: Knock, seqno: str, known: Progress) -> asyncio.Future[Outcome] | None:
        """Puts the push into the commit's queue, or None where it has to wait for something first. Most have not."""
        admission = self._directory.remembered(claim.park_uuid)
        if admission is None or claim.park_uuid in self._lines or _is_large(knock):
            return None
        verified = self._verified(claim, knock, admission, known)
        self._check_room(verified, knock)
        return self._submit(decode(verified), verified, knock, seqno, known)

    async def _in_line(self, claim: Claim, knock: Knock, seqno: str, known: Progress) -> asyncio.Future[Outcome]:
        """The same for a push that has to wait: for the store to say who the park is, or for a large body to be decoded.

        It stands in its park's line meanwhile, and what comes after it waits behind it: requests of one park keep their order.
        Not so while it takes long to prove it: anybody can send such a one, and would hold up whichever park he names.
        """
        verified = None
        if _is_proved_slowly(knock):
            verified = await self._verified_aside(claim, knock, await self._admission(claim), known)
        with self._lines.of(claim.park_uuid) as line:
            admission = await self._named(line, claim.park_uuid)
            if verified is None:
                verified = self._verified(claim, knock, admission, known)
            with line.place(len(knock.body)):
                await line.decoding.wait()
                self._check_room(verified, knock)
                if not _is_large(knock):
                    batch = decode(verified)
                else:
                    batch, _ = await line.decoding.hold(self._decoded_aside(verified))
                return self._submit(batch, verified, knock, seqno, known)

    async def _named(self, line: Line, park_uuid: str) -> Admission:
        """Who the park is, when those before it in the line know."""
        found = await line.naming.wait()
        # What was found while it waited is newer than the request.
        known = found or self._directory.remembered(park_uuid)
        return known or await line.naming.hold(self._directory.find(park_uuid))

    async def _admission(self, claim: Claim) -> Admission:
        return self._directory.remembered(claim.park_uuid) or await self._directory.find(claim.park_uuid)

    def _verified(self, claim: Claim, knock: Knock, admission: Admission, known: Progress) -> Verified:
        known.admission = admission
        return self._admitted(self._proved(claim, knock, admission), knock, admission, known)

    async def _verified_aside(self, claim: Claim, knock: Knock, admission: Admission, known: Progress) -> Verified:
        """The same, off the event loop for what takes long: MD5 is done when the body is in, HMAC begins with the head."""
        if not _is_proved_slowly(knock):
            return self._verified(claim, knock, admission, known)
        known.admission = admission
        verified = await _aside(self._unproved, self._proved, claim, knock, admission)
        return self._admitted(verified, knock, admission, known)

    def _proved(self, claim: Claim, knock: Knock, admission: Admission) -> Verified:
        if knock.stamp is None:
            return verify(claim, knock.body_md5, knock.authorization, admission.keys)
        now_s = knock.received_us / 1_000_000
        return verify_stamped(claim, knock.body, knock.stamp, admission.keys, now_s, self._hmac_window_s)

    def _admitted(self, verified: Verified, knock: Knock, admission: Admission, known: Progress) -> Verified:
        known.park_uuid = verified.claim.park_uuid
        admission.check(knock.peer, self._clock_s())
        return verified

    def _check_room(self, verified: Verified, knock: Knock) -> None:
        """Once it is known who asks, and before most of the work: a refusal must cost next to nothing. Raises Unavailable."""
        self._committer.check_room(verified.claim.park_uuid, 1, len(knock.body))

    async def _decoded_aside(self, verified: Verified) -> tuple[Batch, Verified]:
        return await _aside(self._slow, decode, verified), verified

    def _submit(
        self, batch: Batch, verified: Verified, knock: Knock, seqno: str, known: Progress
    ) -> asyncio.Future[Outcome]:
        known.received = batch.received
        park_uuid, used = verified.claim.park_uuid, verified.secret_used
        push = Push(
            seqno,
            park_uuid,
            batch.renewals,
            batch.received,
            batch.complete,
            used,
            knock.caller,
            verified.webhook_id,
        )
        return self._committer.submit(push)

    async def _explained(self, knock: Knock, known: Progress, refusal: BadSignature) -> BadSignature:
        """`refusal` with the mistake named, where there is time to look for it."""
        keys = known.admission.keys if known.admission is not None else None
        if refusal.explained or len(knock.body) > DIAGNOSIS_BYTES_MAX or not self._budget.take():
            return refusal
        try:
            if knock.stamp is not None:
                return await _aside(self._unproved, explain_stamped, knock.body, knock.stamp, keys)
            return await _aside(self._unproved, explain, knock.body, knock.authorization, keys)
        finally:
            self._budget.give_back()

    async def _refused(self, knock: Knock, seqno: str, known: Progress, refusal: Refusal) -> Reply:
        """Journals a refusal, waits until the operator can find it, and answers."""
        keep_body = known.park_uuid is not None and isinstance(refusal, BadRequest | HeldReplace)
        line = Refused(
            seqno,
            known.park_uuid,
            known.claimed[:CLAIMED_CHARS_MAX] if known.claimed is not None else None,
            refusal.code,
            refusal.hint,
            knock.caller,
            knock.body if keep_body else None,
            refusal.generation if isinstance(refusal, HeldReplace) else None,
        )
        often = isinstance(refusal, Unavailable | TooOften)
        noted = None if often and not self._often.take(known.park_uuid) else self._committer.note(line)
        if noted is None:
            self._meter.unjournaled()
            self._unjournaled.count(seqno=seqno, code=refusal.code, peer=knock.peer)
            return self._reply(knock.language, seqno, refusal, known.park_uuid)
        if isinstance(refusal, Unavailable):
            # An overloaded queue is no place to wait in.
            noted.add_done_callback(lambda done: done.exception())
            return self._reply(knock.language, seqno, refusal, known.park_uuid)
        try:
            await noted
        except VipgateError as error:
            log.warning("refused, not journaled", seqno=seqno, code=refusal.code, reason=str(error))
        return self._reply(knock.language, seqno, refusal, known.park_uuid)

    @staticmethod
    def _reply(language: Language, seqno: str, refusal: Refusal, park_uuid: str | None = None) -> Reply:
        return Reply(
            refusal.status,
            encode_refusal(seqno, refusal, language),
            refusal.retry_after_s,
            getattr(refusal, "allow", None),
            park_uuid,
        )


@dataclass(slots=True)
class Progress:
    """How far a request came: whom it claimed to be from, whom it was proved to be from, how many rows it brought."""

    claimed: str | None = None
    admission: Admission | None = None
    park_uuid: str | None = None
    received: int = 0


def _is_large(knock: Knock) -> bool:
    return len(knock.body) > INLINE_BYTES_MAX


def _is_proved_slowly(knock: Knock) -> bool:
    return knock.stamp is not None and _is_large(knock)


async def _aside(thread: Executor, work: Callable[[*Ts], T], *args: *Ts) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, work, *args)


def readable_peer(peername: object) -> str:
    """The address in what a transport calls its peer name, without the port; IPv4 inside IPv6 as IPv4."""
    if not isinstance(peername, tuple) or not peername:
        return ""
    text = str(peername[0]).partition("%")[0]
    return str(read_address(text) or text)
