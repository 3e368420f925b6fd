"""Reads every statement that a Citus cluster gets and holds it against what was measured there.

The rules are those of docs/scaling.md: what breaks one is refused by a real cluster, asks every shard, or counts wrong.
"""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from vipgate.store.postgres.queries import for_all_parks, for_citus
from vipgate.store.postgres.schema import COORDINATOR_TABLES, TABLES
from vipgate.support.sql_files import load_migrations, load_statements, single_park_variant

FOLDER = files("vipgate.store.postgres.sql")
STATEMENTS = {
    name: re.sub(r"^--.*$", "", text, flags=re.MULTILINE)
    for name, text in load_statements("vipgate.store.postgres.sql").items()
}


def names_in(file: str) -> list[str]:
    return re.findall(r"^-- name: (\w+)$", FOLDER.joinpath(file).read_text(encoding="utf-8"), re.MULTILINE)


NOT_SENT = {"lock_parks", "copy_renewals", "park_accesses"}
ROAD = {name: single_park_variant(STATEMENTS[name]) for name in names_in("commit.sql") if name not in NOT_SENT}
# What may ask every shard: no push waits for it.
EVERY_SHARD = {
    "list_parks", "journal_entry", "refused_body", "ping", "take_turn", "expired_generation", "expired_requests",
    "expired_bodies", "park_to_erase", "sealed_secrets",
}  # fmt: skip
ASIDE = {
    name: STATEMENTS[name]
    for file in ("parks.sql", "reading.sql", "housekeeping.sql", "keep.sql", "secrets.sql")
    for name in names_in(file)
    if name not in EVERY_SHARD | NOT_SENT
}
# Looking for something: each statement is tied to one park where one is meant, and goes over all of them otherwise.
LOOKING = {name: for_citus(STATEMENTS[name]) for file in ("browse.sql", "browse_parks.sql") for name in names_in(file)}
OVER_ALL_ONLY = {
    "answers_by_park", "tally_of_money", "tally_of_answers", "search_parks", "parks_for_charge_types",
}  # fmt: skip
ASIDE |= {name: single_park_variant(text) for name, text in LOOKING.items() if name not in OVER_ALL_ONLY}
OVER_ALL = {
    name: for_all_parks(text) for name, text in LOOKING.items() if name in OVER_ALL_ONLY or for_all_parks(text) != text
}
PARK = r"(?:\$[12]|%\(park_uuid\)s|'')"


@pytest.mark.parametrize("statement", ROAD.values(), ids=ROAD)
def test_statement_of_the_road_names_its_one_park(statement: str) -> None:
    assert re.search(rf"park_uuid = {PARK}(?!\w)", statement) or re.search(r"VALUES \(\$1,", statement)
    assert "u.park_uuid" not in statement
    assert "/*" not in statement


@pytest.mark.parametrize("statement", ASIDE.values(), ids=ASIDE)
def test_statement_beside_the_road_names_its_one_park(statement: str) -> None:
    assert re.search(rf"park_uuid = {PARK}", statement) or re.search(r"VALUES \(\s*%\(park_uuid\)s", statement)


@pytest.mark.parametrize(
    "statement",
    [text for text in ROAD.values() if re.search(r"INSERT.*SELECT", text, re.DOTALL)],
    ids=lambda text: text[:40],
)
def test_insert_of_lines_joins_the_park_that_routes_it(statement: str) -> None:
    selected = re.search(r"SELECT\s+(\S+),", statement)
    assert selected is not None
    assert selected[1] == "p.park_uuid"
    assert re.search(r"\bpark AS p\b", statement)
    assert "p.park_uuid = $2" in statement
    assert "OFFSET" not in statement
    assert "LIMIT" not in statement


@pytest.mark.parametrize("statement", [*ROAD.values(), *ASIDE.values()])
def test_statement_has_nothing_that_a_cluster_refuses(statement: str) -> None:
    assert not re.match(r"\s*WITH\b", statement), "a data-modifying WITH fails"
    assert not re.search(r"\b(now|clock_timestamp|statement_timestamp|random|nextval)\s*\(", statement, re.IGNORECASE)
    assert not re.search(r"GROUPING SETS|RECURSIVE|CURRENT_TIMESTAMP", statement, re.IGNORECASE)
    if "FOR UPDATE" in statement:
        assert re.search(rf"park_uuid = {PARK}", statement)
        assert "ANY" not in statement


@pytest.mark.parametrize("statement", OVER_ALL.values(), ids=OVER_ALL)
def test_statement_over_all_parks_can_be_run_by_each_node_on_its_own(statement: str) -> None:
    assert "%(park_uuid)s" not in statement
    assert not re.search(r"\bWITH\b|RECURSIVE|GROUPING SETS|FOR UPDATE", statement)
    assert len(re.findall(r"\bJOIN\b|\bEXISTS\b", statement)) == len(
        re.findall(r"\w\.park_uuid = \w\.park_uuid\b", statement)
    )
    for lateral in re.findall(r"LATERAL \((.*?)\) AS r", statement, re.DOTALL):
        assert not re.search("OFFSET|LIMIT", lateral), "refused in a subquery that names another table"


@pytest.mark.parametrize("name", [name for name, text in {**ROAD, **ASIDE}.items() if "DELETE" in text])
def test_deletion_names_the_park_inside_and_outside(name: str) -> None:
    statement = {**ROAD, **ASIDE}[name]
    levels = len(re.findall(r"\bFROM (?!\()\w+", statement))
    assert len(re.findall(rf"park_uuid = {PARK}", statement)) == levels


def test_every_key_begins_with_the_park() -> None:
    script = "\n".join(migration.script for migration in load_migrations("vipgate.store.postgres.sql"))
    tables = re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", script, re.DOTALL)
    assert {name for name, _ in tables} == {*TABLES, *COORDINATOR_TABLES}
    for name, columns in tables:
        if name in COORDINATOR_TABLES:
            continue
        assert re.search(r"PRIMARY KEY \(park_uuid\b|park_uuid text COLLATE \"C\" NOT NULL PRIMARY KEY", columns), name
        assert "UNIQUE" not in columns
        assert "REFERENCES" not in columns
    unique = set(re.findall(r"UNIQUE INDEX \w+ ON (\w+)", script))
    assert unique <= set(COORDINATOR_TABLES)
    assert "TRIGGER" not in script


@pytest.mark.parametrize("name", names_in("staff.sql"))
def test_statement_of_the_staff_needs_no_node_but_the_coordinator(name: str) -> None:
    named = set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE) (?!SET\b)(\w+)", STATEMENTS[name]))
    assert named <= set(COORDINATOR_TABLES)


def test_no_file_of_statements_is_forgotten_here() -> None:
    read = NOT_SENT | set(names_in("commit.sql")) | set(names_in("staff.sql")) | EVERY_SHARD | set(ASIDE) | set(LOOKING)
    # What moves a ledger and what sets a connection up has tests of its own.
    apart = {*names_in("copy.sql"), *names_in("session.sql")}
    assert set(STATEMENTS) == read | apart


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_no_two_statements_have_one_name(engine: str) -> None:
    folder = files(f"vipgate.store.{engine}.sql")
    texts = [entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".sql")]
    names = [name for text in texts for name in re.findall(r"^-- name: (\w+)$", text, re.MULTILINE)]
    assert sorted(names) == sorted(set(names))


def test_history_is_a_statement_of_its_own_before_the_upsert() -> None:
    assert "renewal_history" in ROAD["keep_versions"]
    assert not any("renewal_history" in text for name, text in ROAD.items() if name != "keep_versions")
