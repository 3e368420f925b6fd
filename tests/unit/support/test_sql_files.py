"""A statement about many lines, and its form with plain parameters about one park."""

from __future__ import annotations

import pytest

from vipgate.support.sql_files import (
    all_parks_variant,
    line_columns,
    line_variant,
    single_park_variant,
    takes_one_line,
)

INSERT = """-- Adds lines.
INSERT INTO t AS d (park_id, day, n)
SELECT u.park_id, u.day, 1, u.n
FROM json_to_recordset($1::json) AS u (
    park_id integer, day text, n
    bigint
)
ON CONFLICT (park_id, day) DO UPDATE SET n = d.n + excluded.n"""
UPDATE = """UPDATE t AS p SET n = coalesce(u.n, p.n)
FROM json_to_recordset($1::json) AS u (park_id integer, n bigint)
WHERE p.park_id = u.park_id"""


def test_insert_of_lines_gets_a_parameter_for_each_value() -> None:
    assert line_variant(INSERT, 2).split("\n")[2:] == [
        "VALUES ($1, $2, 1, $3), ($4, $5, 1, $6)",
        "ON CONFLICT (park_id, day) DO UPDATE SET n = d.n + excluded.n",
    ]
    assert not takes_one_line(INSERT)


def test_update_of_lines_gets_typed_parameters_and_no_from() -> None:
    found = " ".join(line_variant(UPDATE, 1).split())
    assert found == "UPDATE t AS p SET n = coalesce($2::bigint, p.n) WHERE p.park_id = $1::integer"
    assert takes_one_line(UPDATE)


def test_columns_of_lines_are_read_over_line_ends() -> None:
    assert line_columns(INSERT) == ("park_id", "day", "n")
    with pytest.raises(ValueError, match="no lines"):
        line_columns("SELECT 1")


def test_condition_for_one_park_is_there_or_not() -> None:
    statement = "SELECT 1 FROM t WHERE a = 1 /* and AND t.park_id = :park_id */"
    assert single_park_variant(statement) == "SELECT 1 FROM t WHERE a = 1 AND t.park_id = :park_id"
    assert all_parks_variant(statement) == "SELECT 1 FROM t WHERE a = 1 "
