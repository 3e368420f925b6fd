"""The park's program can write while its rows are compared, or read again for dead letters: no stream of them stays open."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pytest
from bench.park import make_park, write_config

from vipgate.agent import dead_letters, reconcile_sides
from vipgate.agent.config import Config, load_config
from vipgate.agent.dead_letters import retry_dead_letters
from vipgate.agent.mapping.reader import Page, Reader
from vipgate.agent.opening import source_of
from vipgate.agent.reconcile_sides import ParkSide
from vipgate.agent.sources.base import SourceRow
from vipgate.agent.spool import Spool
from vipgate.clock import clock_us

ROWS = 6_000
CHUNK_ROWS = 2_000


def compare(config: Config, spool: Spool) -> None:
    assert len(list(ParkSide(config, spool).rows())) == ROWS


def retry(config: Config, spool: Spool) -> None:
    with closing(source_of(config)) as source:
        retry_dead_letters(config, spool, source, ())


@pytest.mark.parametrize("use", [compare, retry])
def test_rows_without_a_key_are_read_to_their_end_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[Config, Spool], None]
) -> None:
    make_park(tmp_path, ROWS)
    park = tmp_path / "park.db"
    with closing(sqlite3.connect(park)) as db:
        # Readers of this kind of file keep writers out, and a view has no key.
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("CREATE VIEW 视图 AS SELECT * FROM 续费记录")
        db.commit()
    path = write_config(tmp_path, 1, "p", lag_s=0)
    path.write_text(path.read_text(encoding="utf-8").replace('table = "续费记录"', 'table = "视图"'), encoding="utf-8")
    written = []

    def read(self: Reader, rows: Iterable[SourceRow]) -> Page:
        with closing(sqlite3.connect(park, timeout=0)) as db:
            db.execute("UPDATE 续费记录 SET 订单号 = 订单号 WHERE 编号 = 1")
            db.commit()
        written.append(1)
        return real(self, rows)

    real = Reader.read
    monkeypatch.setattr(Reader, "read", read)
    for module in (dead_letters, reconcile_sides):
        monkeypatch.setattr(module, "ROWS_A_PAGE", CHUNK_ROWS)
    spool = Spool(tmp_path / "kept.spool", clock_us)
    try:
        use(load_config(path), spool)
    finally:
        spool.close()
    assert len(written) == ROWS // CHUNK_ROWS


def test_reason_that_was_not_remembered_is_not_invented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound nothing tells a filtered row from one that is gone."""
    make_park(tmp_path, 3)
    path = write_config(tmp_path, 1, "p", lag_s=0)
    with path.open("a", encoding="utf-8") as file:
        file.write('\n[[filter]]\ncolumn = "订单号"\nin = ["none"]\n')
    with closing(Spool(tmp_path / "agent.spool", clock_us)) as spool:
        side = ParkSide(load_config(path), spool)
        assert list(side.rows()) == []
        side.explain("XF000000000001")
        side.explain("elsewhere")
        assert (side.extra.left_out, side.extra.gone, side.extra.unknown) == (1, 1, 0)
        monkeypatch.setattr(reconcile_sides, "NOT_SENT_MAX", 3)
        side.explain("elsewhere")
        assert (side.extra.gone, side.extra.unknown) == (1, 1)
