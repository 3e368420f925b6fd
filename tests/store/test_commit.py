"""What a commit promises, on every engine: all or nothing, once, in order, with history, journal and rollups in step."""

from __future__ import annotations

import pytest

from support.store_data import OTHER, PARK, changed, do, held, push, refused, renewals
from support.store_database import Clock, Ledger
from vipgate.errors import StoreError
from vipgate.protocol.renewal import FLAG_MONEY_CHANGED, FLAG_PLATE_CHANGED, FLAG_UNUSUAL_PLATE
from vipgate.store.interfaces.ledger import HISTORY_MAX, PushResult, Store


@pytest.fixture(autouse=True)
def parks(store: Store, clock: Clock) -> None:
    for park_uuid in (PARK, OTHER):
        assert store.add_park(park_uuid, "", b"sealed", clock())


def test_new_records_are_inserted_and_read_back_as_they_were(store: Store, clock: Clock) -> None:
    rows = renewals(1_234)
    request = push(rows, clock())
    assert do(store, request) == [PushResult(1_234, 0, 0)]
    found = held(store)
    assert [found[row.pay_partner].renewal for row in rows] == rows
    assert {(one.revision, one.seqno) for one in found.values()} == {(1, request.seqno)}


def test_every_kind_of_value_survives_the_database(store: Store, clock: Clock) -> None:
    plain = renewals(1)[0]
    odd = changed(
        plain,
        pay_partner="𠮷'\"\\ 99999999999999999999",
        plate="粤B·"[:2] + "12345",
        plate_color=-1,
        card_no=None,
        card_id="卡",
        quantity=10**9,
        value_e4=-(10**16 - 1),
        pay_time_ms=4_133_980_799_999,
        renewal_start_time_us=-62_135_596_800_000_000,
        renewal_end_time_us=253_402_300_799_999_999,
        pay_value_fen=10**12,
        operator="操作员",
        extra='{"note":"a\\u0000b","n":123456789012345678901234567890.10}',
        flags=FLAG_UNUSUAL_PLATE,
    )
    do(store, push([odd], clock()))
    assert held(store)[odd.pay_partner].renewal == odd


def test_resent_batch_changes_nothing(store: Store, clock: Clock) -> None:
    rows = renewals(300)
    first = push(rows, clock())
    do(store, first)
    clock.forward(60)
    assert do(store, push(rows, clock())) == [PushResult(0, 0, 300)]
    assert {one.seqno for one in held(store).values()} == {first.seqno}


def test_rows_sent_twice_in_one_request_count_as_unchanged(store: Store, clock: Clock) -> None:
    assert do(store, push(renewals(2), clock(), received=5)) == [PushResult(2, 0, 3)]


def test_newest_version_wins_and_the_old_one_is_history(store: Store, clock: Clock) -> None:
    old = renewals(1)[0]
    new = changed(old, operator="王五")
    first, second = push([old], clock()), push([new], clock())
    do(store, first)
    assert do(store, second) == [PushResult(0, 1, 0)]
    now = held(store)[old.pay_partner]
    assert (now.renewal, now.revision, now.seqno) == (new, 2, second.seqno)
    [before] = store.history(PARK, old.pay_partner)
    assert (before.stored.renewal, before.stored.revision) == (old, 1)
    assert (before.stored.seqno, before.replaced_seqno) == (first.seqno, second.seqno)


@pytest.mark.parametrize(
    ("members", "flag"),
    [
        ({"plate": "粤B99999"}, FLAG_PLATE_CHANGED),
        ({"pay_value_fen": 1}, FLAG_MONEY_CHANGED),
        ({"value_e4": 10_000}, FLAG_MONEY_CHANGED),
        ({"operator": "王五"}, 0),
    ],
)
def test_changed_plate_or_money_is_flagged(store: Store, clock: Clock, members: dict[str, object], flag: int) -> None:
    old = changed(renewals(1)[0], value_e4=None)
    do(store, push([old], clock()))
    do(store, push([changed(old, **members)], clock()))
    assert held(store)[old.pay_partner].renewal.flags == flag


def test_flag_of_a_conflict_stays_through_later_versions(store: Store, clock: Clock) -> None:
    old = renewals(1)[0]
    for version in (old, changed(old, pay_value_fen=1), changed(old, pay_value_fen=1, operator="王五")):
        do(store, push([version], clock()))
    assert held(store)[old.pay_partner].renewal.flags == FLAG_MONEY_CHANGED


def test_history_is_read_page_by_page_and_never_beyond_its_bound(store: Store, clock: Clock) -> None:
    row = renewals(1)[0]
    do(store, *[push([changed(row, quantity=number)], clock()) for number in range(HISTORY_MAX + 6)])
    assert len(store.history(PARK, row.pay_partner)) == HISTORY_MAX
    assert len(store.history(PARK, row.pay_partner, None, 10**6)) == HISTORY_MAX
    found: list[int] = []
    before = None
    while page := store.history(PARK, row.pay_partner, before, 300):
        before = page[0].stored.revision
        found = [one.stored.renewal.quantity for one in page] + found
    assert found == list(range(HISTORY_MAX + 5))


def test_same_order_number_twice_in_a_group_takes_effect_in_order(store: Store, clock: Clock) -> None:
    old = renewals(1)[0]
    middle, new = changed(old, operator="二"), changed(old, operator="三")
    outcomes = do(store, *[push([version], clock()) for version in (old, middle, middle, new)])
    assert outcomes == [PushResult(1, 0, 0), PushResult(0, 1, 0), PushResult(0, 0, 1), PushResult(0, 1, 0)]
    assert held(store)[old.pay_partner].renewal.operator == "三"
    assert [one.stored.renewal.operator for one in store.history(PARK, old.pay_partner)] == [old.operator, "二"]


def test_group_of_new_resent_and_changed_rows_counts_each_request_by_itself(store: Store, clock: Clock) -> None:
    rows = renewals(30)
    do(store, push(rows[:10], clock()))
    mixed = [*rows[5:10], changed(rows[0], operator="王五"), *rows[10:15]]
    assert do(store, push(rows[20:], clock()), push(mixed, clock()), push(rows[:1], clock(), park=OTHER)) == [
        PushResult(10, 0, 0),
        PushResult(5, 1, 5),
        PushResult(1, 0, 0),
    ]


@pytest.mark.parametrize("known_first", [True, False])
@pytest.mark.parametrize("known", [0, 1, 150, 299])
def test_large_batch_partly_sent_before_counts_and_keeps_every_row(
    store: Store, clock: Clock, known: int, known_first: bool
) -> None:
    rows = renewals(300)
    do(store, push(rows[:known], clock()))
    sent = [changed(row, operator="王五") if place % 7 == 0 else row for place, row in enumerate(rows)]
    differ = sum(row.operator != before.operator for row, before in zip(sent[:known], rows[:known], strict=True))
    resent = sent if known_first else sent[::-1]
    assert do(store, push(resent, clock())) == [PushResult(300 - known, differ, known - differ)]
    assert [held(store)[row.pay_partner].renewal for row in sent] == sent
    park = store.find_park(PARK)
    assert park is not None
    assert park.records == 300


def test_same_order_number_in_two_parks_is_two_records(store: Store, clock: Clock) -> None:
    row = renewals(1)[0]
    do(store, push([row], clock()), push([changed(row, plate="粤C00001")], clock(), park=OTHER))
    assert held(store)[row.pay_partner].renewal.plate == row.plate
    assert held(store, OTHER)[row.pay_partner].renewal.plate == "粤C00001"


def test_replace_hides_the_old_generation_and_shows_only_its_own_rows(store: Store, clock: Clock) -> None:
    rows = renewals(20)
    do(store, push(rows[:10], clock()))
    do(store, push(rows[8:12], clock(), complete=True))
    assert set(held(store)) == {row.pay_partner for row in rows[8:12]}
    assert {one.revision for one in held(store).values()} == {1}


def test_replace_in_the_middle_of_a_group_parts_before_from_after(store: Store, clock: Clock) -> None:
    rows = renewals(3)
    do(store, push(rows[:1], clock()), push(rows[1:2], clock(), complete=True), push(rows[2:], clock()))
    assert set(held(store)) == {row.pay_partner for row in rows[1:]}
    sizes = [(one.generation, one.records, one.current) for one in store.generations(PARK)]
    assert sizes == [(2, 2, True), (1, 1, False)]


def test_each_generation_keeps_its_count_when_another_becomes_current(store: Store, clock: Clock) -> None:
    def counts() -> list[tuple[int, int, bool]]:
        park = store.find_park(PARK)
        assert park is not None
        found = [(one.generation, one.records, one.current) for one in store.generations(PARK)]
        assert [park.records] == [records for _, records, current in found if current]
        return found

    rows = renewals(20)
    do(store, push(rows[:10], clock()))
    # Records of the first generation are still pending when the second starts, and of that when the third starts.
    do(
        store,
        push(rows[10:11], clock()),
        push(rows[:2], clock(), complete=True),
        push(rows[:4], clock(), complete=True),
    )
    assert counts() == [(3, 4, True), (2, 2, False), (1, 11, False)]
    assert store.restore(PARK, 1, clock())
    assert store.restore(PARK, 1, clock()), "it is the current one already"
    do(store, push(rows[:13], clock()))
    assert counts() == [(3, 4, False), (2, 2, False), (1, 13, True)]
    assert store.restore(PARK, 3, clock())
    do(store, push(rows[:5], clock()))
    assert counts() == [(3, 5, True), (2, 2, False), (1, 13, False)]


def test_restored_generation_is_back_whole_and_takes_new_records(store: Store, clock: Clock) -> None:
    rows = renewals(20)
    do(store, push(rows[:10], clock()))
    do(store, push(rows[10:12], clock(), complete=True))
    assert store.restore(PARK, 1, clock())
    assert set(held(store)) == {row.pay_partner for row in rows[:10]}
    do(store, push(rows[15:], clock()))
    assert len(held(store)) == 15
    do(store, push(rows[:1], clock(), complete=True))
    assert [one.generation for one in store.generations(PARK)] == [3, 2, 1]


def test_restore_by_another_process_counts_for_the_next_push(ledger: Ledger, store: Store, clock: Clock) -> None:
    rows = renewals(3)
    do(store, push(rows[:1], clock()), push(rows[1:2], clock(), complete=True))
    ledger.another().restore(PARK, 1, clock())
    do(store, push(rows[2:], clock()))
    assert set(held(store)) == {rows[0].pay_partner, rows[2].pay_partner}


def test_restore_of_a_generation_that_is_not_there_is_refused(store: Store, clock: Clock) -> None:
    do(store, push(renewals(3), clock()))
    assert not store.restore(PARK, 7, clock())
    assert len(held(store)) == 3


def test_one_bad_request_does_not_fail_its_group(store: Store, clock: Clock) -> None:
    rows = renewals(3)
    good, bad, last = push(rows[:1], clock()), push(rows[1:2], clock(), park="nobody"), push(rows[2:], clock())
    outcomes = store.commit([good, bad, last])
    assert isinstance(outcomes[1], StoreError)
    assert (outcomes[0], outcomes[2]) == (PushResult(1, 0, 0), PushResult(1, 0, 0))
    assert set(held(store)) == {rows[0].pay_partner, rows[2].pay_partner}


def test_positions_grow_with_every_change_even_when_the_clock_goes_back(store: Store, clock: Clock) -> None:
    rows = renewals(4)
    do(store, push(rows[:2], clock()))
    clock.forward(-3600)
    do(store, push(rows[2:], clock()), push([changed(rows[0], operator="王五")], clock()))
    ordered = sorted(held(store).values(), key=lambda one: one.position)
    assert [one.renewal.pay_partner for one in ordered] == [rows[index].pay_partner for index in (1, 2, 3, 0)]
    assert len({one.position for one in ordered}) == 4


def test_request_log_tells_what_a_push_did(store: Store, clock: Clock) -> None:
    rows = renewals(5)
    do(store, push(rows[:2], clock()))
    request = push(rows, clock(), complete=True, secret_used="previous")
    clock.forward(0.25)
    do(store, request)
    entry = store.request_log_entry(request.seqno)
    assert entry is not None
    assert (entry.park_uuid, entry.code, entry.hint, entry.complete, entry.generation) == (PARK, "1001", None, True, 2)
    assert (entry.received, entry.inserted, entry.updated, entry.unchanged) == (5, 5, 0, 0)
    assert (entry.duration_us, entry.secret_used, entry.origin) == (250_000, "previous", request.origin)


def test_request_log_tells_why_a_request_was_refused_and_keeps_its_body(store: Store, clock: Clock) -> None:
    request = refused(clock(), body="{坏".encode() * 100)
    stranger = refused(clock(), park=None, code="401", claimed="who?")
    do(store, request, stranger)
    entry = store.request_log_entry(request.seqno)
    assert entry is not None
    assert (entry.park_uuid, entry.code, entry.hint, entry.body_kept) == (PARK, "400", request.hint, True)
    assert store.rejected_body(request.seqno) == request.body
    unknown = store.request_log_entry(stranger.seqno)
    assert unknown is not None
    assert (unknown.park_uuid, unknown.claimed, unknown.body_kept) == (None, "who?", False)


def test_request_log_knows_nothing_of_a_seqno_that_was_never_given_out(store: Store) -> None:
    assert store.request_log_entry("2" * 32) is None
    assert store.rejected_body("2" * 32) is None


def test_refused_bodies_are_kept_up_to_a_number_and_a_size_per_park(store: Store, clock: Clock) -> None:
    many = [refused(clock(), body=b"%d" % number) for number in range(5)]
    do(store, *many)
    assert [store.rejected_body(one.seqno) is not None for one in many] == [False, False, True, True, True]
    incompressible = bytes((index * 7919 >> 3) % 251 for index in range(9_000))
    big = refused(clock(), body=incompressible, park=OTHER)
    bigger = refused(clock(), body=incompressible[::-1], park=OTHER)
    do(store, big, bigger)
    assert store.rejected_body(bigger.seqno) is not None
    assert store.rejected_body(many[-1].seqno) is not None, "another park's limit must not touch this one"


def test_daily_rollup_equals_a_recount(store: Store, clock: Clock) -> None:
    cash, online = (changed(row, pay_type=kind) for row, kind in zip(renewals(2), (1, 2), strict=True))
    do(store, push([cash, online], clock()))
    dearer = changed(online, pay_value_fen=(online.pay_value_fen or 0) + 500)
    do(store, push([dearer], clock()), refused(clock()))
    moved = changed(cash, pay_type=2)
    clock.forward(86_400)
    do(store, push([moved], clock()))
    today, tomorrow = 20_781, 20_782
    assert store.daily(PARK) == {
        (today, 1): (1, 0, cash.pay_value_fen or 0),
        (today, 2): (1, 1, (online.pay_value_fen or 0) + 500),
        (tomorrow, 1): (0, 0, -(cash.pay_value_fen or 0)),
        (tomorrow, 2): (0, 1, cash.pay_value_fen or 0),
    }
    assert store.daily_answers(PARK) == {(today, "1001"): (2, 3), (today, "400"): (1, 0), (tomorrow, "1001"): (1, 1)}


def test_park_shows_its_generation_and_which_secret_it_last_used(store: Store, clock: Clock) -> None:
    do(store, push(renewals(3), clock(), secret_used="previous"))
    found = store.find_park(PARK)
    assert found is not None
    assert (found.records, found.secret_used, found.secret_used_us) == (3, "previous", clock())
    assert found.last_push_us == clock()


def test_refusal_alone_does_not_count_as_a_push(store: Store, clock: Clock) -> None:
    do(store, refused(clock()))
    found = store.find_park(PARK)
    assert found is not None
    assert found.last_push_us is None
