"""`vipgate agent check` and `init`: what is warned of, what is a fault, and what is written."""

from __future__ import annotations

import sqlite3
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from vipgate.agent.config import SourceConfig
from vipgate.agent.mapping.guess import propose
from vipgate.agent.mapping.render import render_config
from vipgate.agent.setup.checks import Finding
from vipgate.cli import agent_setup
from vipgate.errors import UsageError


@pytest.mark.parametrize("is_warning", [True, False])
def test_warning_is_shown_with_its_remedy_and_is_no_fault(
    is_warning: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def found(*_: object) -> Iterator[Finding]:
        yield Finding("line", "http://platform.example", "ask for its https address", is_warning=is_warning)

    monkeypatch.setattr(agent_setup, "load_config", lambda _: None)
    monkeypatch.setattr(agent_setup, "spool_path", lambda *_: None)
    monkeypatch.setattr(agent_setup, "find_problems", found)
    if is_warning:
        agent_setup.check(Path("park.toml"))
    else:
        with pytest.raises(typer.Exit):
            agent_setup.check(Path("park.toml"))
    said = capsys.readouterr().out
    assert said.startswith("warn" if is_warning else "fix")
    assert "→ ask for its https address" in said


ADDRESS = "sqlite:///park.db"


@pytest.mark.parametrize("given", [ADDRESS, "env:PARK_DATABASE", "file:address.txt"])
def test_init_reads_the_source_behind_an_address_and_keeps_it_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    with sqlite3.connect(tmp_path / "park.db") as db:
        db.execute("CREATE TABLE 续费记录 (订单号 TEXT, 车牌号 TEXT)")
        db.execute("INSERT INTO 续费记录 VALUES ('P1', '粤B12345')")
    db.close()
    monkeypatch.setenv("S", "secretA123456789")
    monkeypatch.delenv("PARK_DATABASE", raising=False)
    (tmp_path / "new.env").write_text(f"PARK_DATABASE={ADDRESS}\n")
    (tmp_path / "address.txt").write_text(ADDRESS)
    made = tmp_path / "new.toml"
    agent_setup.init(made, url="http://127.0.0.1:1", park_uuid="P", secret="env:S", source=given, table="续费记录")
    tables = tomllib.loads(made.read_text())
    assert tables["source"]["database"] == given
    assert tables["map"]["pay_partner"] == "订单号"
    assert tables["log"]["file"] == "new.log"


def test_init_tells_a_variable_that_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARK_DATABASE", raising=False)
    with pytest.raises(UsageError, match=r"source\.database: the variable PARK_DATABASE is not set"):
        agent_setup.init(
            tmp_path / "new.toml", url="http://h", park_uuid="P", secret="env:S", source="env:PARK_DATABASE", table="t"
        )


def test_init_writes_a_path_of_windows_between_single_quotes() -> None:
    source = SourceConfig(file=Path(r"C:\停车场\new\续费.csv"))
    text = render_config(propose(["车牌号"], [["粤B1"]]), url="http://h", park_uuid="P", secret="env:S", source=source)
    assert r"file = 'C:\停车场\new\续费.csv'" in text
    assert tomllib.loads(text)["source"]["file"] == r"C:\停车场\new\续费.csv"


def test_init_lists_the_tables_before_it_asks_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(tmp_path / "park.db") as db:
        db.execute("CREATE TABLE 续费记录 (订单号 TEXT, 车牌号 TEXT)")
        db.execute("CREATE TABLE other (a TEXT)")
    db.close()
    listed: list[str] = []

    def answered(_question: str) -> str:
        listed.append(capsys.readouterr().out)
        return "续费记录"

    monkeypatch.setattr(typer, "prompt", answered)
    monkeypatch.setattr(agent_setup, "TABLES_SHOWN", 1)
    agent_setup.init(tmp_path / "new.toml", url="http://h", park_uuid="P", secret="env:S", source=ADDRESS)
    assert listed == ["  续费记录  recognised: pay_partner, plate\n  1 more are not listed; name yours\n"]
