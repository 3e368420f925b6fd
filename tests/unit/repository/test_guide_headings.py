"""Messages that name a heading of the guide name one that is there, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

from support.message_scan import templates
from vipgate.agent.translations import CHINESE

DOCS = Path(__file__).parents[3] / "docs"


def headings(document: str) -> set[str]:
    return set(re.findall(r"^#+ (.*)$", (DOCS / document).read_text(encoding="utf-8"), re.MULTILINE))


def test_headings_that_messages_name_are_in_the_guides() -> None:
    english = {one for text in CHINESE for one in re.findall(r"the guide, “([^”]+)”", text)}
    chinese = {one for text in CHINESE.values() for one in re.findall(r"使用说明“([^”]+)”", text)}
    assert len(english) == len(chinese) > 2
    assert english - headings("agent.md") == set()
    assert chinese - headings("agent.zh.md") == set()


def test_no_message_names_a_guide_by_a_path_that_a_bundle_lacks() -> None:
    said = [text for one in templates() for text in (one.text, CHINESE.get(one.text, ""))]
    assert [text for text in said if "docs/agent" in text] == []
