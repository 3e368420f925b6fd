"""Check and start on the page."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.agent_page import OpenPage, make_park, open_page
from vipgate.agent.client import Client
from vipgate.agent.page.agent_process import AgentProcess
from vipgate.agent.responses import Rejected
from vipgate.agent.setup import rehearsal


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    monkeypatch.setattr(Client, "probe", lambda _: (Rejected("400", {}, ""), None))
    monkeypatch.setattr(Client, "ask", lambda *_: {"months": [{"count": 1200}, {"count": 34}]})
    path = make_park(tmp_path)
    path.chmod(0o600)
    with closing(sqlite3.connect(path.with_name("park.db"))) as db:
        db.execute("CREATE INDEX changed ON 续费记录 (更新时间, 编号)")
    return open_page(path)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(AgentProcess, "start", lambda *_, **options: found.append(options))
    return found


def checked(page: OpenPage) -> str:
    page.post("/setup/check")
    for _ in range(600):
        if not page.context.job.is_running:
            break
        time.sleep(0.05)
    return page.get("/setup/start")


def test_check_says_what_is_found_and_what_a_start_means_in_numbers(page: OpenPage) -> None:
    shown = checked(page)
    assert "of all 9 rows 9 can be sent, 0 cannot" in shown
    assert "All is well: the agent can be started." in shown
    assert "Records on the platform (1,234) stay" in shown
    assert "First deletes all records of this park on the platform (1,234)" in shown
    assert shown.count("sends all 9 rows of the source.") + shown.count("Sends all 9 rows of the source.") == 2


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "7 of the 9 rows of the source (the filters leave out 2, 0 would be refused"),
        ("zh", "数据源全部 9 行中可以发送的 7 行（2 行被过滤条件排除，0 行会被拒绝"),
    ],
)
def test_with_a_filter_neither_way_says_that_all_rows_are_sent(page: OpenPage, language: str, said: str) -> None:
    with closing(sqlite3.connect(page.context.config_path.with_name("park.db"))) as db:
        db.execute("UPDATE 续费记录 SET 支付方式 = '退款' WHERE 编号 <= 2")
        db.commit()
    with page.context.config_path.open("a", encoding="utf-8") as file:
        file.write('\n[[filter]]\ncolumn = "支付方式"\nin = ["微信"]\n')
    page.post("/language", {"language": language})
    shown = checked(page)
    assert shown.count(said) == 2
    if language == "en":
        assert "of all 9 rows 7 can be sent, 0 cannot; the filters leave out 2" in shown


def test_rows_that_were_not_all_looked_at_are_said_to_be(page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "SECONDS_MAX", 0.0)
    monkeypatch.setattr(rehearsal, "PAGE_ROWS", 4)
    shown = checked(page)
    assert shown.count("the rows of the source (9) that can be sent: of the first 4, which were looked at, 4") == 2
    assert "of the first 4 rows 4 can be sent" in shown


def test_warnings_and_open_questions_are_no_all_is_well(page: OpenPage) -> None:
    path = page.context.config_path
    text = path.read_text(encoding="utf-8")
    path.write_text(text + '\n[[filter]]\ncolumn = "支付方式"\nin = ["现金"]\nnot_in = ["x"]\n', encoding="utf-8")
    shown = checked(page)
    assert "No fault: the agent can be started. Warnings to look at first: 1." in shown
    assert "9 rows are not sent because of values that no filter names: 支付方式 = &#39;微信&#39; (9)" in shown
    path.write_text(text.replace("[map]\n", "[map]\n# ? plate: is this the column\n"), encoding="utf-8")
    shown = checked(page)
    assert "questions are not answered: the agent cannot be started" in shown
    assert "is this the column?" in shown
    assert "All is well" not in shown


def test_findings_in_another_language_than_the_page_are_said_to_be(page: OpenPage) -> None:
    assert "in the language of the check" not in checked(page)
    page.post("/language", {"next": "/setup/start", "language": "zh"})
    assert "是用检查时的语言写的" in page.get("/setup/start")
    assert "是用检查时的语言写的" not in checked(page)


def test_check_names_what_is_to_be_fixed(page: OpenPage) -> None:
    text = page.context.config_path.read_text(encoding="utf-8")
    page.context.config_path.write_text(text.replace('{ "月卡" = 1 }', '{ "年卡" = 5 }'), encoding="utf-8")
    shown = checked(page)
    assert "to fix" in shown
    assert "fix the mapping, or the row at its source" in shown


def replacing(shown: str) -> dict[str, str]:
    """The fields that the shown page sends to replace."""
    found = re.search(r'name="mode" value="replace"><input type="hidden" name="check" value="(\d+)"', shown)
    assert found
    return {"mode": "replace", "check": found[1], "sure": "1"}


def change(page: OpenPage) -> None:
    """Another park, as another tab or an editor would store it."""
    path = page.context.config_path
    path.write_text(path.read_text(encoding="utf-8").replace("P-0001", "P-0002"), encoding="utf-8")


def test_start_adds_unless_replace_is_confirmed(page: OpenPage, started: list[dict[str, Any]]) -> None:
    assert page.post("/setup/start", {"mode": "add"}) == "/?done=started"
    fields = replacing(checked(page))
    page.post("/setup/start", {**fields, "sure": []}, status=409)
    assert started == [{"replace": False}]
    page.post("/setup/start", fields)
    assert started[1:] == [{"replace": True}]


def test_replace_names_the_park_and_the_platform(page: OpenPage) -> None:
    assert "Park P-0001 on the platform http://127.0.0.1:1." in checked(page)


@pytest.mark.parametrize("check", [{}, {"check": "1"}, {"check": "x"}])
def test_replace_without_a_check_is_refused(
    page: OpenPage, started: list[dict[str, Any]], check: dict[str, str]
) -> None:
    page.post("/setup/start", {"mode": "replace", "sure": "1", **check}, status=409)
    checked(page)
    page.post("/setup/start", {"mode": "replace", "sure": "1", **check}, status=409)
    assert not started


def test_replace_of_another_configuration_than_was_checked_is_refused(
    page: OpenPage, started: list[dict[str, Any]]
) -> None:
    fields = replacing(checked(page))
    change(page)
    assert "check again" in page.post("/setup/start", fields, status=409)
    assert "All is well" not in page.get("/setup/start")
    # Another tab has checked the other park: the number that this one showed is not that park's.
    checked(page)
    page.post("/setup/start", fields, status=409)
    assert not started


def test_replace_with_other_secrets_than_were_checked_is_refused(page: OpenPage, started: list[dict[str, Any]]) -> None:
    fields = replacing(checked(page))
    page.context.config_path.with_suffix(".env").write_text("A=1\n", encoding="utf-8")
    page.post("/setup/start", fields, status=409)
    assert not started


@pytest.mark.parametrize(
    ("line", "is_blocked"),
    [
        ('plate = "车牌号"   # ? is this the column', True),
        ('plate = "车牌号"\n# ? zt has: [[filter]] column = "zt", in = […]', True),
        ('plate = "车牌号"\n# ? renewal_start_time: no column found', False),
        ('plate = "车牌号"   # ask Li', False),
    ],
)
def test_start_is_refused_while_a_question_about_what_is_sent_is_open(
    page: OpenPage, started: list[dict[str, Any]], line: str, *, is_blocked: bool
) -> None:
    path = page.context.config_path
    path.write_text(path.read_text(encoding="utf-8").replace('plate = "车牌号"', line), encoding="utf-8")
    shown = checked(page)
    assert ("disabled" in shown) == is_blocked
    assert ("Answer the questions about what is sent first" in shown) == is_blocked
    assert ("Questions that are not answered: 1" in shown) == ("# ?" in line)
    assert ("Questions that are not answered: 1" in page.get("/setup/preview")) == ("# ?" in line)
    page.post("/setup/start", {"mode": "add"}, status=409 if is_blocked else 303)
    assert len(started) == (not is_blocked)
