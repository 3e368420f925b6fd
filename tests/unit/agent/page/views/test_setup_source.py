"""The source's step: connect, choose a table, get a proposal."""

from __future__ import annotations

import re
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.agent_page import OpenPage, make_park, open_page
from vipgate.agent.setup import tables

PASSWORD = "p@ss word"


@pytest.fixture
def page(tmp_path: Path) -> OpenPage:
    make_park(tmp_path)
    (tmp_path / "park.toml").unlink()
    return open_page(tmp_path / "park.toml")


def written(page: OpenPage) -> dict[str, Any]:
    return tomllib.loads(page.context.config_path.read_text(encoding="utf-8"))


def test_database_is_listed_and_its_table_gets_a_mapping(page: OpenPage) -> None:
    assert page.post("/setup/source", {"kind": "sqlite", "path": "park.db"}).startswith("/setup/source")
    shown = page.get("/setup/source")
    assert "续费记录" in shown
    assert "Connected. Tables and views found: 1." in shown
    assert "recognised: Order number · Plate colour · Plate ·" in shown
    assert shown.index("Choose the table") < shown.index("Save and connect")
    assert page.post("/setup/source/table", {"table": "续费记录"}) == "/setup/mapping"
    found = written(page)
    assert found["source"]["table"] == "续费记录"
    assert found["source"]["cursor"] == ["更新时间", "编号"]
    assert found["map"]["pay_partner"] == "订单号"
    assert found["log"]["file"] == "park.log"


def test_mapping_of_the_same_table_stays_and_that_of_another_is_new(page: OpenPage) -> None:
    page.post("/setup/source", {"kind": "sqlite", "path": "park.db"})
    page.post("/setup/source/table", {"table": "续费记录"})
    path = page.context.config_path
    path.write_text(
        path.read_text(encoding="utf-8").replace('plate = "车牌号"', 'plate = "订单号" # by hand'), encoding="utf-8"
    )
    page.post("/setup/source", {"kind": "sqlite", "path": "park.db"})
    page.post("/setup/source/table", {"table": "续费记录"})
    assert "# by hand" in path.read_text(encoding="utf-8")
    # A query with all columns that the mapping names is the same source in other words.
    assert page.post("/setup/source/table", {"query": "SELECT * FROM 续费记录"}).endswith("done=kept")
    assert "# by hand" in path.read_text(encoding="utf-8")
    assert "table" not in written(page)["source"]
    page.post("/setup/source/table", {"query": "SELECT 车牌号, 车牌颜色, 卡类型, 更新时间 FROM 续费记录"})
    assert written(page)["map"]["plate"] == "车牌号"


def test_password_is_kept_in_the_env_file_and_not_shown(page: OpenPage) -> None:
    fields = {"kind": "mysql", "server": "127.0.0.1", "port": "1", "database": "park", "user": "reader"}
    page.post("/setup/source", {**fields, "password": PASSWORD})
    shown = page.get("/setup/source")
    assert "a password is stored" in shown
    assert "p%40ss" not in shown
    assert PASSWORD not in shown
    assert written(page)["source"]["database"] == "env:VIPGATE_SOURCE_DATABASE"
    env = page.context.config_path.with_suffix(".env")
    assert "p%40ss" in env.read_text()
    page.post("/setup/source", {**fields, "database": "other"})
    assert "p%40ss" in env.read_text()


@pytest.mark.parametrize(
    "other",
    [{"server": "10.0.0.9"}, {"port": "2"}, {"port": ""}, {"user": "writer"}, {"kind": "postgresql"}],
)
def test_kept_password_goes_to_no_other_server_port_kind_or_user(page: OpenPage, other: dict[str, str]) -> None:
    fields = {"kind": "mysql", "server": "127.0.0.1", "port": "1", "database": "park", "user": "reader"}
    page.post("/setup/source", {**fields, "password": PASSWORD})
    leads = page.post("/setup/source", {**fields, **other})
    assert "p%40ss" not in page.context.config_path.with_suffix(".env").read_text()
    assert "and was deleted" in page.get(leads)


def test_password_that_is_kept_or_new_is_not_called_deleted(page: OpenPage) -> None:
    fields = {"kind": "mysql", "server": "127.0.0.1", "port": "1", "database": "park", "user": "reader"}
    for more in ({"password": PASSWORD}, {"database": "other"}, {"server": "10.0.0.9", "password": "new"}):
        assert "and was deleted" not in page.get(page.post("/setup/source", {**fields, **more}))


def test_address_that_cannot_be_read_is_kept_by_an_empty_field(page: OpenPage) -> None:
    page.post("/setup/source", {"kind": "address", "address": "mysql//reader:geheim@host"})
    assert "geheim" not in page.get("/setup/source")
    page.post("/setup/source", {"kind": "address"})
    assert "mysql//reader:geheim@host" in page.context.config_path.with_suffix(".env").read_text()


def test_password_of_an_access_file_is_not_shown_and_stays_in_the_env_file(page: OpenPage) -> None:
    url = "access:///?odbc_connect=DRIVER={Microsoft Access Driver (*.mdb, *.accdb)};DBQ=gone.mdb;PWD=geheim"
    page.post("/setup/source", {"kind": "address", "address": url})
    shown = page.get("/setup/source")
    assert "geheim" not in shown
    kind = re.search(r'name="kind" value="(\w+)" checked', shown)
    path = re.search(r'name="path" type="text" value="([^"]*)"', shown)
    assert kind
    assert path
    # Saving what is shown, as a person does who changes nothing.
    page.post("/setup/source", {"kind": kind[1], "path": path[1]})
    assert "geheim" not in page.context.config_path.read_text(encoding="utf-8")
    assert "geheim" in page.context.config_path.with_suffix(".env").read_text(encoding="utf-8")


def test_file_gets_a_mapping_at_once(page: OpenPage, tmp_path: Path) -> None:
    (tmp_path / "续费.csv").write_text("订单号,车牌号,金额\nP1,粤B12345,300.00\n", encoding="utf-8")
    assert page.post("/setup/source", {"kind": "file", "path": "续费.csv"}) == "/setup/mapping"
    assert written(page)["source"]["file"] == "续费.csv"
    assert written(page)["map"]["plate"] == "车牌号"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "file", "path": "gone.csv"}, "there is no file"),
        ({"kind": "file", "path": ""}, "required"),
        ({"kind": "mysql", "server": "", "database": "d"}, "required"),
        ({"kind": "mysql", "server": "h", "database": "d", "port": "0"}, "must be a whole number"),
        ({"kind": "address"}, "required"),
        ({"kind": "access", "path": "park.mdb;PWD=geheim"}, "no semicolon"),
        ({"kind": "access", "path": "park.mdb%3bPWD=geheim"}, "no semicolon"),
        ({"kind": "access", "path": "park.mdb", "password": "geheim"}, "only for a database server"),
        ({"kind": "sqlite", "path": "park.db", "password": "geheim"}, "only for a database server"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(page: OpenPage, fields: dict[str, str], said: str) -> None:
    shown = page.post("/setup/source", fields, status=422)
    assert said in shown
    assert 'aria-invalid="true"' in shown


def test_database_without_tables_is_said_and_a_table_can_be_named(page: OpenPage, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "empty.db")) as db:
        db.execute("VACUUM")
    page.post("/setup/source", {"kind": "sqlite", "path": "empty.db"})
    shown = page.get("/setup/source")
    assert "Connected, but this user sees no table: grant SELECT, or name the table" in shown
    assert "no such table" in page.post("/setup/source/table", {"named": "gone"}, status=422)
    page.post("/setup/source", {"kind": "sqlite", "path": "park.db"})
    assert page.post("/setup/source/table", {"named": "续费记录"}) == "/setup/mapping"


def test_database_whose_tables_cannot_be_listed_lets_a_table_be_named(
    page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_places", raises_not_implemented)
    page.post("/setup/source", {"kind": "sqlite", "path": "park.db"})
    shown = page.get("/setup/source")
    assert "cannot be listed: NotImplementedError; write the table" in shown
    assert 'name="named"' in shown


def raises_not_implemented(_db: object) -> None:
    raise NotImplementedError


def test_database_that_cannot_be_reached_is_said(page: OpenPage) -> None:
    page.post("/setup/source", {"kind": "sqlite", "path": "gone.db"})
    assert "there is no file" in page.get("/setup/source")


def test_each_kind_picks_one_part_of_the_form(page: OpenPage) -> None:
    shown = page.get("/setup/source")
    picked = dict(re.findall(r'class="picks-(\w+)" id="kind-(\w+)"', shown)[::-1])
    assert set(picked) == {"path", "server", "address"}
    for part, legend in (
        ("path", "File, SQLite, Access"),
        ("server", "Database server"),
        ("address", "Other: a whole"),
    ):
        assert f'<fieldset class="form for-{part}"><legend>{legend}' in shown
    style = page.client.get("/static/console.css").text
    assert all(f".by-kind:not(:has(.picks-{part}:checked)) .for-{part}" in style for part in picked)


def test_stored_address_is_said_to_be_kept(page: OpenPage) -> None:
    assert "an address is stored" not in page.get("/setup/source")
    page.post("/setup/source", {"kind": "address", "address": "sqlite:///park.db?mode=ro"})
    page.post("/setup/source", {"kind": "address", "address": "postgresql://u:geheim@127.0.0.1:1/d?sslmode=disable"})
    shown = page.get("/setup/source")
    assert "an address is stored with its password, and is not shown" in shown
    assert "geheim" not in shown
