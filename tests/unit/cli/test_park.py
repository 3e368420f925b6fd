"""`vipgate park` while nodes of a cluster do not answer."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from support.store_database import RETENTION, Clock
from vipgate.cli.park import park
from vipgate.store.interfaces.ledger import Unreachable
from vipgate.store.sqlite.store import SqliteStore


def test_list_says_which_parks_are_missing_and_fails(memory_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = memory_path / "vipgate.db"
    with closing(SqliteStore(path, Clock(), RETENTION)) as store:
        store.add_park("one", "", b"sealed", 1)
    monkeypatch.setattr(SqliteStore, "unreachable", lambda _: Unreachable(("w1:5432",), 12))
    result = CliRunner().invoke(park, ["list", "--database", f"sqlite:///{path}"])
    assert "one" in result.output
    assert "Not listed: 12 parks on w1:5432" in result.output
    assert result.exit_code == 1
