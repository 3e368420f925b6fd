"""A `complete=1` that was recorded on the line and is played again wipes nothing, on every engine."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import pytest

from support.store_data import OTHER, PARK, do, held, push, renewals
from support.store_database import RETENTION, Clock, Ledger
from vipgate.errors import BadRequest, ReplaceOnHold, RequestError
from vipgate.protocol.renewal import Renewal
from vipgate.store.interfaces.ledger import ParkChange, Push, PushResult, Store

STOCK = renewals(3)
LATER = renewals(1, first=9)
BODY = sha256(b"the stock").hexdigest()


@pytest.fixture(autouse=True)
def parks(store: Store, clock: Clock) -> None:
    for park_uuid in (PARK, OTHER):
        assert store.add_park(park_uuid, "", b"sealed", clock())
        store.change_park(park_uuid, ParkChange(hold_replaces=True))


def replace(clock: Clock, rows: list[Renewal] = STOCK, *, body: str = BODY, park: str = PARK, **more: Any) -> Push:
    """A request with `complete=1`; each a second after the one before."""
    clock.forward(1)
    made = push(rows, clock(), complete=True, park=park)
    caller = msgspec.structs.replace(made.origin, body_sha256=body, replay_of=more.pop("replay_of", None))
    return msgspec.structs.replace(made, origin=caller, **more)


def change(clock: Clock, rows: list[Renewal] = LATER, park: str = PARK) -> Push:
    clock.forward(1)
    return push(rows, clock(), park=park)


def refusal(store: Store, request: Push) -> RequestError:
    [found] = store.commit([request])
    assert isinstance(found, RequestError), found
    return found


def generation(store: Store) -> int:
    park = store.find_park(PARK)
    assert park is not None
    return park.generation


def numbers(store: Store) -> set[str]:
    return set(held(store))


BOTH = {one.pay_partner for one in [*STOCK, *LATER]}


# ---- held for a yes --------------------------------------------------------------------------------------------------


def test_replace_played_again_after_other_pushes_is_held_and_stores_nothing(store: Store, clock: Clock) -> None:
    first = replace(clock)
    do(store, first, change(clock))
    again = replace(clock)
    told = refusal(store, again)
    assert isinstance(told, ReplaceOnHold)
    assert first.seqno in told.hint.en
    assert first.seqno in told.hint.zh
    assert (generation(store), numbers(store)) == (2, BOTH)
    assert store.request_log_entry(again.seqno) is None
    assert sum(requests for requests, _ in store.daily_answers(PARK).values()) == 2


def test_replace_played_again_is_held_whatever_the_process_and_the_time(
    ledger: Ledger, store: Store, clock: Clock
) -> None:
    do(store, replace(clock))
    do(store, change(clock))
    clock.forward(200 * 86_400)
    assert isinstance(refusal(ledger.another(), replace(clock)), ReplaceOnHold)


def test_replace_is_held_where_the_other_pushes_are_in_the_same_group(store: Store, clock: Clock) -> None:
    group = [replace(clock), change(clock), replace(clock), change(clock, renewals(1, first=20))]
    first, second, third, fourth = store.commit(group)
    assert (first, second, fourth) == (PushResult(3, 0, 0), PushResult(1, 0, 0), PushResult(1, 0, 0))
    assert isinstance(third, ReplaceOnHold)
    assert (generation(store), len(numbers(store))) == (2, 5)
    clock.forward(1)
    later = store.commit([change(clock, renewals(1, first=30)), replace(clock)])
    assert isinstance(later[1], ReplaceOnHold)


def test_replace_is_held_where_the_only_push_since_is_ahead_of_it_in_its_group(store: Store, clock: Clock) -> None:
    do(store, replace(clock))
    first, second = store.commit([change(clock), replace(clock)])
    assert first == PushResult(1, 0, 0)
    assert isinstance(second, ReplaceOnHold)


def test_other_parks_of_the_group_and_their_request_log_are_written(store: Store, clock: Clock) -> None:
    do(store, replace(clock), change(clock))
    other = replace(clock, park=OTHER)
    results = store.commit([replace(clock), other])
    assert isinstance(results[0], ReplaceOnHold)
    assert results[1] == PushResult(3, 0, 0)
    entry = store.request_log_entry(other.seqno)
    assert entry is not None
    assert (entry.park_uuid, entry.complete, entry.received) == (OTHER, True, 3)


def test_replace_sent_again_at_once_is_carried_out(store: Store, clock: Clock) -> None:
    assert do(store, replace(clock)) == do(store, replace(clock)) == [PushResult(3, 0, 0)]
    assert do(store, replace(clock), replace(clock)) == [PushResult(3, 0, 0)] * 2
    assert generation(store) == 5


def test_replace_that_is_new_is_carried_out(store: Store, clock: Clock) -> None:
    do(store, replace(clock), change(clock))
    do(store, replace(clock, body=sha256(b"another").hexdigest()))
    assert numbers(store) == {one.pay_partner for one in STOCK}


def test_replace_is_held_once_its_generation_is_no_longer_the_park_s(store: Store, clock: Clock) -> None:
    do(store, change(clock))
    do(store, replace(clock))
    assert store.restore(PARK, 1, clock())
    assert isinstance(refusal(store, replace(clock)), ReplaceOnHold)


def test_park_without_the_guard_is_replaced_as_ever(store: Store, clock: Clock) -> None:
    store.change_park(PARK, ParkChange(hold_replaces=False))
    do(store, replace(clock), change(clock))
    do(store, replace(clock))
    assert numbers(store) == {one.pay_partner for one in STOCK}


def test_allowed_replace_goes_through_once(store: Store, clock: Clock) -> None:
    do(store, replace(clock), change(clock))
    refusal(store, replace(clock))
    assert store.allow_replace(PARK, sha256(b"another").hexdigest(), clock())
    assert isinstance(refusal(store, replace(clock)), ReplaceOnHold)
    assert store.allow_replace(PARK, BODY, clock())
    do(store, replace(clock))
    assert numbers(store) == {one.pay_partner for one in STOCK}
    do(store, change(clock))
    assert isinstance(refusal(store, replace(clock)), ReplaceOnHold)


@pytest.mark.parametrize(
    "otherwise",
    [
        {"replay_of": "1" * 32},
        {"webhook_id": "one"},
        {"body": sha256(b"another").hexdigest()},
    ],
    ids=["sent by staff", "signed with time", "another body"],
)
def test_approval_ends_with_any_replace_that_is_carried_out(
    ledger: Ledger, store: Store, clock: Clock, otherwise: dict[str, Any]
) -> None:
    do(store, replace(clock), change(clock))
    refusal(store, replace(clock))
    assert store.allow_replace(PARK, BODY, clock())
    do(ledger.another(), replace(clock, **otherwise))
    do(store, change(clock))
    assert isinstance(refusal(store, replace(clock)), ReplaceOnHold)
    assert numbers(store) == BOTH


def test_approval_ends_with_a_replace_that_needed_none(store: Store, clock: Clock) -> None:
    do(store, replace(clock), change(clock))
    assert store.allow_replace(PARK, BODY, clock())
    store.change_park(PARK, ParkChange(hold_replaces=False))
    do(store, replace(clock), change(clock))
    store.change_park(PARK, ParkChange(hold_replaces=True))
    assert isinstance(refusal(store, replace(clock)), ReplaceOnHold)


def test_replace_is_known_for_as_long_as_the_request_log_is_kept(store: Store, clock: Clock) -> None:
    do(store, replace(clock), change(clock))
    clock.forward(400 * 86_400 - 60)
    while store.run_maintenance(clock(), RETENTION):
        pass
    assert isinstance(refusal(store, replace(clock)), ReplaceOnHold)
    clock.forward(120)
    while store.run_maintenance(clock(), RETENTION):
        pass
    assert do(store, replace(clock)) == [PushResult(3, 0, 0)], "docs/security.md says so"


def test_approval_is_used_once_in_a_group(store: Store, clock: Clock) -> None:
    do(store, replace(clock), change(clock))
    assert store.allow_replace(PARK, BODY, clock())
    *_, last = store.commit([replace(clock), change(clock), replace(clock)])
    assert isinstance(last, ReplaceOnHold)


def test_approval_ends_after_a_day(store: Store, clock: Clock) -> None:
    do(store, replace(clock), change(clock))
    assert store.allow_replace(PARK, BODY, clock())
    clock.forward(86_400)
    assert isinstance(refusal(store, replace(clock)), ReplaceOnHold)
    assert store.allow_replace(PARK, BODY, clock())
    clock.forward(86_000)
    do(store, replace(clock))


def test_approval_can_be_withdrawn_and_a_push_leaves_it(store: Store, clock: Clock) -> None:
    do(store, replace(clock), change(clock))
    assert store.allow_replace(PARK, BODY, clock())
    do(store, change(clock, renewals(1, first=20)))
    assert not store.disallow_replace(PARK, sha256(b"another").hexdigest())
    assert store.disallow_replace(PARK, BODY)
    assert not store.disallow_replace(PARK, BODY)
    assert isinstance(refusal(store, replace(clock)), ReplaceOnHold)


@pytest.mark.parametrize("back_s", [2, 3_600])
def test_replace_is_held_where_the_push_since_has_an_earlier_seqno(
    ledger: Ledger, store: Store, clock: Clock, back_s: int
) -> None:
    do(store, replace(clock))
    clock.forward(-back_s)
    do(ledger.another(), change(clock))
    clock.forward(-back_s)
    assert isinstance(refusal(store, replace(clock)), ReplaceOnHold)
    assert numbers(store) == BOTH


def test_replace_is_judged_by_the_last_generation_that_its_body_began_not_by_its_last_seqno(
    store: Store, clock: Clock
) -> None:
    do(store, replace(clock))
    clock.forward(-3_600)
    do(store, replace(clock))
    assert do(store, replace(clock)) == [PushResult(3, 0, 0)], "sent again at once"


def test_replace_is_held_where_the_push_since_went_to_another_generation(store: Store, clock: Clock) -> None:
    do(store, replace(clock))
    assert store.restore(PARK, 1, clock())
    do(store, change(clock))
    assert store.restore(PARK, 2, clock())
    assert isinstance(refusal(store, replace(clock)), ReplaceOnHold)


def test_allowance_is_for_its_park_and_for_parks_that_are_there(store: Store, clock: Clock) -> None:
    do(store, replace(clock), change(clock))
    assert store.allow_replace(OTHER, BODY, clock())
    assert isinstance(refusal(store, replace(clock)), ReplaceOnHold)
    assert not store.allow_replace("nowhere", BODY, clock())


def test_replace_that_staff_send_again_is_not_held(store: Store, clock: Clock) -> None:
    first = replace(clock)
    do(store, first, change(clock))
    do(store, replace(clock, replay_of=first.seqno))
    assert numbers(store) == {one.pay_partner for one in STOCK}


def test_replace_signed_with_time_is_not_held(store: Store, clock: Clock) -> None:
    do(store, replace(clock, webhook_id="one"), change(clock))
    do(store, replace(clock, webhook_id="two"))
    assert numbers(store) == {one.pay_partner for one in STOCK}


# ---- under an id -----------------------------------------------------------------------------------------------------


def test_replace_under_the_same_id_is_a_success_that_changes_nothing(
    ledger: Ledger, store: Store, clock: Clock
) -> None:
    do(store, replace(clock, webhook_id="one"), change(clock))
    again = replace(clock, webhook_id="one")
    assert do(ledger.another(), again) == [PushResult(0, 0, 3)]
    assert (generation(store), numbers(store)) == (2, BOTH)
    entry = store.request_log_entry(again.seqno)
    assert entry is not None
    assert (entry.code, entry.complete, entry.unchanged, entry.webhook_id) == ("1001", False, 3, "one")


def test_replace_under_the_same_id_in_one_group_is_carried_out_once(store: Store, clock: Clock) -> None:
    group = [replace(clock, webhook_id="one"), change(clock), replace(clock, webhook_id="one")]
    assert do(store, *group) == [PushResult(3, 0, 0), PushResult(1, 0, 0), PushResult(0, 0, 3)]
    assert (generation(store), numbers(store)) == (2, BOTH)


def test_id_used_for_another_body_is_refused(store: Store, clock: Clock) -> None:
    first = replace(clock, webhook_id="one")
    do(store, first)
    told = refusal(store, replace(clock, body=sha256(b"another").hexdigest(), webhook_id="one"))
    assert isinstance(told, BadRequest)
    assert first.seqno in told.hint.en
    assert generation(store) == 2


def test_ids_of_other_parks_and_of_long_ago_do_not_count(store: Store, clock: Clock) -> None:
    do(store, replace(clock, webhook_id="one"))
    assert do(store, replace(clock, webhook_id="one", park=OTHER)) == [PushResult(3, 0, 0)]
    clock.forward(25 * 3600)
    assert do(store, replace(clock, webhook_id="one")) == [PushResult(3, 0, 0)]
    assert generation(store) == 3


def test_settings_of_a_park_are_kept_apart(store: Store) -> None:
    def kept() -> tuple[bool, bool]:
        park, access = store.find_park(PARK), store.park_access(PARK)
        assert park is not None
        assert access is not None
        assert store.list_parks("", 1)[0] == park
        assert park.require_hmac == access.require_hmac
        return park.require_hmac, park.hold_replaces

    assert kept() == (False, True)
    store.change_park(PARK, ParkChange(require_hmac=True, hold_replaces=False))
    assert kept() == (True, False)
    store.change_park(PARK, ParkChange(name="n"))
    assert kept() == (True, False)
