"""The mapping's step of a table: the comments of its columns, and a proposal where the configuration has no mapping."""

from __future__ import annotations

import re
import tomllib
from html import unescape
from pathlib import Path

import pytest

from support.agent_page import make_park, open_page
from vipgate.agent.setup import samples


def test_comment_of_a_column_is_shown_in_the_choice_and_below_it_and_is_no_markup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "_comments", lambda _: {"金额": "<b>实收金额</b> 单位:元"})
    shown = open_page(make_park(tmp_path)).get("/setup/mapping")
    assert "<b>实收" not in shown
    assert "金额 – &lt;b&gt;实收金额&lt;/b&gt; 单位:元</option>" in shown
    assert "The database says: &lt;b&gt;实收金额&lt;/b&gt; 单位:元" in shown


def test_table_that_was_written_by_hand_without_a_mapping_gets_a_proposal_that_is_stored_when_saved(
    tmp_path: Path,
) -> None:
    path = make_park(tmp_path)
    head = path.read_text(encoding="utf-8").partition("[map]")[0]
    path.write_text(head, encoding="utf-8")
    page = open_page(path)
    shown = page.get("/setup/mapping")
    assert "The configuration has no mapping yet: this is a proposal" in shown
    assert "is missing" not in shown
    assert path.read_text(encoding="utf-8") == head
    fields = {name: unescape(value) for name, value in re.findall(r'<input name="([^"]+)" value="([^"]*)"', shown)}
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]+)".*?>(.*?)</select>', shown, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        fields[name] = unescape(chosen[1]) if chosen else ""
    page.post("/setup/mapping", fields)
    stored = tomllib.loads(path.read_text(encoding="utf-8"))
    assert stored["map"]["plate"] == "车牌号"
    assert stored["map"]["pay_type"]["codes"] == {"微信": 2}
    assert stored["source"]["cursor"] == ["更新时间", "编号"]
    assert "has no mapping yet" not in page.get("/setup/mapping")
