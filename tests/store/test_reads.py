"""What readers and operators get from every engine: filters, parks, secrets, purge."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import NoReturn

import pytest

from support.store_data import OTHER, PARK, changed, do, entry, held, push, refused, renewals
from support.store_database import NOON_US, Clock, Ledger
from vipgate.errors import ReplaceOnHold, StoreUnavailable
from vipgate.store.common.accounts import SqlAccountStore
from vipgate.store.interfaces.accounts import AuditEntry
from vipgate.store.interfaces.ledger import Filter, ParkChange, Retention, Store

DAY_S = 86_400


@pytest.fixture(autouse=True)
def parks(store: Store, clock: Clock) -> None:
    for park_uuid in (PARK, OTHER):
        assert store.add_park(park_uuid, "", b"sealed", clock())


def test_records_are_found_by_plate_and_by_time_of_receipt(store: Store, clock: Clock) -> None:
    early, late = renewals(50), renewals(50, first=51)
    do(store, push(early, clock()))
    clock.forward(60)
    do(store, push(late, clock()))
    since = clock()
    assert set(held(store, since_us=since)) == {row.pay_partner for row in late}
    assert set(held(store, until_us=since)) == {row.pay_partner for row in early}
    plate = early[7].plate
    assert set(held(store, plate=plate)) == {row.pay_partner for row in early + late if row.plate == plate}
    assert early[7].pay_partner not in held(store, plate=plate, since_us=since)


def test_stream_is_one_moment_of_the_ledger_while_others_write(ledger: Ledger, store: Store, clock: Clock) -> None:
    rows = renewals(2_000)
    do(store, push(rows, clock()))
    reading = ledger.another().iter_records(PARK, Filter())
    seen = [next(reading)]
    do(store, push([changed(row, operator="后来") for row in rows[500:]], clock()))
    do(store, push(renewals(10, first=5_000), clock(), complete=True))
    seen += list(reading)
    assert sorted(one.renewal.pay_partner for one in seen) == sorted(row.pay_partner for row in rows)
    assert {one.revision for one in seen} == {1}


def test_parks_are_listed_page_by_page(store: Store, clock: Clock) -> None:
    for number in range(7):
        store.add_park(f"x{number}", f"名{number}", b"sealed", clock())
    first = store.list_parks("", 4)
    rest = store.list_parks(first[-1].park_uuid, 100)
    assert [park.park_uuid for park in first + rest] == [PARK, OTHER, *[f"x{number}" for number in range(7)]]


def test_park_is_registered_once(store: Store, clock: Clock) -> None:
    assert not store.add_park(PARK, "again", b"other", clock())
    access = store.park_access(PARK)
    assert access is not None
    assert access.secret == b"sealed"


def test_charset_of_a_park_is_utf8_unless_it_is_set(store: Store, clock: Clock) -> None:
    def kept(park_uuid: str) -> tuple[str, ...]:
        park, access = store.find_park(park_uuid), store.park_access(park_uuid)
        [listed] = [one for one in store.list_parks("", 10) if one.park_uuid == park_uuid]
        assert park is not None
        assert access is not None
        return park.charset, access.charset, store.park_accesses([park_uuid])[park_uuid].charset, listed.charset

    assert kept(PARK) == ("utf-8",) * 4
    assert store.add_park("x", "", b"sealed", clock(), charset="gbk")
    assert kept("x") == ("gbk",) * 4
    assert store.change_park(PARK, ParkChange(charset="gbk"))
    store.change_park(PARK, ParkChange(name="n"))
    assert kept(PARK) == ("gbk",) * 4


def test_accesses_of_several_parks_are_those_of_each(store: Store, clock: Clock) -> None:
    store.change_park(
        OTHER, ParkChange(enabled=False, allow_list=("::1/128",), rate_per_minute=60, require_hmac=True, charset="gbk")
    )
    assert store.rotate_secret(PARK, b"\x00\xffsecond", clock())
    found = store.park_accesses(["nobody", PARK, OTHER])
    assert found == {one: store.park_access(one) for one in (PARK, OTHER)}
    assert store.park_accesses(["nobody"]) == {}
    assert store.park_accesses([]) == {}


def test_unknown_park_is_none_everywhere(store: Store, clock: Clock) -> None:
    assert store.park_access("nobody") is None
    assert store.find_park("nobody") is None
    assert store.generations("nobody") == []
    assert list(store.iter_records("nobody", Filter())) == []
    assert not store.change_park("nobody", ParkChange(enabled=False))
    assert not store.restore("nobody", 1, clock())
    assert not store.rotate_secret("nobody", b"x", clock())


def test_change_of_a_park_leaves_the_rest_as_it_is(store: Store) -> None:
    store.change_park(PARK, ParkChange(allow_list=("10.0.0.0/24", "::1/128"), rate_per_minute=60))
    store.change_park(PARK, ParkChange(enabled=False))
    access = store.park_access(PARK)
    assert access is not None
    assert (access.enabled, access.allow_list, access.rate_per_minute) == (False, ("10.0.0.0/24", "::1/128"), 60)
    store.change_park(PARK, ParkChange(rate_per_minute=0, allow_list=()))
    access = store.park_access(PARK)
    assert access is not None
    assert (access.allow_list, access.rate_per_minute) == ((), None)


def test_secret_before_the_rotation_stays_until_it_is_retired(store: Store, clock: Clock) -> None:
    assert store.rotate_secret(PARK, b"second", clock())
    assert not store.rotate_secret(PARK, b"third", clock()), "a second rotation would shut out the first secret"
    access = store.park_access(PARK)
    assert access is not None
    assert (access.secret, access.previous_secret) == (b"second", b"sealed")
    assert store.retire_secret(PARK)
    assert not store.retire_secret(PARK)
    access = store.park_access(PARK)
    assert access is not None
    assert access.previous_secret is None


# What staff do to a park, on one that has a previous secret and two stocks; and whether it has an effect.
AUDITED: dict[str, tuple[Callable[[Store, AuditEntry], bool], bool]] = {
    "add": (lambda store, said: store.add_park("new", "", b"s", NOON_US, said), True),
    "add again": (lambda store, said: store.add_park(PARK, "", b"s", NOON_US, said), False),
    "change": (lambda store, said: store.change_park(PARK, ParkChange(name="n"), said), True),
    "change of nobody": (lambda store, said: store.change_park("nobody", ParkChange(name="n"), said), False),
    "allow": (lambda store, said: store.allow_replace(PARK, "ab" * 32, NOON_US, said), True),
    "disallow": (lambda store, said: store.disallow_replace(PARK, "ab" * 32, said), True),
    "disallow nothing": (lambda store, said: store.disallow_replace(PARK, "cd" * 32, said), False),
    "dismiss": (lambda store, said: store.dismiss_replace(PARK, "ab" * 32, said), True),
    "dismiss nothing": (lambda store, said: store.dismiss_replace(PARK, "cd" * 32, said), False),
    "rotate twice": (lambda store, said: store.rotate_secret(PARK, b"third", NOON_US, said), False),
    "rotate": (lambda store, said: store.rotate_secret(OTHER, b"second", NOON_US, said), True),
    "retire": (lambda store, said: store.retire_secret(PARK, said), True),
    "retire none": (lambda store, said: store.retire_secret(OTHER, said), False),
    "restore": (lambda store, said: store.restore(PARK, 1, NOON_US, said), True),
    "restore of none": (lambda store, said: store.restore(PARK, 7, NOON_US, said), False),
}


def parks_as_they_are(store: Store, held_seqno: str) -> list[object]:
    return [*store.list_parks("", 10), store.generations(PARK), store.rejected_body(held_seqno)]


@pytest.mark.parametrize(("act", "works"), AUDITED.values(), ids=AUDITED)
def test_change_of_a_park_and_its_line_of_the_audit_log_are_one(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, act: Callable[[Store, AuditEntry], bool], works: bool
) -> None:
    store.rotate_secret(PARK, b"second", clock())
    held_back = refused(clock(), code=ReplaceOnHold.code, body=b"{}")
    do(store, push(renewals(2), clock(), complete=True), held_back)
    store.allow_replace(PARK, "ab" * 32, NOON_US)
    before = parks_as_they_are(store, held_back.seqno)
    with monkeypatch.context() as broken:
        broken.setattr("vipgate.store.common.parks.write_audit_entry", die)
        with pytest.raises(StoreUnavailable) if works else nullcontext():
            act(store, entry("park.act"))
    assert parks_as_they_are(store, held_back.seqno) == before
    assert act(store, entry("park.act")) == works
    lines = SqlAccountStore(store).audit_entries(None, None, None, 10)  # type: ignore[arg-type]
    assert [line.action for line in lines] == ["park.act"] * works


def die(*_: object) -> NoReturn:
    raise StoreUnavailable("the line cannot be written")


def test_replaced_generation_is_purged_in_chunks_after_its_time(store: Store, clock: Clock) -> None:
    rows = renewals(1_300)
    do(store, push(rows, clock()))
    do(store, push([changed(row, operator="新") for row in rows[:700]], clock()))
    do(store, push(rows[:5], clock(), complete=True))
    kept = Retention(chunk_rows=500)
    clock.forward(29 * DAY_S)
    while store.run_maintenance(clock(), kept):
        pass  # card entries
    assert [one.generation for one in store.generations(PARK)] == [2, 1]
    clock.forward(2 * DAY_S)
    rounds = 0
    while store.run_maintenance(clock(), kept):
        rounds += 1
        assert not store.restore(PARK, 1, clock()), "half a stock must not come back"
        assert rounds < 20
    assert rounds >= 5
    assert [one.generation for one in store.generations(PARK)] == [2]
    assert len(held(store)) == 5


def test_request_log_and_bodies_are_purged_after_their_time(store: Store, clock: Clock) -> None:
    old = refused(clock(), body=b"old")
    do(store, old)
    clock.forward(31 * DAY_S)
    new = refused(clock(), body=b"new")
    do(store, new)
    while store.run_maintenance(clock(), Retention(request_log_days=400)):
        pass
    assert store.rejected_body(old.seqno) is None
    assert store.rejected_body(new.seqno) == b"new"
    assert store.request_log_entry(old.seqno) is not None
    clock.forward(380 * DAY_S)
    while store.run_maintenance(clock(), Retention(request_log_days=400)):
        pass
    assert store.request_log_entry(old.seqno) is None
    assert store.request_log_entry(new.seqno) is not None


def test_request_log_of_strangers_is_bounded_and_keeps_the_newest(store: Store, clock: Clock) -> None:
    strangers = [refused(clock(), park=None, code="401") for _ in range(30)]
    own = refused(clock())
    do(store, own, *strangers)
    while store.run_maintenance(clock(), Retention(strangers_max=10, chunk_rows=7)):
        pass
    assert [store.request_log_entry(one.seqno) is not None for one in strangers] == [False] * 20 + [True] * 10
    assert store.request_log_entry(own.seqno) is not None
