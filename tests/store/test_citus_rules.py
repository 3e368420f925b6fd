"""Reads every statement that a Citus cluster gets and holds it against what was measured there.

The rules are those of docs/scaling.md: what breaks one is refused by a real cluster, asks every shard, or counts wrong.
"""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from vipgate.sqlfile import for_one_park, load_migrations, load_statements
from vipgate.store.postgres_schema import TABLES

FOLDER = files("vipgate.store.sql").joinpath("postgres")
STATEMENTS = {
    name: re.sub(r"^--.*$", "", text, flags=re.MULTILINE)
    for name, text in load_statements("vipgate.store.sql.postgres").items()
}


def names_in(file: str) -> list[str]:
    return re.findall(r"^-- name: (\w+)$", FOLDER.joinpath(file).read_text(encoding="utf-8"), re.MULTILINE)


# These two are not sent to a cluster.
ROAD = {
    name: for_one_park(STATEMENTS[name])
    for name in names_in("commit.sql")
    if name not in ("lock_parks", "copy_renewals")
}
# What may ask every shard: no push waits for it.
EVERY_SHARD = {
    "list_parks", "journal_entry", "refused_body", "ping", "take_turn", "expired_generation", "expired_requests",
    "expired_bodies",
}  # fmt: skip
ASIDE = {
    name: STATEMENTS[name]
    for file in ("parks.sql", "reading.sql", "housekeeping.sql")
    for name in names_in(file)
    if name not in EVERY_SHARD
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


@pytest.mark.parametrize("name", [name for name, text in {**ROAD, **ASIDE}.items() if "DELETE" in text])
def test_deletion_names_the_park_inside_and_outside(name: str) -> None:
    statement = {**ROAD, **ASIDE}[name]
    levels = len(re.findall(r"\bFROM (?!\()\w+", statement))
    assert len(re.findall(rf"park_uuid = {PARK}", statement)) == levels


def test_every_key_begins_with_the_park() -> None:
    script = "\n".join(migration.script for migration in load_migrations("vipgate.store.sql.postgres"))
    tables = re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", script, re.DOTALL)
    assert {name for name, _ in tables} == set(TABLES)
    for name, columns in tables:
        assert re.search(r"PRIMARY KEY \(park_uuid\b|park_uuid text COLLATE \"C\" NOT NULL PRIMARY KEY", columns), name
        assert "UNIQUE" not in columns
        assert "REFERENCES" not in columns
    assert "UNIQUE INDEX" not in script
    assert "TRIGGER" not in script


def test_history_is_a_statement_of_its_own_before_the_upsert() -> None:
    assert "renewal_history" in ROAD["keep_versions"]
    assert not any("renewal_history" in text for name, text in ROAD.items() if name != "keep_versions")
