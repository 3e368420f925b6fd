"""Looks on while a test goes its way in the browser: whatever a page should not do is written down and fails the test."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

# A page tells its violations of the policy itself; Chromium tells them on the console as well, and not always.
TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", event =>
    console.error(`policy: ${event.violatedDirective} forbids ${event.blockedURI} at ${event.sourceFile}`));
"""
_STATUS = re.compile(r"status of (\d{3})").search


@dataclass  # without slots: Playwright ties what it needs to the object whose methods it calls
class Watch:
    """What was wrong so far. `expected` are the statuses of refusals that the test itself provokes."""

    origin: str
    wrong: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)
    downloads: bool = False

    def follow(self, context: BrowserContext, *, scripts: bool) -> None:
        """Looks at all pages of `context` from now on."""
        if scripts:
            context.add_init_script(TELL_VIOLATIONS)
        context.on("console", self._console)
        context.on("request", self._request)
        context.on("response", self._response)
        context.on("requestfailed", self._failed)
        context.on("weberror", lambda error: self.wrong.append(f"page error: {error.error}"))

    def _console(self, message: ConsoleMessage) -> None:
        status = _STATUS(message.text)
        if message.type == "error" and not (status and int(status[1]) in self.expected):
            self.wrong.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.wrong.append(f"outside request: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.wrong.append(f"{response.status}: {response.request.method} {response.url}")

    def _failed(self, request: Request) -> None:
        # What becomes a file on the disk is no page any more, and who goes on waits for no icon.
        let_go = self.downloads or request.url.endswith("/icon.svg")
        if not (let_go and request.failure == "net::ERR_ABORTED"):
            self.wrong.append(f"failed: {request.method} {request.url}: {request.failure}")


def sideways(page: Page) -> str:
    """What makes a page wider than its window; empty where nothing does."""
    return str(page.evaluate(_SIDEWAYS))


_SIDEWAYS = """() => {
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth) return "";
    const wide = [...document.querySelectorAll("body *")].filter(
        one => one.getBoundingClientRect().right > root.clientWidth + 1 && !one.closest(".scroll, .tabs, .nav, .box, .skip"));
    return `${root.scrollWidth} > ${root.clientWidth}: ` + wide.slice(0, 3).map(one => one.outerHTML.slice(0, 120)).join(" | ");
}"""


def overlaps(page: Page) -> list[str]:
    """Pairs of texts that lie on one another."""
    found: list[str] = page.evaluate(_OVERLAPS)
    return found


# Each line box of each text that is seen; two of different elements must not share more than a hair's breadth.
_OVERLAPS = """() => {
    const boxes = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text; (text = walker.nextNode());) {
        const parent = text.parentElement;
        if (!text.data.trim() || parent.closest(".unseen, .skip, svg, datalist, option, textarea")) continue;
        if (!parent.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
        const range = document.createRange();
        range.selectNodeContents(text);
        const clip = parent.closest(".scroll, .tabs, .nav, .box, .side")?.getBoundingClientRect();
        for (const box of range.getClientRects()) {
            const inside = !clip || (box.left >= clip.left - 1 && box.right <= clip.right + 1 && box.top >= clip.top - 1
                && box.bottom <= clip.bottom + 1);
            if (box.width > 1 && box.height > 1 && inside) boxes.push({box, parent, text: text.data.trim().slice(0, 40)});
        }
    }
    boxes.sort((one, other) => one.box.top - other.box.top);
    const found = [];
    for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
        const one = boxes[i], other = boxes[j];
        if (other.box.top > one.box.bottom) break;
        if (one.parent === other.parent) continue;
        const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
        if (wide > 2 && high > Math.min(one.box.height, other.box.height) / 3) found.push(`${one.text} / ${other.text}`);
    }
    return found.slice(0, 5);
}"""
