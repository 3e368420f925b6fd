"""How each engine goes about a search: by which index, before and after it knows anything about its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from support.store_data import changed, do, push, refused, renewals
from support.store_database import Clock
from vipgate.store.interfaces.ledger import Store
from vipgate.store.postgres.store import PostgresStore
from vipgate.store.sqlite.store import SqliteStore
from vipgate.support.sql_files import all_parks_variant, single_park_variant

PARKS = [f"park-{number}" for number in range(40)]
_PARAMETER = re.compile(r"%\((\w+)\)s")


def fill(store: Store, clock: Clock) -> None:
    """Many parks, so that to go through the index of all is not as good as to go to one."""
    for park_uuid in PARKS:
        assert store.add_park(park_uuid, "", b"sealed", clock())
    rows = renewals(1_500)
    flagged = [changed(row, flags=place % 5) for place, row in enumerate(rows)]
    do(store, *[push(flagged, clock(), park=park_uuid) for park_uuid in PARKS])
    do(store, *[refused(clock(), park=PARKS[number % 40]) for number in range(400)])
    do(store, *[push(rows[:1], clock(), park=PARKS[number % 40]) for number in range(400)])


def browsing_statements(engine: str) -> set[str]:
    folders = [files(f"vipgate.store.{part}.sql") for part in ("common", engine)]
    found = [folder.joinpath(name) for folder in folders for name in ("queries.sql", "queries_parks.sql")]
    texts = [file.read_text(encoding="utf-8") for file in found if file.is_file()]
    return {name for text in texts for name in re.findall(r"^-- name: (\w+)$", text, re.MULTILINE)}


# ---- SQLite ----------------------------------------------------------------------------------------------------------

# By statement: its index over all parks, and for one where that is another.
SQLITE = {
    "count_of_plate": "COVERING INDEX renewal_plate (park_id=? AND generation=? AND plate>? AND plate<?)",
    "count_of_card": "SEARCH c USING PRIMARY KEY (park_id=? AND generation=? AND card=? AND position<?)",
    "count_of_new_cards": "COVERING INDEX renewal_position (park_id=? AND generation=? AND position>? AND position<?)",
    "by_order": "(park_id=? AND generation=? AND pay_partner=?)",
    "by_plate": "INDEX renewal_plate (park_id=? AND generation=? AND plate>? AND plate<?)",
    "by_card": "SEARCH r USING INDEX renewal_position (park_id=? AND generation=? AND position=?)",
    "scan_floor": "COVERING INDEX renewal_position (park_id=? AND generation=? AND position>? AND position<?)",
    "scan": "INDEX renewal_position (park_id=? AND generation=? AND position>? AND position<?)",
    "flagged_floor": "INDEX renewal_flagged (park_id=? AND generation=? AND flags=? AND position>? AND position<?)",
    "flagged": "INDEX renewal_flagged (park_id=? AND generation=? AND flags=? AND position>? AND position<?)",
    "count_flagged": "INDEX renewal_flagged (park_id=? AND generation=? AND flags=?)",
    "plates_after": "COVERING INDEX renewal_plate (park_id=? AND generation=? AND plate>?)",
    "ends_after": "INDEX renewal_plate (park_id=? AND generation=? AND plate>?)",
    "by_plates": "INDEX renewal_plate (park_id=? AND generation=? AND plate=?)",
    "changes": "INDEX renewal_position (park_id=? AND generation=? AND position>?)",
    "newest_requests": (
        "INDEX request_seqno (seqno>? AND seqno<?)",
        "PRIMARY KEY (park_id=? AND seqno>? AND seqno<?)",
    ),
    "newest_requests_floor": (
        "COVERING INDEX request_seqno (seqno>? AND seqno<?)",
        "PRIMARY KEY (park_id=? AND seqno>? AND seqno<?)",
    ),
    "newest_rejected": (
        "COVERING INDEX request_rejected_seqno (seqno>? AND seqno<?)",
        "COVERING INDEX request_rejected (park_id=? AND seqno>? AND seqno<?)",
    ),
    "newest_rejected_floor": (
        "COVERING INDEX request_rejected_seqno (seqno>? AND seqno<?)",
        "COVERING INDEX request_rejected (park_id=? AND seqno>? AND seqno<?)",
    ),
    "replays_of": "COVERING INDEX request_replay (park_id=? AND replay_of=?)",
    "money_by_day": "PRIMARY KEY (park_id=? AND day>? AND day<?)",
    "answers_by_day": "PRIMARY KEY (park_id=? AND day>? AND day<?)",
    "sum_of_money": "PRIMARY KEY (park_id=? AND day>? AND day<?)",
    "sum_of_answers": "PRIMARY KEY (park_id=? AND day>? AND day<?)",
    "answers_by_park": "PRIMARY KEY (park_id=? AND day>? AND day<?)",
    "held_replaces": "PRIMARY KEY (park_id=?)",
    "held_since": "INDEX request_replace (park_id=? AND body_sha256=?)",
    "held_first": "INDEX request_held (park_id=? AND body_sha256=? AND generation>?)",
    "held_last": "INDEX request_held (park_id=? AND body_sha256=? AND generation>?)",
    "signatures_of": "PRIMARY KEY (park_id=? AND seqno>?)",
    "search_parks": "(park_uuid>?)",
    "park_more": "(rowid=?)",
    "charge_types_of": "PRIMARY KEY (park_id=?)",
    "parks_for_charge_types": ("(park_uuid>?)", "(rowid=?)"),
}
# They go from park to park, and sort what comes together.
OVER_PARKS = {"answers_by_day", "answers_by_park", "money_by_day"}
SORTED = {
    "newest_rejected",
    "plates_after",
    "by_order",
    "by_plate",
    "by_card",
    "charge_types_of",
    "held_replaces",
} | OVER_PARKS


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "ledger.db", clock)) as store:
        yield store


def test_every_search_of_sqlite_has_its_plan_here() -> None:
    assert browsing_statements("sqlite") == set(SQLITE)


@pytest.mark.parametrize("filled", [False, True])
def test_sqlite_finds_by_the_index_and_sorts_no_page(file: SqliteStore, clock: Clock, filled: bool) -> None:
    if filled:
        fill(file, clock)
        file._db.execute("ANALYZE")
    for name, index in SQLITE.items():
        over_all, of_one = index if isinstance(index, tuple) else (index, index)
        for expected, form in ((over_all, all_parks_variant), (of_one, single_park_variant)):
            statement = form(file.sql[name])
            values = dict.fromkeys(re.findall(r":(\w+)", statement))
            steps = [str(row[3]) for row in file._db.execute("EXPLAIN QUERY PLAN " + statement, values)]
            assert any(expected in step for step in steps), (name, steps)
            scans = [step for step in steps if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
            assert all(map(is_small, scans)), (name, steps)
            assert "TEMP B-TREE" not in "".join(steps) or name in SORTED, (name, steps)


def is_small(step: str) -> bool:
    """A scan of the parks, or of what a step before has found."""
    return bool(re.match(r"SCAN (CONSTANT ROW|\(subquery|(found|counted|p|park)\b)", step))


# ---- PostgreSQL ------------------------------------------------------------------------------------------------------

POSTGRES = {
    "count_of_plate": "renewal_plate",
    "count_of_card": "card_pkey",
    "count_of_new_cards": "renewal_position",
    "by_order": "renewal_pkey",
    "by_plate": "renewal_plate",
    "by_card": "card_pkey",
    "scan_floor": "renewal_position",
    "scan": "renewal_position",
    "flagged_floor": "renewal_flagged",
    "flagged": "renewal_flagged",
    "count_flagged": "renewal_flagged",
    "plates_after": "renewal_plate",
    "ends_after": "renewal_plate",
    "by_plates": "renewal_plate",
    "changes": "renewal_position",
    "newest_requests": ("request_seqno", "request_pkey"),
    "newest_requests_floor": ("request_seqno", "request_pkey"),
    "newest_rejected": ("request_rejected_seqno", "request_rejected"),
    "newest_rejected_floor": ("request_rejected_seqno", "request_rejected"),
    "replays_of": "request_replay",
    "money_by_day": ("daily_day", "daily_pkey"),
    "answers_by_day": ("daily_answer_day", "daily_answer_pkey"),
    # In a table of one page both indexes cost the same.
    "sum_of_money": ("daily_day", "daily_pkey", "daily_day"),
    "sum_of_answers": ("daily_answer_day", "daily_answer_pkey", "daily_answer_day"),
    "answers_by_park": ("daily_answer_day", "daily_answer_pkey", "daily_answer_day"),
    "held_replaces": "request_held",
    "held_since": "request_replace",
    "held_first": "request_held",
    "held_last": "request_held",
    "signatures_of": "request_pkey",
    "search_parks": ("park_by_uuid", "park_pkey"),
    "park_more": "park_pkey",
    "charge_types_of": "charge_type_pkey",
    "parks_for_charge_types": ("park_by_uuid", "park_pkey"),
}


@pytest.fixture
def server(postgres: str, clock: Clock) -> Iterator[PostgresStore]:
    with closing(PostgresStore(postgres, clock)) as store:
        yield store


def plan_of(store: PostgresStore, statement: str) -> str:
    """The plan that serves whatever the parameters are, as the store's connections ask for."""
    names = list(dict.fromkeys(_PARAMETER.findall(statement)))
    numbered = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement)
    with store.pool.connection() as db:
        db.execute(f"PREPARE looked_at AS {numbered}".encode())
        nulls = ", ".join(["NULL"] * len(names))
        plan = db.execute(f"EXPLAIN EXECUTE looked_at ({nulls})".encode()).fetchall()
        db.execute("DEALLOCATE looked_at")
    return "\n".join(row[0] for row in plan)


def test_every_search_of_postgres_has_its_plan_here() -> None:
    assert browsing_statements("postgres") == set(POSTGRES)


@pytest.mark.parametrize("analysed", [False, True])
def test_postgres_finds_by_the_index_of_each_park(server: PostgresStore, clock: Clock, analysed: bool) -> None:
    fill(server, clock)
    if analysed:
        with server.pool.connection() as db:
            db.execute("ANALYZE")
    for name, index in POSTGRES.items():
        over_all, *of_one = index if isinstance(index, tuple) else (index, index)
        statement = server._sql[name]
        plan = plan_of(server, single_park_variant(statement))
        assert any(f"{one} on" in plan for one in of_one), (name, plan)
        assert not reads_whole_table(plan), (name, plan)
        if "/* and" in statement:
            plan = plan_of(server, all_parks_variant(statement))
            assert f"{over_all} on" in plan, (name, plan)
            assert not reads_whole_table(plan), (name, plan)
            each = "Index Cond: ((park_id = p.park_id) AND (generation = p.generation) AND ("
            assert "renewal" not in plan or each in plan, (name, plan)


def reads_whole_table(plan: str) -> bool:
    """Whether a plan goes through a table other than that of the parks."""
    return bool(re.search(r"Seq Scan on (?!park p)", plan))


@pytest.mark.parametrize(
    "name", ["scan", "scan_floor", "flagged", "flagged_floor", "ends_after", "changes", "newest_requests"]
)
def test_postgres_reads_a_page_in_the_order_of_its_index(server: PostgresStore, clock: Clock, name: str) -> None:
    fill(server, clock)
    with server.pool.connection() as db:
        db.execute("ANALYZE")
    assert "Sort" not in plan_of(server, single_park_variant(server._sql[name]))
    assert "Sort" not in plan_of(server, all_parks_variant(server._sql["newest_requests"]))
