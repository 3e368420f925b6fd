"""What staff change in the ledger, on every engine alike: reviews, charge types, the erasure of a plate."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from support.store_data import OTHER, PARK, caller, changed, charge_type, do, held, make_seqno, push, refused, renewals
from support.store_data import entry as audited
from support.store_database import Clock, Ledger
from support.store_queries import browse_of
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import FLAG_MONEY_CHANGED, FLAG_PLATE_CHANGED, FLAG_UNUSUAL_PLATE, Renewal
from vipgate.store.common.accounts import SqlAccountStore
from vipgate.store.common.admin import SqlAdminStore
from vipgate.store.common.erasure import ERASED_HINT
from vipgate.store.common.transaction import Row, Transaction, Values
from vipgate.store.interfaces.admin import AdminStore, ErasureResult
from vipgate.store.interfaces.ledger import Push, PushResult, RejectedRequest, Store

PLATE = "粤B12345"


@pytest.fixture
def store(ledger: Ledger, clock: Clock) -> Store:
    """Two parks."""
    made = ledger.another()
    for park_uuid in (PARK, OTHER):
        made.add_park(park_uuid, "", b"sealed", clock())
    return made


@pytest.fixture
def keep(store: Store, clock: Clock) -> AdminStore:
    return SqlAdminStore(store, clock)  # type: ignore[arg-type]


def actions(store: Store) -> list[tuple[str, str | None]]:
    lines = SqlAccountStore(store).audit_entries(None, None, None, 100)  # type: ignore[arg-type]
    return [(line.action, line.park_uuid) for line in lines]


def of_plate(how_many: int, plate: str = PLATE, *, seed: int = 1, first: int = 1) -> list[Renewal]:
    made = renewals(how_many, seed=seed, first=first)
    return [changed(one, plate=plate, card_no="C1", card_id="I1", operator="张三", extra='{"tel":"1"}') for one in made]


def is_empty(one: Renewal) -> bool:
    return (one.plate, one.card_no, one.card_id, one.operator, one.extra) == ("", None, None, None, None)


def test_unknown_park_is_not_changed_and_nothing_is_noted(store: Store, keep: AdminStore, clock: Clock) -> None:
    assert not keep.set_retention("nobody", 30, audited())
    assert not keep.set_charge_address("nobody", "http://gate.example/", audited())
    assert not keep.review("nobody", "1", FLAG_PLATE_CHANGED, audited())
    keep.save_charge_types("nobody", [], None, clock())
    assert actions(store) == []
    assert keep.erase_plate(PLATE, "nobody", audited("tried")) == ErasureResult()
    assert actions(store) == [("tried", None)]


def test_settings_of_a_park_come_back_and_are_noted(store: Store, keep: AdminStore) -> None:
    assert keep.set_retention(PARK, 90, audited("retention", park_uuid=PARK))
    assert keep.set_charge_address(PARK, "http://gate.example/", audited("address", park_uuid=PARK))
    more = browse_of(store).park_details(PARK)
    assert more is not None
    assert (more.retention_days, more.charge_address) == (90, "http://gate.example/")
    assert keep.set_retention(PARK, None, audited("for ever"))
    assert keep.set_charge_address(PARK, None, audited("nowhere"))
    more = browse_of(store).park_details(PARK)
    assert more is not None
    assert (more.retention_days, more.charge_address) == (None, None)
    assert [action for action, _ in actions(store)] == ["nowhere", "for ever", "address", "retention"]


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_retention_out_of_range_is_refused(keep: AdminStore, days: int) -> None:
    with pytest.raises(ValueError, match="36500"):
        keep.set_retention(PARK, days, audited())


# ---- charge types ----------------------------------------------------------------------------------------------------


def test_charge_types_are_replaced_in_the_order_of_the_park(store: Store, keep: AdminStore, clock: Clock) -> None:
    browse = browse_of(store)
    keep.save_charge_types(PARK, [charge_type(7), charge_type(1), charge_type(1, name="again")], None, clock())
    keep.save_charge_types(OTHER, [charge_type(5)], None, clock())
    assert browse.charge_types(PARK).items == [charge_type(7), charge_type(1, name="again")]
    clock.forward(5)
    keep.save_charge_types(PARK, [charge_type(3, vip_type=None, price_fen=None, extra_days=5)], None, clock())
    found = browse.charge_types(PARK)
    assert found.items == [charge_type(3, vip_type=None, price_fen=None, extra_days=5)]
    assert (found.fetched_us, found.tried_us, found.trouble) == (clock(), clock(), None)
    assert browse.charge_types(OTHER).items == [charge_type(5)]


def test_failed_try_leaves_the_list_before_and_says_why(store: Store, keep: AdminStore, clock: Clock) -> None:
    keep.save_charge_types(PARK, [charge_type(7)], None, clock())
    fetched_us = clock()
    clock.forward(5)
    keep.save_charge_types(PARK, None, LocalizedText("不通", "no line"), clock())
    found = browse_of(store).charge_types(PARK)
    assert found.items == [charge_type(7)]
    assert (found.fetched_us, found.tried_us, found.trouble) == (fetched_us, clock(), LocalizedText("不通", "no line"))
    keep.save_charge_types(PARK, [], None, clock())
    found = browse_of(store).charge_types(PARK)
    assert (found.items, found.trouble) == ([], None)


# ---- review ----------------------------------------------------------------------------------------------------------


def test_review_takes_flags_away_and_moves_the_record(store: Store, keep: AdminStore, clock: Clock) -> None:
    rows = renewals(3)
    do(store, push(rows, clock()))
    do(store, push([changed(rows[0], plate="粤B00001", pay_value_fen=1)], clock()))
    number = rows[0].pay_partner
    before = held(store)
    assert before[number].renewal.flags == FLAG_PLATE_CHANGED | FLAG_MONEY_CHANGED
    assert keep.review(PARK, number, FLAG_PLATE_CHANGED, audited("reviewed"))
    after = held(store)
    assert after[number].renewal == changed(before[number].renewal, flags=FLAG_MONEY_CHANGED)
    assert after[number].position > max(one.position for one in before.values())
    assert {key: one for key, one in after.items() if key != number} == {
        key: one for key, one in before.items() if key != number
    }
    assert not keep.review(PARK, number, FLAG_PLATE_CHANGED, audited("again"))
    assert not keep.review(PARK, rows[1].pay_partner, FLAG_PLATE_CHANGED, audited("unflagged"))
    assert not keep.review(PARK, "unknown", FLAG_PLATE_CHANGED, audited("unknown"))
    assert held(store) == after
    assert [action for action, _ in actions(store)] == ["reviewed"]
    do(store, push(renewals(1, first=50), clock()))
    assert max(one.position for one in held(store).values()) > after[number].position


# ---- erasure of a plate ----------------------------------------------------------------------------------------------


def test_erasure_empties_records_and_versions_of_all_generations_alone(
    store: Store, keep: AdminStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vipgate.store.common.erasure.ERASE_CHUNK_ROWS", 3)
    monkeypatch.setattr("vipgate.store.common.erasure.PAGE_ROWS", 4)
    mine, others = of_plate(8), of_plate(8, "粤B12346", first=100)
    do(store, push([*mine, *others], clock()))
    # Versions with the plate of records that have it no more, and the other way round.
    do(store, push([changed(one, plate="粤C00001") for one in mine[:5]], clock()))
    do(store, push([changed(one, plate=PLATE) for one in others[:2]], clock()))
    do(store, push([*mine[:4], *others], clock(), complete=True))
    do(store, push(of_plate(2), clock(), park=OTHER))
    money = store.daily(PARK)
    before = held(store)

    assert keep.erase_plate(PLATE, PARK, audited("erased", park_uuid=PARK)) == ErasureResult(
        records=9, versions=5, requests=0
    )

    after = held(store)
    touched = {one.pay_partner for one in mine[:4]}
    assert {key for key, one in after.items() if is_empty(one.renewal)} == touched
    for key in touched:
        kept = changed(before[key].renewal, plate="", card_no=None, card_id=None, operator=None, extra=None, flags=0)
        assert after[key].renewal == kept, "key, times and money stay"
        assert after[key].revision == before[key].revision + 1
        assert after[key].seqno == before[key].seqno
    assert {key: after[key] for key in after if key not in touched} == {
        key: before[key] for key in before if key not in touched
    }
    places = [after[key].position for key in touched]
    assert len(set(places)) == 4
    assert min(places) > max(one.position for one in before.values())
    assert store.daily(PARK) == money
    assert actions(store) == [("erased", PARK)]
    assert not any(is_empty(one.renewal) for one in held(store, OTHER).values())

    assert store.restore(PARK, 1, clock())
    old = held(store)
    assert {key for key, one in old.items() if is_empty(one.renewal)} == {
        *(one.pay_partner for one in mine[5:]), *(one.pay_partner for one in others[:2])
    }  # fmt: skip
    for one in mine[:5]:
        [version] = store.history(PARK, one.pay_partner)
        assert is_empty(version.stored.renewal)
        assert old[one.pay_partner].renewal.plate == "粤C00001"
    for one in others[:2]:
        [version] = store.history(PARK, one.pay_partner)
        assert version.stored.renewal.plate == "粤B12346"


def test_erasure_reaches_every_park(store: Store, keep: AdminStore, clock: Clock) -> None:
    for park_uuid in (PARK, OTHER):
        do(store, push(of_plate(2), clock(), park=park_uuid))
    assert keep.erase_plate(PLATE, None, audited()).records == 4
    assert keep.erase_plate(PLATE, None, audited()) == ErasureResult()
    assert all(is_empty(one.renewal) for park in (PARK, OTHER) for one in held(store, park).values())


def test_empty_plate_is_refused(keep: AdminStore, store: Store) -> None:
    with pytest.raises(ValueError, match="empty plate"):
        keep.erase_plate("", None, audited())
    assert actions(store) == []


def test_reader_of_the_changes_learns_of_an_erasure(store: Store, keep: AdminStore, clock: Clock) -> None:
    do(store, push([*of_plate(2), *renewals(5, first=50)], clock()))
    seen = max(one.position for one in held(store).values())
    keep.erase_plate(PLATE, PARK, audited())
    page = browse_of(store).changes(PARK, 1, seen, 100)
    assert page is not None
    assert [(is_empty(change.stored.renewal), change.position) for change in page.items] == [
        (True, seen + 1), (True, seen + 2)
    ]  # fmt: skip


def test_unusual_plate_that_is_gone_is_no_longer_remarked_on(store: Store, keep: AdminStore, clock: Clock) -> None:
    do(store, push([changed(renewals(1)[0], plate="ODD", flags=FLAG_UNUSUAL_PLATE)], clock()))
    keep.erase_plate("ODD", PARK, audited())
    assert [one.renewal.flags for one in held(store).values()] == [0]


def test_what_was_erased_stays_so_when_the_park_sends_it_again(store: Store, keep: AdminStore, clock: Clock) -> None:
    rows = of_plate(60)
    do(store, push(rows, clock()))
    keep.erase_plate(PLATE, PARK, audited())
    before = held(store)
    for size in (2, 60):
        assert do(store, push(rows[:size], clock())) == [PushResult(0, 0, size)]
    assert held(store) == before
    assert all(is_empty(one.renewal) for one in before.values())
    assert store.history(PARK, rows[0].pay_partner) == []


def test_record_that_the_park_changes_after_its_erasure_is_stored_and_not_remarked_on(
    store: Store, keep: AdminStore, clock: Clock
) -> None:
    [row] = of_plate(1)
    do(store, push([row], clock()))
    keep.erase_plate(PLATE, PARK, audited())
    longer = changed(row, quantity=9)
    assert do(store, push([longer], clock())) == [PushResult(0, 1, 0)]
    assert held(store)[row.pay_partner].renewal == changed(longer, flags=0)
    [version] = store.history(PARK, row.pay_partner)
    assert is_empty(version.stored.renewal)


def test_replace_after_an_erasure_brings_back_what_it_says(store: Store, keep: AdminStore, clock: Clock) -> None:
    rows = of_plate(2)
    do(store, push(rows, clock()))
    keep.erase_plate(PLATE, PARK, audited())
    do(store, push(rows, clock(), complete=True))
    assert [one.renewal for one in held(store).values()] == rows


def hinted(clock: Clock, got: str, body: bytes | None = None, park: str | None = PARK) -> RejectedRequest:
    words = LocalizedText(f'row[0].plate: 过长, 收到 "{got}"', f'row[0].plate: too long, got "{got}"')
    return msgspec.structs.replace(refused(clock(), park=park, body=body), hint=words)


def test_hints_and_bodies_that_name_the_plate_go(store: Store, keep: AdminStore, clock: Clock) -> None:
    by_hint = hinted(clock, "粤b·12345")
    by_body = hinted(clock, "9", b'{"plate":"\\u7ca4B12345"}')
    by_both = hinted(clock, PLATE, f'{{"plate":"{PLATE}"}}'.encode())
    neither = hinted(clock, "粤B12346", b'{"plate":"X"}')
    elsewhere = hinted(clock, PLATE, PLATE.encode(), OTHER)
    do(store, by_hint, by_body, neither, elsewhere, push(renewals(2), clock()), by_both)

    assert keep.erase_plate(PLATE, PARK, audited()) == ErasureResult(requests=3)

    def now(request: RejectedRequest) -> tuple[LocalizedText | None, bytes | None]:
        entry = store.request_log_entry(request.seqno)
        assert entry is not None
        assert entry.body_kept == (store.rejected_body(request.seqno) is not None)
        return entry.hint, store.rejected_body(request.seqno)

    assert now(by_hint) == (ERASED_HINT, None)
    assert now(by_body) == (by_body.hint, None)
    assert now(by_both) == (ERASED_HINT, None)
    assert now(neither) == (neither.hint, neither.body)
    assert now(elsewhere) == (elsewhere.hint, elsewhere.body)
    assert PLATE not in ERASED_HINT.zh + ERASED_HINT.en


class Killed(Exception):
    """The process is gone."""


class Dying:
    """A ledger whose process is killed as it begins a transaction: after so many of them."""

    def __init__(self, store: Any, transactions: int) -> None:
        self._store = store
        self._left = transactions
        self.rows: Callable[[str, Values], Sequence[Row]] = store.rows
        self.park_id: Callable[[str], int] = store.park_id
        self.list_parks = store.list_parks
        self.clear_log = store.clear_log

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        self._left -= 1
        if self._left < 0:
            raise Killed
        with self._store.transaction() as work:
            yield work


@pytest.mark.parametrize("transactions", range(1, 8))
def test_erasure_that_was_killed_is_finished_by_the_next(
    store: Store, keep: AdminStore, clock: Clock, monkeypatch: pytest.MonkeyPatch, transactions: int
) -> None:
    monkeypatch.setattr("vipgate.store.common.erasure.ERASE_CHUNK_ROWS", 2)
    rows = of_plate(5)
    do(store, push(rows, clock()), hinted(clock, PLATE, PLATE.encode()))
    do(store, push([changed(row, plate="粤C00001") for row in rows[:3]], clock()))
    with pytest.raises(Killed):
        SqlAdminStore(Dying(store, transactions), clock).erase_plate(PLATE, PARK, audited("killed"))
    assert actions(store) == [("killed", None)]
    keep.erase_plate(PLATE, PARK, audited("finished"))
    texts = str([held(store), *[store.history(PARK, row.pay_partner) for row in rows]])
    assert PLATE not in texts
    assert sum(is_empty(one.renewal) for one in held(store).values()) == 2
    places = [one.position for one in held(store).values()]
    assert len(set(places)) == len(places)
    assert keep.erase_plate(PLATE, PARK, audited()) == ErasureResult()


def test_erasure_beside_pushes_gives_every_change_a_place_of_its_own(
    ledger: Ledger, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vipgate.store.common.erasure.ERASE_CHUNK_ROWS", 5)
    do(store, push(of_plate(100), clock()))
    other = ledger.another()
    pushing = threading.Thread(
        target=lambda: [do(other, push(renewals(10, first=1_000 + 10 * turn), clock())) for turn in range(20)]
    )
    pushing.start()
    erased = SqlAdminStore(store, clock).erase_plate(PLATE, PARK, audited())  # type: ignore[arg-type]
    pushing.join()
    assert erased.records == 100
    after = held(store)
    assert len(after) == 300
    assert len({one.position for one in after.values()}) == 300
    assert sum(is_empty(one.renewal) for one in after.values()) == 100


# ---- replays ---------------------------------------------------------------------------------------------------------


def test_replay_names_the_request_that_it_repeats(store: Store, clock: Clock) -> None:
    first = refused(clock())
    said = msgspec.structs.replace(caller(clock()), replay_of=first.seqno)
    again = msgspec.structs.replace(refused(clock()), origin=said)
    good = Push(make_seqno(clock()), PARK, renewals(1), 1, False, "current", said)
    do(store, first, again, good)
    for request, of in ((first, None), (again, first.seqno), (good, first.seqno)):
        entry = store.request_log_entry(request.seqno)
        assert entry is not None
        assert entry.origin.replay_of == of
    assert browse_of(store).replays_of(PARK, first.seqno) == [again.seqno, good.seqno]


def test_replay_by_staff_does_not_pass_for_a_push_of_the_park(store: Store, clock: Clock) -> None:
    first = refused(clock())
    do(store, first)
    said = msgspec.structs.replace(caller(clock()), replay_of=first.seqno)
    rows = renewals(2)
    do(store, Push(make_seqno(clock()), PARK, rows[:1], 1, False, "current", said))
    silent = store.find_park(PARK)
    assert silent is not None
    assert (silent.records, silent.last_push_us, silent.secret_used, silent.secret_used_us) == (1, None, None, None)
    pushed_us = clock()
    do(store, push(rows[1:], pushed_us, secret_used="previous"))
    clock.forward(60)
    do(store, Push(make_seqno(clock()), PARK, renewals(1, first=9), 1, False, "current", said))
    found = store.find_park(PARK)
    assert found is not None
    assert (found.records, found.last_push_us) == (3, pushed_us)
    assert (found.secret_used, found.secret_used_us) == ("previous", pushed_us)
    assert len({one.position for one in held(store).values()}) == 3
