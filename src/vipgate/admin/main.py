"""Entry point of the admin process: reads its configuration from standard input, serves the admin port, ends with its parent."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from vipgate.admin.app import AdminDependencies, build_app
from vipgate.admin.auth.sessions import INVITATION_US, hash_token
from vipgate.admin.console.app import load_templates
from vipgate.admin.console.context import ConsoleSettings
from vipgate.admin.nightly import run_nightly
from vipgate.clock import clock_s, clock_us
from vipgate.domain.charge_types import RefreshSummary, refresh_all, refresh_park
from vipgate.errors import VipgateError
from vipgate.gateway.admin_launch import MESSAGE_BYTES_MAX, STOP, AdminConfig, LaunchMessage, decode, take_listener
from vipgate.store.async_pool import DatabasePool
from vipgate.store.interfaces.admin import Database
from vipgate.store.open_database import open_database
from vipgate.support.background import describe, keep_on, report, start_task, start_thread, watch_loop
from vipgate.support.client_address import parse_trusted_proxies
from vipgate.support.core_dumps import forbid_core_dumps
from vipgate.support.logs import adopt_library_logs, set_up_logs
from vipgate.support.metrics import HEARTBEAT_S, AdminRecorder, SharedMetrics
from vipgate.support.vault import Vault, load_vault
from vipgate.support.web.assets import compile_pages
from vipgate.support.web.http_server import WebServer, build_server

log = structlog.get_logger("vipgate.admin")

INVITE_AGAIN_S: Final = 2.0
# One to read all parks, one for the readiness ping: neither waits for the other.
WATCHING_CONNECTIONS: Final = 2
LETTING_GO_S: Final = 1.0
COMPILE_PAUSE_S: Final = 0.05
_STANDARD_INPUT: Final = 0


def main() -> None:
    """Runs the admin process until it is stopped. Exits with status 1 after an error."""
    forbid_core_dumps()
    handed = decode(_read_line())
    set_up_logs()
    adopt_library_logs()
    structlog.contextvars.bind_contextvars(process="admin")
    try:
        asyncio.run(_serve(handed))
    except VipgateError as error:
        log.error("admin port cannot be served", reason=str(error))
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the parent sees only the exit status
        report("admin process", error)
        sys.exit(1)


def _read_line() -> bytes:
    """Reads the launch message, one line of JSON. Exits if the parent closes the pipe or has already sent `stop`."""
    line = b""
    while not line.endswith(b"\n") and len(line) < MESSAGE_BYTES_MAX:
        piece = os.read(_STANDARD_INPUT, MESSAGE_BYTES_MAX)
        if not piece:
            sys.exit(0)
        line += piece
    line, _, rest = line.partition(b"\n")
    if rest:
        # Only `stop` can follow.
        sys.exit(0)
    return line


async def _serve(handed: LaunchMessage) -> None:
    config = handed.config
    vault = load_vault(config.master_key, Path(config.key_file))
    open_one = partial(open_database, config.database_url, clock_us, config.retention)
    metrics = SharedMetrics(config.workers, handed.metrics)
    deps = AdminDependencies(
        metrics=metrics,
        recorder=AdminRecorder(metrics),
        databases=DatabasePool(open_one, config.db_connections),
        watching=DatabasePool(open_one, WATCHING_CONNECTIONS),
        vault=vault,
        console=ConsoleSettings(
            secure=config.secure,
            charge_types_allow_private=config.charge_types_allow_private,
            retention=config.retention,
        ),
        masked_searches_per_hour=config.masked_searches_per_hour,
        clock_us=clock_us,
        clock_s=clock_s,
        proxies=parse_trusted_proxies(config.trusted_proxies),
    )
    server = build_server(build_app(deps))
    loop = asyncio.get_running_loop()
    watch_loop(loop)
    start_thread(partial(_watch_parent, loop, server), "vipgate-parent", _end_at_once)
    with suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGTERM, _stop, server)
    work = _NightlyJob(config, vault, open_one)
    minute = random.Random(os.getpid()).randrange(60)  # noqa: S311 - only spreads the requests of several servers
    errors: list[BaseException] = []

    def ended(error: BaseException) -> None:
        errors.append(error)
        _stop(server)

    tasks = [
        start_task(_send_heartbeats(deps.recorder), "heartbeat", ended, endless=True),
        start_task(keep_on(partial(_invite, deps.watching, config), "invitation of the first account"), "invitation"),
        start_task(compile_pages(load_templates(), COMPILE_PAUSE_S), "template compilation"),
        start_task(keep_on(partial(run_nightly, work.run, clock_us, minute), "nightly work"), "nightly"),
    ]
    gc.collect()
    gc.freeze()
    log.info("admin port is served", url=config.url)
    await server.serve(sockets=[take_listener(handed.listener)])
    for task in tasks:
        task.cancel()
    await _release(deps, 1 if errors else 0)


async def _release(deps: AdminDependencies, exit_status: int) -> None:
    """Closes the database pools within LETTING_GO_S, then exits: threads that still run only read, or are rolled back."""
    closing = [asyncio.to_thread(pool.close) for pool in (deps.databases, deps.watching)]
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*closing), LETTING_GO_S)
    sys.stderr.flush()
    os._exit(exit_status)


def _end_at_once(_: BaseException) -> None:
    """Exits when the parent watcher fails: nothing could stop this process any more. The parent starts a new one."""
    os._exit(1)


def _stop(server: WebServer) -> None:
    server.should_exit = True


def _watch_parent(loop: asyncio.AbstractEventLoop, server: WebServer) -> None:
    """Shuts down when the parent sends `stop`; exits at once when the pipe closes, because the parent is gone."""
    while piece := os.read(_STANDARD_INPUT, len(STOP)):
        if STOP.startswith(piece):
            loop.call_soon_threadsafe(_stop, server)
    os._exit(0)


async def _send_heartbeats(recorder: AdminRecorder) -> None:
    """Updates the heartbeat, so that the parent sees that the event loop runs."""
    while True:
        recorder.heartbeat(clock_s())
        await asyncio.sleep(HEARTBEAT_S)


async def _invite(pool: DatabasePool, config: AdminConfig) -> None:
    """Prints the link that creates the first account, if there is none. Only the hash of its secret is stored."""
    digest = hash_token(config.invitation)

    def invite(database: Database) -> bool:
        now_us = clock_us()
        if database.accounts.count_users() or database.accounts.find_invitation(digest, now_us):
            return False
        database.accounts.add_invitation(digest, now_us + INVITATION_US)
        return True

    while True:
        try:
            wanted = await pool.run(invite)
        except VipgateError:
            await asyncio.sleep(INVITE_AGAIN_S)
            continue
        if wanted:
            with suppress(OSError):
                print(f"welcome  {config.url}welcome/{config.invitation}", flush=True)  # noqa: T201 - for people, no log
        return


class _NightlyJob:
    """Refreshes charge types in its own thread with its own database connection, because parks may answer slowly."""

    def __init__(self, config: AdminConfig, vault: Vault, open_one: Callable[[], Database]) -> None:
        self._ask = partial(refresh_park, allow_private=config.charge_types_allow_private)
        self._vault = vault
        self._open_one = open_one

    async def run(self) -> None:
        """Refreshes the charge types of all parks and waits for the end. The thread ends with the process."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def work() -> None:
            try:
                summary = self._work()
                log.info("charge types refreshed", answered=summary.answered, troubled=summary.troubled)
            except VipgateError as error:
                log.warning("charge types not refreshed", reason=str(error))
            loop.call_soon_threadsafe(done.set_result, None)

        def ended(error: BaseException) -> None:
            reason = f"nightly work failed: {describe(error)}"
            loop.call_soon_threadsafe(done.set_exception, RuntimeError(reason))

        start_thread(work, "vipgate-night", ended)
        await done

    def _work(self) -> RefreshSummary:
        database = self._open_one()
        try:
            return refresh_all(database, self._vault, clock_us, ask=self._ask)
        finally:
            database.close()


if __name__ == "__main__":
    main()
