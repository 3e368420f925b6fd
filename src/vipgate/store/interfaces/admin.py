"""Protocol for changes by staff (reviews, retention, erasure, charge types), and `Database`, which bundles all stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from vipgate.i18n import LocalizedText
from vipgate.store.interfaces.accounts import AccountStore, AuditEntry
from vipgate.store.interfaces.ledger import Store
from vipgate.store.interfaces.queries import ChargeType, QueryStore

ERASE_CHUNK_ROWS: Final = 500
RETENTION_DAYS_MAX: Final = 36_500


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """What an erasure changed: current records, replaced versions, requests whose hint or body named the plate.

    `left_in_log`: SQLite's write-ahead log still holds the erased data because a reader needs it. Maintenance empties it later.
    """

    records: int = 0
    versions: int = 0
    requests: int = 0
    left_in_log: bool = False


class AdminStore(Protocol):
    """Changes by staff, each in one transaction with its audit entry. One thread at a time. Raises StoreError."""

    def set_retention(self, park_uuid: str, days: int | None, entry: AuditEntry) -> bool:
        """Sets for how many days plates and cards are kept after a record's end or change; None: forever. False if no such park."""

    def set_charge_address(self, park_uuid: str, address: str | None, entry: AuditEntry) -> bool:
        """Sets the URL of the park's own gateway; None removes it. False if no such park."""

    def save_charge_types(
        self, park_uuid: str, items: Sequence[ChargeType] | None, trouble: LocalizedText | None, now_us: int
    ) -> None:
        """Stores a park's charge types. `items` None: the previous list stays, only the attempt and its error are stored."""

    def review(self, park_uuid: str, pay_partner: str, flags: int, entry: AuditEntry) -> bool:
        """Clears `flags` of a current record; False if it has none of them. The record gets a new position."""

    def erase_plate(self, plate: str, park_uuid: str | None, entry: AuditEntry) -> ErasureResult:
        """Clears plate, cards, operator and extra in all records and versions of a normalized plate, chunk by chunk.

        Keys, times, money and rollups stay. Hints and kept bodies of rejected requests that name the plate are removed. Each
        changed current record gets a new position and revision, so that the change feed shows it. The audit entry is written
        first; a run after a crash finishes the erasure. If a park sends the same row again, the record stays cleared; if it
        sends a changed row, the data comes back.
        """

    def erase_expired(self, now_us: int) -> bool:
        """Erases one chunk of personal data past its park's retention; True if there may be more. Part of `run_maintenance`."""


@dataclass(frozen=True, slots=True)
class Database:
    """All stores of one database for the admin port, on one connection (SQLite) or pool (PostgreSQL)."""

    store: Store
    queries: QueryStore
    accounts: AccountStore
    admin: AdminStore
    close: Callable[[], None]
