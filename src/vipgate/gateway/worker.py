"""Runs one process that takes pushes: its port, its threads, its end; beside it, where it is the only one, the admin process."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import structlog

from vipgate.clock import clock_s, clock_us
from vipgate.errors import VipgateError
from vipgate.gateway.admin_process import (
    AdminProcess,
    AdminProcessThread,
)
from vipgate.gateway.app import PublicApp
from vipgate.gateway.group_commit import GroupCommitter
from vipgate.gateway.http.server import HttpServer
from vipgate.gateway.park_access import ParkAccessCache
from vipgate.gateway.pipeline import PushPipeline
from vipgate.gateway.reconcile import ReconcileService
from vipgate.gateway.settings import Settings
from vipgate.gateway.sockets import ListenSockets
from vipgate.protocol.seqno import SeqnoMint
from vipgate.store.interfaces.ledger import Store
from vipgate.store.open import (
    is_postgres,
    open_store,
)
from vipgate.support.background import (
    Ended,
    describe,
    keep_on,
    start_task,
    submit,
    watch_loop,
)
from vipgate.support.client_address import parse_trusted_proxies
from vipgate.support.metrics import (
    HEARTBEAT_S,
    WorkerRecorder,
)
from vipgate.support.tls import (
    CHECK_INTERVAL_S,
    Certificate,
    load_certificate,
)
from vipgate.support.vault import Vault

log = structlog.get_logger()

POSTGRES_READERS: Final = 4
PARENT_CHECK_S: Final = 1.0
# How long the event loop may keep the interpreter from the thread that commits, which wants it back after every statement.
SWITCH_S: Final = 0.0005


class Broken(VipgateError):
    """A part of this process ended by a fault, so the process ends: its log has the traceback."""


class _End:
    """When and why a process ends: it was told to, or a part of it that it cannot be without has ended."""

    def __init__(self, loop: asyncio.AbstractEventLoop, meter: WorkerRecorder) -> None:
        self._loop = loop
        self._meter = meter
        self.stopped = asyncio.Event()
        self.fault = ""

    async def come(self, beside: Mapping[str, Coroutine[Any, Any, None]]) -> None:
        """Waits for it; `beside` goes on until then, by name. After a fault nobody shall send this process anything more."""
        tasks = [start_task(steps, name, self.tell(f"the {name}")) for name, steps in beside.items()]
        await self.stopped.wait()
        for task in tasks:
            task.cancel()
        if self.fault:
            self._meter.clear_heartbeat()

    def tell(self, what: str) -> Ended:
        """For the owner of `what`; any thread may call what this gives."""

        def ended(error: BaseException) -> None:
            self.fault = self.fault or f"{what} ended by a fault, {describe(error)}"
            self._loop.call_soon_threadsafe(self.stopped.set)

        return ended


def run_loop(main: Awaitable[None]) -> None:
    """Runs `main` on the fastest loop that this system has."""
    if sys.platform == "win32":
        asyncio.run(main)  # type: ignore[arg-type]
    else:
        import uvloop

        uvloop.run(main)  # type: ignore[arg-type]


async def run_worker(
    settings: Settings,
    vault: Vault,
    listen: Callable[[], ListenSockets],
    meter: WorkerRecorder,
    *,
    keep: Callable[[ListenSockets], AdminProcess | None] | None = None,
    parent: int | None = None,
) -> None:
    """Serves until SIGINT or SIGTERM, or until the process `parent` is gone. Raises StoreError, OperatorError, Broken."""
    proxies = parse_trusted_proxies(settings.trusted_proxies)
    certificate = load_certificate(settings.tls_cert, settings.tls_key)

    def open_one(connections: int = 1) -> Store:
        return open_store(settings.database_url, clock_us, settings.retention, connections=connections)

    loop = asyncio.get_running_loop()
    watch_loop(loop)
    end = _End(loop, meter)
    told = end.tell("the commit")
    committer = GroupCommitter(open_one, settings.commit_limits, settings.retention, meter, clock_us, clock_s, told)
    await committer.start()
    readers = POSTGRES_READERS if is_postgres(settings.database_url) else 1
    with (
        ThreadPoolExecutor(readers, "vipgate-read") as reading,
        ThreadPoolExecutor(1, "vipgate-slow") as slow,
        ThreadPoolExecutor(1, "vipgate-unproved") as unproved,
    ):
        reader = await loop.run_in_executor(reading, open_one, readers)
        read_aside = partial(submit, reading, what="reading who a park is", ended=end.tell("the reading of parks"))
        directory = ParkAccessCache(reader.park_accesses, read_aside, vault, clock_s, reads_at_once=readers)
        digests = ReconcileService(open_one, clock_s)
        mint = SeqnoMint(secrets.randbelow(10**15))
        window_s = settings.hmac_window_s
        road = PushPipeline(directory, committer, mint, slow, unproved, digests, meter, clock_s, hmac_window_s=window_s)
        app = PublicApp(road, meter, clock_s, proxies, always_200=settings.always_200)
        outside = HttpServer(app, settings.http_limits, clock_us)
        caretaker = None
        _tune_gc()
        sys.setswitchinterval(SWITCH_S)
        try:
            _stop_by_signal(loop, end.stopped)
            listeners = listen()
            context = None if certificate is None else certificate.context
            await outside.start(listeners.public, context, end.tell("the server of the public port"))
            keeper = keep(listeners) if keep is not None else None
            caretaker = AdminProcessThread(keeper) if keeper is not None else None
            log.info("serving", port=listeners.public_port, admin_port=listeners.admin_port)
            await end.come({
                "watch over the parent": _watch(parent, end.stopped),
                "heartbeat": _send_heartbeats(meter, outside, committer),
                "renewal of the certificate": keep_on(partial(_renew, certificate), "renewal of the certificate"),
            })  # fmt: skip
            log.info("stopping", connections=len(outside.connections), fault=end.fault or None)
        finally:
            digests.stop()
            await asyncio.gather(outside.stop(settings.shutdown_timeout_s), _ended(caretaker))
            digests.close()
            await committer.stop()
            meter.clear_heartbeat()
            await loop.run_in_executor(reading, reader.close)
    log.info("stopped")
    if end.fault:
        raise Broken(f"{end.fault}; its traceback is in the log")


async def _ended(caretaker: AdminProcessThread | None) -> None:
    if caretaker is not None:
        await asyncio.get_running_loop().run_in_executor(None, caretaker.stop)


async def _send_heartbeats(meter: WorkerRecorder, outside: HttpServer, committer: GroupCommitter) -> None:
    """Shows that the loop turns, and how much waits in it."""
    while True:
        requests, rows = committer.waiting
        meter.heartbeat(clock_us(), len(outside.connections), (requests + len(outside.scheduler), rows))
        await asyncio.sleep(HEARTBEAT_S)


async def _renew(certificate: Certificate | None) -> None:
    """Takes up a renewed certificate, which a tool has put in the place of the old one."""
    while certificate is not None:
        await asyncio.sleep(CHECK_INTERVAL_S)
        certificate.reload_if_changed()


async def _watch(parent: int | None, stopped: asyncio.Event) -> None:
    """A worker whose parent was killed must not serve on behind everybody's back."""
    while parent is not None and os.getppid() == parent:  # noqa: ASYNC110 - a parent's death sets no event
        await asyncio.sleep(PARENT_CHECK_S)
    if parent is not None:
        stopped.set()


def _tune_gc() -> None:
    """The road makes next to no cycles: look for them seldom, and never among what was there from the start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


def _stop_by_signal(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """Sets `stopped` at SIGINT and SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
