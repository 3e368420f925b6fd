"""The push pipeline: request bytes in, response envelope out. Calls the steps of `vipgate.protocol` in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Final, TypeVar, TypeVarTuple

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
from vipgate.gateway.limits.rate_limit import DutyCycleLimiter, PacedWork, RejectionLogLimiter
from vipgate.gateway.park_access import ParkAccessCache, ParkPolicy
from vipgate.gateway.park_order import ParkSequencer, ParkSequencers, park_meant
from vipgate.gateway.push_request import PushRequest, RequestContext
from vipgate.gateway.reconcile import ReconcileService, parse_query
from vipgate.i18n import Language, LocalizedText
from vipgate.protocol.authentication import (
    VerifiedRequest,
    explain_hmac_mismatch,
    explain_mismatch,
    secret_used,
    text_of,
    verify,
    verify_hmac,
)
from vipgate.protocol.batch import Batch, decode_rows
from vipgate.protocol.envelope import Payload, UnverifiedRequest, encode_error, encode_success, parse_request
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.protocol.signature_hmac import WINDOW_S
from vipgate.protocol.signature_md5 import DIAGNOSIS_BYTES_MAX
from vipgate.store.interfaces.ledger import Push, PushResult, RejectedRequest
from vipgate.support.log_throttle import LogThrottle
from vipgate.support.metrics import MetricsRecorder

log = structlog.get_logger()

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# Larger bodies are parsed and decoded off the event loop, so that no other request waits for them.
INLINE_BYTES_MAX: Final = 1024 * 1024
CLAIMED_CHARS_MAX: Final = 64

STORE_DOWN = LocalizedText(
    "平台存储暂不可用; 请稍后原样重发, 只会保存一次",
    "the platform's store is unavailable; send the same again later, it is stored once",
)


class _OtherPark(Exception):
    """The parsed body names another park than `park_meant` guessed."""


class PushPipeline:
    """Processes pushes and reconcile queries. Runs on the event loop.

    Long work runs in two threads, so that unauthenticated requests delay only each other: `unproved` parses large
    unauthenticated bodies, for a bounded share of the time; `slow` does the rest.
    """

    def __init__(
        self,
        park_access: ParkAccessCache,
        committer: GroupCommitter,
        seqno_generator: SeqnoGenerator,
        slow: Executor,
        unproved: Executor,
        reconcile: ReconcileService,
        recorder: MetricsRecorder,
        clock_s: Callable[[], float],
        *,
        hmac_window_s: int = WINDOW_S,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self._hmac_window_s = hmac_window_s
        self._park_access = park_access
        self._recorder = recorder
        self._committer = committer
        self._reconcile = reconcile
        self._seqno_generator = seqno_generator
        self._slow = slow
        self._unproved = unproved
        self._throttled = PacedWork(clock_s, rest)
        self._clock_s = clock_s
        self._budget = DutyCycleLimiter(clock_s)
        self._sequencers = ParkSequencers()
        self._store_refused = LogThrottle("store rejected requests", clock_s)
        self._unlogged = LogThrottle("rejection not logged", clock_s)
        self._rejection_log_limiter = RejectionLogLimiter(clock_s)

    async def push(self, request: PushRequest) -> Response:
        """Returns the response to a push, after its commit. Never raises."""
        return await self._respond_to(request, self._process)

    async def reconcile(self, request: PushRequest) -> Response:
        """Returns the digests of the park's stored records (docs/digest.md). Never raises."""
        return await self._respond_to(request, self._process_reconcile)

    def overload_error(self) -> ServiceUnavailable | None:
        """Returns why no push of any park is accepted now, or None."""
        return self._committer.overload_error()

    async def _respond_to(
        self, request: PushRequest, process: Callable[[PushRequest, str, RequestContext], Awaitable[Response]]
    ) -> Response:
        seqno = self._seqno_generator.generate(request.received_us)
        context = RequestContext()
        try:
            return await process(request, seqno, context)
        except RequestError as refusal:
            return await self._reject(request, seqno, context, refusal)
        except StoreError as error:
            self._store_refused.count(seqno=seqno, reason=str(error))
            return self._respond(request.language, seqno, ServiceUnavailable(STORE_DOWN, retry_after_s=5))
        except UsageError as error:
            log.error("cannot serve park", seqno=seqno, reason=str(error))
            return self._respond(request.language, seqno, InternalError(INTERNAL_ERROR))
        except Exception:  # Every caller gets an envelope.
            log.exception("push pipeline failed", seqno=seqno)
            return await self._reject(request, seqno, context, InternalError(INTERNAL_ERROR))

    async def reject(self, request: PushRequest, refusal: RequestError) -> Response:
        """Logs and answers a request that was rejected before the pipeline: wrong path, too large, cut off."""
        return await self._reject(
            request, self._seqno_generator.generate(request.received_us), RequestContext(), refusal
        )

    async def _process(self, request: PushRequest, seqno: str, context: RequestContext) -> Response:
        try:
            committed = await self._large(request, seqno, context) if _is_large(request) else None
            if committed is None:
                unverified = await self._parse_envelope(request, context)
                committed = self._try_fast_path(unverified, request, seqno, context) or await self._process_in_order(
                    unverified, request, seqno, context
                )
        except InvalidSignature as refusal:
            raise await self._with_diagnosis(request, context, refusal) from None
        outcome = await committed
        payload = Payload(context.received, outcome.inserted, outcome.updated, outcome.unchanged)
        return Response(200, encode_success(seqno, payload, request.language), park_uuid=context.park_uuid)

    async def _process_reconcile(self, request: PushRequest, seqno: str, context: RequestContext) -> Response:
        """Authenticates and authorizes like a push; it changes nothing, so it needs no ordering."""
        unverified = await self._parse_envelope(request, context)
        try:
            verified = await self._authenticate_in_thread(
                unverified, request, await self._park_policy(unverified), context
            )
        except InvalidSignature as refusal:
            raise await self._with_diagnosis(request, context, refusal) from None
        payload = await self._reconcile.answer(parse_query(text_of(verified), unverified.park_uuid))
        return Response(200, encode_success(seqno, payload, request.language))

    async def _parse_envelope(self, request: PushRequest, context: RequestContext) -> UnverifiedRequest:
        """Parses the envelope before the signature check; large bodies off the event loop."""
        if not _is_large(request):
            unverified = parse_request(request.body, request.content_type)
        else:
            unverified = await _in_thread(
                self._unproved, self._throttled.do, parse_request, request.body, request.content_type
            )
        context.claimed = unverified.park_uuid
        return unverified

    async def _large(
        self, request: PushRequest, seqno: str, context: RequestContext
    ) -> asyncio.Future[PushResult] | None:
        """Queues a large push whose MD5 signature matches the raw body; returns None where it does not.

        The park is guessed from the raw body, so that the push takes its place in the park's order before it is parsed.
        """
        park_uuid = park_meant(request.body) if request.webhook_signature is None else None
        if park_uuid is None:
            return None
        with self._sequencers.for_park(park_uuid) as sequencer:
            policy = await self._policy_in_order(sequencer, park_uuid)
            if secret_used(request.body_md5, request.authorization, policy.secrets) is None:
                return None
            with sequencer.reserve(len(request.body)):
                await sequencer.decode_gate.wait()
                try:
                    decoded = await sequencer.decode_gate.run_exclusive(
                        self._read_aside(park_uuid, request, policy, context)
                    )
                except _OtherPark:
                    return None
                return self._submit(*decoded, request, seqno, context)

    async def _read_aside(
        self, park_uuid: str, request: PushRequest, policy: ParkPolicy, context: RequestContext
    ) -> tuple[Batch, VerifiedRequest]:
        """Parses, authenticates and decodes a large push. Raises _OtherPark where the body names another park."""
        unverified = await _in_thread(self._slow, parse_request, request.body, request.content_type)
        if unverified.park_uuid != park_uuid:
            raise _OtherPark
        context.claimed = park_uuid
        verified = self._authenticate(unverified, request, policy, context)
        self._ensure_capacity(verified, request)
        return await _in_thread(self._slow, decode_rows, verified), verified

    def _try_fast_path(
        self, unverified: UnverifiedRequest, request: PushRequest, seqno: str, context: RequestContext
    ) -> asyncio.Future[PushResult] | None:
        """Queues the push without waiting, as most can be; returns None where it has to wait first."""
        policy = self._park_access.get_cached(unverified.park_uuid)
        if policy is None or unverified.park_uuid in self._sequencers or _is_large(request):
            return None
        verified = self._authenticate(unverified, request, policy, context)
        self._ensure_capacity(verified, request)
        return self._submit(decode_rows(verified), verified, request, seqno, context)

    async def _process_in_order(
        self, unverified: UnverifiedRequest, request: PushRequest, seqno: str, context: RequestContext
    ) -> asyncio.Future[PushResult]:
        """Queues a push that has to wait, for the park lookup or for a large body to be decoded.

        Later requests of the park wait behind it, so they keep their order. A slow signature check happens before it takes
        its place: otherwise anyone could block the park that he names.
        """
        verified = None
        if _needs_thread(request):
            verified = await self._authenticate_in_thread(
                unverified, request, await self._park_policy(unverified), context
            )
        with self._sequencers.for_park(unverified.park_uuid) as sequencer:
            policy = await self._policy_in_order(sequencer, unverified.park_uuid)
            if verified is None:
                verified = self._authenticate(unverified, request, policy, context)
            with sequencer.reserve(len(request.body)):
                await sequencer.decode_gate.wait()
                self._ensure_capacity(verified, request)
                if not _is_large(request):
                    batch = decode_rows(verified)
                else:
                    batch, _ = await sequencer.decode_gate.run_exclusive(self._decode_in_thread(verified))
                return self._submit(batch, verified, request, seqno, context)

    async def _policy_in_order(self, sequencer: ParkSequencer, park_uuid: str) -> ParkPolicy:
        """Returns the park's policy, after the lookups of earlier requests."""
        found = await sequencer.lookup_gate.wait()
        # A lookup that ended during the wait is newer than the request.
        policy = found or self._park_access.get_cached(park_uuid)
        return policy or await sequencer.lookup_gate.run_exclusive(self._park_access.load(park_uuid))

    async def _park_policy(self, unverified: UnverifiedRequest) -> ParkPolicy:
        return self._park_access.get_cached(unverified.park_uuid) or await self._park_access.load(unverified.park_uuid)

    def _authenticate(
        self, unverified: UnverifiedRequest, request: PushRequest, policy: ParkPolicy, context: RequestContext
    ) -> VerifiedRequest:
        context.policy = policy
        return self._authorize(self._authenticate_in_order(unverified, request, policy), request, policy, context)

    async def _authenticate_in_thread(
        self, unverified: UnverifiedRequest, request: PushRequest, policy: ParkPolicy, context: RequestContext
    ) -> VerifiedRequest:
        """Authenticates off the event loop where that is slow: HMAC of a large body. MD5 is computed on arrival."""
        if not _needs_thread(request):
            return self._authenticate(unverified, request, policy, context)
        context.policy = policy
        verified = await _in_thread(self._slow, self._authenticate_in_order, unverified, request, policy)
        return self._authorize(verified, request, policy, context)

    def _authenticate_in_order(
        self, unverified: UnverifiedRequest, request: PushRequest, policy: ParkPolicy
    ) -> VerifiedRequest:
        if request.webhook_signature is None:
            return verify(unverified, request.body_md5, request.authorization, policy.secrets)
        now_s = request.received_us / 1_000_000
        return verify_hmac(
            unverified, request.body, request.webhook_signature, policy.secrets, now_s, self._hmac_window_s
        )

    def _authorize(
        self, verified: VerifiedRequest, request: PushRequest, policy: ParkPolicy, context: RequestContext
    ) -> VerifiedRequest:
        context.park_uuid = verified.request.park_uuid
        policy.check(request.peer, self._clock_s())
        return verified

    def _ensure_capacity(self, verified: VerifiedRequest, request: PushRequest) -> None:
        """Rejects before the expensive steps where the queue has no room. Raises ServiceUnavailable."""
        self._committer.ensure_capacity(verified.request.park_uuid, 1, len(request.body))

    async def _decode_in_thread(self, verified: VerifiedRequest) -> tuple[Batch, VerifiedRequest]:
        return await _in_thread(self._slow, decode_rows, verified), verified

    def _submit(
        self, batch: Batch, verified: VerifiedRequest, request: PushRequest, seqno: str, context: RequestContext
    ) -> asyncio.Future[PushResult]:
        context.received = batch.received
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
        self, request: PushRequest, context: RequestContext, refusal: InvalidSignature
    ) -> InvalidSignature:
        """Adds the diagnosed signing mistake to `refusal`, within the time budget."""
        secrets = context.policy.secrets if context.policy is not None else None
        if refusal.explained or len(request.body) > DIAGNOSIS_BYTES_MAX or not self._budget.take():
            return refusal
        try:
            if request.webhook_signature is not None:
                return await _in_thread(
                    self._slow, explain_hmac_mismatch, request.body, request.webhook_signature, secrets
                )
            return await _in_thread(self._slow, explain_mismatch, request.body, request.authorization, secrets)
        finally:
            self._budget.give_back()

    async def _reject(
        self, request: PushRequest, seqno: str, context: RequestContext, refusal: RequestError
    ) -> Response:
        """Writes a rejection to the request log, waits for its commit, and responds."""
        keep_body = context.park_uuid is not None and isinstance(refusal, BadRequest | ReplaceOnHold)
        entry = RejectedRequest(
            seqno,
            context.park_uuid,
            context.claimed[:CLAIMED_CHARS_MAX] if context.claimed is not None else None,
            refusal.code,
            refusal.hint,
            request.origin,
            request.body if keep_body else None,
            refusal.generation if isinstance(refusal, ReplaceOnHold) else None,
        )
        is_overload = isinstance(refusal, ServiceUnavailable | RateLimited)
        logged = (
            None
            if is_overload and not self._rejection_log_limiter.take(context.park_uuid)
            else self._committer.log_rejection(entry)
        )
        if logged is None:
            self._recorder.unlogged()
            self._unlogged.count(seqno=seqno, code=refusal.code, peer=request.peer)
            return self._respond(request.language, seqno, refusal, context.park_uuid)
        if isinstance(refusal, ServiceUnavailable):
            # The queue is overloaded: do not wait for it.
            logged.add_done_callback(lambda done: done.exception())
            return self._respond(request.language, seqno, refusal, context.park_uuid)
        try:
            await logged
        except VipgateError as error:
            log.warning("rejection not logged", seqno=seqno, code=refusal.code, reason=str(error))
        return self._respond(request.language, seqno, refusal, context.park_uuid)

    @staticmethod
    def _respond(language: Language, seqno: str, refusal: RequestError, park_uuid: str | None = None) -> Response:
        return Response(
            refusal.status,
            encode_error(seqno, refusal, language),
            refusal.retry_after_s,
            getattr(refusal, "allow", None),
            park_uuid,
        )


def _is_large(request: PushRequest) -> bool:
    return len(request.body) > INLINE_BYTES_MAX


def _needs_thread(request: PushRequest) -> bool:
    return request.webhook_signature is not None and _is_large(request)


async def _in_thread(thread: Executor, work: Callable[[*Ts], T], *args: *Ts) -> T:
    return await asyncio.get_running_loop().run_in_executor(thread, work, *args)
