"""Implements the reads of `Store` that run one statement each. Shared by the engines, which supply the statements."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence

from vipgate.store.common.erasure import BODY_INFLATED_BYTES_MAX
from vipgate.store.common.row_mapping import history_values, read_history, read_request_log_entry, read_stored
from vipgate.store.common.transaction import Row, Values
from vipgate.store.interfaces.ledger import (
    HISTORY_MAX,
    INSTANT_US_MAX,
    Filter,
    RequestLogEntry,
    StoredRecord,
    SupersededRecord,
)


class ReadStoreMixin(ABC):
    """Reads of `Store` on top of `rows`, except streams."""

    @abstractmethod
    def park_id(self, park_uuid: str) -> int:
        """See `ParkStoreMixin.park_id`."""

    @abstractmethod
    def rows(self, name: str, values: Values) -> Sequence[Row]:
        """See `TransactionRunner.rows`."""

    def _of_request(self, name: str, seqno: str) -> Sequence[Row]:
        return self.rows(name, {"seqno": seqno})

    def recent(self, park_uuid: str, plate: str | None, before: int | None, limit: int) -> list[StoredRecord]:
        """See `Store.recent`."""
        values: dict[str, object] = {"park_id": self.park_id(park_uuid), "plate": plate, "limit": limit}
        values["before"] = INSTANT_US_MAX if before is None else before
        return list(map(read_stored, self.rows("newest" if plate is None else "newest_of_plate", values)))

    def find_record(self, park_uuid: str, pay_partner: str) -> StoredRecord | None:
        """See `Store.find_record`."""
        rows = self.rows("find_record", {"park_id": self.park_id(park_uuid), "pay_partner": pay_partner})
        return read_stored(rows[0]) if rows else None

    def history(
        self, park_uuid: str, pay_partner: str, before: int | None = None, limit: int = HISTORY_MAX
    ) -> list[SupersededRecord]:
        """See `Store.history`."""
        return read_history(self.rows("history", history_values(self.park_id(park_uuid), pay_partner, before, limit)))

    def daily(self, park_uuid: str) -> dict[tuple[int, int], tuple[int, int, int]]:
        """See `Store.daily`."""
        return {row[:2]: row[2:] for row in self.rows("daily", {"park_id": self.park_id(park_uuid)})}

    def daily_answers(self, park_uuid: str) -> dict[tuple[int, str], tuple[int, int]]:
        """See `Store.daily_answers`."""
        return {row[:2]: row[2:] for row in self.rows("daily_answers", {"park_id": self.park_id(park_uuid)})}

    def request_log_entry(self, seqno: str) -> RequestLogEntry | None:
        """See `Store.request_log_entry`."""
        rows = self._of_request("request_log_entry", seqno)
        return read_request_log_entry(rows[0]) if rows else None

    def rejected_body(self, seqno: str) -> bytes | None:
        """See `Store.rejected_body`."""
        rows = self._of_request("rejected_body", seqno)
        return zlib.decompressobj().decompress(rows[0][0], BODY_INFLATED_BYTES_MAX) if rows else None


def stream_statement(park_id: int, wanted: Filter) -> tuple[str, dict[str, object]]:
    """The name and parameters of the statement behind `Store.iter_records`."""
    values: dict[str, object] = {
        "park_id": park_id,
        "since_us": 0 if wanted.since_us is None else wanted.since_us,
        "until_us": INSTANT_US_MAX if wanted.until_us is None else wanted.until_us,
        "plate": wanted.plate,
    }
    return "stream" if wanted.plate is None else "stream_plate", values
