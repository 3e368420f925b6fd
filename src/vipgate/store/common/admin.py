"""Implements `AdminStore`: changes by staff. Shared by the engines, which supply the statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Final, Protocol

from vipgate.i18n import LocalizedText
from vipgate.store.common.accounts import write_audit_entry
from vipgate.store.common.erasure import PlateEraser, erase_expired, lock_park
from vipgate.store.common.transaction import TransactionRunner, Values, to_json_rows
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.admin import RETENTION_DAYS_MAX, ErasureResult
from vipgate.store.interfaces.ledger import Park
from vipgate.store.interfaces.queries import ChargeType

PARKS_A_PAGE: Final = 500
# About two seconds; after that the result reports that the log still holds the erased data.
LOG_TRIES: Final = 6


class ParkLister(TransactionRunner, Protocol):
    """What `SqlAdminStore` needs of a store; every store of this package provides it."""

    def park_id(self, park_uuid: str) -> int:
        """The short key of a park, which no park has if it is unknown."""

    def list_parks(self, after: str, limit: int) -> list[Park]:
        """See `Store.list_parks`."""

    def clear_log(self, tries: int = 1) -> bool:
        """Empties the write-ahead log, which still holds erased data; False if a reader prevented it.

        `tries`: number of attempts, with a short wait in between. Writers wait for a fraction of a second.
        """


class SqlAdminStore:
    """See `AdminStore`."""

    def __init__(self, ledger: ParkLister, clock_us: Callable[[], int]) -> None:
        self._store = ledger
        self._clock_us = clock_us

    def set_retention(self, park_uuid: str, days: int | None, entry: AuditEntry) -> bool:
        """See `AdminStore.set_retention`. Raises ValueError for days out of range."""
        if days is not None and not 0 < days <= RETENTION_DAYS_MAX:
            raise ValueError(f"a retention has 1 to {RETENTION_DAYS_MAX} days, not {days}")
        return self._change("set_retention", park_uuid, {"days": days}, entry)

    def set_charge_address(self, park_uuid: str, address: str | None, entry: AuditEntry) -> bool:
        """See `AdminStore.set_charge_address`."""
        return self._change("set_charge_address", park_uuid, {"address": address}, entry)

    def _change(self, name: str, park_uuid: str, values: Values, entry: AuditEntry) -> bool:
        place = {"park_id": self._store.park_id(park_uuid)}
        with self._store.transaction() as work:
            changed = work.run(name, {**values, **place}) > 0
            if changed:
                write_audit_entry(work, entry)
        return changed

    def save_charge_types(
        self, park_uuid: str, items: Sequence[ChargeType] | None, trouble: LocalizedText | None, now_us: int
    ) -> None:
        """See `AdminStore.save_charge_types`. For a repeated id the last item counts; an unknown park is ignored."""
        park_id = self._store.park_id(park_uuid)
        with self._store.transaction() as work:
            park = lock_park(work, park_id)
            if park is None:
                return
            said = (None, None) if trouble is None else (trouble.zh, trouble.en)
            values = park.values(now_us=now_us, trouble_zh=said[0], trouble_en=said[1])
            work.run("note_charge_try", values)
            if items is None:
                return
            work.run("note_charge_types", values)
            work.run("drop_charge_types", values)
            by_id = {item.id: item for item in items}
            lines = [asdict(item) | {"place": place} for place, item in enumerate(by_id.values())]
            if lines:
                work.run("add_charge_types", {**values, "lines": to_json_rows(lines)})

    def review(self, park_uuid: str, pay_partner: str, flags: int, entry: AuditEntry) -> bool:
        """See `AdminStore.review`."""
        park_id = self._store.park_id(park_uuid)
        with self._store.transaction() as work:
            park = lock_park(work, park_id)
            if park is None:
                return False
            record = park.values(generation=park.counters.generation, pay_partner=pay_partner)
            found = work.rows("flags_of", record)
            if not found or not found[0][0] & flags:
                return False
            position = park.take_positions(1, self._clock_us())
            # The record gets another position, and with the next maintenance other card entries.
            work.run("drop_cards_of", {**record, "lines": to_json_rows([{"pay_partner": pay_partner}])})
            work.run("review", {**record, "flags": flags, "position": position})
            write_audit_entry(work, entry)
        return True

    def erase_plate(self, plate: str, park_uuid: str | None, entry: AuditEntry) -> ErasureResult:
        """See `AdminStore.erase_plate`. Raises ValueError for an empty plate."""
        if not plate:
            raise ValueError("an empty plate is that of every erased record")
        with self._store.transaction() as work:
            write_audit_entry(work, entry)
        total = ErasureResult()
        for one in self._all_parks() if park_uuid is None else (park_uuid,):
            erased = PlateEraser(self._store, self._store.park_id(one), plate).erase(self._clock_us())
            total = ErasureResult(
                total.records + erased.records, total.versions + erased.versions, total.requests + erased.requests
            )
        return replace(total, left_in_log=not self._store.clear_log(LOG_TRIES))

    def _all_parks(self) -> Iterator[str]:
        after = ""
        while page := self._store.list_parks(after, PARKS_A_PAGE):
            for park in page:
                yield park.park_uuid
            after = page[-1].park_uuid

    def erase_expired(self, now_us: int) -> bool:
        """See `AdminStore.erase_expired`."""
        return erase_expired(self._store, now_us)
