"""Answers reconcile queries: sums and lists of digests of a park's stored records (docs/digest.md).

One query runs at a time. It reads all records of the park and pauses as long as it reads, so that pushes stay fast.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Final

import msgspec

from vipgate.errors import BadRequest, FieldError, PayloadTooLarge, ServiceUnavailable, format_field_errors
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
from vipgate.store.interfaces.ledger import INSTANT_US_MAX, Filter, OpenStore, StoredRecord

# Several times the longest valid query. Bounded because it is parsed on the event loop.
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
    """A reconcile query (docs/digest.md): all months, the buckets of some months, or the records of some buckets by page."""

    park_uuid: str
    months: list[str] | None = None
    buckets: int | None = None
    wanted: list[tuple[str, int]] | None = None
    after: Annotated[int, msgspec.Meta(ge=0, le=INSTANT_US_MAX)] = 0


_query = msgspec.json.Decoder(ReconcileQuery).decode
_is_month = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])|none", re.ASCII).fullmatch


def parse_query(text: bytes, park_uuid: str) -> ReconcileQuery:
    """Parses the query in a verified body. Raises BadRequest, PayloadTooLarge."""
    if len(text) > QUERY_BYTES_MAX:
        words = LocalizedText(f"最多 {QUERY_BYTES_MAX} 字节", f"a question has at most {QUERY_BYTES_MAX} bytes")
        raise PayloadTooLarge(words)
    try:
        query = msgspec.structs.replace(_query(text), park_uuid=park_uuid)
    except msgspec.DecodeError as error:
        raise BadRequest(
            LocalizedText(f"请求不符合 docs/digest.md: {error}", f"not as docs/digest.md has it: {error}")
        ) from None
    errors = _field_errors(query)
    if errors:
        raise BadRequest(format_field_errors(errors))
    return query


def _field_errors(query: ReconcileQuery) -> list[FieldError]:
    errors = []
    if query.buckets not in (None, *BUCKETS):
        remedy = LocalizedText(f"应为 {BUCKETS} 之一", f"must be one of {BUCKETS}")
        errors.append(FieldError("buckets", remedy, str(query.buckets)))
    if query.buckets is None and (query.months is not None or query.wanted is not None):
        errors.append(FieldError("buckets", LocalizedText("必填", "required"), None))
    if query.buckets is not None and (query.months is None) == (query.wanted is None):
        errors.append(
            FieldError("months", LocalizedText("months 与 wanted 须有其一", "give either months or wanted"), None)
        )
    for name, given, most in (("months", query.months, MONTHS_MAX), ("wanted", query.wanted, WANTED_MAX)):
        if given is not None and len(given) > most:
            errors.append(FieldError(name, LocalizedText(f"最多 {most} 项", f"at most {most} items"), str(len(given))))
    if query.after and query.wanted is None:
        # Sums over part of the records would look like sums over all.
        errors.append(
            FieldError("after", LocalizedText("只能与 wanted 同用", "goes with wanted only"), str(query.after))
        )
    named = [(f"months[{place}]", month) for place, month in enumerate(query.months or [])]
    named += [(f"wanted[{place}][0]", month) for place, (month, _) in enumerate(query.wanted or [])]
    remedy = LocalizedText("应为 2026-11 这样的月份或 none", "must be a month like 2026-11, or none")
    errors += [FieldError(place, remedy, month) for place, month in named if not _is_month(month)]
    if query.buckets is not None:
        remedy = LocalizedText(f"应为 0 到 {query.buckets - 1}", f"must be 0 to {query.buckets - 1}")
        for place, (_, bucket) in enumerate(query.wanted or []):
            if not 0 <= bucket < query.buckets:
                errors.append(FieldError(f"wanted[{place}][1]", remedy, str(bucket)))
    return errors


class ReconcileService:
    """Runs reconcile queries one at a time, in its own thread with its own database connection."""

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
        """Returns the payload. Raises StoreError, and ServiceUnavailable after WAIT_S in the queue."""
        try:
            await asyncio.wait_for(self._turn.acquire(), WAIT_S)
        except TimeoutError:
            raise ServiceUnavailable(_BUSY, retry_after_s=30) from None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, question)
        finally:
            self._turn.release()

    def stop(self) -> None:
        """Makes the running query end soon."""
        self._stopping = True

    def close(self) -> None:
        """Waits for the running query to end."""
        self._thread.shutdown(wait=True)

    def _work(self, question: ReconcileQuery) -> dict[str, Any]:
        store = self._open_store()
        try:
            stored = self._throttled(store.iter_records(question.park_uuid, Filter(since_us=question.after)))
            if question.buckets is None:
                found = tally_months(one.renewal for one in stored)
                return {"months": [{"month": month, **_shown(total)} for month, total in found.items()]}
            if question.months is not None:
                of_buckets = tally_buckets((one.renewal for one in stored), question.months, question.buckets)
                payload = [{"month": month, "bucket": at, **_shown(total)} for (month, at), total in of_buckets.items()]
                return {"buckets": payload}
            return _page(stored, question.wanted or [], question.buckets)
        finally:
            store.close()

    def _throttled(self, stored: Iterator[StoredRecord]) -> Iterator[StoredRecord]:
        """Iterates over `stored` with pauses as long as the reading. Raises ServiceUnavailable after RUN_S_MAX."""
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
    """Returns up to RECORDS_PER_PAGE records of the wanted buckets; `next` is the position of the next page."""
    records: list[tuple[str, str]] = []
    places = set(wanted)
    for one in stored:
        if len(records) >= RECORDS_PER_PAGE:
            return {"records": records, "next": one.position}
        if bucket_place(one.renewal, buckets) in places:
            records.append((one.renewal.pay_partner, digest_text(record_digest(one.renewal))))
    return {"records": records, "next": None}


def _shown(total: DigestSum) -> dict[str, Any]:
    return {"count": total.count, "pay_value": total.pay_value, "digest": digest_text(total.digest)}
