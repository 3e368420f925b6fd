"""Answers a park that asks what the platform holds of it, in sums and lists of digests, off the road and never in its way.

One asks at a time. The whole stock is read for it, with rests as long as the reading, so that pushes keep their speed.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Final

import msgspec

from vipgate.errors import (
    BadRequest,
    FieldError,
    PayloadTooLarge,
    ServiceUnavailable,
    format_field_errors,
)
from vipgate.i18n import LocalizedText
from vipgate.protocol.digest import (
    BUCKETS,
    DigestSum,
    bucket_place,
    digest_text,
    record_digest,
    tally_buckets,
    tally_months,
)
from vipgate.store.interfaces.ledger import (
    INSTANT_US_MAX,
    Filter,
    OpenStore,
    StoredRecord,
)

# Several times what the longest question takes: it is read on the event loop.
QUERY_BYTES_MAX: Final = 512 * 1024
MONTHS_MAX: Final = 1_200
WANTED_MAX: Final = 4_096
RECORDS_PER_PAGE: Final = 10_000
WAIT_S: Final = 20.0
RUN_S_MAX: Final = 600.0
STEP_RECORDS: Final = 500

_BUSY = LocalizedText("正在为另一个车场核对; 请稍后重试", "another park is being compared; try again later")
_STOPPING = LocalizedText("平台正在停止; 请稍后重试", "the platform is stopping; try again later")
_LONG = LocalizedText("核对用时过长; 请稍后重试", "comparing took too long; try again later")


class ReconcileQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked (docs/digest.md): months; or the buckets of some; or the records of some buckets, page by page."""

    park_uuid: str
    months: list[str] | None = None
    buckets: int | None = None
    wanted: list[tuple[str, int]] | None = None
    after: Annotated[int, msgspec.Meta(ge=0, le=INSTANT_US_MAX)] = 0


_query = msgspec.json.Decoder(ReconcileQuery).decode
_is_month = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])|none", re.ASCII).fullmatch


def parse_query(text: bytes, park_uuid: str) -> ReconcileQuery:
    """The question in a body whose signature is right. Raises BadRequest, TooLarge."""
    if len(text) > QUERY_BYTES_MAX:
        words = LocalizedText(f"最多 {QUERY_BYTES_MAX} 字节", f"a question has at most {QUERY_BYTES_MAX} bytes")
        raise PayloadTooLarge(words)
    try:
        question = msgspec.structs.replace(_query(text), park_uuid=park_uuid)
    except msgspec.DecodeError as error:
        raise BadRequest(
            LocalizedText(f"请求不符合 docs/digest.md: {error}", f"not as docs/digest.md has it: {error}")
        ) from None
    faults = _faults(question)
    if faults:
        raise BadRequest(format_field_errors(faults))
    return question


def _faults(question: ReconcileQuery) -> list[FieldError]:
    faults = []
    if question.buckets not in (None, *BUCKETS):
        remedy = LocalizedText(f"应为 {BUCKETS} 之一", f"must be one of {BUCKETS}")
        faults.append(FieldError("buckets", remedy, str(question.buckets)))
    if question.buckets is None and (question.months is not None or question.wanted is not None):
        faults.append(FieldError("buckets", LocalizedText("必填", "required"), None))
    if question.buckets is not None and (question.months is None) == (question.wanted is None):
        faults.append(
            FieldError("months", LocalizedText("months 与 wanted 须有其一", "give either months or wanted"), None)
        )
    for name, given, most in (("months", question.months, MONTHS_MAX), ("wanted", question.wanted, WANTED_MAX)):
        if given is not None and len(given) > most:
            faults.append(FieldError(name, LocalizedText(f"最多 {most} 项", f"at most {most} items"), str(len(given))))
    if question.after and question.wanted is None:
        # Sums of a part of the records would pass for the sums of all.
        faults.append(
            FieldError("after", LocalizedText("只能与 wanted 同用", "goes with wanted only"), str(question.after))
        )
    named = [(f"months[{place}]", month) for place, month in enumerate(question.months or [])]
    named += [(f"wanted[{place}][0]", month) for place, (month, _) in enumerate(question.wanted or [])]
    remedy = LocalizedText("应为 2026-11 这样的月份或 none", "must be a month like 2026-11, or none")
    faults += [FieldError(place, remedy, month) for place, month in named if not _is_month(month)]
    if question.buckets is not None:
        remedy = LocalizedText(f"应为 0 到 {question.buckets - 1}", f"must be 0 to {question.buckets - 1}")
        for place, (_, bucket) in enumerate(question.wanted or []):
            if not 0 <= bucket < question.buckets:
                faults.append(FieldError(f"wanted[{place}][1]", remedy, str(bucket)))
    return faults


class ReconcileService:
    """Answers questions one at a time, in a thread and with a database connection of its own."""

    def __init__(
        self, open_store: OpenStore, clock_s: Callable[[], float], rest: Callable[[float], None] = time.sleep
    ) -> None:
        self._open_store = open_store
        self._clock_s = clock_s
        self._rest = rest
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "vipgate-digest")
        self._stopping = False

    async def answer(self, question: ReconcileQuery) -> dict[str, Any]:
        """The payload. Raises StoreError, Unavailable where others are before it for too long."""
        # Not by `wait_for`, which since Python 3.12 needs a task: this may be the first part of a request, which has none yet.
        turn = asyncio.ensure_future(self._turn.acquire())
        await asyncio.wait([turn], timeout=WAIT_S)
        if not turn.done():
            turn.cancel()
            raise ServiceUnavailable(_BUSY, retry_after_s=30)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, question)
        finally:
            self._turn.release()

    def stop(self) -> None:
        """Ends what is under way soon."""
        self._stopping = True

    def close(self) -> None:
        """Waits for that."""
        self._thread.shutdown(wait=True)

    def _work(self, question: ReconcileQuery) -> dict[str, Any]:
        store = self._open_store()
        try:
            stored = self._throttled(store.iter_records(question.park_uuid, Filter(since_us=question.after)))
            if question.buckets is None:
                found = tally_months(one.renewal for one in stored)
                return {"months": [{"month": month, **_shown(tally)} for month, tally in found.items()]}
            if question.months is not None:
                of_buckets = tally_buckets((one.renewal for one in stored), question.months, question.buckets)
                lines = [{"month": month, "bucket": at, **_shown(tally)} for (month, at), tally in of_buckets.items()]
                return {"buckets": lines}
            return _page(stored, question.wanted or [], question.buckets)
        finally:
            store.close()

    def _throttled(self, stored: Iterator[StoredRecord]) -> Iterator[StoredRecord]:
        """`stored`, with a rest after every few records as long as they took. Raises Unavailable when it takes too long."""
        end_s = self._clock_s() + RUN_S_MAX
        since_s = self._clock_s()
        for number, one in enumerate(stored, 1):
            yield one
            if number % STEP_RECORDS == 0:
                now_s = self._clock_s()
                if self._stopping:
                    raise ServiceUnavailable(_STOPPING, retry_after_s=5)
                if now_s > end_s:
                    raise ServiceUnavailable(_LONG, retry_after_s=60)
                self._rest(now_s - since_s)
                since_s = self._clock_s()


def _page(stored: Iterator[StoredRecord], wanted: list[tuple[str, int]], buckets: int) -> dict[str, Any]:
    """The records of the wanted buckets, up to a bound; `next` is where the next page begins."""
    records: list[tuple[str, str]] = []
    places = set(wanted)
    for one in stored:
        if len(records) >= RECORDS_PER_PAGE:
            return {"records": records, "next": one.position}
        if bucket_place(one.renewal, buckets) in places:
            records.append((one.renewal.pay_partner, digest_text(record_digest(one.renewal))))
    return {"records": records, "next": None}


def _shown(tally: DigestSum) -> dict[str, Any]:
    return {"count": tally.count, "pay_value": tally.pay_value, "digest": digest_text(tally.digest)}
