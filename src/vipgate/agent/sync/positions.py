"""Stores how far the source is read and acknowledged: by the cursor (changes), and by the key (the snapshot).

`floor` is read by the cursor, `position` acknowledged; `snapshot_at` is acknowledged by the key.
"""

from __future__ import annotations

import structlog

from vipgate.agent.sources.base import Key, dump_cursor, load_cursor
from vipgate.agent.spool import Spool

log = structlog.get_logger()


class Positions:
    """The positions in the spool. `mapping` identifies the configuration: another one begins a snapshot."""

    def __init__(self, spool: Spool, mapping: str) -> None:
        self._spool = spool
        self._mapping = mapping

    # ---- changes ---------------------------------------------------------------------------------------------------------

    def read_to(self, cursor: tuple[tuple[str, ...], ...] | None) -> str | None:
        """The position up to which changes were read; None if it belongs to another cursor. Stores the cursor's name."""
        names = repr(cursor)
        if self._spool.get_setting("cursor") != names:
            with self._spool.transaction():
                self._spool.set_setting({"cursor": names, "floor": None, "position": None})
            return None
        return self._spool.get_setting("floor")

    def note_read(self, position: str) -> None:
        """Stores up to where changes were read."""
        if position != self._spool.get_setting("floor"):
            with self._spool.transaction():
                self._spool.set_setting({"floor": position})
            self.note_acknowledged()

    def note_acknowledged(self) -> None:
        """Stores the last position read as acknowledged once nothing waits any more."""
        floor = self._spool.get_setting("floor")
        if (
            floor
            and self._spool.get_setting("snapshot_done")
            and self._spool.get_setting("position") != floor
            and self._spool.next_due_us() is None
        ):
            with self._spool.transaction():
                self._spool.set_setting({"position": floor})

    # ---- the snapshot ----------------------------------------------------------------------------------------------------

    def is_snapshot_done(self) -> bool:
        """Whether the snapshot of this configuration is acknowledged."""
        return self._spool.get_setting("snapshot_done") == self._mapping

    def begin_snapshot(self, now_us: int, *, is_fresh: bool) -> int:
        """Notes the beginning of a snapshot unless one goes on. Returns when it began."""
        begun = self._spool.get_setting("snapshot_begun_us")
        if self._spool.get_setting("snapshot_mapping") != self._mapping or begun is None or is_fresh:
            if self._spool.get_setting("snapshot_done") is not None:
                log.info("the configuration has changed: all rows are compared with what was sent")
            with self._spool.transaction():
                self._spool.set_setting({
                    "snapshot_mapping": self._mapping, "snapshot_begun_us": str(now_us), "snapshot_at": None,
                    "snapshot_rows": "0",
                })  # fmt: skip
            begun = str(now_us)
        return int(begun)

    def snapshot_at(self) -> tuple[Key | None, int]:
        """The key up to which the snapshot is acknowledged, and how many rows that are."""
        at = self._spool.get_setting("snapshot_at")
        return load_cursor(at) if at else None, int(self._spool.get_setting("snapshot_rows") or 0)

    def move_snapshot(self, end: Key, rows: int) -> None:
        """Stores the key up to which the snapshot is acknowledged, and how many rows that are."""
        with self._spool.transaction():
            self._spool.set_setting({"snapshot_at": dump_cursor(end), "snapshot_rows": str(rows)})
