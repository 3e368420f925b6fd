"""What only the PostgreSQL store has to promise: many writers, broken lines, migrations beside writers, plans, Citus."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from support.citus_stub import stand_in
from support.postgres_database import wait_for_waiter
from support.store_data import OTHER, PARK, changed, do, held, push, refused, renewals
from support.store_database import Clock, Ledger, spread
from support.tcp_proxy import Cut, Proxy
from vipgate.errors import IncompatibleDatabase, RequestError, StoreError, StoreUnavailable
from vipgate.store.interfaces.ledger import Push, PushResult, RejectedRequest
from vipgate.store.postgres.group_writer import PostgresGroup
from vipgate.store.postgres.pool import ConnectionPool, RetryableConflict
from vipgate.store.postgres.schema import COORDINATOR_TABLES, TABLES, distribute, migrate
from vipgate.store.postgres.store import PostgresStore
from vipgate.support.sql_files import Migration, load_migrations


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
        yield db


def journal(admin: psycopg.Connection[Any]) -> int:
    row = admin.execute("SELECT count(*) FROM vipgate.request").fetchone()
    assert row is not None
    return int(row[0])


# ---- several writers -------------------------------------------------------------------------------------------------


def test_writers_of_the_same_parks_neither_deadlock_nor_lose_nor_repeat(
    postgres: str, one: PostgresStore, clock: Clock, admin: psycopg.Connection[Any]
) -> None:
    parks = [f"park-{number}" for number in range(6)]
    for park_uuid in parks:
        one.add_park(park_uuid, "", b"sealed", clock())
    rounds, writers = 25, 4
    outcomes: list[list[PushResult | RequestError | StoreError]] = []

    def write(writer: int) -> None:
        with closing(PostgresStore(postgres, clock)) as store:
            for turn in range(rounds):
                # Each in another order, with one record that all of them change.
                order = parks[writer:] + parks[:writer]
                first = 1 + writer * 10_000 + turn * 10
                shared = changed(renewals(1)[0], pay_partner="shared", operator=f"{writer}-{turn}")
                group = [push([*renewals(3, first=first), shared], clock(), park=park_uuid) for park_uuid in order]
                outcomes.append(store.commit(group))

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == writers * rounds
    for park_uuid in parks:
        found = held(one, park_uuid)
        assert len(found) == writers * rounds * 3 + 1
        assert len({stored.position for stored in found.values()}) == len(found)
        shared = found["shared"]
        assert shared.revision == writers * rounds
        before = one.history(park_uuid, "shared")
        assert [version.stored.revision for version in before] == list(range(1, writers * rounds))
        assert [version.replaced_seqno for version in before[:-1]] == [version.stored.seqno for version in before[1:]]
    assert all(isinstance(outcome, PushResult) for group in outcomes for outcome in group)
    assert journal(admin) == writers * rounds * len(parks)


def test_deadlock_is_tried_again(
    postgres: str, one: PostgresStore, clock: Clock, admin: psycopg.Connection[Any]
) -> None:
    # The other waits longer than the store for the server to look for deadlocks, so that the store is the victim.
    admin.execute("SET deadlock_timeout = '30s'")
    results: list[PushResult | RequestError | StoreError] = []
    rows = renewals(1)
    group = [push(rows, clock(), park=park_uuid) for park_uuid in (PARK, OTHER)]
    lock = "SELECT 1 FROM vipgate.park WHERE park_uuid = %s FOR UPDATE"
    first, second = PARK, OTHER
    with admin.transaction():
        admin.execute(lock, [second])
        committing = threading.Thread(target=lambda: results.extend(one.commit(group)))
        committing.start()
        wait_for_waiter(postgres)
        admin.execute(lock, [first])
    committing.join()
    assert results == [PushResult(1, 0, 0)] * 2
    assert journal(admin) == 2


def test_what_is_always_in_the_way_is_given_up_after_a_bounded_number_of_tries(
    postgres: str, clock: Clock, one: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    tries: list[int] = []

    def refuse(*_: object) -> list[PushResult]:
        tries.append(1)
        raise psycopg.errors.SerializationFailure("could not serialize access")

    with closing(PostgresStore(postgres, clock, pause=pauses.append, chance=lambda: 0.5)) as store:
        monkeypatch.setattr(PostgresGroup, "write", refuse)
        monkeypatch.setattr(psycopg.errors.SerializationFailure, "sqlstate", "40001")
        [result] = store.commit([push(renewals(1), clock())])
    assert isinstance(result, RetryableConflict)
    assert len(tries) == 5
    assert pauses == sorted(pauses)
    assert len(pauses) == 4


# ---- the line ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", [True, False])
def test_commit_whose_answer_was_lost_is_looked_up_and_neither_lost_nor_repeated(
    postgres: str, one: PostgresStore, clock: Clock, admin: psycopg.Connection[Any], stored: bool
) -> None:
    rows = renewals(300)
    do(one, push(rows[:1], clock()))
    with Proxy(postgres) as proxy, closing(PostgresStore(proxy.url, clock)) as store:
        do(store, push(rows[1:2], clock()))
        proxy.cut(Cut(b"COMMIT", after_answer=stored))
        group: list[Push | RejectedRequest] = [
            push([changed(rows[0], operator="王五"), *rows[1:290]], clock()),
            push(rows[290:], clock(), park=OTHER),
            refused(clock(), park=None, code="401"),
            refused(clock(), body=b"{"),
        ]
        assert store.commit(group)[:2] == [PushResult(288, 1, 1), PushResult(10, 0, 0)]
        assert proxy.cuts == 1
    assert len(held(one)) == 290
    assert len(one.history(PARK, rows[0].pay_partner)) == 1
    assert journal(admin) == 2 + len(group)
    entry = one.request_log_entry(group[0].seqno)
    assert entry is not None
    assert (entry.inserted, entry.updated, entry.unchanged) == (288, 1, 1)


def test_line_cut_in_the_middle_of_a_transaction_is_mended_unseen(
    postgres: str, one: PostgresStore, clock: Clock
) -> None:
    with Proxy(postgres) as proxy, closing(PostgresStore(proxy.url, clock)) as store:
        for mark in (b"BEGIN", b"FOR UPDATE", b"FROM json_to_recordset"):
            proxy.cut(Cut(mark, after_answer=False))
            assert do(store, push(renewals(3, first=10 * len(mark)), clock())) == [PushResult(3, 0, 0)]
            # Reads have nothing to lose: the next one has a connection again.
            assert store.find_park(PARK) is not None


def test_server_that_is_away_is_an_error_at_once_and_forgotten_when_it_is_back(
    postgres: str, one: PostgresStore, clock: Clock
) -> None:
    with Proxy(postgres) as proxy, closing(PostgresStore(proxy.url, clock)) as store:
        proxy.refuse()
        results = store.commit([push(renewals(1), clock()) for _ in range(200)])
        assert all(isinstance(result, StoreUnavailable) for result in results)
        assert proxy.refused <= 3, "each request of the group tried the line again"
        with pytest.raises(StoreUnavailable):
            store.ping()
        proxy.accept()
        threading.Event().wait(0.6)
        assert do(store, push(renewals(1), clock())) == [PushResult(1, 0, 0)]


def test_transaction_that_somebody_left_open_does_not_hold_a_park_for_ever(
    postgres: str, one: PostgresStore, clock: Clock
) -> None:
    with closing(ConnectionPool(postgres, 1)) as link, link.connection() as db:
        row = db.execute("SELECT current_setting('idle_in_transaction_session_timeout')").fetchone()
        assert row == ("1min",)
        assert db.execute("SHOW lock_timeout").fetchone() == ("10s",)
        assert db.execute("SHOW statement_timeout").fetchone() == ("30s",)


def test_database_that_does_not_wait_for_the_disk_is_told_to(postgres: str, admin: psycopg.Connection[Any]) -> None:
    name = admin.info.dbname
    admin.execute(f"ALTER DATABASE \"{name}\" SET synchronous_commit = 'off'")
    try:
        with closing(ConnectionPool(postgres, 1)) as link, link.connection() as db:
            assert db.execute("SHOW synchronous_commit").fetchone() == ("on",)
    finally:
        admin.execute(f'ALTER DATABASE "{name}" RESET synchronous_commit')


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://postgres@{address}/no-such-database", "createdb"),
        ("postgresql://nobody-at-all@{address}/vipgate-test", "role"),
        ("postgresql://postgres@127.0.0.1:1/vipgate-test", "refused"),
        ("postgresql://postgres@{address}/x?no_such=1", "cannot be read"),
    ],
)
def test_wrong_url_is_told_with_its_remedy_and_without_its_password(
    postgres: str, clock: Clock, url: str, told: str
) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(postgres)
    wrong = url.format(address=f"{parts['host']}:{parts['port']}").replace("@", ":planted-password@")
    with pytest.raises(StoreError, match=told) as caught:
        PostgresStore(wrong, clock)
    assert "planted-password" not in str(caught.value)


def test_database_in_another_encoding_is_refused(postgres: str, clock: Clock, admin: psycopg.Connection[Any]) -> None:
    admin.execute("DROP DATABASE IF EXISTS latin_test")
    admin.execute("CREATE DATABASE latin_test TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    url = psycopg.conninfo.make_conninfo(postgres, dbname="latin_test")
    with pytest.raises(IncompatibleDatabase, match="UTF8"):
        PostgresStore(url, clock)


def test_nul_in_what_a_stranger_says_does_not_cost_the_others_their_request_log(
    one: PostgresStore, clock: Clock
) -> None:
    row = changed(renewals(1)[0], extra='{"a":"\\u0000"}')
    stranger = refused(clock(), park=None, code="401", claimed="a\x00b\\u0000")
    do(one, stranger, push([row], clock()))
    entry = one.request_log_entry(stranger.seqno)
    assert entry is not None
    assert entry.claimed == "a\ufffdb\\u0000"
    assert held(one)[row.pay_partner].renewal == row


def test_new_rows_are_not_looked_up(one: PostgresStore, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    before = PostgresGroup._existing

    def count(self: PostgresGroup, places: Any) -> Any:
        looked.append(sum(map(len, places.values())))
        return before(self, places)

    monkeypatch.setattr(PostgresGroup, "_existing", count)
    do(one, push(renewals(500), clock()), push(renewals(3), clock(), park=OTHER))
    assert looked == [1], "one probe, of the large batch"


# ---- the schema ---------------------------------------------------------------------------------------------------------


def test_processes_that_start_at_once_migrate_once(postgres: str, clock: Clock) -> None:
    results: list[int | Exception] = []

    def start() -> None:
        try:
            with closing(PostgresStore(postgres, clock)) as store:
                results.append(store.schema)
        except StoreError as error:
            results.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [load_migrations("vipgate.store.postgres.sql")[-1].number] * 8


def test_migration_lets_the_writers_pass(
    postgres: str, one: PostgresStore, clock: Clock, admin: psycopg.Connection[Any]
) -> None:
    steps = [
        *load_migrations("vipgate.store.postgres.sql"),
        Migration(901, "ALTER TABLE renewal ADD COLUMN note text"),
        Migration(
            902, "-- apart\nCREATE INDEX CONCURRENTLY renewal_note ON renewal (park_id, note)", non_transactional=True
        ),
    ]
    pauses: list[float] = []
    blocked = threading.Event()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        blocked.set()
        threading.Event().wait(seconds)

    reached: list[int] = []
    with closing(ConnectionPool(postgres, 1)) as link:
        migrating = threading.Thread(target=lambda: reached.append(migrate(link, steps, pause)))
        with admin.transaction():
            # Somebody reads for long: the change of the table has to wait for him, the pushes have not.
            admin.execute("SELECT 1 FROM vipgate.renewal LIMIT 1")
            migrating.start()
            assert blocked.wait(20)
            for number in range(5):
                assert do(one, push(renewals(3, first=1 + 10 * number), clock())) == [PushResult(3, 0, 0)]
        migrating.join()
    assert reached == [902]
    assert pauses
    assert do(one, push(renewals(3, first=100), clock())) == [PushResult(3, 0, 0)]
    with pytest.raises(IncompatibleDatabase, match="schema 902"):
        PostgresStore(postgres, clock)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("stream", "renewal_position"), ("stream_plate", "renewal_plate"), ("newest", "renewal_position"),
        ("newest_of_plate", "renewal_plate"), ("find_record", "renewal_pkey"), ("history", "renewal_history_pkey"),
        ("request_log_entry", "request_seqno"), ("rejected_body", "rejected_body_seqno"), ("daily", "daily_pkey"),
        ("daily_answers", "daily_answer_pkey"), ("expired_generation", "generation_ended"),
        ("expired_requests", "request_seqno"), ("expired_bodies", "rejected_body_seqno"),
        ("list_parks", "park_by_uuid"), ("find_park", "park_pkey"), ("park_access", "park_pkey"),
        ("park_accesses", "park_pkey"), ("purge_requests", "request_"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("filled", [False, True])
def test_statement_takes_its_index_and_sorts_nothing(
    one: PostgresStore, clock: Clock, name: str, index: str, filled: bool
) -> None:
    if filled:
        fill(one, clock)
    values = {
        "park_id": 1, "since_us": 0, "until_us": 2**62, "before": 2**62, "limit": 50, "plate": "x",
        "pay_partner": "x", "seqno": "x", "before_us": 1, "before_seqno": "x", "chunk_rows": 10, "after": "",
        "generation": 1, "seqnos": ["x"], "park_ids": [1, 2],
    }  # fmt: skip
    with one.pool.connection() as db:
        if filled:
            db.execute("ANALYZE")
        plan = "\n".join(row[0] for row in db.execute("EXPLAIN " + one._sql[name], values))
    assert index in plan, plan
    assert "Seq Scan" not in plan, plan
    assert "Sort" not in plan or "history" in name or name in ("list_parks",), plan


def fill(store: PostgresStore, clock: Clock) -> None:
    rows = renewals(2_000)
    do(store, push(rows, clock()), push(rows, clock(), park=OTHER))
    do(store, push([changed(row, operator="王五") for row in rows], clock()))


@pytest.mark.parametrize("name", ["purge_renewals", "purge_history"])
def test_purge_goes_to_the_rows_by_their_addresses(one: PostgresStore, clock: Clock, name: str) -> None:
    fill(one, clock)
    with one.pool.connection() as db:
        db.execute("ANALYZE")
        values = {"park_id": 1, "generation": 1, "chunk_rows": 10}
        plan = "\n".join(row[0] for row in db.execute("EXPLAIN " + one._sql[name], values))
    assert "Tid Scan" in plan, plan
    assert "Seq Scan" not in plan, plan


def test_look_up_of_a_batch_takes_the_key_before_any_statistics(one: PostgresStore, clock: Clock) -> None:
    do(one, push(renewals(3_000), clock()))
    with one.pool.connection() as db:
        statement = one._sql["held_renewals"].replace("$1", "%s")
        plan = "\n".join(row[0] for row in db.execute("EXPLAIN " + statement, ["[]"]))
    assert "renewal_pkey" in plan, plan
    assert "AND (pay_partner = u.pay_partner)" in plan, plan


# ---- Citus ----------------------------------------------------------------------------------------------------------------


def test_worker_of_a_cluster_is_refused(postgres: str, clock: Clock, admin: psycopg.Connection[Any]) -> None:
    stand_in(admin, wanted=True, coordinator=False)
    with pytest.raises(IncompatibleDatabase, match="connect to the coordinator"):
        PostgresStore(postgres, clock)


def test_every_table_is_spread_beside_the_parks(postgres: str, admin: psycopg.Connection[Any]) -> None:
    spread(postgres, real=False)
    rows = admin.execute("SELECT table_name::text, distribution_column, colocate_with FROM citus_tables").fetchall()
    assert rows[0] == ("vipgate.park", "park_id", "none")
    assert set(rows[1:]) == {(f"vipgate.{table}", "park_id", "vipgate.park") for table in TABLES[1:]}
    there = admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'vipgate'").fetchall()
    assert {row[0] for row in there} == {*TABLES, *COORDINATOR_TABLES, "schema_version"}
    with closing(ConnectionPool(postgres, 1)) as link:
        assert not distribute(link), "it is spread already"


def test_plain_server_cannot_be_spread(postgres: str) -> None:
    with closing(ConnectionPool(postgres, 1)) as link:
        migrate(link)
        with pytest.raises(IncompatibleDatabase, match="CREATE EXTENSION citus"):
            distribute(link)


def test_spread_ledger_gets_statements_of_one_park(
    ledger: Ledger, request: pytest.FixtureRequest, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "a park at a time" not in request.node.name:
        return
    store = ledger.another()
    for park_uuid in (PARK, OTHER):
        store.add_park(park_uuid, "", b"sealed", clock())
    sent: list[str] = []
    before = psycopg.RawCursor.execute

    def note(self: Any, query: Any, *arguments: Any, **named: Any) -> Any:
        sent.append(str(query))
        return before(self, query, *arguments, **named)

    monkeypatch.setattr(psycopg.RawCursor, "execute", note)
    rows = renewals(60)
    do(store, push(rows, clock()), push(rows[:2], clock(), park=OTHER, complete=True), refused(clock(), body=b"x"))
    do(store, push([changed(rows[0], operator="王五")], clock()))
    assert len(sent) > 20
    assert [statement for statement in sent if "park_id = $" not in statement and "VALUES ($1," not in statement] == []


@pytest.mark.parametrize("text", ["a\\b", "a\tb", "\\N", "\\.", "a\nb", "\r", "a\x01b"])
def test_text_that_copy_cannot_hold_goes_another_way(one: PostgresStore, clock: Clock, text: str) -> None:
    rows = renewals(300)
    odd = changed(rows[7], operator=text, extra='{"a":"\\\\"}')
    do(one, push([*rows[:7], odd, *rows[8:]], clock()))
    assert held(one)[odd.pay_partner].renewal == odd
    assert len(held(one)) == 300
