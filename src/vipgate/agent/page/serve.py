"""Serves the agent's page on this machine only, until it is stopped or no one has used it for long."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import anyio.to_thread

from vipgate.agent.page.access import Access
from vipgate.agent.page.agent_process import AgentProcess
from vipgate.agent.page.app import build_page, load_templates
from vipgate.agent.page.context import Context
from vipgate.agent.page.usage import Usage
from vipgate.agent.spool import is_running
from vipgate.clock import clock_s, clock_us
from vipgate.errors import UsageError, VipgateError
from vipgate.i18n import Language, tr
from vipgate.support.background import start_task
from vipgate.support.private_files import write_file
from vipgate.support.web.assets import compile_pages
from vipgate.support.web.http_server import BACKLOG, WebServer, build_server

HOST: Final = "127.0.0.1"
# One person looks at the pages.
THREADS_MAX: Final = 4
COMPILE_PAUSE_S: Final = 0.01
# A page that no one uses ends: the agent goes on without it.
UNUSED_S_MAX: Final = 12 * 3600.0


def serve_page(
    config: Path,
    spool: Path | None,
    *,
    port: int,
    opens_browser: bool,
    asked_language: Language | None,
    say: Callable[[str], None],
) -> None:
    """Serves the page for `config`, which need not exist yet, and says the link. Raises UsageError."""
    listener = listen(port)
    port = listener.getsockname()[1]
    access = Access(secrets.token_urlsafe)
    context = Context(
        config_path=config.absolute(), given_spool=spool, base=access.base, templates=load_templates(),
        clock_us=clock_us, process=AgentProcess(), asked_language=asked_language,
    )  # fmt: skip
    server = build_server(build_page(context, access, port))
    link = access.link(port)
    say(tr("Open this link in a browser on this machine; it works once:\n  {link}", link=link))
    with tempfile.TemporaryDirectory(prefix="vipgate-") as folder:
        if opens_browser and _has_desktop():
            _open_browser(link, Path(folder))
        is_unused = asyncio.run(_serve(server, listener, context.usage))
    say(end_text(is_unused=is_unused, runs=_agent_runs(context)))


def end_text(*, is_unused: bool, runs: bool) -> str:
    """Says why the page has ended, and whether an agent sends without it."""
    if is_unused:
        why = tr("The page was not used for 12 hours and has ended. Run the command again to open it.")
    else:
        why = tr("The page has ended.")
    agent = tr("The agent goes on.") if runs else tr("The agent is not running: nothing is sent.")
    return f"{why}\n{agent}"


def _agent_runs(context: Context) -> bool:
    """Whether an agent runs on the page's configuration, also one that a service has started."""
    if context.process.is_ours:
        return not context.process.is_ending
    try:
        path = context.spool_path(context.config())
        return path.exists() and is_running(path)
    except VipgateError:
        # Without a whole configuration no agent runs.
        return False


def listen(port: int) -> socket.socket:
    """Listens on this machine only; port 0 means any. Raises UsageError."""
    # asyncio sends without delay only where the socket names TCP: else each page waits 40 ms for the browser's acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(
            tr("Cannot listen on port {port}: {reason}; choose another --port.", port=port, reason=error.strerror)
        ) from None
    return listener


def _has_desktop() -> bool:
    """Whether there is a desktop that can show a browser; else a text browser would take the terminal."""
    return os.name == "nt" or sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def _open_browser(link: str, folder: Path) -> None:
    """Opens the link by a private file: as an argument of the browser, other users could read it in the list of processes."""
    file = folder / "open.html"
    page = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={link}"><title>vipgate</title>'
    write_file(file, page.encode())
    with suppress(webbrowser.Error):
        webbrowser.open(file.as_uri())


async def _serve(server: WebServer, listener: socket.socket, usage: Usage) -> bool:
    """Serves until a signal, or until no one used the page for UNUSED_S_MAX: then returns True."""

    def stop(*_: object) -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS_MAX
    compiling = start_task(compile_pages(load_templates(), COMPILE_PAUSE_S), "template compilation")
    watch = start_task(_end_unused(server, usage), "end of an unused page")
    await server.serve(sockets=[listener])
    watch.cancel()
    compiling.cancel()
    return clock_s() - usage.last_s > UNUSED_S_MAX


async def _end_unused(server: WebServer, usage: Usage) -> None:
    while True:
        left_s = UNUSED_S_MAX - (clock_s() - usage.last_s)
        if left_s <= 0:
            break
        await asyncio.sleep(left_s)
    server.should_exit = True
