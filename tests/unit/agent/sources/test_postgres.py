"""PostgreSQL's session: the park's time zone, and single-precision numbers that are not rounded in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from vipgate.agent.config import SourceConfig
from vipgate.agent.config_map import Member
from vipgate.agent.mapping.mapper import Mapper
from vipgate.agent.sources.base import Source, SourceFault, load_cursor, row_id
from vipgate.agent.sources.open import open_source

Ask = Callable[..., object]


@pytest.fixture
def asked(postgres_url: str, tmp_path: Path) -> Iterator[Ask]:
    sources: list[Source] = []

    def ask(expression: str, zone: str = "Asia/Shanghai") -> object:
        query = f"SELECT {expression} AS a"
        sources.append(open_source(SourceConfig(database=postgres_url, query=query, time_zone=zone), base=tmp_path))
        [row] = sources[-1].scan()
        return row.values[0]

    yield ask
    for one in sources:
        one.close()


@pytest.mark.parametrize(("zone", "shown"), [("Asia/Shanghai", "2026-09-01 08:00:00"), ("UTC", "2026-09-01 00:00:00")])
def test_query_sees_times_in_the_zone_of_the_source(asked: Ask, zone: str, shown: str) -> None:
    assert asked("to_char(timestamptz '2026-09-01 00:00:00+00', 'YYYY-MM-DD HH24:MI:SS')", zone) == shown


def test_zone_that_postgres_does_not_know_is_told(asked: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceFault, match=r"the server does not know source\.time_zone"):
        asked("1", "No/Where")


@pytest.mark.parametrize(
    ("number", "fen"),
    [("12345.67", 1234567), ("0.1", 10), ("131071.99", 13107199), ("1234567.89", None), ("200000", None)],
)
def test_money_in_a_real_column_is_exact_or_refused(asked: Ask, number: str, fen: int | None) -> None:
    mapper = Mapper({"pay_value": Member(column="a", unit="yuan")}, (), ZoneInfo("UTC"), ["a"])
    found = mapper([asked(f"{number}::real")])
    if fen is None:
        assert isinstance(found, list)
        assert "CAST(column AS DECIMAL(12,2))" in found[0].text("en")
    else:
        assert found == {"pay_value": fen}


@pytest.mark.parametrize("kind", ["uuid", "bytea", "text", "numeric", "date", "timestamptz", "bigint"])
def test_key_of_any_type_is_read_in_pages_and_row_by_row(postgres_url: str, tmp_path: Path, kind: str) -> None:
    values = {
        "uuid": ["00000000-0000-0000-0000-00000000000a", "f0000000-0000-0000-0000-000000000000"],
        "bytea": [r"\x00", r"\xff"],
        "text": ["a", "b"],
        "numeric": ["1.5", "2"],
        "date": ["2026-01-01", "2026-01-02"],
        "timestamptz": ["2026-01-01 00:00:00+08", "2026-01-02 00:00:00+08"],
        "bigint": ["1", "2"],
    }[kind]
    rows = ", ".join(f"('{value}'::{kind})" for value in values)
    config = SourceConfig(database=postgres_url, query=f"SELECT * FROM (VALUES {rows}) AS t (k)", key=("k",))  # noqa: S608
    source = open_source(config, base=tmp_path)
    try:
        first = source.page(None, 1)
        rest = source.page(first[0].key, 5)
        keys = [row.key for row in [*first, *rest]]
        assert len(keys) == 2
        assert source.page(keys[-1], 5) == []
        assert [load_cursor(row_id(row).decode()) for row in rest] == [keys[-1]]
        assert [row.key for row in source.rows([key for key in keys if key])] == keys
        # Only a number tells which rows are new.
        assert source.newest_key() == ((2,) if kind == "bigint" else None)
    finally:
        source.close()
