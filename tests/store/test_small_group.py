"""Groups of few rows on PostgreSQL: two round trips whatever is stored already, and no loss where that goes wrong."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from support.postgres_database import wait_for_waiter
from support.store_data import OTHER, PARK, changed, do, held, push, refused, renewals
from support.store_database import Clock
from support.tcp_proxy import Cut, Proxy
from vipgate.errors import StoreUnavailable
from vipgate.store.interfaces.ledger import Push, PushResult, RejectedRequest
from vipgate.store.postgres.small_group import SmallGroup, is_small, pipelined_transaction
from vipgate.store.postgres.store import PostgresStore

ROWS = renewals(40)


@pytest.fixture
def one(postgres: str, clock: Clock) -> Iterator[PostgresStore]:
    """A store with two parks."""
    with closing(PostgresStore(postgres, clock)) as store:
        for park_uuid in (PARK, OTHER):
            store.add_park(park_uuid, "", b"sealed", clock())
        yield store


@pytest.fixture
def admin(postgres: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection beside the store's."""
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("SET search_path TO vipgate")
        yield db


@pytest.fixture
def before_the_write(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Has something done once, when a group has looked up what is stored and has written nothing yet."""

    def wanted(act: Callable[[], object]) -> None:
        waiting = [act]
        write = SmallGroup._flush

        def flush(self: SmallGroup) -> None:
            if waiting:
                waiting.pop()()
            write(self)

        monkeypatch.setattr(SmallGroup, "_flush", flush)

    return wanted


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the groups that were written, those included that failed and were tried again or taken apart."""
    sizes: list[int] = []
    write = SmallGroup.write

    def note(self: SmallGroup, group: Any) -> Any:
        sizes.append(len(group))
        return write(self, group)

    monkeypatch.setattr(SmallGroup, "write", note)
    return sizes


def count(admin: psycopg.Connection[Any], table: str) -> int:
    [found] = admin.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608
    return int(found[0])


# ---- the round trips ---------------------------------------------------------------------------------------------------


def test_group_takes_two_round_trips_whatever_is_stored_already(
    postgres: str, one: PostgresStore, clock: Clock
) -> None:
    do(one, push(ROWS[:3], clock()))
    with Proxy(postgres) as proxy, closing(PostgresStore(proxy.url, clock)) as store:
        # The first of each kind also prepares its statements.
        for turn in range(2):
            new, old = ROWS[4 + 10 * turn : 9 + 10 * turn], [changed(ROWS[0], operator=f"{turn}"), *ROWS[1:3]]
            groups: list[tuple[list[Push | RejectedRequest], list[PushResult]]] = [
                ([push(new[:1], clock())], [PushResult(1, 0, 0)]),
                ([push(new, clock()), push(new, clock(), park=OTHER)], [PushResult(4, 0, 1), PushResult(5, 0, 0)]),
                ([push(old, clock())], [PushResult(0, 1, 2)]),
                ([push([*ROWS[9 + 10 * turn : 11 + 10 * turn], ROWS[1]], clock())], [PushResult(2, 0, 1)]),
                ([refused(clock())], [PushResult(0, 0, 0)]),
            ]
            for group, outcomes in groups:
                begun = proxy.round_trips
                assert do(store, *group) == outcomes
                assert proxy.round_trips - begun == 2 or turn == 0


def test_requests_of_a_group_that_build_on_each_other_are_written_at_once(
    one: PostgresStore, clock: Clock, attempts: list[int]
) -> None:
    do(one, push(ROWS[:2], clock()))
    versions = [changed(ROWS[0], operator=f"{turn}") for turn in range(4)]
    group = [
        push([versions[0], ROWS[5]], clock()),
        push([versions[1], ROWS[5], ROWS[6]], clock()),
        push([versions[2], ROWS[1]], clock(), complete=True),
        push([versions[3], ROWS[1], ROWS[2]], clock()),
        push([versions[3]], clock(), park=OTHER),
    ]
    assert do(one, *group) == [
        PushResult(1, 1, 0), PushResult(1, 1, 1), PushResult(2, 0, 0), PushResult(1, 1, 1), PushResult(1, 0, 0)
    ]  # fmt: skip
    assert attempts == [1, 5]
    assert {number: stored.revision for number, stored in held(one).items()} == {
        ROWS[0].pay_partner: 2, ROWS[1].pay_partner: 1, ROWS[2].pay_partner: 1
    }  # fmt: skip
    assert [(size.generation, size.records) for size in one.generations(PARK)] == [(2, 3), (1, 4)]


def test_what_was_committed_while_the_group_waited_for_the_lock_is_seen(
    postgres: str, one: PostgresStore, clock: Clock, admin: psycopg.Connection[Any], attempts: list[int]
) -> None:
    do(one, push(ROWS[:1], clock()))
    outcomes: list[Any] = []
    with admin.transaction():
        admin.execute("SELECT 1 FROM park WHERE park_uuid = %s FOR UPDATE", [PARK])
        # What the group brings is no news any more once the lock is free.
        admin.execute("UPDATE renewal SET operator = '王五', revision = 2")
        committing = threading.Thread(
            target=lambda: outcomes.extend(do(one, push([changed(ROWS[0], operator="王五")], clock())))
        )
        committing.start()
        wait_for_waiter(postgres)
    committing.join()
    assert outcomes == [PushResult(0, 0, 1)]
    assert attempts == [1, 1]


def test_group_that_has_a_cheaper_way_for_its_rows_is_not_small(clock: Clock) -> None:
    rows = renewals(20)
    assert is_small([refused(clock())])
    assert is_small([*[push(rows[:19], clock()) for _ in range(5)], refused(clock()), push(rows[:4], clock())])
    assert not is_small([push(rows[:10], clock()) for _ in range(10)]), "COPY from 100 rows on"
    assert not is_small([push(rows[:1], clock()), push(rows, clock())]), "a batch from 20 rows of one request on"


def test_look_up_takes_the_keys_before_any_statistics(one: PostgresStore, clock: Clock) -> None:
    do(one, push(renewals(3_000), clock()))
    with one.pool.connection() as db:
        statement = one._sql["held_in_current_generation"].replace("$1", "%s")
        plan = "\n".join(row[0] for row in db.execute("EXPLAIN " + statement, ["[]"]))
    assert "park_pkey" in plan, plan
    assert "renewal_pkey" in plan, plan
    assert "AND (pay_partner = u.pay_partner)" in plan, plan


# ---- what goes wrong in the middle -------------------------------------------------------------------------------------


def test_record_that_appears_after_it_was_looked_up_is_compared_and_no_other_request_is_lost_or_repeated(
    one: PostgresStore,
    clock: Clock,
    admin: psycopg.Connection[Any],
    before_the_write: Callable[[Callable[[], object]], None],
    attempts: list[int],
) -> None:
    do(one, push(ROWS[:1], clock()))

    def write_without_the_lock() -> None:
        admin.execute(
            "INSERT INTO renewal SELECT (r).* FROM (SELECT jsonb_populate_record(x, jsonb_build_object('pay_partner', %s::text,"
            " 'position', x.position - 1)) AS r FROM renewal AS x) AS made",
            [ROWS[1].pay_partner],
        )

    before_the_write(write_without_the_lock)
    group = [push(ROWS[1:3], clock()), push(ROWS[:2], clock(), park=OTHER), push(ROWS[3:4], clock())]
    assert do(one, *group) == [PushResult(1, 1, 0), PushResult(2, 0, 0), PushResult(1, 0, 0)]
    assert [held(one)[row.pay_partner].revision for row in ROWS[:4]] == [1, 2, 1, 1]
    assert held(one)[ROWS[1].pay_partner].renewal.plate == ROWS[1].plate
    assert len(one.history(PARK, ROWS[1].pay_partner)) == 1
    assert count(admin, "request") == 4
    assert attempts == [1, 3, 3], "tried again as a whole"


def test_park_that_is_gone_meanwhile_fails_alone(
    one: PostgresStore, clock: Clock, admin: psycopg.Connection[Any]
) -> None:
    do(one, push(ROWS[:1], clock()), push(ROWS[:1], clock(), park=OTHER))
    admin.execute("DELETE FROM park WHERE park_uuid = %s", [OTHER])
    there, gone, also_there = one.commit(
        [push(ROWS[1:2], clock()), push(ROWS[1:2], clock(), park=OTHER), push(ROWS[2:3], clock())]
    )
    assert (there, also_there) == (PushResult(1, 0, 0), PushResult(1, 0, 0))
    assert isinstance(gone, StoreUnavailable)
    assert set(held(one)) == {row.pay_partner for row in ROWS[:3]}
    assert count(admin, "renewal") == 4


@pytest.mark.parametrize(
    ("mark", "after_answer"), [(b"BEGIN", False), (b"pay_partner", False), (b"COMMIT", False), (b"COMMIT", True)]
)
def test_line_that_breaks_in_either_round_trip_loses_and_repeats_nothing(
    postgres: str, one: PostgresStore, clock: Clock, admin: psycopg.Connection[Any], mark: bytes, after_answer: bool
) -> None:
    do(one, push(ROWS[:2], clock()))
    with Proxy(postgres) as proxy, closing(PostgresStore(proxy.url, clock)) as store:
        # Twice, so that everything is prepared.
        for turn in range(2):
            do(store, push([changed(ROWS[0], operator=f"{turn}"), ROWS[5 + turn]], clock()))
        proxy.cut(Cut(mark, after_answer=after_answer))
        group: list[Push | RejectedRequest] = [
            push([changed(ROWS[0], operator="王五"), ROWS[1], ROWS[2]], clock()),
            push(ROWS[:3], clock(), park=OTHER),
            refused(clock(), body=b"{"),
        ]
        assert store.commit(group) == [PushResult(1, 1, 1), PushResult(3, 0, 0), PushResult(0, 0, 0)]
        assert proxy.cuts == 1
    assert held(one)[ROWS[0].pay_partner].revision == 4
    assert len(one.history(PARK, ROWS[0].pay_partner)) == 3
    assert len(held(one, OTHER)) == 3
    assert count(admin, "request") == 3 + len(group)


class SlowTransaction(psycopg.Transaction):
    """Waits after its COMMIT is queued, so that the answers of its statements are there before the pipeline ends."""

    def __exit__(self, *raised: Any) -> bool:
        result = super().__exit__(*raised)
        time.sleep(0.3)
        return result


def divide_by_zero(db: psycopg.Connection[Any], *, at_once: bool) -> None:
    """Makes an error after a row was written; `at_once`: its answer is waited for."""
    with pipelined_transaction(db):
        db.execute("INSERT INTO card (park_id, generation, card, position) VALUES (1, 1, 'x', 1)")
        failing = db.execute("SELECT 1 / 0")
        if at_once:
            failing.fetchall()


@pytest.mark.parametrize("where", ["first", "last", "between"])
def test_transaction_that_fails_is_undone_and_its_connection_serves_on(
    one: PostgresStore,
    admin: psycopg.Connection[Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    caplog.set_level(logging.WARNING)
    if where == "between":
        monkeypatch.setattr(psycopg, "Transaction", SlowTransaction)
    with one.pool.connection() as db:
        with pytest.raises(psycopg.errors.DivisionByZero):
            divide_by_zero(db, at_once=where == "first")
        assert db.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
        assert count(admin, "card") == 0
        with pipelined_transaction(db):
            db.execute("INSERT INTO card (park_id, generation, card, position) VALUES (1, 1, 'x', 1)")
    assert count(admin, "card") == 1
    assert caplog.messages == []
