"""All pages, each with its path and method."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Literal

from starlette.responses import Response

from vipgate.agent.page.preload import preload_setup
from vipgate.agent.page.request import PageRequest
from vipgate.agent.page.views import dead_letters, language, overview

View = Callable[[PageRequest], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page or a form's target."""

    path: str
    view: View
    method: Literal["GET", "POST"] = "GET"


def _later(module: str, name: str) -> View:
    """A view that is loaded when it is asked for: it needs libraries that the pages of a running agent do not."""

    async def view(page_request: PageRequest) -> Response:
        found: View = getattr(import_module(f"vipgate.agent.page.views.{module}"), name)
        answer = await found(page_request)
        if module.startswith("setup_"):
            preload_setup()
        return answer

    return view


PAGES: Final = (
    Page("/", overview.show),
    Page("/start", overview.start, "POST"),
    Page("/stop", overview.stop, "POST"),
    Page("/dead", dead_letters.show_all),
    Page("/dead/{number}", dead_letters.show_one),
    Page("/dead/retry", dead_letters.retry, "POST"),
    Page("/dead/discard", dead_letters.discard, "POST"),
    Page("/dead.csv", dead_letters.export),
    Page("/compare", _later("comparison", "show")),
    Page("/compare", _later("comparison", "start"), "POST"),
    Page("/setup", _later("setup_platform", "go_on")),
    Page("/setup/platform", _later("setup_platform", "show")),
    Page("/setup/platform", _later("setup_platform", "save"), "POST"),
    Page("/setup/source", _later("setup_source", "show")),
    Page("/setup/source", _later("setup_source", "save"), "POST"),
    Page("/setup/source/table", _later("setup_source", "choose_table"), "POST"),
    Page("/setup/mapping", _later("setup_mapping", "show")),
    Page("/setup/mapping", _later("setup_mapping", "save"), "POST"),
    Page("/setup/key", _later("setup_key", "show")),
    Page("/setup/key", _later("setup_key", "save"), "POST"),
    Page("/setup/preview", _later("setup_preview", "show")),
    Page("/setup/start", _later("setup_start", "show")),
    Page("/setup/check", _later("setup_start", "check"), "POST"),
    Page("/setup/start", _later("setup_start", "start"), "POST"),
    Page("/language", language.choose, "POST"),
)
