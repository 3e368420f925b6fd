"""Moving a ledger to PostgreSQL: all of it, again and again, and never over what is newer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from support.store_data import (
    OTHER,
    PARK,
    changed,
    charge_type,
    do,
    entry,
    held,
    push,
    refused,
    renewals,
    session,
    token,
    user,
)
from support.store_database import Clock, spread
from support.store_queries import browse_of, picked
from vipgate.errors import IncompatibleDatabase
from vipgate.i18n import LocalizedText
from vipgate.store.common.accounts import SqlAccountStore
from vipgate.store.common.admin import SqlAdminStore
from vipgate.store.copy import ParkRow, Table, compare, copy, count_records
from vipgate.store.copy_tables import PostgresTables, SqliteTables
from vipgate.store.interfaces.ledger import Filter, ParkChange, Retention
from vipgate.store.interfaces.queries import RecordQuery
from vipgate.store.postgres.store import PostgresStore
from vipgate.store.sqlite.store import SqliteStore

DAY_S = 86_400


@pytest.fixture
def source(tmp_path: Path, clock: Clock) -> Iterator[SqliteStore]:
    """A ledger with something of everything."""
    with closing(SqliteStore(tmp_path / "old.db", clock)) as store:
        for park_uuid in (PARK, OTHER, "empty"):
            store.add_park(park_uuid, f"名 {park_uuid}", b"\x00sealed\xff", clock())
        store.rotate_secret(OTHER, b"second", clock())
        store.change_park(
            OTHER, ParkChange(enabled=False, allow_list=("10.0.0.0/24",), rate_per_minute=7, charset="gbk")
        )
        rows = renewals(2_500)
        do(store, push(rows[:1_500], clock()), push(rows[:30], clock(), park=OTHER))
        do(store, push([changed(row, operator="新", extra='{"n":"\\u0000"}') for row in rows[:40]], clock()))
        do(store, push(rows[1_000:2_000], clock(), complete=True))
        do(store, refused(clock(), body=b"{" * 99), refused(clock(), park=None, code="401", claimed="who\x00?"))
        set_up_staff(store, clock)
        yield store


def set_up_staff(store: SqliteStore, clock: Clock) -> None:
    """An account that is logged in, tokens, a line of each in the audit log, and what staff set on a park."""
    staff, keep = SqlAccountStore(store), SqlAdminStore(store, clock)
    staff.add_user(user("李雷", sees_plates=True), entry("account", who="li\0"))
    staff.note_login(session(name="李雷"), entry("login"))
    staff.add_token(token(), entry("token"))
    staff.revoke_token("meter", clock(), entry("revoked"))
    staff.add_token(token(digest="new", park_uuid=PARK), entry("token again"))
    keep.set_retention(PARK, 90, entry("retention", park_uuid=PARK))
    keep.set_charge_address(PARK, "http://gate.example/", entry("address", park_uuid=PARK))
    keep.save_charge_types(PARK, [charge_type(2), charge_type(1)], LocalizedText("慢", "slow"), clock())


@pytest.fixture(params=["plain", "spread"])
def target(request: pytest.FixtureRequest, postgres: str, clock: Clock) -> Iterator[PostgresStore]:
    if request.param == "spread":
        spread(postgres, real=False)
    with closing(PostgresStore(postgres, clock, connections=4)) as store:
        assert store.is_distributed == (request.param == "spread")
        yield store


def ignore(_: int) -> None:
    """Nobody watches the bar."""


def test_copy_holds_all_that_the_source_held_and_serves_on(
    source: SqliteStore, target: PostgresStore, clock: Clock
) -> None:
    seen: list[int] = []
    tally = copy(SqliteTables(source), PostgresTables(target), seen.append)
    assert sum(seen) == count_records(SqliteTables(source)) == tally.lines["renewal"] == 2_530
    compared, differences = compare(SqliteTables(source), PostgresTables(target), ignore)
    assert differences == []
    assert compared.lines["renewal"] == 2_530
    assert compared.lines["request"] == 6
    for park_uuid in (PARK, OTHER, "empty"):
        assert target.find_park(park_uuid) == source.find_park(park_uuid)
        assert target.park_access(park_uuid) == source.park_access(park_uuid)
        assert list(target.iter_records(park_uuid, Filter())) == list(source.iter_records(park_uuid, Filter()))
        assert target.generations(park_uuid) == source.generations(park_uuid)
        assert target.daily(park_uuid) == source.daily(park_uuid)
        assert target.daily_answers(park_uuid) == source.daily_answers(park_uuid)
    theirs, ours = SqlAccountStore(target), SqlAccountStore(source)
    assert theirs.list_users() == ours.list_users() != []
    assert theirs.list_tokens() == ours.list_tokens() != []
    assert theirs.audit_entries(None, None, None, 100) == ours.audit_entries(None, None, None, 100) != []
    assert theirs.list_sessions("李雷", 0) == []
    assert browse_of(target).park_details(PARK) == browse_of(source).park_details(PARK)
    assert browse_of(target).charge_types(PARK) == browse_of(source).charge_types(PARK)
    assert target.restore(PARK, 1, clock())
    number = renewals(2_500)[0].pay_partner
    assert len(target.history(PARK, number)) == 1
    before = max(one.position for one in held(target).values())
    do(target, push(renewals(1, first=9_999), clock()))
    assert held(target)[renewals(1, first=9_999)[0].pay_partner].position > before


class Breaking(PostgresTables):
    """A line that breaks after so many writes."""

    def __init__(self, store: PostgresStore, writes: int) -> None:
        super().__init__(store)
        self._left = writes

    def write(self, table: Table, park_uuid: str, lines: Sequence[ParkRow]) -> None:
        self._left -= 1
        if self._left < 0:
            raise ConnectionError("the line broke")
        super().write(table, park_uuid, lines)


def test_copy_in_service_for_a_while_has_the_card_entries_of_the_second_copy(
    source: SqliteStore, target: PostgresStore, clock: Clock
) -> None:
    rows = [changed(row, card_no="N1", card_id="I1") for row in renewals(1_200)[1_000:1_010]]
    do(source, push(rows, clock()))
    for cards in ({"card_no": "N2", "card_id": None}, {"card_no": None, "card_id": None}):
        copy(SqliteTables(source), PostgresTables(target), ignore)
        while target.run_maintenance(clock(), Retention()):
            pass
        do(source, push([changed(row, **cards) for row in rows[:5]], clock()))
    assert source.restore(PARK, 1, clock())
    do(source, push([changed(row, card_no="N1", card_id="I1") for row in renewals(3)], clock()))
    copy(SqliteTables(source), PostgresTables(target), ignore)
    for store in (source, target):
        while store.run_maintenance(clock(), Retention()):
            pass
    for query in [RecordQuery(card=card, park_uuid=park) for card in ("N1", "I1", "N2") for park in (PARK, None)]:
        assert browse_of(target).records(query, None, 100) == browse_of(source).records(query, None, 100)
        assert browse_of(target).records(query, None, 100).items == picked(source, query, [PARK, OTHER])


@pytest.mark.parametrize("writes", [1, 3, 5, 9, 14])
def test_interrupted_copy_goes_on_where_it_stopped(source: SqliteStore, target: PostgresStore, writes: int) -> None:
    with pytest.raises(ConnectionError):
        copy(SqliteTables(source), Breaking(target, writes), ignore)
    there = sum(len(list(target.iter_records(park, Filter()))) for park in (PARK, OTHER))
    tally = copy(SqliteTables(source), PostgresTables(target), ignore)
    assert tally.lines.get("renewal", 0) <= 2_530 - there
    assert compare(SqliteTables(source), PostgresTables(target), ignore)[1] == []


def test_second_copy_brings_only_what_has_changed(source: SqliteStore, target: PostgresStore, clock: Clock) -> None:
    copy(SqliteTables(source), PostgresTables(target), ignore)
    clock.forward(5 * 3600)
    rows = renewals(2_500)
    do(source, push([changed(rows[1_200], operator="后来"), *rows[2_400:2_410]], clock()))
    assert compare(SqliteTables(source), PostgresTables(target), ignore)[1] != []
    tally = copy(SqliteTables(source), PostgresTables(target), ignore)
    assert tally.lines["renewal"] == 11
    assert compare(SqliteTables(source), PostgresTables(target), ignore)[1] == []
    clock.forward(31 * DAY_S)
    while source.run_maintenance(clock(), Retention()):
        pass
    copy(SqliteTables(source), PostgresTables(target), ignore)
    assert target.generations(PARK) == source.generations(PARK)
    tables = {one.table for one in compare(SqliteTables(source), PostgresTables(target), ignore)[1]}
    assert not tables & {"renewal", "renewal_history", "generation"}


def test_second_copy_brings_what_staff_changed_and_erased(
    source: SqliteStore, target: PostgresStore, clock: Clock
) -> None:
    copy(SqliteTables(source), PostgresTables(target), ignore)
    staff, keep = SqlAccountStore(source), SqlAdminStore(source, clock)
    staff.change_user("李雷", entry("ended"), enabled=False)
    staff.revoke_token("meter", clock(), entry("revoked again"))
    keep.save_charge_types(PARK, [charge_type(3)], None, clock())
    # A record of the stock in sight, one of the stock before it, and a version.
    plates = [renewals(2_500)[place].plate for place in (1_500, 700, 0)]
    erased = [keep.erase_plate(plate, PARK, entry("erased")) for plate in plates]
    assert sum(one.records for one in erased) >= 3
    assert erased[2].versions == 1
    copy(SqliteTables(source), PostgresTables(target), ignore)
    assert compare(SqliteTables(source), PostgresTables(target), ignore)[1] == []
    assert [one.enabled for one in SqlAccountStore(target).list_users()] == [False]


def test_one_changed_byte_is_found(source: SqliteStore, target: PostgresStore, postgres: str) -> None:
    copy(SqliteTables(source), PostgresTables(target), ignore)
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("UPDATE vipgate.renewal SET pay_value_fen = pay_value_fen + 1 WHERE pay_partner = %s AND generation = 1",
                   [renewals(2_500)[0].pay_partner])  # fmt: skip
    differences = compare(SqliteTables(source), PostgresTables(target), ignore)[1]
    assert [(one.table, one.source_lines == one.target_lines) for one in differences] == [("renewal", True)] * len(
        differences
    )
    assert differences


def test_ledger_of_others_and_one_that_serves_already_are_left_alone(
    source: SqliteStore, target: PostgresStore, clock: Clock
) -> None:
    target.add_park("stranger", "", b"x", clock())
    with pytest.raises(IncompatibleDatabase, match="park stranger"):
        copy(SqliteTables(source), PostgresTables(target), ignore)
    assert target.find_park(PARK) is None


def test_copy_that_has_begun_to_serve_is_not_overwritten(
    source: SqliteStore, target: PostgresStore, clock: Clock
) -> None:
    copy(SqliteTables(source), PostgresTables(target), ignore)
    new = renewals(1, first=7_777)
    do(target, push(new, clock()))
    with pytest.raises(IncompatibleDatabase, match="serves already"):
        copy(SqliteTables(source), PostgresTables(target), ignore)
    assert new[0].pay_partner in held(target)
