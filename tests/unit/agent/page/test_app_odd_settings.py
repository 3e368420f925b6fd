"""A configuration that a person, or somebody else, has filled with what the pages do not expect."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.agent_page import CONFIG, OpenPage, make_park, open_page

GETS = (
    "/",
    "/dead",
    "/dead.csv",
    "/setup/platform",
    "/setup/source",
    "/setup/mapping",
    "/setup/key",
    "/setup/preview",
    "/setup/start",
)
POSTS = {
    "/setup/platform": {"url": "http://127.0.0.1:1", "park_uuid": "P", "signature": "md5"},
    "/setup/source/table": {"table": "续费记录"},
    "/setup/mapping": {"column.plate": "2", "ok.plate": "1", "filtering": "3", "filter.3": "蓝"},
}
MAP, LOG = CONFIG[CONFIG.index("[map]") : CONFIG.index("[log]")], CONFIG[CONFIG.index("[log]") :]
# Each replaces a part of a good configuration.
ODD = {
    "number for a table": (MAP, "", "map = 5\n"),
    "list for a table": (MAP, "", "map = [[1]]\n"),
    "tables for a table": (MAP, "[[map]]\nplate = 1\n\n", ""),
    "number for a path": ("[source]", "ca_file = 5\n[source]", ""),
    "path that no system takes": ("[source]", 'ca_file = "a\\u0000b"\n[source]', ""),
    "log that no system takes": ('"park.log"', '"a\\u0000b"', ""),
    "number for filters": (LOG, LOG, "filter = 5\n"),
    "list for filters": (LOG, LOG, "filter = [1]\n"),
    "number for the values of a filter": (LOG, LOG + '[[filter]]\ncolumn = "车牌颜色"\nin = 5\n', ""),
    "lists for the texts of a filter": (LOG, LOG + "[[filter]]\ncolumn = [1]\nin = [[1], {a = 2}]\n", ""),
    "list for codes": ('{{ "蓝" = 1 }}', "[1]", ""),
    "date for a column": ('"车牌号"', "2026-01-01", ""),
    "very long text": ('"车牌号"', '"' + "x" * 60_000 + '"', ""),
    "deep nesting": (LOG, LOG + "x = " + "[" * 3_000 + "]" * 3_000 + "\n", ""),
    "markup": ('"车牌号"', "'<script>alert(1)</script>'", ""),
}


def opened(folder: Path, old: str, new: str, head: str) -> OpenPage:
    config = make_park(folder)
    assert old in CONFIG
    text = CONFIG.replace(old, new).replace("{{", "{").replace("}}", "}")
    text = head + text.replace("{url}", "http://127.0.0.1:1").replace("{secret}", "secretA123456789")
    config.write_text(text, encoding="utf-8")
    return open_page(config)


@pytest.mark.parametrize("kind", ODD)
def test_odd_setting_is_said_and_breaks_no_page(tmp_path: Path, kind: str) -> None:
    page = opened(tmp_path, *ODD[kind])
    text = page.context.config_path.read_text(encoding="utf-8")
    for path in GETS:
        answer = page.client.get(page.context.base + path)
        assert answer.status_code < 500, path
        assert "<script>" not in answer.text
    for path, fields in POSTS.items():
        page.context.config_path.write_text(text, encoding="utf-8")
        own = {"sec-fetch-site": "same-origin"}
        answer = page.client.post(page.context.base + path, data=fields, headers=own)
        assert answer.status_code < 500, path


def test_configuration_is_read_to_its_limit_only(tmp_path: Path) -> None:
    page = open_page(make_park(tmp_path))
    path = page.context.config_path
    with path.open("ab") as file:
        os.truncate(file.fileno(), 2**40)
    assert "that is no configuration" in page.get("/setup/platform", 409)


@pytest.mark.parametrize(
    "text", ['platform = {url = "u", timeout_s = 9}', "[log]\nkeep = 3\n[map]\na = 1\n[log.x]\ny = 1"]
)
def test_table_in_a_line_or_in_several_places_keeps_its_settings(tmp_path: Path, text: str) -> None:
    """It was taken for no table, and replaced by an empty one."""
    config = tmp_path / "park.toml"
    config.write_text(text, encoding="utf-8")
    page = open_page(config)
    page.post("/setup/platform", {**POSTS["/setup/platform"], "secret": "secretA123456789"}, 200)
    page.post("/setup/source", {"kind": "file", "path": "gone.csv"}, 422)
    kept = config.read_text(encoding="utf-8")
    assert "timeout_s = 9" in kept or ("keep = 3" in kept and "y = 1" in kept)
