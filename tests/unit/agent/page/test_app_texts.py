"""Every text of the page is there in both languages, and none is left over."""

from __future__ import annotations

import re
from pathlib import Path

import vipgate.agent.page
from vipgate.agent.page.texts import TEXTS

ROOT = Path(vipgate.agent.page.__file__).parent
SHARED = ROOT.parents[1] / "support" / "web"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Keys that are put together out of data.
MADE = re.compile(r"^(nav|done|step|member|kind|plate_color|vip_type|pay_type|check\.of)\b")
SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for root in (ROOT, SHARED)
    for path in [*root.rglob("*.html"), *root.rglob("*.py")]
    if path.parent.name != "texts"
)


def test_every_text_is_there_in_both_languages_with_the_same_places() -> None:
    for key, words in TEXTS.items():
        places = [set(re.findall(r"\{(\w+)\}", text)) for text in (words.zh, words.en)]
        assert words.zh, key
        assert words.en, key
        assert not CHINESE.search(words.en), key
        assert places[0] == places[1], key


def test_no_text_is_left_over_and_none_is_missing() -> None:
    left = [key for key in TEXTS if not MADE.match(key) and f'"{key}"' not in SOURCES and f"'{key}'" not in SOURCES]
    assert left == []
    asked = set(re.findall(r"""\bt\(["']([\w./]+)["'][,)]""", SOURCES))
    asked |= {f"done.{name}" for name in re.findall(r'request\.go\([^\n]*, "(\w+)"', SOURCES)}
    assert asked - set(TEXTS) == set()


def test_page_has_neither_script_nor_style_of_its_own() -> None:
    for path in ROOT.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<script|\son\w+=|\sstyle=|<style|javascript:|https?://|\|\s*safe", text), path.name
