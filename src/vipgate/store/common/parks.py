"""Implements `Store` for parks, secrets and generations. Shared by the engines, which supply the statements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from vipgate.protocol.charset import Charset
from vipgate.store.common.accounts import write_audit_entry
from vipgate.store.common.erasure import lock_park
from vipgate.store.common.park_ids import STRANGERS, UNKNOWN_PARK, ParkIds
from vipgate.store.common.replace_policy import APPROVAL_US
from vipgate.store.common.row_mapping import read_access, read_generation, read_park
from vipgate.store.common.transaction import Row, Transaction, Values
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.ledger import Generation, Park, ParkAccess, ParkChange, Unreachable


class ParkStoreMixin(ABC):
    """The park methods of `Store`. A change and its audit entry are one transaction."""

    clock_us: Callable[[], int]
    park_ids: ParkIds

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Transaction]:
        """See `TransactionRunner.transaction`."""

    @abstractmethod
    def rows(self, name: str, values: Values) -> Sequence[Row]:
        """See `TransactionRunner.rows`."""

    def park_id(self, park_uuid: str) -> int:
        """The short key of a park; UNKNOWN_PARK if there is none, STRANGERS for the empty text."""
        if not park_uuid:
            return STRANGERS
        found = self.park_ids.known([park_uuid])
        if not found:
            rows = self.rows("find_park_id", {"park_uuid": park_uuid})
            found = {park_uuid: rows[0][0]} if rows else {}
            self.park_ids.add(found)
        return found.get(park_uuid, UNKNOWN_PARK)

    def park_access(self, park_uuid: str) -> ParkAccess | None:
        """See `Store.park_access`."""
        rows = self.rows("park_access", {"park_id": self.park_id(park_uuid)})
        return read_access(rows[0]) if rows else None

    def add_park(
        self,
        park_uuid: str,
        name: str,
        secret: bytes,
        now_us: int,
        entry: AuditEntry | None = None,
        *,
        charset: Charset = "utf-8",
    ) -> bool:
        """See `Store.add_park`."""
        values: dict[str, object] = {
            "park_uuid": park_uuid, "name": name, "charset": charset, "secret": secret, "now_us": now_us
        }  # fmt: skip
        with self.transaction() as work:
            if not work.run("add_park_key", values):
                return False
            [[values["park_id"]]] = work.rows("find_park_id", values)
            work.run("add_park", values)
            work.run("add_first_generation", values)
            _audit(work, entry)
        return True

    def find_park(self, park_uuid: str) -> Park | None:
        """See `Store.find_park`."""
        rows = self.rows("find_park", {"park_id": self.park_id(park_uuid)})
        return read_park(rows[0]) if rows else None

    def list_parks(self, after: str, limit: int) -> list[Park]:
        """See `Store.list_parks`."""
        return list(map(read_park, self.rows("list_parks", {"after": after, "limit": limit})))

    def reachable_parks(self, after: str, limit: int) -> list[Park]:
        """See `Store.reachable_parks`."""
        return self.list_parks(after, limit)

    def unreachable(self) -> Unreachable | None:
        """See `Store.unreachable`."""
        return None

    def change_park(self, park_uuid: str, change: ParkChange, entry: AuditEntry | None = None) -> bool:
        """See `Store.change_park`."""
        values = {
            "name": change.name,
            "enabled": change.enabled,
            "allow_list": None if change.allow_list is None else " ".join(change.allow_list),
            "rate_per_minute": change.rate_per_minute,
            "require_hmac": change.require_hmac,
            "hold_replaces": change.hold_replaces,
            "charset": change.charset,
            "now_us": self.clock_us(),
        }
        return self._change("change_park", park_uuid, values, entry)

    def allow_replace(self, park_uuid: str, body_sha256: str, now_us: int, entry: AuditEntry | None = None) -> bool:
        """See `Store.allow_replace`."""
        values = {"body_sha256": body_sha256, "until_us": now_us + APPROVAL_US}
        return self._change("allow_replace", park_uuid, values, entry)

    def disallow_replace(self, park_uuid: str, body_sha256: str, entry: AuditEntry | None = None) -> bool:
        """See `Store.disallow_replace`."""
        return self._change("withdraw_allowance", park_uuid, {"body_sha256": body_sha256}, entry)

    def dismiss_replace(self, park_uuid: str, body_sha256: str, entry: AuditEntry | None = None) -> bool:
        """See `Store.dismiss_replace`."""
        park_id = self.park_id(park_uuid)
        with self.transaction() as work:
            # Lock first: a push locks the park before it reads its kept bodies.
            park = lock_park(work, park_id)
            if park is None or not work.run("drop_held_bodies", park.values(body_sha256=body_sha256)):
                return False
            work.run("withdraw_allowance", park.values(body_sha256=body_sha256))
            _audit(work, entry)
        return True

    def rotate_secret(self, park_uuid: str, secret: bytes, now_us: int, entry: AuditEntry | None = None) -> bool:
        """See `Store.rotate_secret`."""
        return self._change("rotate_secret", park_uuid, {"secret": secret, "now_us": now_us}, entry)

    def retire_secret(self, park_uuid: str, entry: AuditEntry | None = None) -> bool:
        """See `Store.retire_secret`."""
        return self._change("retire_secret", park_uuid, {}, entry)

    def _change(self, name: str, park_uuid: str, values: Values, entry: AuditEntry | None) -> bool:
        place = {"park_id": self.park_id(park_uuid)}
        with self.transaction() as work:
            changed = work.run(name, {**values, **place}) > 0
            if changed:
                _audit(work, entry)
        return changed

    def generations(self, park_uuid: str) -> list[Generation]:
        """See `Store.generations`."""
        return list(map(read_generation, self.rows("generations", {"park_id": self.park_id(park_uuid)})))

    def restore(self, park_uuid: str, generation: int, now_us: int, entry: AuditEntry | None = None) -> bool:
        """See `Store.restore`."""
        values = {"park_id": self.park_id(park_uuid), "generation": generation, "now_us": now_us}
        with self.transaction() as work:
            locked = work.rows("lock_current_generation", values)
            if not locked or not work.run("revive_generation", values):
                return False
            current, records = locked[0]
            if current != generation:
                work.run("end_generation", values | {"generation": current, "records": records})
                [[records]] = work.rows("ended_generation", values)
            work.run("point_to_generation", values | {"records": records})
            _audit(work, entry)
        return True


def _audit(work: Transaction, entry: AuditEntry | None) -> None:
    if entry is not None:
        write_audit_entry(work, entry)
