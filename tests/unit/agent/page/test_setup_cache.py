"""What the set-up keeps of the source, and what another page stores while a step reads it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from support.agent_page import OpenPage, make_park, open_page
from vipgate.agent.page.request import PageRequest

BY_HAND = "# by hand"
OTHER_TABLE = "SELECT * FROM 续费记录"
FORMS: dict[str, dict[str, str]] = {
    "/setup/platform": {"url": "http://127.0.0.1:1", "park_uuid": "P-0009", "signature": "md5"},
    "/setup/source": {"kind": "sqlite", "path": "other.db"},
    "/setup/source/table": {"query": "SELECT * FROM 续费记录 WHERE 编号 > 1"},
    "/setup/mapping": {"column.operator": "2"},
}

STORED = {
    "/setup/platform": '"P-0009"',
    "/setup/source": "other.db",
    "/setup/source/table": "编号 > 1",
    "/setup/mapping": 'operator = "车牌号"',
}


@pytest.fixture
def page(tmp_path: Path) -> OpenPage:
    return open_page(make_park(tmp_path))


@pytest.fixture
def meanwhile(page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], str]], None]:
    """Has another page change the configuration's text at the end of the next read."""

    def arrange(change: Callable[[str], str]) -> None:
        run, path = PageRequest.run, page.context.config_path

        async def slow(request: PageRequest, fn: Callable[[], object]) -> object:
            monkeypatch.setattr(PageRequest, "run", run)
            result = await run(request, fn)
            path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
            return result

        monkeypatch.setattr(PageRequest, "run", slow)

    return arrange


@pytest.mark.parametrize("form", FORMS)
def test_step_keeps_what_another_page_stores_while_it_reads(
    page: OpenPage, meanwhile: Callable[[Callable[[str], str]], None], form: str
) -> None:
    meanwhile(lambda text: text + BY_HAND)
    page.post(form, FORMS[form], status=200 if form == "/setup/platform" else 303)
    text = page.context.config_path.read_text(encoding="utf-8")
    assert BY_HAND in text
    assert STORED[form] in text


@pytest.mark.parametrize("form", ["/setup/source/table", "/setup/mapping"])
def test_step_stores_nothing_for_a_source_that_another_page_replaced(
    page: OpenPage, meanwhile: Callable[[Callable[[str], str]], None], form: str
) -> None:
    replaced: list[str] = []

    def change(text: str) -> str:
        line = next(one for one in text.splitlines() if one.startswith(("table = ", "query = ")))
        replaced.append(text.replace(line, f'query = "{OTHER_TABLE}"'))
        return replaced[0]

    meanwhile(change)
    assert "another page changed the source" in page.post(form, FORMS[form], status=409)
    assert page.context.config_path.read_text(encoding="utf-8") == replaced[0]


def test_step_stores_nothing_for_a_source_whose_address_was_replaced_in_the_env_file(
    page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration itself stays the same: it names a variable."""
    path = page.context.config_path
    before = path.read_text(encoding="utf-8").replace('"sqlite:///park.db"', '"env:VIPGATE_SOURCE_DATABASE"')
    path.write_text(before, encoding="utf-8")
    env = path.with_suffix(".env")
    env.write_text("VIPGATE_SOURCE_DATABASE=sqlite:///park.db\n")
    run = PageRequest.run

    async def slow(request: PageRequest, fn: Callable[[], object]) -> object:
        result = await run(request, fn)
        env.write_text("VIPGATE_SOURCE_DATABASE=sqlite:///other.db\n")
        return result

    monkeypatch.setattr(PageRequest, "run", slow)
    assert "another page changed the source" in page.post("/setup/mapping", FORMS["/setup/mapping"], status=409)
    assert path.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("step", ["/setup/source", "/setup/mapping", "/setup/preview"])
def test_source_is_read_again_when_its_address_in_the_env_file_changes(page: OpenPage, step: str) -> None:
    path = page.context.config_path
    text = path.read_text(encoding="utf-8").replace('"sqlite:///park.db"', '"env:VIPGATE_SOURCE_DATABASE"')
    path.write_text(text, encoding="utf-8")
    env = path.with_suffix(".env")
    env.write_text("VIPGATE_SOURCE_DATABASE=sqlite:///park.db\n")
    page.get(step)
    env.write_text("VIPGATE_SOURCE_DATABASE=sqlite:///gone.db\n")
    assert "there is no file" in page.get(step, 200 if step == "/setup/source" else 409)


@pytest.mark.parametrize("step", ["/setup/source", "/setup/mapping", "/setup/preview"])
def test_page_that_is_shown_again_says_how_old_it_is_and_reads_the_source_only_when_asked(
    page: OpenPage, step: str
) -> None:
    now_us = page.context.clock_us()
    page.context.setup.clock_us = lambda: now_us - 200_000_000
    page.get(step)
    page.context.config_path.with_name("park.db").unlink()
    assert "Read 3 min ago" in page.get(step)
    assert "there is no file" in page.get(f"{step}?again=1", 200 if step == "/setup/source" else 409)


def test_preview_is_read_again_after_ten_minutes(page: OpenPage) -> None:
    """Somebody who fixes a row in the parking program looks at the preview for it."""
    now_us = page.context.clock_us()
    page.context.setup.clock_us = lambda: now_us
    page.get("/setup/preview")
    with closing(sqlite3.connect(page.context.config_path.with_name("park.db"))) as db:
        db.execute("UPDATE 续费记录 SET 车牌号 = '粤B99999' WHERE 编号 = 1")
        db.commit()
    assert "粤B99999" not in page.get("/setup/preview")
    page.context.setup.clock_us = lambda: now_us + 600_000_000
    assert "粤B99999" in page.get("/setup/preview")


def test_preview_of_a_file_is_read_again_when_the_file_changes(page: OpenPage) -> None:
    path = page.context.config_path
    text = path.read_text(encoding="utf-8").replace('database = "sqlite:///park.db"', 'file = "park.csv"')
    lines = [line for line in text.splitlines() if not line.startswith(("table", "cursor"))]
    path.write_text("\n".join(lines), encoding="utf-8")
    file = path.with_name("park.csv")
    head = "订单号,车牌号,车牌颜色,卡类型,数量,支付方式,金额,支付时间,开始时间,结束时间\n"
    row = "P1,粤B12345,蓝,月卡,1,微信,300.00,2026-01-01 08:00:00,2026-01-01 00:00:00,2026-02-01 23:59:59\n"
    file.write_text(head + row, encoding="utf-8")
    assert "粤B12345" in page.get("/setup/preview")
    file.write_text(head + row.replace("12345", "99999x"), encoding="utf-8")
    assert "粤B99999" in page.get("/setup/preview")
