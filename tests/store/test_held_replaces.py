"""What staff see of held replaces, and of how a park signs, on every engine."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import pytest

from support.store_data import OTHER, PARK, do, push, refused, renewals
from support.store_database import RETENTION, Clock
from support.store_queries import browse_of
from vipgate.errors import ReplaceOnHold
from vipgate.store.common import held_replaces as counting
from vipgate.store.common import queries as deciding
from vipgate.store.common.replace_policy import APPROVAL_US
from vipgate.store.interfaces import queries
from vipgate.store.interfaces.ledger import ParkChange, Push, RejectedRequest, Store
from vipgate.store.interfaces.queries import HeldReplace, QueryStore, Signatures

STOCK = sha256(b"the stock").hexdigest()
ANOTHER = sha256(b"another").hexdigest()


@pytest.fixture
def browse(store: Store, clock: Clock) -> QueryStore:
    for park_uuid in (PARK, OTHER):
        assert store.add_park(park_uuid, f"name of {park_uuid}", b"sealed", clock())
        store.change_park(park_uuid, ParkChange(hold_replaces=True))
    return browse_of(store)


def held(clock: Clock, body: str = STOCK, park: str = PARK, generation: int = 1) -> RejectedRequest:
    """A held replace as the pipeline journals it, of a park with so many stocks; each a second after the one before."""
    clock.forward(1)
    line = refused(clock(), park=park, code=ReplaceOnHold.code, body=b"{}")
    caller = msgspec.structs.replace(line.origin, body_sha256=body)
    return msgspec.structs.replace(line, origin=caller, generation=generation)


def stored(clock: Clock, body: str = STOCK, *, complete: bool = True, **origin: Any) -> Push:
    clock.forward(1)
    made = push(renewals(1), clock(), complete=complete)
    caller = msgspec.structs.replace(made.origin, body_sha256=body, replay_of=origin.get("replay_of"))
    return msgspec.structs.replace(made, origin=caller, webhook_id=origin.get("webhook_id"))


def seqnos(browse: QueryStore, park: str | None = PARK, since_us: int = 0) -> list[str]:
    return [one.seqno for one in browse.held_replaces(park, since_us, 10)]


def test_held_replaces_with_one_body_are_one_line_with_the_seqno_that_has_it(
    store: Store, browse: QueryStore, clock: Clock
) -> None:
    first, other, last = held(clock), held(clock, ANOTHER), held(clock)
    do(store, first, other, last)
    line = HeldReplace(
        park_uuid=PARK, park_name=f"name of {PARK}", body_sha256=STOCK, seqno=first.seqno, times=2,
        first_us=first.origin.received_us, last_us=last.origin.received_us, body_bytes=321, allowed_until_us=None,
    )  # fmt: skip
    assert browse.held_replaces(PARK, 0, 10)[1] == line
    assert seqnos(browse) == [other.seqno, first.seqno]
    assert len(browse.held_replaces(PARK, 0, 1)) == 1
    assert seqnos(browse, since_us=last.origin.received_us) == [first.seqno], "it came again since"
    assert seqnos(browse, since_us=last.origin.received_us + 1_000) == []


def test_held_replaces_of_all_parks_that_are_guarded(store: Store, browse: QueryStore, clock: Clock) -> None:
    one, other = held(clock), held(clock, park=OTHER)
    do(store, one, other)
    assert seqnos(browse, None) == [other.seqno, one.seqno]
    store.change_park(OTHER, ParkChange(hold_replaces=False))
    assert seqnos(browse, None) == [one.seqno]
    assert seqnos(browse, OTHER) == []


def test_other_refusals_are_no_held_replaces(store: Store, browse: QueryStore, clock: Clock) -> None:
    do(store, refused(clock(), body=b"{}"), refused(clock(), code=ReplaceOnHold.code))
    assert seqnos(browse) == []


def test_replace_that_was_carried_out_is_held_no_more(store: Store, browse: QueryStore, clock: Clock) -> None:
    do(store, stored(clock), held(clock, generation=2), held(clock, ANOTHER, generation=2))
    assert len(seqnos(browse)) == 2
    assert store.allow_replace(PARK, STOCK, clock())
    lines = {one.body_sha256: one for one in browse.held_replaces(PARK, 0, 10)}
    assert {body: one.is_allowed(clock()) for body, one in lines.items()} == {STOCK: True, ANOTHER: False}
    assert lines[STOCK].allowed_until_us == clock() + APPROVAL_US
    assert not lines[STOCK].is_allowed(clock() + APPROVAL_US)
    do(store, stored(clock))
    [left] = browse.held_replaces(PARK, 0, 10)
    assert (left.body_sha256, left.allowed_until_us) == (ANOTHER, None)
    do(store, stored(clock, sha256(b"fixed").hexdigest(), replay_of=left.seqno))
    assert seqnos(browse) == []


@pytest.mark.parametrize("together", [True, False])
def test_repeats_of_a_held_replace_do_not_push_out_other_refused_bodies(
    store: Store, browse: QueryStore, clock: Clock, together: bool
) -> None:
    wrong = refused(clock(), body=b"{}")
    do(store, wrong)
    repeats = [held(clock) for _ in range(20)]
    for group in [repeats] if together else [[one] for one in repeats]:
        do(store, *group)
    assert store.rejected_body(wrong.seqno) is not None
    assert [one.seqno for one in repeats if store.rejected_body(one.seqno) is not None] == [repeats[0].seqno]
    [line] = browse.held_replaces(PARK, 0, 10)
    assert (line.seqno, line.times, line.more_times) == (repeats[0].seqno, 20, False)
    assert (line.first_us, line.last_us) == (repeats[0].origin.received_us, repeats[-1].origin.received_us)


def test_one_body_is_kept_for_each_park_and_reason_though_they_are_alike(
    store: Store, browse: QueryStore, clock: Clock
) -> None:
    lines = [refused(clock(), body=b"{}"), refused(clock(), body=b"{}"), held(clock), held(clock, park=OTHER)]
    do(store, *lines)
    assert all(store.rejected_body(one.seqno) == b"{}" for one in lines)


def test_body_of_a_held_replace_is_kept_anew_once_the_one_before_is_out_of_the_way(
    store: Store, browse: QueryStore, clock: Clock
) -> None:
    pushed_out = held(clock)
    clock.forward(1)
    do(store, pushed_out, *[refused(clock(), body=b"{}") for _ in range(RETENTION.rejected_bodies_max)])
    assert seqnos(browse) == []
    after = held(clock)
    do(store, after)
    assert seqnos(browse) == [after.seqno]
    assert browse.held_replaces(PARK, 0, 10)[0].times == 2, "the journal knows of the first"
    do(store, stored(clock))
    carried_out = held(clock, generation=2)
    do(store, carried_out)
    assert seqnos(browse) == [carried_out.seqno]
    assert browse.held_replaces(PARK, 0, 10)[0].times == 1, "counted since it was carried out"
    do(store, stored(clock, sha256(b"fixed").hexdigest(), replay_of=carried_out.seqno))
    sent_again = held(clock, generation=3)
    do(store, sent_again)
    assert seqnos(browse) == [sent_again.seqno]


def test_no_more_times_are_counted_than_the_bound(
    store: Store, browse: QueryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "HELD_TIMES_MAX", 3)
    monkeypatch.setattr(queries, "HELD_TIMES_MAX", 3)
    repeats = [held(clock) for _ in range(5)]
    do(store, *repeats)
    [line] = browse.held_replaces(PARK, 0, 10)
    assert (line.times, line.more_times) == (3, True)
    assert (line.first_us, line.last_us) == (repeats[0].origin.received_us, repeats[-1].origin.received_us)


def test_dismissed_replace_is_gone_with_its_body_until_it_comes_again(
    store: Store, browse: QueryStore, clock: Clock
) -> None:
    wrong, first, other = refused(clock(), body=b"{}"), held(clock), held(clock, ANOTHER)
    elsewhere = held(clock, park=OTHER)
    do(store, wrong, first, held(clock), other, elsewhere)
    assert store.dismiss_replace(PARK, STOCK)
    assert (seqnos(browse), seqnos(browse, OTHER)) == ([other.seqno], [elsewhere.seqno])
    assert store.rejected_body(first.seqno) is None
    assert None not in [store.rejected_body(one.seqno) for one in (wrong, other, elsewhere)]
    assert not store.dismiss_replace(PARK, STOCK)
    assert not store.dismiss_replace("nowhere", STOCK)
    again = held(clock)
    do(store, again)
    assert seqnos(browse) == [again.seqno, other.seqno]
    assert browse.held_replaces(PARK, 0, 10)[0].first_us == first.origin.received_us, "it came before, dismissed or not"


@pytest.mark.parametrize(("dismissed", "allowed"), [(STOCK, False), (ANOTHER, True)])
def test_approval_of_a_replace_goes_when_it_is_dismissed(
    store: Store, browse: QueryStore, clock: Clock, dismissed: str, allowed: bool
) -> None:
    do(store, held(clock), held(clock, ANOTHER))
    assert store.allow_replace(PARK, STOCK, clock())
    assert store.dismiss_replace(PARK, dismissed)
    do(store, held(clock))
    assert {one.body_sha256: one.is_allowed(clock()) for one in browse.held_replaces(PARK, 0, 10)}[STOCK] == allowed


@pytest.mark.parametrize("back_s", [0, 3_600])
def test_replace_waits_or_not_whatever_the_clocks_say(
    store: Store, browse: QueryStore, clock: Clock, back_s: int
) -> None:
    do(store, stored(clock))
    clock.forward(-back_s)
    waiting = held(clock, generation=2)
    do(store, waiting)
    assert seqnos(browse) == [waiting.seqno], "what was carried out before it was held does not end its waiting"
    clock.forward(-back_s)
    do(store, stored(clock))
    assert seqnos(browse) == [], "what was carried out after it does"


def test_push_that_is_no_replace_lets_none_through(store: Store, browse: QueryStore, clock: Clock) -> None:
    do(store, held(clock), stored(clock, complete=False))
    assert len(seqnos(browse)) == 1


def test_signatures_count_what_the_park_itself_had_stored(
    store: Store, browse: QueryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert browse.signatures(PARK, 0) == Signatures(hmac=0, md5=0, md5_us=None, pushed=False)
    first, last = stored(clock, complete=False), stored(clock, complete=False)
    do(store, first, last)
    do(store, *[stored(clock, complete=False, webhook_id=f"id{number}") for number in range(3)])
    do(store, refused(clock()), stored(clock, complete=False, replay_of=last.seqno))
    assert browse.signatures(PARK, 0) == Signatures(hmac=3, md5=2, md5_us=last.origin.received_us, pushed=True)
    assert browse.signatures(PARK, last.origin.received_us + 1_000) == Signatures(
        hmac=3, md5=0, md5_us=None, pushed=True
    )
    assert browse.signatures(OTHER, 0) == Signatures(hmac=0, md5=0, md5_us=None, pushed=False)
    monkeypatch.setattr(deciding, "SIGNATURES_SCANNED_MAX", 4)
    assert browse.signatures(PARK, 0).hmac == 2, "the four newest are two by HMAC, a refusal and one of the staff"


@pytest.mark.parametrize("newer", ["pushes by HMAC", "refusals"])
def test_push_by_md5_is_told_however_many_requests_came_after_it(
    store: Store, browse: QueryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch, newer: str
) -> None:
    monkeypatch.setattr(deciding, "SIGNATURES_SCANNED_MAX", 3)
    by_md5 = stored(clock, complete=False)
    do(store, by_md5)
    by_hmac = [stored(clock, complete=False, webhook_id=f"id{number}") for number in range(4)]
    do(store, *(by_hmac if newer == "pushes by HMAC" else [refused(clock()) for _ in range(4)]))
    found = browse.signatures(PARK, by_md5.origin.received_us)
    assert (found.md5, found.md5_us, found.pushed) == (0, by_md5.origin.received_us, True)
    assert browse.signatures(PARK, by_md5.origin.received_us + 1).md5_us is None
