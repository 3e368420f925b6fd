"""The check reads the source as a run does, for a bounded time, and counts what becomes of its rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import pytest
from bench.park import make_park, write_config

from vipgate.agent.config import Config, load_config
from vipgate.agent.mapping.reader import Page, Reader
from vipgate.agent.models import Rejection
from vipgate.agent.opening import source_of
from vipgate.agent.setup import checks, rehearsal
from vipgate.agent.setup.checks import Finding, check_mapping, check_source
from vipgate.agent.setup.rehearsal import PAGE_ROWS, REASONS_MAX, RowCounts, count_rows, poll_once
from vipgate.agent.sources.base import Source, SourceFault, SourceRow
from vipgate.agent.sources.sql import DatabaseSource

ROWS = 2 * PAGE_ROWS + 500


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a park with ROWS renewals."""
    folder = tmp_path_factory.mktemp("park")
    make_park(folder, ROWS)
    return write_config(folder, 1, "p", lag_s=0)


@contextmanager
def opened(path: Path) -> Iterator[tuple[Config, Source]]:
    config = load_config(path)
    with closing(source_of(config)) as source:
        yield config, source


def test_all_rows_are_counted(park: Path) -> None:
    with opened(park) as (config, source):
        counts = count_rows(config, source)
    assert (counts.rows, counts.ready, counts.dead, counts.is_all) == (ROWS, ROWS, 0, True)


def test_rows_are_read_for_a_bounded_time(park: Path) -> None:
    with opened(park) as (config, source):
        ticks = count()
        counts = count_rows(config, source, lambda: float(next(ticks)), seconds_max=2.0)
    assert (counts.rows, counts.is_all) == (2 * PAGE_ROWS, False)


@pytest.fixture
def keyless(park: Path, tmp_path: Path) -> Path:
    """The configuration of the same park by a view, which has no key, in a database whose readers keep writers out."""
    with (
        closing(sqlite3.connect(park.with_name("park.db"))) as from_,
        closing(sqlite3.connect(tmp_path / "park.db")) as to,
    ):
        from_.backup(to)
        to.execute("PRAGMA journal_mode = DELETE")
        to.execute("CREATE VIEW 视图 AS SELECT * FROM 续费记录")
        to.commit()
    path = tmp_path / "park.toml"
    path.write_text(park.read_text(encoding="utf-8").replace('table = "续费记录"', 'table = "视图"'), encoding="utf-8")
    return path


def test_program_of_the_park_can_write_while_rows_are_mapped(keyless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def read(self: Reader, rows: Iterable[SourceRow]) -> Page:
        with closing(sqlite3.connect(keyless.with_name("park.db"), timeout=0)) as db:
            db.execute("UPDATE 续费记录 SET 订单号 = 订单号 WHERE 编号 = 1")
            db.commit()
        written.append(1)
        return real(self, rows)

    real = Reader.read
    monkeypatch.setattr(Reader, "read", read)
    with opened(keyless) as (config, source):
        assert not source.has_key
        counts = count_rows(config, source)
    assert (counts.rows, counts.is_all, len(written)) == (ROWS, True, 3)


def test_stream_of_a_database_is_read_for_half_of_the_time(keyless: Path) -> None:
    with opened(keyless) as (config, source):
        ticks = count()
        counts = count_rows(config, source, lambda: float(next(ticks)), seconds_max=4.0)
    assert (counts.rows, counts.is_all) == (2 * PAGE_ROWS, False)


def test_rows_of_two_pages_under_one_order_number_are_refused_without_a_cursor(park: Path, tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(park.with_name("park.db"))) as from_,
        closing(sqlite3.connect(tmp_path / "park.db")) as to,
    ):
        from_.backup(to)
        to.execute(
            "UPDATE 续费记录 SET 订单号 = (SELECT 订单号 FROM 续费记录 WHERE 编号 = 1) WHERE 编号 = ?", (PAGE_ROWS + 5,)
        )
        to.commit()
    text = park.read_text(encoding="utf-8")
    plain = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("cursor"))
    for name, content, refused in (("with", text, 0), ("without", plain, 1)):
        path = tmp_path / f"{name}.toml"
        path.write_text(content, encoding="utf-8")
        with opened(path) as (config, source):
            counts = count_rows(config, source)
        assert (counts.rows, counts.dead) == (ROWS, refused)
        assert counts.ready == ROWS - refused


def test_reasons_beyond_a_bound_are_counted() -> None:
    counts = RowCounts()
    dead = [Rejection(str(n), None, str(n), f"reason {n}") for n in range(REASONS_MAX + 7)]
    counts.add(Page([], [], dead), len(dead))
    counts.add(Page([], [], dead), len(dead))
    assert len(counts.refused) == REASONS_MAX
    assert counts.dead == 2 * len(dead)
    assert counts.more_refused == 14


def test_values_that_no_filter_names_are_bounded() -> None:
    counts = RowCounts()
    for page in range(200):
        counts.add(Page([], [], [], unjudged={("状态", f"{page}-{number}"): 1 for number in range(50)}), 50)
    assert counts.unjudged.total() == 10_000
    assert len(counts.unjudged) <= 51


def findings(path: Path) -> list[Finding]:
    return list(check_source(load_config(path)))


@pytest.mark.parametrize("read", ["newest_key", "newest", "changes", "cursor_samples", "now_s"])
@pytest.mark.parametrize("error", [SourceFault("function max(uuid) does not exist"), TypeError("no max(uuid)")])
def test_read_that_only_a_run_makes_fails_at_the_check(
    park: Path, monkeypatch: pytest.MonkeyPatch, read: str, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    assert not any(one.remedy and not one.is_warning for one in findings(park))
    monkeypatch.setattr(DatabaseSource, read, fail)
    last = findings(park)[-1]
    assert (last.what, last.is_warning) == ("source", False)
    assert "max(uuid)" in last.found
    assert last.remedy


def test_poll_by_a_cursor_that_all_rows_share_is_bounded(park: Path, tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(park.with_name("park.db"))) as from_,
        closing(sqlite3.connect(tmp_path / "park.db")) as to,
    ):
        from_.backup(to)
        to.execute("UPDATE 续费记录 SET 更新时间 = '2026-01-01 00:00:00'")
        to.commit()
    path = tmp_path / "park.toml"
    path.write_text(park.read_text(encoding="utf-8"), encoding="utf-8")
    pages: list[list[SourceRow]] = []

    def changes(self: DatabaseSource, since: object) -> Iterator[list[SourceRow]]:
        for page in real(self, since):
            pages.append(page)
            yield page

    real = DatabaseSource.changes
    with opened(path) as (config, source), pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseSource, "changes", changes)
        poll_once(config, source)
        assert len(pages) == 2
        pages.clear()
        # The start, the settings, the clock, the samples, the newest value, then the pages.
        ticks = count()
        poll_once(config, source, lambda: float(next(ticks)), seconds_max=6.0)
        assert len(pages) == 1


def test_poll_of_the_check_ends(park: Path) -> None:
    with opened(park) as (config, source):
        poll_once(config, source)
    assert rehearsal.SECONDS_MAX <= 30


def test_what_was_not_tried_or_compared_is_said(park: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "poll_once", lambda *_: False)
    assert "not all of it was tried" in findings(park)[-1].found
    [_, said] = list(check_mapping(RowCounts(is_compared=False)))
    assert "rows that share one of the others are not found here" in said.found
    with opened(park) as (config, source):
        assert poll_once(config, source)
        assert not poll_once(config, source, seconds_max=-1.0)
