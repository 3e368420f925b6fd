"""The first rows of a source: read without the rows behind them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.agent_page import make_park
from vipgate.agent.config import load_config
from vipgate.agent.opening import source_of
from vipgate.agent.setup import first_rows as first_rows_module
from vipgate.agent.setup.first_rows import first_rows
from vipgate.agent.sources.base import SourceRow
from vipgate.agent.sources.sql import DatabaseSource


def test_database_reads_no_row_that_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of `scan` has 2,000 rows: a preview of 500 would take four times as long."""
    source = source_of(load_config(make_park(tmp_path, 30)))
    read = DatabaseSource._read
    rows: list[SourceRow] = []

    def noted(*args: Any, **more: Any) -> Iterator[SourceRow]:
        for row in read(*args, **more):
            rows.append(row)
            yield row

    monkeypatch.setattr(DatabaseSource, "_read", noted)
    assert [row.values[0] for row in first_rows(source, 7)] == [1, 2, 3, 4, 5, 6, 7]
    assert len(rows) == 7
    source.close()


@pytest.mark.parametrize("has_key", [True, False])
def test_rows_with_pictures_are_read_until_the_limit_of_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_key: bool
) -> None:
    """500 rows with a picture of a megabyte each must not come into memory."""
    monkeypatch.setattr(first_rows_module, "BYTES_MAX", 100_000)
    config = make_park(tmp_path, 200)
    with closing(sqlite3.connect(tmp_path / "park.db")) as db:
        db.execute("UPDATE 续费记录 SET 金额 = ?", (b"\xff" * 2_000,))
        db.commit()
    if not has_key:
        text = config.read_text(encoding="utf-8").replace('table = "续费记录"', 'query = "SELECT * FROM 续费记录"')
        config.write_text(text, encoding="utf-8")
    source = source_of(load_config(config))
    assert source.has_key == has_key
    assert 40 <= len(first_rows(source, 200)) <= 52
    source.close()


def test_source_without_a_key_is_read_in_its_order(tmp_path: Path) -> None:
    config = make_park(tmp_path)
    text = config.read_text(encoding="utf-8").replace('database = "sqlite:///park.db"', 'file = "p.csv"')
    lines = [line for line in text.splitlines() if not line.startswith(("table", "cursor"))]
    config.write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "p.csv").write_text("订单号,车牌号\n" + "".join(f"P{n},x\n" for n in range(20)), encoding="utf-8")
    source = source_of(load_config(config))
    assert [row.values[0] for row in first_rows(source, 3)] == ["P0", "P1", "P2"]
    source.close()
