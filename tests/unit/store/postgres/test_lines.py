"""Lines as one JSON parameter and as plain parameters."""

from __future__ import annotations

from vipgate.store.postgres.lines import as_json, plain_calls

INSERT = "INSERT INTO t (park_id, note) SELECT u.park_id, u.note FROM json_to_recordset($1::json) AS u (park_id int, note text)"
UPDATE = "UPDATE t SET note = u.note FROM json_to_recordset($1::json) AS u (park_id int, note text) WHERE t.park_id = u.park_id"


def test_lines_are_split_into_few_different_statements() -> None:
    calls = list(plain_calls(INSERT, [(1, str(number)) for number in range(150)]))
    assert [len(values) // 2 for _, values in calls] == [64, 64, 16, 4, 1, 1]
    assert [value for _, values in calls for value in values[1::2]] == [str(number) for number in range(150)]


def test_update_takes_a_line_at_a_time() -> None:
    assert [values for _, values in plain_calls(UPDATE, [(1, "a"), (1, "b")])] == [["1", "a"], ["1", "b"]]


def test_nul_that_postgres_does_not_store_is_replaced_and_nothing_else() -> None:
    lines = [(1, "a\0b\\u0000"), (1, None)]
    assert as_json(INSERT, lines) == '[{"park_id":1,"note":"a\\ufffdb\\\\u0000"},{"park_id":1,"note":null}]'
    assert next(plain_calls(INSERT, lines[:1]))[1] == ["1", "a\ufffdb\\u0000"]
    assert next(plain_calls(INSERT, lines[1:]))[1] == ["1", None]
