"""What the store does on a cluster beyond its statements: a transaction for each node, and the parks on living nodes served.

Runs on plain PostgreSQL with a stand-in for Citus (tests/support/citus_stub.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from support.citus_stub import EVEN, ODD, start_node, stop_node
from support.store_data import do, push, refused, renewals
from support.store_database import Clock, spread
from vipgate.errors import IncompatibleDatabase, RequestError, StoreError
from vipgate.store.interfaces.ledger import PushResult, Unreachable
from vipgate.store.interfaces.queries import RequestLogQuery
from vipgate.store.postgres import cluster
from vipgate.store.postgres.group_writer import COPIED_ROWS_MIN
from vipgate.store.postgres.pool import ConnectionPool, ShardUnavailable
from vipgate.store.postgres.queries import PostgresQueries
from vipgate.store.postgres.schema import distribute
from vipgate.store.postgres.store import PostgresStore

# In the order of their park_ids, which begin with 1.
PARKS = ["p1", "p2", "p3", "p4"]
ODD_PARKS, EVEN_PARKS = PARKS[::2], PARKS[1::2]
Outcome = PushResult | RequestError | StoreError

_COPY_FAILS_AS_ON_CITUS = """
CREATE FUNCTION vipgate.copy_fails() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_query() LIKE '%COPY renewal%' AND EXISTS (
        SELECT FROM vipgate.renewal AS r WHERE r.park_id = new.park_id AND r.pay_partner = new.pay_partner
    ) THEN
        RAISE EXCEPTION 'duplicate key value violates unique constraint' USING ERRCODE = 'XX000';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER fails BEFORE INSERT ON vipgate.renewal FOR EACH ROW EXECUTE FUNCTION vipgate.copy_fails();
"""


class Seconds:
    """A monotonic clock that a test moves."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def one(postgres: str, clock: Clock, seconds: Seconds) -> Iterator[PostgresStore]:
    """A distributed store with two parks on each node."""
    spread(postgres, real=False)
    with closing(PostgresStore(postgres, clock, clock_s=seconds)) as store:
        for park_uuid in PARKS:
            store.add_park(park_uuid, "", b"sealed", clock())
        yield store


@pytest.fixture
def admin(postgres: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection beside the store's."""
    with psycopg.connect(postgres, autocommit=True) as db:
        yield db


def push_to_all(store: PostgresStore, clock: Clock) -> dict[str, Outcome]:
    """One new record for each park, in one group."""
    rows = renewals(1, first=clock() % 10_000_000)
    clock.forward(1)
    return dict(zip(PARKS, store.commit([push(rows, clock(), park=park) for park in PARKS]), strict=True))


def eventually(holds: Callable[[], bool]) -> None:
    """Waits for what a thread does."""
    for _ in range(500):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("not within five seconds")


def test_parks_of_each_node_are_a_transaction_of_their_own(
    one: PostgresStore, clock: Clock, admin: psycopg.Connection[Any]
) -> None:
    do(one, *[push(renewals(1), clock(), park=park) for park in PARKS], refused(clock(), park=None))
    written = admin.execute(
        "SELECT array_agg(park_id ORDER BY park_id) FROM vipgate.request GROUP BY xmin::text"
    ).fetchall()
    assert sorted(parks for (parks,) in written) == [[0, 2, 4], [1, 3]]


def test_parks_of_a_node_that_stops_are_refused_and_the_others_stored(
    one: PostgresStore, clock: Clock, admin: psycopg.Connection[Any]
) -> None:
    stop_node(admin, ODD)
    for _ in range(3):
        outcomes = push_to_all(one, clock)
        assert [outcomes[park] for park in EVEN_PARKS] == [PushResult(1, 0, 0)] * 2
        assert all(isinstance(outcomes[park], ShardUnavailable) for park in ODD_PARKS)
    assert f"node {ODD} does not answer" in str(outcomes["p1"])


def test_large_request_with_a_known_row_is_stored_although_a_cluster_hides_why_its_copy_failed(
    one: PostgresStore, clock: Clock, admin: psycopg.Connection[Any]
) -> None:
    # The known row comes last: by a known first row the store sees that a request was sent again.
    rows = renewals(COPIED_ROWS_MIN + 1)
    do(one, push(rows[-1:], clock(), park="p1"))
    admin.execute(_COPY_FAILS_AS_ON_CITUS)
    clock.forward(1)
    assert one.commit([push(rows, clock(), park="p1")]) == [PushResult(COPIED_ROWS_MIN, 0, 1)]


def test_node_that_stops_right_after_it_answered_is_found_by_the_first_failure(
    one: PostgresStore, clock: Clock, admin: psycopg.Connection[Any]
) -> None:
    assert one.nodes.check() == frozenset()
    stop_node(admin, ODD)
    push_to_all(one, clock)
    assert one.unreachable() == Unreachable((ODD,), 2)


def test_node_that_is_away_is_asked_neither_for_a_push_nor_for_its_park(
    one: PostgresStore, clock: Clock, admin: psycopg.Connection[Any]
) -> None:
    stop_node(admin, ODD)
    push_to_all(one, clock)
    # It would answer again, but it was tried just now.
    start_node(admin, ODD)
    assert isinstance(push_to_all(one, clock)["p1"], ShardUnavailable)
    with pytest.raises(ShardUnavailable, match=f"node {ODD} does not answer"):
        one.park_access("p1")
    with pytest.raises(ShardUnavailable):
        one.park_accesses(PARKS)
    assert one.park_access("p2") is not None


def test_node_that_is_back_gets_its_pushes_again_by_itself(
    one: PostgresStore, clock: Clock, seconds: Seconds, admin: psycopg.Connection[Any]
) -> None:
    stop_node(admin, ODD)
    push_to_all(one, clock)
    start_node(admin, ODD)
    seconds.now_s += cluster.CHECK_S
    # No push waits for the attempt: this one only has it made.
    assert isinstance(push_to_all(one, clock)["p1"], ShardUnavailable)
    eventually(lambda: not one.nodes.is_away())
    assert push_to_all(one, clock) == dict.fromkeys(PARKS, PushResult(1, 0, 0))
    assert one.unreachable() is None


def test_lists_and_sums_omit_what_cannot_be_reached_and_the_store_says_so(
    one: PostgresStore, clock: Clock, seconds: Seconds, admin: psycopg.Connection[Any]
) -> None:
    push_to_all(one, clock)
    do(one, refused(clock(), park=None))
    queries = PostgresQueries(one)
    assert len(queries.request_log(RequestLogQuery(), None, 10).items) == 5
    assert one.unreachable() is None
    stop_node(admin, ODD)
    seconds.now_s += cluster.CHECK_S
    assert one.unreachable() == Unreachable((ODD,), 2)
    assert [park.park_uuid for park in one.reachable_parks("", 10)] == EVEN_PARKS
    assert [park.park_uuid for park in queries.search_parks("p", "p2", 10)] == ["p4"]
    log = queries.request_log(RequestLogQuery(), None, 10).items
    assert {entry.park_uuid for entry in log} == {*EVEN_PARKS, None}
    assert sum(day.inserted for day in queries.money_by_day(None, 0, 2**31 - 1)) == 2


def test_request_that_is_not_found_may_be_on_the_node_that_is_away(
    one: PostgresStore, clock: Clock, seconds: Seconds, admin: psycopg.Connection[Any]
) -> None:
    pushes = [push(renewals(1), clock(), park=park) for park in PARKS[:2]]
    do(one, *pushes)
    stop_node(admin, ODD)
    seconds.now_s += cluster.CHECK_S
    assert one.unreachable() is not None
    assert one.request_log_entry(pushes[1].seqno) is not None
    for find in (one.request_log_entry, one.rejected_body):
        with pytest.raises(ShardUnavailable, match=ODD):
            find(pushes[0].seqno)


def test_node_that_fails_a_list_is_found_and_left_out(
    one: PostgresStore, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_node(admin, EVEN)
    read = one.read

    def over_all_nodes(statement: str, values: dict[str, object]) -> list[tuple[Any, ...]]:
        if "park_ids" not in values:
            one.nodes.check()
            raise ShardUnavailable("as a coordinator answers")
        return read(statement, values)

    monkeypatch.setattr(one, "read", over_all_nodes)
    assert [park.park_uuid for park in one.reachable_parks("", 10)] == ODD_PARKS


def test_unknown_park_is_asked_of_no_node(one: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    read = one.read

    def from_the_coordinator(statement: str, values: dict[str, object]) -> list[tuple[Any, ...]]:
        if "park_id" in values:
            raise ShardUnavailable("as the coordinator answers for a node that is away")
        return read(statement, values)

    monkeypatch.setattr(one, "read", from_the_coordinator)
    assert one.park_access("unknown") is None
    assert one.find_park("unknown") is None
    assert one.generations("unknown") == []


def test_more_parks_than_can_be_named_are_not_listed_in_part(
    one: PostgresStore, seconds: Seconds, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "LISTED_PARKS_MAX", 3)
    stop_node(admin, ODD)
    seconds.now_s += cluster.CHECK_S
    with pytest.raises(ShardUnavailable, match="start the node or promote its standby"):
        one.unreachable()


def test_place_of_a_park_is_read_again_after_a_while(
    one: PostgresStore, clock: Clock, seconds: Seconds, admin: psycopg.Connection[Any]
) -> None:
    push_to_all(one, clock)
    admin.execute("UPDATE public.pg_dist_placement SET groupid = 0")
    assert one.nodes.nodes_of([1, 2]) == {1: ODD, 2: EVEN}
    seconds.now_s += cluster.PLACES_S
    assert one.nodes.nodes_of([1, 2]) == {1: EVEN, 2: EVEN}


def test_workers_get_what_must_hold_there(one: PostgresStore, admin: psycopg.Connection[Any]) -> None:
    found = admin.execute("""
        SELECT unnest(s.setconfig) FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase
        WHERE d.datname = current_database()
    """).fetchall()
    assert {"lock_timeout=10000", "tcp_keepalives_idle=10"} <= {setting for (setting,) in found}


def test_worker_whose_commits_do_not_wait_for_its_disk_is_refused(
    postgres: str, one: PostgresStore, admin: psycopg.Connection[Any]
) -> None:
    admin.execute("UPDATE public.pg_dist_node SET synchronous_commit = 'off' WHERE groupid = 1")
    with closing(ConnectionPool(postgres, 1)) as link, pytest.raises(IncompatibleDatabase, match=rf"{ODD} \(off\)"):
        distribute(link)
