"""Rules of accessibility that a page breaks, as axe finds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from playwright.sync_api import Page

RULES: Final = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
# Between the schemes only colours differ, and between the languages they do not.
COLOURS: Final = {"type": "rule", "values": ["color-contrast"]}
# What is folded away is looked at too, but for tables of figures, which are the same on every page.
UNFOLD: Final = 'document.querySelectorAll("details:not(.figures)").forEach(one => one.open = true)'


def broken_rules(page: Page, rules: Mapping[str, Any], *, colours: bool = True) -> list[str]:
    """The rules that the page breaks, each with some of the elements that do; `colours` takes most of the time."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    options = {"runOnly": rules, "resultTypes": ["violations"], "preload": False}
    if not colours:
        options["rules"] = {"color-contrast": {"enabled": False}}
    found: list[str] = page.evaluate(_RUN, options)
    return found


# The rows of a long table are alike.
_RUN: Final = """options => axe.run({exclude: ["tbody tr:nth-child(n + 9)"]}, options).then(results => results.violations.map(one =>
    `${one.id} × ${one.nodes.length}: ` + one.nodes.slice(0, 2).map(node => node.html.slice(0, 160)).join(" | ")))"""
