"""Limits how often somebody from whom plates are hidden may search by a plate or a card.

A mask hides little from whoever may try all that fits it. So each such search takes a token of the account's or API token's
own bucket, whether it finds something or not: enough for a person's work, too few to spell plates out. The same text again
costs nothing, since it tells nothing new: the next page, the way back, a reload. Kept in memory, in the one admin process of
a server: nobody who is limited can restart that.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

import structlog

from vipgate.errors import (
    RateLimited,
    StoreError,
)
from vipgate.gateway.settings import MASKED_SEARCHES_PER_HOUR
from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.admin import Database
from vipgate.support.token_bucket import TokenBucket

# A busy hour may take what comes back in three.
BURST_HOURS: Final = 3
TEXTS_KEPT: Final = 100
NOTED_EVERY_S: Final = 3600.0
# Only accounts and tokens that administrators made are here; those that have their whole bucket again make room first.
SEARCHERS_MAX: Final = 10_000
FLOOD: Final = "masked.flood"

Outcome = Literal["found", "missed", "refused"]
T = TypeVar("T")
log = structlog.get_logger("vipgate.staff")


@dataclass(frozen=True, slots=True)
class Searcher:
    """Whose search it is, now, and `remedy`: what else he can do where he has searched too often."""

    database: Database
    who: str
    peer: str
    now_us: int
    remedy: LocalizedText


@dataclass(slots=True)
class _Kept:
    """One account's or token's bucket, what it searched for last, and what it did since the audit log was told last."""

    bucket: TokenBucket
    texts: dict[str, None] = field(default_factory=dict)
    found: int = 0
    missed: int = 0
    refused: int = 0
    noted_s: float = -math.inf


def _uncounted(_: Outcome) -> None:
    """Where there are no metrics."""


class MaskedSearches:
    """The buckets. Safe to call from any thread."""

    def __init__(self, per_hour: int = MASKED_SEARCHES_PER_HOUR, count: Callable[[Outcome], None] = _uncounted) -> None:
        """`count` hears of each search, one at a time."""
        self._per_hour = per_hour
        self._count = count
        self._kept: dict[str, _Kept] = {}
        self._one = threading.Lock()

    def run(self, searcher: Searcher, text: str, work: Callable[[], T], hits: Callable[[T], object] = bool) -> T:
        """What `work` gives for the plate or card `text`, counted as a miss where that has no `hits`.

        Raises TooOften, and then `work` is not done.
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
        """Takes a token before the search is done, so that many at once are no way around; None where it is free."""
        now_s, told = searcher.now_us / 1e6, ""
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
            self._count("refused")
            if now_s - kept.noted_s >= NOTED_EVERY_S:
                told = f"found {kept.found}, missed {kept.missed}, refused {kept.refused}"
                kept.found = kept.missed = kept.refused = 0
                kept.noted_s = now_s
        if told:
            _note(searcher, told)
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


def _note(searcher: Searcher, told: str) -> None:
    log.warning("too many searches by plate or card", who=searcher.who, peer=searcher.peer, searches=told)
    entry = AuditEntry(
        at_us=searcher.now_us,
        who=searcher.who,
        action=FLOOD,
        park_uuid=None,
        subject=searcher.who,
        detail=told,
        peer=searcher.peer,
    )
    try:
        searcher.database.accounts.write_audit_entry(entry)
    except StoreError as error:
        # It is refused all the same; the log and the metric have it.
        log.warning("flood not audited", who=searcher.who, reason=str(error))
