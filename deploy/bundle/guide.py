"""Makes the pages of a bundle from the agent's guides in Markdown: they open in a browser without a network."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt

# What people open first comes first in a folder's list.
PAGES: Final[Mapping[str, tuple[str, str]]] = {
    "agent.zh.md": ("GUIDE.zh.html", "zh-CN"),
    "agent.md": ("GUIDE.en.html", "en"),
}
_LINK: Final = re.compile(r'<a href="(?P<target>[^"#:]+)(?P<anchor>#[^"]*)?">(?P<text>.*?)</a>', re.DOTALL)
_IMAGE: Final = re.compile(r'<img src="(?P<path>images/[^"]+)"')
_HEADING: Final = re.compile(r"<(?P<tag>h[1-6])>(?P<text>.*?)</h[1-6]>", re.DOTALL)
_STYLE: Final = """
:root { color-scheme: light dark }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.6;
  font-family: system-ui, "Microsoft YaHei", "Noto Sans CJK SC", sans-serif }
pre { padding: .75rem; overflow-x: auto; border: 1px solid #8884; border-radius: .4rem }
code { font-family: Consolas, "DejaVu Sans Mono", monospace }
table { border-collapse: collapse; display: block; overflow-x: auto }
td, th { border: 1px solid #8886; padding: .3rem .6rem; text-align: left; vertical-align: top }
img { max-width: 100% }
"""


def write(docs: Path, place: Path) -> None:
    """Writes the pages, and the pictures that they show, into `place`."""
    for source, (page, language) in PAGES.items():
        html, images = render((docs / source).read_text(encoding="utf-8"), language)
        (place / page).write_text(html, encoding="utf-8", newline="\n")
        for image in images:
            target = place / image
            target.parent.mkdir(exist_ok=True)
            shutil.copy(docs / image, target)


def render(markdown: str, language: str) -> tuple[str, list[str]]:
    """Returns the page of a guide, and the paths of its pictures. Links to documents that a bundle lacks become text."""
    body = MarkdownIt("commonmark").enable("table").render(markdown)
    body = _HEADING.sub(_with_anchor, body)
    body = _LINK.sub(_as_linked, body)
    title = markdown.partition("\n")[0].lstrip("# ")
    html = (
        f'<!doctype html>\n<html lang="{language}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style>\n<main>\n{body}</main>\n</html>\n"
    )
    return html, [found["path"] for found in _IMAGE.finditer(body)]


def _with_anchor(found: re.Match[str]) -> str:
    """A heading under the name that links within the document use for it."""
    plain = re.sub(r"<[^>]+>", "", found["text"]).lower()
    name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
    return f'<{found["tag"]} id="{name}">{found["text"]}</{found["tag"]}>'


def _as_linked(found: re.Match[str]) -> str:
    page = PAGES.get(found["target"])
    return f'<a href="{page[0]}{found["anchor"] or ""}">{found["text"]}</a>' if page else str(found["text"])
