"""How an agent is doing: written into the spool every second, read by `vipgate agent status` and by whoever watches it."""

from __future__ import annotations

from typing import Final

import msgspec

from vipgate.agent.spool import Spool

RATE_S: Final = 10.0


class Status(msgspec.Struct, kw_only=True):
    """All that an operator asks first. `lag_s`: how long the oldest record has been waiting."""

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
    trouble: str = ""
    source_trouble: str = ""
    spool_trouble: str = ""
    read_to: str | None = None
    position: str | None = None
    recent: list[tuple[float, int]] = msgspec.field(default_factory=list)

    def count(self, rows: int, now_s: float) -> None:
        """So many more rows are acknowledged."""
        self.acknowledged += rows
        self.recent.append((now_s, rows))

    def rate(self, now_s: float) -> None:
        """Brings the rate up to date."""
        while self.recent and now_s - self.recent[0][0] > RATE_S:
            del self.recent[0]
        spent_s = max(1.0, now_s - self.recent[0][0]) if self.recent else 1.0
        self.rate_a_second = round(sum(rows for _, rows in self.recent) / spent_s, 1)

    @property
    def eta_s(self) -> float | None:
        """Until the stock is through, at the present rate; None where that cannot be told."""
        if self.is_stock_done or self.stock_total is None or not self.rate_a_second:
            return None
        return max(0, self.stock_total - self.stock_done) / self.rate_a_second


def save_status(spool: Spool, status: Status) -> None:
    """In a transaction of the caller's."""
    shown = msgspec.structs.replace(status, recent=[])
    spool.set_meta({"status": msgspec.json.encode(shown).decode()})


def load_status(spool: Spool) -> Status | None:
    """What the agent wrote last; None where none has run yet."""
    text = spool.meta("status")
    return None if text is None else msgspec.json.decode(text, type=Status)
