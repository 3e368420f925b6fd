"""Implements `QueryStore` except records: request log, changes, daily totals, parks. Shared by all engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import FLAG_NAMES
from vipgate.protocol.seqno import seqno_prefix
from vipgate.store.common.held_replaces import read_held
from vipgate.store.common.record_queries import ALL_FLAGS, ParkRow, RecordQueries, sums_with
from vipgate.store.common.row_mapping import read_park, read_request_log_entry, read_stored
from vipgate.store.interfaces.ledger import HISTORY_MAX, Filter, Generation, Park, Store, StoredRecord, SupersededRecord
from vipgate.store.interfaces.queries import (
    PAGE_ITEMS_MAX,
    SCAN_ROWS_MAX,
    SIGNATURES_SCANNED_MAX,
    Change,
    ChangePage,
    ChargeType,
    ChargeTypes,
    DailyAnswers,
    DailyMoney,
    HeldReplace,
    ParkDetails,
    RequestLogPage,
    RequestLogQuery,
    Signatures,
)

FLAGGED_COUNT_MAX: Final = 10_000
REPLAYS_MAX: Final = 100
CHARGE_TYPES_MAX: Final = 10_000
_LAST_SEQNO: Final = ":"  # follows every digit
_SUCCESS: Final = "1001"


class Queries(RecordQueries):
    """See `QueryStore`. Runs the named statements of an engine's queries*.sql."""

    def __init__(self, store: Store, sql: Mapping[str, str], park_id: Callable[[str], int]) -> None:
        super().__init__(sql, park_id)
        self._store = store

    # ---- request log ----

    def request_log(self, query: RequestLogQuery, before: str | None, limit: int) -> RequestLogPage:
        """See `QueryStore.request_log`."""
        name = "newest_rejected" if query.refused or query.code not in (None, _SUCCESS) else "newest_requests"
        rows_max = min(limit, PAGE_ITEMS_MAX)
        since = "" if query.since_us is None else seqno_prefix(query.since_us)
        until = _LAST_SEQNO if query.until_us is None else seqno_prefix(query.until_us)
        values: dict[str, object] = {
            "park_uuid": "" if query.strangers else query.park_uuid,
            "code": query.code,
            "since": since,
            "before": until if before is None else min(before, until),
        }
        last = None
        if query.code is not None:
            end = self._rows(f"{name}_floor", values | {"skip": SCAN_ROWS_MAX - 1})
            last = end[0][0] if len(end) > 1 else None
        rows = self._rows(name, values | {"floor": last or since, "limit": rows_max + 1})
        items = [read_request_log_entry(row) for row in rows[:rows_max]]
        return RequestLogPage(items, items[-1].seqno if items and len(rows) > rows_max else last)

    def replays_of(self, park_uuid: str, seqno: str) -> list[str]:
        """See `QueryStore.replays_of`."""
        values = {"park_uuid": park_uuid, "seqno": seqno, "limit": REPLAYS_MAX}
        return [row[0] for row in self._rows("replays_of", values)]

    # ---- changes and whole parks ----

    def changes(self, park_uuid: str, generation: int | None, after: int, limit: int) -> ChangePage | None:
        """See `QueryStore.changes`."""
        park = self._store.find_park(park_uuid)
        if park is None:
            return None
        rows_max = min(limit, PAGE_ITEMS_MAX)
        values = {
            "park_uuid": park_uuid,
            "generation": park.generation,
            "after": after if generation in (None, park.generation) else 0,
            "limit": rows_max + 1,
        }
        changed = list(map(read_stored, self._rows("changes", values)))
        items = [Change(position=stored.position, stored=stored) for stored in changed[:rows_max]]
        return ChangePage(park.generation, items, len(changed) > rows_max)

    def iter_park(self, park_uuid: str) -> Iterator[StoredRecord]:
        """See `QueryStore.iter_park`."""
        return self._store.iter_records(park_uuid, Filter())

    def history_of(
        self, park_uuid: str, pay_partner: str, before: int | None = None, limit: int = HISTORY_MAX
    ) -> list[SupersededRecord]:
        """See `QueryStore.history_of`."""
        return self._store.history(park_uuid, pay_partner, before, limit)

    def generations_of(self, park_uuid: str) -> list[Generation]:
        """See `QueryStore.generations_of`."""
        return self._store.generations(park_uuid)

    # ---- rollups ----

    def money_by_day(self, park_uuid: str | None, since_day: int, until_day: int) -> list[DailyMoney]:
        """See `QueryStore.money_by_day`."""
        return [
            DailyMoney(day=day, pay_type=pay_type, inserted=inserted, updated=updated, pay_value_fen=pay_value_fen)
            for day, pay_type, inserted, updated, pay_value_fen in self._rows(
                "money_by_day", _days(park_uuid, since_day, until_day)
            )
        ]

    def answers_by_day(self, park_uuid: str | None, since_day: int, until_day: int) -> list[DailyAnswers]:
        """See `QueryStore.answers_by_day`."""
        rows = self._rows("answers_by_day", _days(park_uuid, since_day, until_day))
        return [_answers((day, park_uuid, *counted)) for day, *counted in rows]

    def answers_by_park(self, since_day: int, until_day: int) -> list[DailyAnswers]:
        """See `QueryStore.answers_by_park`."""
        return list(map(_answers, self._rows("answers_by_park", _days(None, since_day, until_day))))

    def daily_totals(self, since_day: int, until_day: int) -> int:
        """See `QueryStore.daily_totals`."""
        days = _days(None, since_day, until_day)
        return sum(int(self._rows(name, days)[0][0]) for name in ("sum_of_money", "sum_of_answers"))

    def flagged(self, park_uuid: str | None) -> dict[int, int]:
        """See `QueryStore.flagged`."""
        values = {"park_uuid": park_uuid, "most": FLAGGED_COUNT_MAX}
        counts = {flags: self._rows("count_flagged", values | {"flag": flags})[0][0] for flags in sums_with(ALL_FLAGS)}
        return {
            flag: min(sum(count for flags, count in counts.items() if flags & flag), FLAGGED_COUNT_MAX)
            for flag in FLAG_NAMES
        }

    # ---- parks ----

    def search_parks(self, text: str, after: str, limit: int) -> list[Park]:
        """See `QueryStore.search_parks`."""
        values = {"text": text, "after": after, "limit": min(limit, PAGE_ITEMS_MAX)}
        return list(map(read_park, self._rows("search_parks", values)))

    def held_replaces(self, park_uuid: str | None, since_us: int, limit: int) -> list[HeldReplace]:
        """See `QueryStore.held_replaces`."""
        values = {"park_uuid": park_uuid, "since": seqno_prefix(since_us), "limit": min(limit, PAGE_ITEMS_MAX)}
        return read_held(self._rows, values)

    def signatures(self, park_uuid: str, since_us: int) -> Signatures:
        """See `QueryStore.signatures`."""
        values = {"park_uuid": park_uuid, "since": seqno_prefix(since_us), "most": SIGNATURES_SCANNED_MAX}
        [[by_hmac, by_md5, *last]] = self._rows("signatures_of", values)
        md5_us, pushed_us = [at_us if at_us is not None and at_us >= since_us else None for at_us in last]
        return Signatures(hmac=by_hmac, md5=by_md5, md5_us=md5_us, pushed=pushed_us is not None)

    def park_details(self, park_uuid: str) -> ParkDetails | None:
        """See `QueryStore.park_details`."""
        rows = self._rows("park_more", {"park_uuid": park_uuid})
        if not rows:
            return None
        position, days, address = rows[0][:3]
        return ParkDetails(park_uuid=park_uuid, position=position, retention_days=days, charge_address=address)

    def charge_types(self, park_uuid: str) -> ChargeTypes:
        """See `QueryStore.charge_types`."""
        values = {"park_uuid": park_uuid, "limit": CHARGE_TYPES_MAX}
        heads = self._rows("park_more", values)
        address, fetched_us, tried_us, zh, en = heads[0][2:] if heads else (None,) * 5
        items = [_charge_type(row) for row in self._rows("charge_types_of", values)]
        trouble = None if zh is None else LocalizedText(zh, en)
        return ChargeTypes(address=address, items=items, fetched_us=fetched_us, tried_us=tried_us, trouble=trouble)

    def parks_for_charge_types(self, before_us: int, limit: int) -> Sequence[str]:
        """See `QueryStore.parks_for_charge_types`."""
        values = {"before_us": before_us, "limit": min(limit, PAGE_ITEMS_MAX)}
        return [row[0] for row in self._rows("parks_for_charge_types", values)]


def _days(park_uuid: str | None, since_day: int, until_day: int) -> dict[str, object]:
    return {"park_uuid": park_uuid, "since_day": since_day, "until_day": until_day}


def _answers(row: ParkRow) -> DailyAnswers:
    day, park_uuid, code, requests, received = row
    return DailyAnswers(day=day, park_uuid=park_uuid, code=code, requests=requests, received=received)


def _charge_type(row: ParkRow) -> ChargeType:
    return ChargeType(
        id=row[0],
        name=row[1],
        desc=row[2],
        vip_type=row[3],
        price_fen=row[4],
        extra_days=row[5],
        create_time=row[6],
        update_time=row[7],
    )
