"""Runs one process that serves the public port; a single worker also controls the admin process."""

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
from vipgate.gateway.admin_process import AdminProcess, AdminProcessThread
from vipgate.gateway.app import PublicApp
from vipgate.gateway.group_commit import GroupCommitter
from vipgate.gateway.http.server import HttpServer
from vipgate.gateway.park_access import ParkAccessCache
from vipgate.gateway.pipeline import PushPipeline
from vipgate.gateway.reconcile import ReconcileService
from vipgate.gateway.settings import Settings
from vipgate.gateway.sockets import ListenSockets
from vipgate.protocol.seqno import SeqnoGenerator
from vipgate.store.interfaces.ledger import Store
from vipgate.store.open import is_postgres, open_store
from vipgate.support.background import Ended, describe, keep_on, start_task, submit, watch_loop
from vipgate.support.client_address import parse_trusted_proxies
from vipgate.support.metrics import HEARTBEAT_S, WorkerRecorder
from vipgate.support.tls import CHECK_INTERVAL_S, Certificate, load_certificate
from vipgate.support.vault import Vault

log = structlog.get_logger()

POSTGRES_READERS: Final = 4
PARENT_CHECK_S: Final = 1.0
# Short, because the commit thread needs the interpreter lock back after every statement.
SWITCH_S: Final = 0.0005


class Broken(VipgateError):
    """A part of this process failed, so the process ends; the traceback is in the log."""


class _End:
    """Waits for the end of the process: a signal, or the failure of a part that it cannot run without."""

    def __init__(self, loop: asyncio.AbstractEventLoop, recorder: WorkerRecorder) -> None:
        self._loop = loop
        self._recorder = recorder
        self.stopped = asyncio.Event()
        self.fault = ""

    async def wait(self, jobs: Mapping[str, Coroutine[Any, Any, None]]) -> None:
        """Waits for the end and runs `jobs`, by name, until then. After a failure, readiness fails at once."""
        tasks = [start_task(job, name, self.ends_with(f"the {name}")) for name, job in jobs.items()]
        await self.stopped.wait()
        for task in tasks:
            task.cancel()
        if self.fault:
            self._recorder.clear_heartbeat()

    def ends_with(self, what: str) -> Ended:
        """Returns a thread-safe callback that ends the process because `what` failed."""

        def ended(error: BaseException) -> None:
            self.fault = self.fault or f"{what} ended by a fault, {describe(error)}"
            self._loop.call_soon_threadsafe(self.stopped.set)

        return ended


def run_loop(main: Awaitable[None]) -> None:
    """Runs `main` on uvloop, on Windows on asyncio's loop."""
    if sys.platform == "win32":
        asyncio.run(main)  # type: ignore[arg-type]
    else:
        import uvloop

        uvloop.run(main)  # type: ignore[arg-type]


async def run_worker(
    settings: Settings,
    vault: Vault,
    listen: Callable[[], ListenSockets],
    recorder: WorkerRecorder,
    *,
    keep: Callable[[ListenSockets], AdminProcess | None] | None = None,
    parent: int | None = None,
) -> None:
    """Serves until SIGINT or SIGTERM, or until the process `parent` is gone. Raises StoreError, UsageError, Broken."""
    proxies = parse_trusted_proxies(settings.trusted_proxies)
    certificate = load_certificate(settings.tls_cert, settings.tls_key)

    def open_one(connections: int = 1) -> Store:
        return open_store(settings.database_url, clock_us, settings.retention, connections=connections)

    loop = asyncio.get_running_loop()
    watch_loop(loop)
    end = _End(loop, recorder)
    commit_ended = end.ends_with("the commit")
    committer = GroupCommitter(
        open_one, settings.commit_limits, settings.retention, recorder, clock_us, clock_s, commit_ended
    )
    await committer.start()
    readers = POSTGRES_READERS if is_postgres(settings.database_url) else 1
    with (
        ThreadPoolExecutor(readers, "vipgate-read") as reading,
        ThreadPoolExecutor(1, "vipgate-slow") as slow,
        ThreadPoolExecutor(1, "vipgate-unproved") as unproved,
    ):
        reader = await loop.run_in_executor(reading, open_one, readers)
        submit_read = partial(
            submit, reading, what="reading who a park is", ended=end.ends_with("the reading of parks")
        )
        park_access = ParkAccessCache(reader.park_accesses, submit_read, vault, clock_s, reads_at_once=readers)
        reconcile = ReconcileService(open_one, clock_s)
        seqno_generator = SeqnoGenerator(secrets.randbelow(10**15))
        window_s = settings.hmac_window_s
        pipeline = PushPipeline(
            park_access,
            committer,
            seqno_generator,
            slow,
            unproved,
            reconcile,
            recorder,
            clock_s,
            hmac_window_s=window_s,
        )
        app = PublicApp(pipeline, recorder, clock_s, proxies, always_200=settings.always_200)
        server = HttpServer(app, settings.http_limits, clock_us)
        admin_thread = None
        _tune_gc()
        sys.setswitchinterval(SWITCH_S)
        try:
            _stop_by_signal(loop, end.stopped)
            sockets = listen()
            context = None if certificate is None else certificate.context
            await server.start(sockets.public, context, end.ends_with("the server of the public port"))
            admin = keep(sockets) if keep is not None else None
            admin_thread = AdminProcessThread(admin) if admin is not None else None
            log.info("serving", port=sockets.public_port, admin_port=sockets.admin_port)
            await end.wait({
                "watch over the parent": _watch(parent, end.stopped),
                "heartbeat": _send_heartbeats(recorder, server, committer),
                "renewal of the certificate": keep_on(partial(_renew, certificate), "renewal of the certificate"),
            })  # fmt: skip
            log.info("stopping", connections=len(server.connections), fault=end.fault or None)
        finally:
            reconcile.stop()
            await asyncio.gather(server.stop(settings.shutdown_timeout_s), _ended(admin_thread))
            reconcile.close()
            await committer.stop()
            recorder.clear_heartbeat()
            await loop.run_in_executor(reading, reader.close)
    log.info("stopped")
    if end.fault:
        raise Broken(f"{end.fault}; its traceback is in the log")


async def _ended(admin_thread: AdminProcessThread | None) -> None:
    if admin_thread is not None:
        await asyncio.get_running_loop().run_in_executor(None, admin_thread.stop)


async def _send_heartbeats(recorder: WorkerRecorder, server: HttpServer, committer: GroupCommitter) -> None:
    """Records heartbeat, connections and queue lengths in the metrics."""
    while True:
        requests, rows = committer.waiting
        recorder.heartbeat(clock_us(), len(server.connections), (requests + len(server.scheduler), rows))
        await asyncio.sleep(HEARTBEAT_S)


async def _renew(certificate: Certificate | None) -> None:
    """Reloads the certificate files when they change."""
    while certificate is not None:
        await asyncio.sleep(CHECK_INTERVAL_S)
        certificate.reload_if_changed()


async def _watch(parent: int | None, stopped: asyncio.Event) -> None:
    """Stops a worker whose parent was killed."""
    while parent is not None and os.getppid() == parent:  # noqa: ASYNC110 - a parent's death sets no event
        await asyncio.sleep(PARENT_CHECK_S)
    if parent is not None:
        stopped.set()


def _tune_gc() -> None:
    """Makes garbage collection rare and skips objects from startup: the push pipeline creates almost no cycles."""
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
