"""Waits of databases end, whatever hangs: a server, a statement, a lock, the network."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from support.mariadb import run
from support.silent_proxy import SilentProxy
from vipgate.agent.config import SourceConfig
from vipgate.agent.sources import engine, sql
from vipgate.agent.sources.base import Source, SourceFault, SourceUnavailable
from vipgate.agent.sources.open import open_source

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"
SLEEP = {"mariadb": "SELECT SLEEP(60) AS i", "postgres": "SELECT pg_sleep(60)::text AS i", "sqlite": ENDLESS}
ROWS = {
    # More than the buffers of the network hold: the statement goes on while its reader pauses.
    "mariadb": "SELECT seq AS i, REPEAT('x', 500) AS t FROM seq_1_to_100000",
    "postgres": "SELECT i FROM generate_series(1, 100000) AS i",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT 100000",
}
SERVERS = ("mariadb", "postgres")


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_WAIT_S", 1)
    monkeypatch.setattr(engine, "READ_DEADLINE_S", 1)
    monkeypatch.setattr(engine, "SILENCE_MARGIN_S", 0)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    kind: str = request.param
    if kind == "sqlite":
        (tmp_path / "park.db").touch()
        return "sqlite:///park.db"
    found: str = request.getfixturevalue(kind)
    return found


def opened(url: str | URL, base: Path, **settings: Any) -> Source:
    given = url if isinstance(url, str) else url.render_as_string(hide_password=False)
    return open_source(SourceConfig(database=given, **settings), base=base)


def only_unavailable(told: pytest.ExceptionInfo[SourceUnavailable]) -> bool:
    return not isinstance(told.value, SourceFault)


@pytest.mark.parametrize(("url", "kind"), [(one, one) for one in SLEEP], indirect=["url"])
def test_statement_that_hangs_ends(url: str, kind: str, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="no answer within 1 s") as told:
        opened(url, tmp_path, query=SLEEP[kind]).count()
    assert only_unavailable(told)


@pytest.mark.parametrize(("url", "kind"), [(one, one) for one in ROWS], indirect=["url"])
def test_pause_of_the_reader_is_no_hang(url: str, kind: str, tmp_path: Path) -> None:
    source = opened(url, tmp_path, query=ROWS[kind])
    rows = iter(source.scan())
    assert len(list(islice(rows, sql.ROWS_A_PAGE + 1))) == sql.ROWS_A_PAGE + 1
    time.sleep(1.5)
    assert sum(1 for _ in rows) == 100_000 - sql.ROWS_A_PAGE - 1
    source.close()


@pytest.fixture
def proxy(url: str) -> Iterator[SilentProxy]:
    port = make_url(url).port
    assert port is not None
    with SilentProxy(port) as made:
        yield made


@pytest.mark.parametrize("url", SERVERS, indirect=True)
def test_network_that_swallows_the_answer_is_noticed(url: str, proxy: SilentProxy, tmp_path: Path) -> None:
    source = opened(make_url(url).set(port=proxy.port), tmp_path, query="SELECT 1 AS i")
    assert source.count() == 1
    proxy.silence()
    with pytest.raises(SourceUnavailable) as told:
        source.count()
    assert only_unavailable(told)
    source.close()


@pytest.mark.parametrize("url", SERVERS, indirect=True)
def test_network_that_swallows_rows_of_a_stream_is_noticed(url: str, proxy: SilentProxy, tmp_path: Path) -> None:
    table = "CREATE TABLE wide AS SELECT {} AS i, REPEAT('x', 1000) AS t FROM {}"
    if url.startswith("mysql"):
        run(url, table.format("seq", "seq_1_to_50000"))
    else:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute(table.format("i", "generate_series(1, 50000) AS i"))
    source = opened(make_url(url).set(port=proxy.port), tmp_path, table="wide")
    rows = iter(source.scan())
    next(rows)
    proxy.silence()
    with pytest.raises(SourceUnavailable) as told:
        list(rows)
    assert only_unavailable(told)
    source.close()


@pytest.mark.parametrize(
    "address", ["mysql://u:p@127.0.0.1:{}/d", "postgresql://u:p@127.0.0.1:{}/d", "mssql://u:p@127.0.0.1:{}/d"]
)
def test_server_that_greets_nobody_is_given_up(address: str, tmp_path: Path) -> None:
    with SilentProxy(None) as proxy, pytest.raises(SourceUnavailable) as told:
        opened(address.format(proxy.port), tmp_path, table="t")
    assert only_unavailable(told)
    assert "b'" not in str(told.value)
