"""Reads every statement that a Citus cluster gets and holds it against what was measured there.

The rules are those of docs/scaling.md: what breaks one is refused by a real cluster, asks every shard, counts wrong, or is
planned anew each time instead of going the fast way: one table, and park_id as a plain value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import psycopg
import pytest

from support.postgres_database import emptied
from support.store_database import spread
from vipgate.store.postgres.pool import load_sql
from vipgate.store.postgres.queries import for_citus
from vipgate.store.postgres.schema import COORDINATOR_TABLES, TABLES
from vipgate.support.sql_files import (
    all_parks_variant,
    line_variant,
    load_migrations,
    load_statements,
    single_park_variant,
    some_parks_variant,
)

FOLDERS = [files(f"vipgate.store.{part}.sql") for part in ("common", "postgres")]
STATEMENTS = {name: re.sub(r"^--.*\n", "", text, flags=re.MULTILINE) for name, text in load_sql().items()}


def names_in(file: str) -> list[str]:
    texts = [folder.joinpath(file).read_text(encoding="utf-8") for folder in FOLDERS if folder.joinpath(file).is_file()]
    return [name for text in texts for name in re.findall(r"^-- name: (\w+)$", text, re.MULTILINE)]


LINES = "json_to_recordset($1::json) AS u ("
# COPY is not planned: the coordinator takes each row to its shard.
NOT_SENT = {
    "lock_parks", "copy_renewals", "insert_batch", "held_renewals", "park_accesses", "add_renewals", "held_in_current_generation",
}  # fmt: skip
ROAD = {
    name: line_variant(text, 2) if LINES in (text := STATEMENTS[name]) else text
    for name in names_in("commit.sql")
    if name not in NOT_SENT
}
# A replace that is held, or a rejected body: rare, and about one park all the same.
NOT_FAST = {"held_body", "drop_rejected_bodies"}
# Asked of the coordinator alone.
KEYS = {"find_park_id", "find_park_ids", "add_park_key"}
# What may ask every shard: no push waits for it.
EVERY_SHARD = {
    "list_parks", "request_log_entry", "rejected_body", "ping", "try_maintenance_lock", "expired_generation", "expired_requests",
    "expired_bodies", "park_to_erase", "park_with_new_cards", "sealed_secrets",
}  # fmt: skip
ASIDE = {
    name: STATEMENTS[name]
    for file in ("parks.sql", "reading.sql", "housekeeping.sql", "admin.sql", "secrets.sql")
    for name in names_in(file)
    if name not in EVERY_SHARD | NOT_SENT | KEYS
}
# Looking for something: each statement is tied to one park where one is meant, and goes over all of them otherwise.
LOOKING = {
    name: for_citus(STATEMENTS[name]) for file in ("queries.sql", "queries_parks.sql") for name in names_in(file)
}
OVER_ALL_ONLY = {
    "answers_by_park", "sum_of_money", "sum_of_answers", "search_parks", "parks_for_charge_types",
}  # fmt: skip
ASIDE |= {name: single_park_variant(text) for name, text in LOOKING.items() if name not in OVER_ALL_ONLY}
OVER_ALL = {
    name: all_parks_variant(text)
    for name, text in LOOKING.items()
    if name in OVER_ALL_ONLY or all_parks_variant(text) != text
}
MAY_LEAVE_OUT = [*OVER_ALL, "list_parks", "request_log_entry", "rejected_body"]
PARK = r"(?:\$1(?:::integer)?|%\(park_id\)s|0)"


@pytest.mark.parametrize("statement", ROAD.values(), ids=ROAD)
def test_statement_of_the_pipeline_names_its_one_park(statement: str) -> None:
    assert re.search(rf"park_id = {PARK}(?!\w)", statement) or re.search(
        r"\(park_id, |\(\s+park_id, ", statement.partition("VALUES (")[0]
    )
    assert "u." not in statement
    assert "/*" not in statement


@pytest.mark.parametrize("name", ROAD)
def test_statement_of_the_pipeline_goes_the_fast_way(name: str) -> None:
    statement = ROAD[name]
    if name in NOT_FAST:
        return
    if statement.startswith("INSERT"):
        lines = statement.partition("VALUES ")[2].partition("ON CONFLICT")[0]
        assert re.match(r"\((?:\$1|%\(park_id\)s), ", lines)
        assert "SELECT" not in statement
    else:
        tables = re.findall(r"\b(?:FROM|UPDATE) (?!SET\b)(\w+)", statement)
        assert len(tables) == 1, "one table, nothing joined and no subquery"
        assert re.search(rf"WHERE (?:\w\.)?park_id = {PARK}", statement)


@pytest.fixture(scope="module")
def cluster() -> Iterator[psycopg.Connection[Any]]:
    """A connection to an empty ledger on the real cluster."""
    url = emptied(os.environ["VIPGATE_TEST_CITUS"])
    spread(url, real=True)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SET search_path TO vipgate, public")
        yield db


@pytest.mark.skipif("VIPGATE_TEST_CITUS" not in os.environ, reason="VIPGATE_TEST_CITUS names no cluster")
def test_cluster_plans_the_pipeline_the_fast_way(cluster: psycopg.Connection[Any]) -> None:
    slow = set()
    said: list[str] = []
    cluster.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
    cluster.execute("SET client_min_messages TO debug2")
    for name, statement in ROAD.items():
        said.clear()
        numbered = re.sub(r"%\(park_id\)s", "1", statement)
        numbered = re.sub(r"ANY \((?:\$\d+|%\(\w+\)s)", "ANY ('{1}'", numbered)
        plan = cluster.execute("EXPLAIN " + re.sub(r"\$\d+|%\(\w+\)s", "'1'", numbered)).fetchall()
        assert any("Task Count: 1" in line for (line,) in plan), name
        # Of an INSERT of plain values it does not say so.
        if not statement.startswith("INSERT") and not any("fast-path router query" in one for one in said):
            slow.add(name)
    cluster.execute("RESET client_min_messages")
    assert slow == NOT_FAST


@pytest.mark.parametrize("name", MAY_LEAVE_OUT)
def test_statement_over_all_parks_can_leave_out_those_that_cannot_be_reached(name: str) -> None:
    text = some_parks_variant(for_citus(STATEMENTS[name]))
    listed = text.count("park_id = ANY (%(park_ids)s)")
    assert listed
    assert "/*" not in text
    if "EXISTS" in text:
        assert listed == len(re.findall(r"\b(?:FROM|JOIN) \w", text)), (
            "with EXISTS, Citus asks all nodes for a table without it"
        )


@pytest.mark.skipif("VIPGATE_TEST_CITUS" not in os.environ, reason="VIPGATE_TEST_CITUS names no cluster")
@pytest.mark.parametrize("name", MAY_LEAVE_OUT)
def test_cluster_asks_only_the_nodes_of_listed_parks(name: str, cluster: psycopg.Connection[Any]) -> None:
    text = some_parks_variant(for_citus(STATEMENTS[name])).replace("%(park_ids)s", "'{1}'::integer[]")
    text = re.sub(r"%\(\w+\)s", "'1'", re.sub(r"LIMIT %\(\w+\)s", "LIMIT 1", text))
    plan = "\n".join(line for (line,) in cluster.execute("EXPLAIN " + text))
    assert set(re.findall(r"Task Count: (\d+)", plan)) == {"1"}


@pytest.mark.parametrize("statement", ASIDE.values(), ids=ASIDE)
def test_statement_beside_the_pipeline_names_its_one_park(statement: str) -> None:
    assert re.search(rf"park_id = {PARK}", statement) or re.search(r"VALUES \(\s*%\(park_id\)s", statement)


@pytest.mark.parametrize("name", sorted(KEYS))
def test_park_id_is_looked_up_and_given_on_the_coordinator_alone(name: str) -> None:
    assert set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE) (\w+)", STATEMENTS[name])) == {"park_key"}
    assert "park_key" in COORDINATOR_TABLES


@pytest.mark.parametrize("statement", [*ROAD.values(), *ASIDE.values()])
def test_statement_has_nothing_that_a_cluster_refuses(statement: str) -> None:
    assert not re.match(r"\s*WITH\b", statement), "a data-modifying WITH fails"
    assert not re.search(r"\b(now|clock_timestamp|statement_timestamp|random|nextval)\s*\(", statement, re.IGNORECASE)
    assert not re.search(r"GROUPING SETS|RECURSIVE|CURRENT_TIMESTAMP", statement, re.IGNORECASE)
    if "FOR UPDATE" in statement:
        assert re.search(rf"park_id = {PARK}", statement)
        assert "ANY" not in statement


@pytest.mark.parametrize("statement", OVER_ALL.values(), ids=OVER_ALL)
def test_statement_over_all_parks_can_be_run_by_each_node_on_its_own(statement: str) -> None:
    assert "%(park_id)s" not in statement
    assert not re.search(r"\bWITH\b|RECURSIVE|GROUPING SETS|FOR UPDATE", statement)
    assert len(re.findall(r"\bJOIN\b|\bEXISTS\b", statement)) == len(
        re.findall(r"\w\.park_id = \w\.park_id\b", statement)
    )
    for lateral in re.findall(r"LATERAL \((.*?)\) AS r", statement, re.DOTALL):
        assert not re.search("OFFSET|LIMIT", lateral), "refused in a subquery that names another table"


@pytest.mark.parametrize("name", [name for name, text in {**ROAD, **ASIDE}.items() if "DELETE" in text])
def test_deletion_names_the_park_inside_and_outside(name: str) -> None:
    statement = {**ROAD, **ASIDE}[name]
    levels = len(re.findall(r"\b(?:FROM|USING) (?!\(|json_to_recordset)\w+", statement))
    assert len(re.findall(rf"park_id = {PARK}", statement)) == levels


def test_every_key_begins_with_the_park() -> None:
    script = "\n".join(migration.script for migration in load_migrations("vipgate.store.postgres.sql"))
    tables = re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", script, re.DOTALL)
    assert {name for name, _ in tables} == {*TABLES, *COORDINATOR_TABLES}
    for name, columns in tables:
        if name in COORDINATOR_TABLES:
            continue
        assert re.search(r"PRIMARY KEY \(park_id\b|park_id integer NOT NULL PRIMARY KEY", columns), name
        assert "UNIQUE" not in columns
        assert "REFERENCES" not in columns
    unique = set(re.findall(r"UNIQUE INDEX \w+ ON (\w+)", script))
    assert unique <= set(COORDINATOR_TABLES)
    assert "TRIGGER" not in script


@pytest.mark.parametrize("name", names_in("accounts.sql"))
def test_statement_of_the_staff_needs_no_node_but_the_coordinator(name: str) -> None:
    named = set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE) (?!SET\b)(\w+)", STATEMENTS[name]))
    assert named <= set(COORDINATOR_TABLES)


def test_no_file_of_statements_is_forgotten_here() -> None:
    read = (
        NOT_SENT
        | KEYS
        | set(names_in("commit.sql"))
        | set(names_in("accounts.sql"))
        | EVERY_SHARD
        | set(ASIDE)
        | set(LOOKING)
    )
    # What moves a ledger and what sets a connection up has tests of its own.
    apart = {*names_in("copy.sql"), *names_in("session.sql")}
    assert set(STATEMENTS) == read | apart


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_no_two_statements_have_one_name(engine: str) -> None:
    folders = [files(f"vipgate.store.{part}.sql") for part in ("common", engine)]
    found = [entry for folder in folders for entry in folder.iterdir() if entry.name.endswith(".sql")]
    texts = [entry.read_text(encoding="utf-8") for entry in found]
    names = [name for text in texts for name in re.findall(r"^-- name: (\w+)$", text, re.MULTILINE)]
    assert sorted(names) == sorted(set(names))


def test_statement_that_is_the_same_on_both_engines_stands_once() -> None:
    engines = [load_statements(f"vipgate.store.{engine}.sql") for engine in ("sqlite", "postgres")]
    sqlite, postgres = [
        {name: " ".join(re.sub(r"--.*$", "", text, flags=re.MULTILINE).split()) for name, text in engine.items()}
        for engine in engines
    ]
    assert [name for name in sqlite if sqlite[name] == postgres.get(name)] == []


def test_history_is_a_statement_of_its_own_before_the_upsert() -> None:
    assert "renewal_history" in ROAD["keep_versions"]
    assert not any("renewal_history" in text for name, text in ROAD.items() if name != "keep_versions")
