"""The agent's status: written to the spool every second, read by `vipgate agent status` and monitoring."""

from __future__ import annotations

from typing import Final

import msgspec

from vipgate.agent.spool import Spool
from vipgate.support.address_masking import mask

RATE_S: Final = 10.0


class Trouble(msgspec.Struct):
    """Why a part of the agent does not work, since when, and until when: None while it lasts."""

    reason: str
    since_us: int
    over_us: int | None = None


class Status(msgspec.Struct, kw_only=True):
    """What `vipgate agent status` shows. `lag_s`: how long the oldest record has been waiting."""

    at_us: int
    acknowledged: int = 0
    rate_a_second: float = 0.0
    stock_total: int | None = None
    stock_done: int = 0
    is_stock_done: bool = False
    backlog: int = 0
    lag_s: float = 0.0
    dead: int = 0
    last_seqno: str = ""
    # By part: platform, source, reading, spool, agent. The latest trouble of each, over or not.
    troubles: dict[str, Trouble] = msgspec.field(default_factory=dict)
    read_to: str | None = None
    position: str | None = None
    recent: list[tuple[float, int]] = msgspec.field(default_factory=list)

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
        if self.is_stock_done or self.stock_total is None or not self.rate_a_second:
            return None
        return max(0, self.stock_total - self.stock_done) / self.rate_a_second


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
    for part in list(status.troubles):
        status.tell(part, "", now_us)
    return status
