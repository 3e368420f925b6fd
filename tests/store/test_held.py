"""What staff see of held replaces, and of how a park signs, on every engine."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import pytest

from store.browsing import browse_of
from store.conftest import Clock
from store.making import OTHER, PARK, do, push, refused, renewals
from vipgate.errors import HeldReplace
from vipgate.store import browse as deciding
from vipgate.store.browsing import Browse, HeldStock, Signatures
from vipgate.store.interface import ParkChange, Push, Refused, Store

STOCK = sha256(b"the stock").hexdigest()
ANOTHER = sha256(b"another").hexdigest()


@pytest.fixture
def browse(store: Store, clock: Clock) -> Browse:
    for park_uuid in (PARK, OTHER):
        assert store.add_park(park_uuid, f"name of {park_uuid}", b"sealed", clock())
        store.change_park(park_uuid, ParkChange(hold_replaces=True))
    return browse_of(store)


def held(clock: Clock, body: str = STOCK, park: str = PARK) -> Refused:
    """A held replace as the road journals it; each a second after the one before."""
    clock.forward(1)
    line = refused(clock(), park=park, code=HeldReplace.code, body=b"{}")
    return msgspec.structs.replace(line, caller=msgspec.structs.replace(line.caller, body_sha256=body))


def stored(clock: Clock, body: str = STOCK, *, complete: bool = True, **origin: Any) -> Push:
    clock.forward(1)
    made = push(renewals(1), clock(), complete=complete)
    caller = msgspec.structs.replace(made.caller, body_sha256=body, replay_of=origin.get("replay_of"))
    return msgspec.structs.replace(made, caller=caller, webhook_id=origin.get("webhook_id"))


def seqnos(browse: Browse, park: str | None = PARK, since_us: int = 0) -> list[str]:
    return [one.seqno for one in browse.held_replaces(park, since_us, 10)]


def test_held_replaces_with_one_body_are_one_line_with_its_newest_seqno(
    store: Store, browse: Browse, clock: Clock
) -> None:
    first, other, last = held(clock), held(clock, ANOTHER), held(clock)
    do(store, first, other, last)
    line = HeldStock(
        park_uuid=PARK, park_name=f"name of {PARK}", body_sha256=STOCK, seqno=last.seqno, times=2,
        first_us=first.caller.received_us, last_us=last.caller.received_us, body_bytes=321, allowed=False,
    )  # fmt: skip
    assert browse.held_replaces(PARK, 0, 10)[0] == line
    assert seqnos(browse) == [last.seqno, other.seqno]
    assert len(browse.held_replaces(PARK, 0, 1)) == 1
    assert seqnos(browse, since_us=last.caller.received_us) == [last.seqno]


def test_held_replaces_of_all_parks_that_are_guarded(store: Store, browse: Browse, clock: Clock) -> None:
    one, other = held(clock), held(clock, park=OTHER)
    do(store, one, other)
    assert seqnos(browse, None) == [other.seqno, one.seqno]
    store.change_park(OTHER, ParkChange(hold_replaces=False))
    assert seqnos(browse, None) == [one.seqno]
    assert seqnos(browse, OTHER) == []


def test_other_refusals_are_no_held_replaces(store: Store, browse: Browse, clock: Clock) -> None:
    do(store, refused(clock(), body=b"{}"), refused(clock(), code=HeldReplace.code))
    assert seqnos(browse) == []


def test_replace_that_was_carried_out_is_held_no_more(store: Store, browse: Browse, clock: Clock) -> None:
    do(store, stored(clock), held(clock), held(clock, ANOTHER))
    assert len(seqnos(browse)) == 2
    assert store.allow_replace(PARK, STOCK)
    assert {one.body_sha256: one.allowed for one in browse.held_replaces(PARK, 0, 10)} == {STOCK: True, ANOTHER: False}
    do(store, stored(clock))
    [left] = browse.held_replaces(PARK, 0, 10)
    assert (left.body_sha256, left.allowed) == (ANOTHER, False)
    do(store, stored(clock, sha256(b"mended").hexdigest(), replay_of=left.seqno))
    assert seqnos(browse) == []


def test_push_that_is_no_replace_lets_none_through(store: Store, browse: Browse, clock: Clock) -> None:
    do(store, held(clock), stored(clock, complete=False))
    assert len(seqnos(browse)) == 1


def test_signatures_count_what_the_park_itself_had_stored(
    store: Store, browse: Browse, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert browse.signatures(PARK, 0) == Signatures(hmac=0, md5=0, md5_us=None)
    first, last = stored(clock, complete=False), stored(clock, complete=False)
    do(store, first, last)
    do(store, *[stored(clock, complete=False, webhook_id=f"id{number}") for number in range(3)])
    do(store, refused(clock()), stored(clock, complete=False, replay_of=last.seqno))
    assert browse.signatures(PARK, 0) == Signatures(hmac=3, md5=2, md5_us=last.caller.received_us)
    assert browse.signatures(PARK, last.caller.received_us + 1_000) == Signatures(hmac=3, md5=0, md5_us=None)
    assert browse.signatures(OTHER, 0) == Signatures(hmac=0, md5=0, md5_us=None)
    monkeypatch.setattr(deciding, "SIGNATURES_LOOKED_MAX", 4)
    assert browse.signatures(PARK, 0).hmac == 2, "the four newest are two by HMAC, a refusal and one of the staff"
