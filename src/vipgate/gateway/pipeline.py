"""The road: bytes in, envelope out. Every step is told in wire.py; here they are put in line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, TypeVar, TypeVarTuple

import msgspec
import structlog

from vipgate.errors import (
    INTERNAL_ERROR,
    BadRequest,
    InternalError,
    InvalidSignature,
    RateLimited,
    ReplaceOnHold,
    RequestError,
    ServiceUnavailable,
    StoreError,
    UsageError,
    VipgateError,
)
from vipgate.gateway.group_commit import GroupCommitter
from vipgate.gateway.http.messages import Response
from vipgate.gateway.limits.rate_limit import (
    DutyCycleLimiter,
    PacedWork,
    RejectionLogLimiter,
)
from vipgate.gateway.park_access import (
    ParkAccessCache,
    ParkPolicy,
)
from vipgate.gateway.park_order import (
    ParkSequencer,
    ParkSequencers,
    park_meant,
)
from vipgate.gateway.reconcile import (
    ReconcileService,
    parse_query,
)
from vipgate.i18n import (
    Language,
    LocalizedText,
)
from vipgate.protocol.authentication import (
    VerifiedRequest,
    explain_hmac_mismatch,
    explain_mismatch,
    secret_used,
    text_of,
    verify,
    verify_hmac,
)
from vipgate.protocol.batch import (
    Batch,
    decode_rows,
)
from vipgate.protocol.envelope import (
    Payload,
    UnverifiedRequest,
    encode_error,
    encode_success,
    parse_request,
)
from vipgate.protocol.seqno import SeqnoMint
from vipgate.protocol.signature_hmac import (
    WINDOW_S,
    WebhookSignature,
)
from vipgate.protocol.signature_md5 import DIAGNOSIS_BYTES_MAX
from vipgate.store.interfaces.ledger import (
    Push,
    PushResult,
    RejectedRequest,
    RequestOrigin,
)
from vipgate.support.hashes import Hash
from vipgate.support.log_throttle import LogThrottle
from vipgate.support.metrics import MetricsRecorder

log = structlog.get_logger()

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# Larger bodies are read and decoded off the event loop, so that nobody waits behind them.
INLINE_BYTES_MAX: Final = 1024 * 1024
CLAIMED_CHARS_MAX: Final = 64

STORE_DOWN = LocalizedText(
    "平台存储暂不可用; 请稍后原样重发, 只会保存一次",
    "the platform's store is unavailable; send the same again later, it is stored once",
)


class PushRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came through the door, whole."""

    body: bytes
    body_md5: Hash
    body_sha256: str
    content_type: str | None
    authorization: str | None
    peer: str
    received_us: int
    language: Language
    webhook_signature: WebhookSignature | None = None

    @property
    def origin(self) -> RequestOrigin:
        """What the journal keeps of it."""
        return RequestOrigin(
            received_us=self.received_us, peer=self.peer, body_bytes=len(self.body), body_sha256=self.body_sha256
        )


class _OtherPark(Exception):
    """A body that was read names another park than it seemed to."""


class PushPipeline:
    """Answers pushes. Lives on the event loop.

    Long work runs in two threads, so that strangers delay only strangers: `unproved`, for a share of the time, parses large bodies
    that anybody may have sent; `slow` does the rest.
    """

    def __init__(
        self,
        directory: ParkAccessCache,
        committer: GroupCommitter,
        mint: SeqnoMint,
        slow: Executor,
        unproved: Executor,
        digests: ReconcileService,
        meter: MetricsRecorder,
        clock_s: Callable[[], float],
        *,
        hmac_window_s: int = WINDOW_S,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self._hmac_window_s = hmac_window_s
        self._park_access = directory
        self._meter = meter
        self._committer = committer
        self._digests = digests
        self._seqno_mint = mint
        self._slow = slow
        self._unproved = unproved
        self._paced = PacedWork(clock_s, rest)
        self._clock_s = clock_s
        self._budget = DutyCycleLimiter(clock_s)
        self._sequencers = ParkSequencers()
        self._store_refused = LogThrottle("store refused", clock_s)
        self._unlogged = LogThrottle("refused, not journaled", clock_s)
        self._rejection_log_limiter = RejectionLogLimiter(clock_s)

    async def push(self, request: PushRequest) -> Response:
        """The answer to one push, after the commit. Never raises."""
        return await self._respond_to(request, self._process)

    async def reconcile(self, request: PushRequest) -> Response:
        """The answer to a park that asks for the sums of what the platform holds of it. Never raises."""
        return await self._respond_to(request, self._process_reconcile)

    def overload_error(self) -> ServiceUnavailable | None:
        """Why no push of any park is taken now, or None."""
        return self._committer.overload_error()

    async def _respond_to(
        self, request: PushRequest, steps: Callable[[PushRequest, str, RequestContext], Awaitable[Response]]
    ) -> Response:
        seqno = self._seqno_mint.mint(request.received_us)
        known = RequestContext()
        try:
            return await steps(request, seqno, known)
        except RequestError as refusal:
            return await self._reject(request, seqno, known, refusal)
        except StoreError as error:
            self._store_refused.count(seqno=seqno, reason=str(error))
            return self._respond(request.language, seqno, ServiceUnavailable(STORE_DOWN, retry_after_s=5))
        except UsageError as error:
            log.error("cannot serve park", seqno=seqno, reason=str(error))
            return self._respond(request.language, seqno, InternalError(INTERNAL_ERROR))
        except Exception:  # Whatever slipped through must still reach the caller as an envelope.
            log.exception("fault on the road", seqno=seqno)
            return await self._reject(request, seqno, known, InternalError(INTERNAL_ERROR))

    async def reject(self, request: PushRequest, refusal: RequestError) -> Response:
        """The answer to a request that never came as far as the road: wrong path, too large, cut off."""
        return await self._reject(request, self._seqno_mint.mint(request.received_us), RequestContext(), refusal)

    async def _process(self, request: PushRequest, seqno: str, known: RequestContext) -> Response:
        try:
            committed = await self._large(request, seqno, known) if _is_large(request) else None
            if committed is None:
                unverified = await self._claim(request, known)
                committed = self._try_fast_path(unverified, request, seqno, known) or await self._process_in_order(
                    unverified, request, seqno, known
                )
        except InvalidSignature as refusal:
            raise await self._with_diagnosis(request, known, refusal) from None
        outcome = await committed
        payload = Payload(known.received, outcome.inserted, outcome.updated, outcome.unchanged)
        return Response(200, encode_success(seqno, payload, request.language), park_uuid=known.park_uuid)

    async def _process_reconcile(self, request: PushRequest, seqno: str, known: RequestContext) -> Response:
        """Signed and admitted like a push, but it changes nothing and waits in no line."""
        unverified = await self._claim(request, known)
        try:
            verified = await self._authenticate_in_thread(
                unverified, request, await self._park_policy(unverified), known
            )
        except InvalidSignature as refusal:
            raise await self._with_diagnosis(request, known, refusal) from None
        payload = await self._digests.answer(parse_query(text_of(verified), unverified.park_uuid))
        return Response(200, encode_success(seqno, payload, request.language))

    async def _claim(self, request: PushRequest, known: RequestContext) -> UnverifiedRequest:
        """What is read before the signature is checked; off the event loop where it takes long."""
        if not _is_large(request):
            unverified = parse_request(request.body, request.content_type)
        else:
            unverified = await _aside(self._unproved, self._paced.do, parse_request, request.body, request.content_type)
        known.claimed = unverified.park_uuid
        return unverified

    async def _large(
        self, request: PushRequest, seqno: str, known: RequestContext
    ) -> asyncio.Future[PushResult] | None:
        """Puts a large push into the commit's queue where its MD5 proves at once who sent it; None where it does not.

        The park is looked for in the unread body, so that it has its place in its park's line before that is read.
        """
        park_uuid = park_meant(request.body) if request.webhook_signature is None else None
        if park_uuid is None:
            return None
        with self._sequencers.for_park(park_uuid) as line:
            admission = await self._named(line, park_uuid)
            if secret_used(request.body_md5, request.authorization, admission.secrets) is None:
                return None
            with line.reserve(len(request.body)):
                await line.decode_gate.wait()
                try:
                    decoded = await line.decode_gate.run_exclusive(
                        self._read_aside(park_uuid, request, admission, known)
                    )
                except _OtherPark:
                    return None
                return self._submit(*decoded, request, seqno, known)

    async def _read_aside(
        self, park_uuid: str, request: PushRequest, admission: ParkPolicy, known: RequestContext
    ) -> tuple[Batch, VerifiedRequest]:
        """All steps for a large push of `park_uuid`. Raises _OtherPark where it turns out to name another."""
        unverified = await _aside(self._slow, parse_request, request.body, request.content_type)
        if unverified.park_uuid != park_uuid:
            raise _OtherPark
        known.claimed = park_uuid
        verified = self._authenticate(unverified, request, admission, known)
        self._check_room(verified, request)
        return await _aside(self._slow, decode_rows, verified), verified

    def _try_fast_path(
        self, unverified: UnverifiedRequest, request: PushRequest, seqno: str, known: RequestContext
    ) -> asyncio.Future[PushResult] | None:
        """Puts the push into the commit's queue, or None where it has to wait for something first. Most have not."""
        admission = self._park_access.get_cached(unverified.park_uuid)
        if admission is None or unverified.park_uuid in self._sequencers or _is_large(request):
            return None
        verified = self._authenticate(unverified, request, admission, known)
        self._check_room(verified, request)
        return self._submit(decode_rows(verified), verified, request, seqno, known)

    async def _process_in_order(
        self, unverified: UnverifiedRequest, request: PushRequest, seqno: str, known: RequestContext
    ) -> asyncio.Future[PushResult]:
        """The same for a push that has to wait: for the store to say who the park is, or for a large body to be decoded.

        It stands in its park's line meanwhile, and what comes after it waits behind it: requests of one park keep their order.
        Not so while it takes long to prove it: anybody can send such a one, and would hold up whichever park he names.
        """
        verified = None
        if _needs_thread(request):
            verified = await self._authenticate_in_thread(
                unverified, request, await self._park_policy(unverified), known
            )
        with self._sequencers.for_park(unverified.park_uuid) as line:
            admission = await self._named(line, unverified.park_uuid)
            if verified is None:
                verified = self._authenticate(unverified, request, admission, known)
            with line.reserve(len(request.body)):
                await line.decode_gate.wait()
                self._check_room(verified, request)
                if not _is_large(request):
                    batch = decode_rows(verified)
                else:
                    batch, _ = await line.decode_gate.run_exclusive(self._decode_in_thread(verified))
                return self._submit(batch, verified, request, seqno, known)

    async def _named(self, line: ParkSequencer, park_uuid: str) -> ParkPolicy:
        """Who the park is, when those before it in the line know."""
        found = await line.lookup_gate.wait()
        # What was found while it waited is newer than the request.
        known = found or self._park_access.get_cached(park_uuid)
        return known or await line.lookup_gate.run_exclusive(self._park_access.load(park_uuid))

    async def _park_policy(self, unverified: UnverifiedRequest) -> ParkPolicy:
        return self._park_access.get_cached(unverified.park_uuid) or await self._park_access.load(unverified.park_uuid)

    def _authenticate(
        self, unverified: UnverifiedRequest, request: PushRequest, admission: ParkPolicy, known: RequestContext
    ) -> VerifiedRequest:
        known.admission = admission
        return self._authorize(self._authenticate_in_order(unverified, request, admission), request, admission, known)

    async def _authenticate_in_thread(
        self, unverified: UnverifiedRequest, request: PushRequest, admission: ParkPolicy, known: RequestContext
    ) -> VerifiedRequest:
        """The same, off the event loop for what takes long: MD5 is done when the body is in, HMAC begins with the head."""
        if not _needs_thread(request):
            return self._authenticate(unverified, request, admission, known)
        known.admission = admission
        verified = await _aside(self._slow, self._authenticate_in_order, unverified, request, admission)
        return self._authorize(verified, request, admission, known)

    def _authenticate_in_order(
        self, unverified: UnverifiedRequest, request: PushRequest, admission: ParkPolicy
    ) -> VerifiedRequest:
        if request.webhook_signature is None:
            return verify(unverified, request.body_md5, request.authorization, admission.secrets)
        now_s = request.received_us / 1_000_000
        return verify_hmac(
            unverified, request.body, request.webhook_signature, admission.secrets, now_s, self._hmac_window_s
        )

    def _authorize(
        self, verified: VerifiedRequest, request: PushRequest, admission: ParkPolicy, known: RequestContext
    ) -> VerifiedRequest:
        known.park_uuid = verified.request.park_uuid
        admission.check(request.peer, self._clock_s())
        return verified

    def _check_room(self, verified: VerifiedRequest, request: PushRequest) -> None:
        """Once it is known who asks, and before most of the work: a refusal must cost next to nothing. Raises Unavailable."""
        self._committer.ensure_capacity(verified.request.park_uuid, 1, len(request.body))

    async def _decode_in_thread(self, verified: VerifiedRequest) -> tuple[Batch, VerifiedRequest]:
        return await _aside(self._slow, decode_rows, verified), verified

    def _submit(
        self, batch: Batch, verified: VerifiedRequest, request: PushRequest, seqno: str, known: RequestContext
    ) -> asyncio.Future[PushResult]:
        known.received = batch.received
        park_uuid, used = verified.request.park_uuid, verified.secret_used
        push = Push(
            seqno,
            park_uuid,
            batch.renewals,
            batch.received,
            batch.complete,
            used,
            request.origin,
            verified.webhook_id,
        )
        return self._committer.submit(push)

    async def _with_diagnosis(
        self, request: PushRequest, known: RequestContext, refusal: InvalidSignature
    ) -> InvalidSignature:
        """`refusal` with the mistake named, where there is time to look for it."""
        keys = known.admission.secrets if known.admission is not None else None
        if refusal.explained or len(request.body) > DIAGNOSIS_BYTES_MAX or not self._budget.take():
            return refusal
        try:
            if request.webhook_signature is not None:
                return await _aside(self._slow, explain_hmac_mismatch, request.body, request.webhook_signature, keys)
            return await _aside(self._slow, explain_mismatch, request.body, request.authorization, keys)
        finally:
            self._budget.give_back()

    async def _reject(self, request: PushRequest, seqno: str, known: RequestContext, refusal: RequestError) -> Response:
        """Journals a refusal, waits until the operator can find it, and answers."""
        keep_body = known.park_uuid is not None and isinstance(refusal, BadRequest | ReplaceOnHold)
        line = RejectedRequest(
            seqno,
            known.park_uuid,
            known.claimed[:CLAIMED_CHARS_MAX] if known.claimed is not None else None,
            refusal.code,
            refusal.hint,
            request.origin,
            request.body if keep_body else None,
            refusal.generation if isinstance(refusal, ReplaceOnHold) else None,
        )
        often = isinstance(refusal, ServiceUnavailable | RateLimited)
        noted = (
            None
            if often and not self._rejection_log_limiter.take(known.park_uuid)
            else self._committer.log_rejection(line)
        )
        if noted is None:
            self._meter.unlogged()
            self._unlogged.count(seqno=seqno, code=refusal.code, peer=request.peer)
            return self._respond(request.language, seqno, refusal, known.park_uuid)
        if isinstance(refusal, ServiceUnavailable):
            # An overloaded queue is no place to wait in.
            noted.add_done_callback(lambda done: done.exception())
            return self._respond(request.language, seqno, refusal, known.park_uuid)
        try:
            await noted
        except VipgateError as error:
            log.warning("refused, not journaled", seqno=seqno, code=refusal.code, reason=str(error))
        return self._respond(request.language, seqno, refusal, known.park_uuid)

    @staticmethod
    def _respond(language: Language, seqno: str, refusal: RequestError, park_uuid: str | None = None) -> Response:
        return Response(
            refusal.status,
            encode_error(seqno, refusal, language),
            refusal.retry_after_s,
            getattr(refusal, "allow", None),
            park_uuid,
        )


@dataclass(slots=True)
class RequestContext:
    """How far a request came: whom it claimed to be from, whom it was proved to be from, how many rows it brought."""

    claimed: str | None = None
    admission: ParkPolicy | None = None
    park_uuid: str | None = None
    received: int = 0


def _is_large(request: PushRequest) -> bool:
    return len(request.body) > INLINE_BYTES_MAX


def _needs_thread(request: PushRequest) -> bool:
    return request.webhook_signature is not None and _is_large(request)


async def _aside(thread: Executor, work: Callable[[*Ts], T], *args: *Ts) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, work, *args)
