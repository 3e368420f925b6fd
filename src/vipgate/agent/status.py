"""The agent's status: written to the spool every second, read by `vipgate agent status` and monitoring."""

from __future__ import annotations

from typing import Final

import msgspec

from vipgate.agent.spool import Spool
from vipgate.i18n import tr, translatable
from vipgate.support.address_masking import mask

RATE_S: Final = 10.0
# An hour of history, for the page's chart.
INTERVAL_US: Final = 120_000_000
INTERVALS_KEPT_MAX: Final = 30
REQUESTS_KEPT_MAX: Final = 10
REASON_CHARS_MAX: Final = 200


class Trouble(msgspec.Struct):
    """Why a part of the agent does not work, since when, and until when: None while it lasts."""

    reason: str
    since_us: int
    over_us: int | None = None


# Why only a sweep found a change: keys of `sweep_found`, the same in every language.
MISSED: Final = translatable("missed by the cursor")
SET_BACK: Final = translatable("time set back")
CHANGED: Final = translatable("changed")
# After the cursor's name.
IS_NULL: Final = " is NULL"


def reason_text(reason: str) -> str:
    """A reason of `sweep_found` for people."""
    if reason.endswith(IS_NULL):
        return tr("{cursor} is NULL", cursor=reason.removesuffix(IS_NULL))
    return tr(reason)


class Sweep(msgspec.Struct, kw_only=True):
    """The rounds over all rows of the source. The current round has read `rows` of `total`; the times are those of the last one.

    `found`: how many changes only a sweep found since the agent started, by reason.
    """

    rows: int = 0
    total: int | None = None
    begun_us: int | None = None
    ended_us: int | None = None
    took_s: float = 0.0
    every_s: float = 0.0
    found: dict[str, int] = msgspec.field(default_factory=dict)

    def count(self, reason: str, rows: int) -> None:
        """Counts changes that only a sweep found."""
        if rows:
            self.found[reason] = self.found.get(reason, 0) + rows

    @property
    def missed(self) -> int:
        """How many changes the cursor had passed."""
        return self.found.get(MISSED, 0)

    def truth_age_s(self, now_us: int) -> float | None:
        """Seconds since the last complete round began: all older changes were found. None before the first one."""
        return None if self.begun_us is None else max(0.0, (now_us - self.begun_us) / 1e6)


class RecentRequest(msgspec.Struct):
    """A request that the platform has answered. `reason` is empty if every row was stored."""

    at_us: int
    seqno: str
    rows: int
    reason: str = ""


class Interval(msgspec.Struct):
    """What happened in INTERVAL_US, by its number since 1970: records acknowledged, and the largest backlog."""

    number: int
    sent: int = 0
    backlog: int = 0


class Status(msgspec.Struct, kw_only=True):
    """What `vipgate agent status` shows. `lag_s`: how long the oldest record has been waiting."""

    at_us: int
    doing: str = ""
    acknowledged: int = 0
    rate_a_second: float = 0.0
    snapshot_total: int | None = None
    snapshot_done: int = 0
    is_snapshot_done: bool = False
    sweep: Sweep = msgspec.field(default_factory=Sweep)
    # What needs no remedy at once, by subject.
    warnings: dict[str, str] = msgspec.field(default_factory=dict)
    backlog: int = 0
    lag_s: float = 0.0
    dead: int = 0
    last_seqno: str = ""
    # By part: platform, source, reading, hanging, spool, agent. The latest trouble of each, over or not.
    troubles: dict[str, Trouble] = msgspec.field(default_factory=dict)
    read_to: str | None = None
    position: str | None = None
    recent: list[tuple[float, int]] = msgspec.field(default_factory=list)
    # The last requests and the last hour, oldest first. `in_history`: how many of `acknowledged` the intervals hold.
    requests: list[RecentRequest] = msgspec.field(default_factory=list)
    history: list[Interval] = msgspec.field(default_factory=list)
    in_history: int = 0

    def note_request(self, now_us: int, seqno: str, rows: int, reason: str) -> None:
        """Keeps an answered request among the last REQUESTS_KEPT_MAX."""
        self.requests.append(RecentRequest(now_us, seqno, rows, mask(reason)[:REASON_CHARS_MAX]))
        del self.requests[:-REQUESTS_KEPT_MAX]

    def note_interval(self, now_us: int) -> None:
        """Counts acknowledged records and backlog into the current interval."""
        number = now_us // INTERVAL_US
        if not self.history or self.history[-1].number != number:
            self.history.append(Interval(number))
            del self.history[:-INTERVALS_KEPT_MAX]
        current = self.history[-1]
        current.sent += self.acknowledged - self.in_history
        current.backlog = max(current.backlog, self.backlog)
        self.in_history = self.acknowledged

    def count(self, rows: int, now_s: float) -> None:
        """Counts newly acknowledged rows."""
        self.acknowledged += rows
        self.recent.append((now_s, rows))

    def rate(self, now_s: float) -> None:
        """Updates the rate."""
        while self.recent and now_s - self.recent[0][0] > RATE_S:
            del self.recent[0]
        spent_s = max(1.0, now_s - self.recent[0][0]) if self.recent else 1.0
        self.rate_a_second = round(sum(rows for _, rows in self.recent) / spent_s, 1)

    def is_in_trouble(self, part: str) -> bool:
        """Whether `part` has trouble now."""
        return part in self.troubles and self.troubles[part].over_us is None

    def tell(self, part: str, reason: str, now_us: int) -> bool:
        """Sets the trouble of a part, or ends it if `reason` is empty. Returns whether that is a change."""
        known = self.troubles.get(part)
        is_on = self.is_in_trouble(part)
        if not reason:
            if known is not None and is_on:
                known.over_us = now_us
            return is_on
        reason = mask(reason)
        if known is None or not is_on:
            self.troubles[part] = Trouble(reason, now_us)
            return True
        known.reason, before = reason, known.reason
        return reason != before

    def warn(self, subject: str, text: str) -> bool:
        """Sets a warning, or ends it if `text` is empty. Returns whether it is new."""
        is_new = bool(text) and subject not in self.warnings
        if text:
            self.warnings[subject] = mask(text)
        else:
            self.warnings.pop(subject, None)
        return is_new

    @property
    def lasting(self) -> list[Trouble]:
        """Current troubles, oldest first."""
        return sorted((one for one in self.troubles.values() if one.over_us is None), key=lambda one: one.since_us)

    @property
    def past(self) -> Trouble | None:
        """The trouble that ended last."""
        over = [one for one in self.troubles.values() if one.over_us is not None]
        return max(over, key=lambda one: one.over_us or 0, default=None)

    @property
    def trouble(self) -> str:
        """All current troubles in one text."""
        return "; ".join(one.reason for one in self.lasting)

    @property
    def eta_s(self) -> float | None:
        """Seconds until the snapshot is complete at the current rate; None if unknown."""
        if self.is_snapshot_done or self.snapshot_total is None or not self.rate_a_second:
            return None
        return max(0, self.snapshot_total - self.snapshot_done) / self.rate_a_second


def save_status(spool: Spool, status: Status) -> None:
    """Stores the status. The caller provides the transaction."""
    shown = msgspec.structs.replace(status, recent=[])
    spool.set_setting({"status": msgspec.json.encode(shown).decode()})


def load_status(spool: Spool) -> Status | None:
    """Loads the last status; None if no agent has run yet."""
    text = spool.get_setting("status")
    return None if text is None else msgspec.json.decode(text, type=Status)


def begin_status(spool: Spool, now_us: int) -> Status:
    """The status of a new run. Troubles of the previous run become past; those that last are recorded again."""
    before = load_status(spool)
    status = Status(at_us=now_us, troubles={} if before is None else before.troubles)
    if before is not None:
        status.requests, status.history = before.requests, before.history
        # What the last complete round has shown holds until the next one.
        last = before.sweep
        status.sweep = Sweep(
            total=last.total, begun_us=last.begun_us, ended_us=last.ended_us, took_s=last.took_s, every_s=last.every_s
        )
        acknowledged = spool.get_setting("snapshot_rows")
        if acknowledged is not None:
            status.snapshot_done, status.snapshot_total = int(acknowledged), before.snapshot_total
    for part in list(status.troubles):
        status.tell(part, "", now_us)
    return status
