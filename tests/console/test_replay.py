"""Sending a refused request again: the same checks as the pipeline, a seqno of its own, and what one should know before."""

from __future__ import annotations

import pytest

from support.console_app import House
from support.console_data import DAY_US, OTHER, PARK, SECRET, add_park, push, refuse, renewal, request, row, seqno_at
from support.store_database import NOON_US
from vipgate.errors import BadRequest, UsageError
from vipgate.gateway.replay import ReplayRejected, ReplayRequest, commit, log_rejection, prepare
from vipgate.store.interfaces.ledger import ParkChange, PushResult

WRONG = request(row("P1"), row("P2", quantity="1.5"))
RIGHT = request(row("P1"), row("P2"))


def again(body: bytes, replay_of: str, *, at_us: int = NOON_US + DAY_US, park: str = PARK) -> ReplayRequest:
    return ReplayRequest(seqno=seqno_at(at_us), replay_of=replay_of, park_uuid=park, body=body, who="li", now_us=at_us)


def test_mended_request_is_stored_under_a_seqno_of_its_own_that_names_the_old_one(house: House) -> None:
    add_park(house)
    old = refuse(house, WRONG)
    replay = again(RIGHT, old)
    prepared = prepare(house.database.store, house.vault, replay)
    assert prepared.confirmation_token == ""
    assert commit(house.database.store, prepared) == PushResult(2, 0, 0)
    entry = house.database.store.request_log_entry(replay.seqno)
    assert entry is not None
    assert (entry.code, entry.origin.replay_of, entry.origin.peer) == ("1001", old, "console:li")
    assert house.database.queries.replays_of(PARK, old) == [replay.seqno]
    stored = house.database.store.find_record(PARK, "P2")
    assert stored is not None
    assert stored.seqno == replay.seqno


def test_what_the_pipeline_rejects_is_rejected_and_logged_with_its_body(house: House) -> None:
    add_park(house)
    old = refuse(house, WRONG)
    replay = again(WRONG, old)
    with pytest.raises(BadRequest) as refused:
        prepare(house.database.store, house.vault, replay)
    log_rejection(house.database.store, replay, refused.value)
    entry = house.database.store.request_log_entry(replay.seqno)
    assert entry is not None
    assert (entry.park_uuid, entry.code, entry.origin.replay_of) == (PARK, "400", old)
    assert entry.hint is not None
    assert "row[1].quantity" in entry.hint.zh
    assert house.database.store.rejected_body(replay.seqno) == WRONG
    assert house.database.store.find_record(PARK, "P1") is None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (request(row(), park=OTHER), "for the same park only"),
        (b'{"row":[]}', "park_uuid"),
    ],
)
def test_what_is_no_request_of_the_park_is_not_sent_at_all(house: House, body: bytes, told: str) -> None:
    add_park(house)
    add_park(house, OTHER, "科技园")
    old = refuse(house, WRONG)
    with pytest.raises(ReplayRejected, match=told):
        prepare(house.database.store, house.vault, again(body, old))


def test_disabled_park_takes_no_replay(house: House) -> None:
    add_park(house)
    old = refuse(house, WRONG)
    house.database.store.change_park(PARK, ParkChange(enabled=False))
    with pytest.raises(ReplayRejected, match="enable it first"):
        prepare(house.database.store, house.vault, again(RIGHT, old))


def test_secret_of_another_master_key_is_told(house: House) -> None:
    assert house.database.store.add_park(PARK, "", b"\x01" + b"x" * 40, NOON_US)
    old = refuse(house, WRONG)
    with pytest.raises(UsageError, match="master key"):
        prepare(house.database.store, house.vault, again(RIGHT, old))


def test_full_replace_is_confirmed_with_what_it_deletes(house: House) -> None:
    add_park(house)
    push(house, renewal("A"), renewal("B"), renewal("C"))
    old = refuse(house, request(row("P1", quantity="x"), complete=1))
    prepared = prepare(house.database.store, house.vault, again(request(row("P1"), complete="1"), old))
    assert (prepared.deletes, prepared.generation) == (3, 1)
    assert prepared.confirmation_token


def test_question_changes_with_the_body_and_with_the_generation(house: House) -> None:
    add_park(house)
    old = refuse(house, request(row("P1", quantity="x"), complete=1))

    def question(*rows: object) -> str:
        return prepare(house.database.store, house.vault, again(request(*rows, complete=1), old)).confirmation_token

    first = question(row("P1"))
    assert question(row("P1")) == first
    assert question(row("P2")) != first
    push(house, renewal("A"), complete=True)
    assert question(row("P1")) != first


def test_records_that_moved_on_since_are_asked_about(house: House) -> None:
    add_park(house)
    push(house, renewal("P1", plate="粤B00001"), at_us=NOON_US - DAY_US)
    old = refuse(house, WRONG)
    assert prepare(house.database.store, house.vault, again(RIGHT, old)).superseded == ()
    push(house, renewal("P2", plate="粤B00002"), at_us=NOON_US + 1_000_000)
    prepared = prepare(house.database.store, house.vault, again(RIGHT, old))
    assert prepared.superseded == ("P2",)
    assert prepared.confirmation_token


def test_records_that_say_the_same_already_are_not_asked_about(house: House) -> None:
    add_park(house)
    old = refuse(house, WRONG)
    first = again(RIGHT, old)
    commit(house.database.store, prepare(house.database.store, house.vault, first))
    second = prepare(house.database.store, house.vault, again(RIGHT, old, at_us=NOON_US + 2 * DAY_US))
    assert second.confirmation_token == ""
    assert commit(house.database.store, second) == PushResult(0, 0, 2)


def test_replay_of_a_refused_replay_counts_from_what_the_park_itself_sent(house: House) -> None:
    add_park(house)
    old = refuse(house, WRONG)
    push(house, renewal("P2", plate="粤B00002"), at_us=NOON_US + 1_000_000)
    between = again(WRONG, old)
    with pytest.raises(BadRequest) as refused:
        prepare(house.database.store, house.vault, between)
    log_rejection(house.database.store, between, refused.value)
    prepared = prepare(house.database.store, house.vault, again(RIGHT, between.seqno, at_us=NOON_US + 2 * DAY_US))
    assert prepared.superseded == ("P2",)


@pytest.mark.parametrize("used", ["current", "previous"])
def test_replay_does_not_make_it_look_as_if_the_park_had_changed_its_secret(house: House, used: str) -> None:
    add_park(house)
    assert house.database.store.rotate_secret(PARK, house.vault.seal("a new secret", PARK), NOON_US)
    push(house, renewal("A"), used=used)
    old = refuse(house, WRONG)
    commit(house.database.store, prepare(house.database.store, house.vault, again(RIGHT, old)))
    park = house.database.store.find_park(PARK)
    assert park is not None
    assert park.secret_used == used


def test_secret_stays_inside(house: House) -> None:
    add_park(house)
    old = refuse(house, WRONG)
    assert SECRET not in repr(prepare(house.database.store, house.vault, again(RIGHT, old)))
