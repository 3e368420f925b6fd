"""Dead letters on the page: shown, retried, exported, discarded after a second question."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from support.agent_page import OpenPage, make_park, open_page
from vipgate.agent.models import Rejection
from vipgate.agent.page.views import dead_letters


@pytest.fixture
def page(tmp_path: Path) -> OpenPage:
    made = open_page(make_park(tmp_path))
    spool = made.spool()
    with spool.transaction():
        spool.add_dead_letters([
            Rejection("P1", "P1", "编号=1", "金额: <b>", source='{"订单号": "P1", "金额": "=1+1"}'),
            Rejection("P2", "P2", "编号=2", "=cmd", source='{"订单号": "P2"}'),
        ])  # fmt: skip
    spool.close()
    return made


def count(page: OpenPage) -> int:
    spool = page.spool()
    found = spool.count_dead_letters()
    spool.close()
    return found


def wait(page: OpenPage) -> str:
    for _ in range(600):
        if not page.context.job.is_running:
            break
        time.sleep(0.05)
    return page.get("/dead")


def test_letter_is_shown_with_reason_and_source(page: OpenPage) -> None:
    assert "金额: &lt;b&gt;" in page.get("/dead")
    shown = page.get("/dead/1")
    assert "=1+1" in shown
    assert "<b>" not in shown.split("<main")[1]


@pytest.mark.parametrize("number", ["99", "0", "x", "%20", "²", "9" * 5_000])
def test_number_of_no_letter_is_not_found(page: OpenPage, number: str) -> None:
    page.get(f"/dead/{number}", status=404)


def ask(page: OpenPage, fields: dict[str, str]) -> dict[str, str]:
    """The fields that the question sends when its button is pressed."""
    shown = page.post("/dead/discard", fields, status=200)
    assert "Discard for good?" in shown
    form = shown.split('action="' + page.context.base + '/dead/discard"')[1].split("</form>")[0]
    return dict(re.findall(r'name="(\w+)" value="(\w*)"', form))


def add(page: OpenPage, *orders: str) -> None:
    spool = page.spool()
    with spool.transaction():
        spool.add_dead_letters([Rejection(one, one, f"编号={one}", "new") for one in orders])
    spool.close()


def test_discard_asks_twice(page: OpenPage) -> None:
    sure = ask(page, {"number": "1"})
    assert count(page) == 2
    assert page.post("/dead/discard", sure).startswith("/dead?done=discarded")
    assert count(page) == 1
    assert "All 1 dead letters" in page.post("/dead/discard", status=200)
    page.post("/dead/discard", ask(page, {}))
    assert count(page) == 0


@pytest.mark.parametrize("number", ["abc", "0", "-1", "1e3", "9" * 30])
@pytest.mark.parametrize("form", ["/dead/discard", "/dead/retry"])
def test_wrong_number_does_not_mean_all(page: OpenPage, form: str, number: str) -> None:
    page.post(form, {"number": number, "sure": "1", "until": "9" * 17}, status=404)
    assert count(page) == 2
    assert not page.context.job.kind


@pytest.mark.parametrize("until", [{}, {"until": ""}, {"until": "x"}])
def test_yes_without_its_question_is_asked_again(page: OpenPage, until: dict[str, str]) -> None:
    ask(page, {"sure": "1", **until})
    assert count(page) == 2


def test_discard_all_leaves_what_came_after_the_question(page: OpenPage) -> None:
    sure = ask(page, {})
    add(page, "P3", "P4")
    assert page.post("/dead/discard", sure) == "/dead?done=discarded&n=2"
    assert count(page) == 2


def test_discard_leaves_a_newer_letter_with_the_number_of_one_that_is_gone(page: OpenPage) -> None:
    sure = ask(page, {"number": "2"})
    spool = page.spool()
    with spool.transaction():
        spool.discard([2])
    spool.close()
    add(page, "P3")
    assert "编号=P3" in page.get("/dead/2")
    page.post("/dead/discard", sure, status=404)
    assert count(page) == 2


def test_export_holds_every_letter_and_no_formula(page: OpenPage) -> None:
    lines = list(csv.DictReader(io.StringIO(page.get("/dead.csv").removeprefix("\ufeff"))))
    assert [line["pay_partner"] for line in lines] == ["P1", "P2"]
    assert lines[1]["reason"] == "'=cmd"


def test_export_has_no_limit_and_is_never_whole_in_memory(page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "EXPORTED_AT_ONCE", 3)
    add(page, *(f"N{number}" for number in range(10)))
    sizes: list[int] = []
    write = dead_letters._csv

    def noted(lines: Iterable[Sequence[object]]) -> str:
        text = write(lines)
        sizes.append(len(text))
        return text

    monkeypatch.setattr(dead_letters, "_csv", noted)
    lines = page.get("/dead.csv").splitlines()
    assert len(lines) == 13
    assert len(sizes) == 5


@pytest.mark.parametrize("mark", ["=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff20"])
def test_no_cell_of_an_export_is_a_formula(page: OpenPage, mark: str) -> None:
    add(page, f"{mark}cmd")
    lines = list(csv.DictReader(io.StringIO(page.get("/dead.csv").removeprefix("\ufeff"), newline="")))
    assert lines[-1]["pay_partner"] == f"'{mark}cmd"


def test_retry_queues_what_is_right_now(page: OpenPage, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "park.db")) as db:
        db.execute("UPDATE 续费记录 SET 金额 = 'x' WHERE 编号 = 2")
        db.commit()
    page.post("/dead/retry")
    shown = wait(page)
    assert "1 rows are queued" in shown
    assert "1 are still wrong" in shown
    assert count(page) == 1
