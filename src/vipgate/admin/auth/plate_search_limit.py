"""Limits searches by plate or card for accounts and API tokens that see masked plates.

A mask hides little if every plate that fits it can be tried. So each such search takes a token from the searcher's bucket,
found or not: enough for a person's work, too few to spell out plates. Repeating a text is free, because the next page or a
reload reveals nothing new. The state is in memory, in the server's one admin process, which limited users cannot restart.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

import structlog

from vipgate.errors import RateLimited, StoreError
from vipgate.gateway.settings import MASKED_SEARCHES_PER_HOUR
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.admin import Database
from vipgate.support.token_bucket import TokenBucket

# A busy hour may use the tokens of three hours.
BURST_HOURS: Final = 3
TEXTS_KEPT: Final = 100
NOTED_EVERY_S: Final = 3600.0
# Only accounts and tokens made by administrators are kept; when full, those with a full bucket are dropped.
SEARCHERS_MAX: Final = 10_000
FLOOD: Final = "masked.flood"

Outcome = Literal["found", "missed", "rejected"]
T = TypeVar("T")
log = structlog.get_logger("vipgate.staff")


@dataclass(frozen=True, slots=True)
class Searcher:
    """Who searches, and when. `remedy`: what the user can do after too many searches."""

    database: Database
    who: str
    peer: str
    now_us: int
    remedy: LocalizedText


@dataclass(slots=True)
class _Kept:
    """A searcher's bucket, its last texts, and its counts since the last audit entry."""

    bucket: TokenBucket
    texts: dict[str, None] = field(default_factory=dict)
    found: int = 0
    missed: int = 0
    refused: int = 0
    noted_s: float = -math.inf


def _uncounted(_: Outcome) -> None:
    """Counts nothing: for use without metrics."""


class MaskedSearches:
    """The rate limiter: one bucket per searcher. Thread-safe."""

    def __init__(self, per_hour: int = MASKED_SEARCHES_PER_HOUR, count: Callable[[Outcome], None] = _uncounted) -> None:
        """`count` is called with the outcome of each search, never concurrently."""
        self._per_hour = per_hour
        self._count = count
        self._kept: dict[str, _Kept] = {}
        self._one = threading.Lock()

    def run(self, searcher: Searcher, text: str, work: Callable[[], T], hits: Callable[[T], object] = bool) -> T:
        """Runs `work`, the search for the plate or card `text`; counts it as missed if its result has no `hits`.

        Raises RateLimited without running `work`.
        """
        kept = self._begin(searcher, text)
        if kept is None:
            return work()
        found: object = True
        try:
            given = work()
            found = hits(given)
            return given
        finally:
            with self._one:
                self._count("found" if found else "missed")
                kept.found, kept.missed = kept.found + bool(found), kept.missed + (not found)

    def _begin(self, searcher: Searcher, text: str) -> _Kept | None:
        """Takes a token before the search, so that parallel searches cannot bypass the limit; None if the search is free."""
        now_s, summary = searcher.now_us / 1e6, ""
        with self._one:
            kept = self._kept_of(searcher.who, now_s)
            if text in kept.texts:
                return None
            wait_s = kept.bucket.wait_s(now_s)
            if not wait_s:
                kept.texts[text] = None
                if len(kept.texts) > TEXTS_KEPT:
                    del kept.texts[next(iter(kept.texts))]
                return kept
            kept.refused += 1
            self._count("rejected")
            if now_s - kept.noted_s >= NOTED_EVERY_S:
                summary = f"found {kept.found}, missed {kept.missed}, refused {kept.refused}"
                kept.found = kept.missed = kept.refused = 0
                kept.noted_s = now_s
        if summary:
            _report(searcher, summary)
        minutes, remedy = math.ceil(wait_s / 60), searcher.remedy
        raise RateLimited(
            LocalizedText(
                f"车牌隐藏时，每小时最多按车牌或卡号查找 {self._per_hour} 次；请 {minutes} 分钟后重试，或{remedy.zh}",
                f"while plates are hidden, {self._per_hour} searches an hour by plate or card are allowed; "
                f"try again in {minutes} min, or {remedy.en}",
            ),
            retry_after_s=math.ceil(wait_s),
        )

    def _kept_of(self, who: str, now_s: float) -> _Kept:
        kept = self._kept.get(who)
        if kept is None:
            if len(self._kept) >= SEARCHERS_MAX:
                self._kept = {one: other for one, other in self._kept.items() if not other.bucket.is_full(now_s)}
            bucket = TokenBucket(BURST_HOURS * self._per_hour, 3600 / self._per_hour, now_s)
            kept = self._kept[who] = _Kept(bucket)
        return kept


def _report(searcher: Searcher, summary: str) -> None:
    log.warning("too many searches by plate or card", who=searcher.who, peer=searcher.peer, searches=summary)
    entry = AuditEntry(
        at_us=searcher.now_us,
        who=searcher.who,
        action=FLOOD,
        park_uuid=None,
        subject=searcher.who,
        detail=summary,
        peer=searcher.peer,
    )
    try:
        searcher.database.accounts.write_audit_entry(entry)
    except StoreError as error:
        # The search is rejected all the same; log and metric have it.
        log.warning("audit entry not written", who=searcher.who, reason=str(error))
