"""Starts the server and restarts its processes: one worker on SQLite, any number on PostgreSQL, one admin process."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Final

import structlog

from vipgate.clock import clock_s, clock_us
from vipgate.errors import UsageError, VipgateError
from vipgate.gateway.admin_launch import AdminConfig
from vipgate.gateway.admin_process import AdminProcess
from vipgate.gateway.master_key import check_master_key
from vipgate.gateway.settings import Settings
from vipgate.gateway.sockets import ListenSockets, listen
from vipgate.gateway.worker import run_loop, run_worker
from vipgate.store.open import is_postgres, open_store, sqlite_path
from vipgate.store.sqlite.store import LEDGER
from vipgate.support.background import Backoff, report
from vipgate.support.client_address import parse_trusted_proxies
from vipgate.support.core_dumps import forbid_core_dumps
from vipgate.support.metrics import SharedMetrics, WorkerRecorder
from vipgate.support.sqlite_file import OwnerLock
from vipgate.support.tls import load_certificate
from vipgate.support.vault import Vault, load_vault

log = structlog.get_logger()

CHECK_INTERVAL_S: Final = 0.5
STOP_MARGIN_S: Final = 10.0
# Encodes to 32 URL-safe characters.
_INVITATION_BYTES: Final = 24


def run_server(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM. Raises UsageError or StoreError where it cannot start."""
    forbid_core_dumps()
    # Report invalid settings before opening a port.
    parse_trusted_proxies(settings.trusted_proxies)
    load_certificate(settings.tls_cert, settings.tls_key)
    metrics = SharedMetrics(settings.workers)
    make_admin = partial(_admin_process, settings, metrics)
    if is_postgres(settings.database_url) and settings.workers > 1:
        vault, listeners = _checked_vault(settings), listen(settings, announce)
        Supervisor(settings, vault, listeners, metrics, make_admin(listeners)).run()
    elif is_postgres(settings.database_url):
        _serve_alone(settings, announce, metrics, make_admin)
    elif settings.workers > 1:
        raise UsageError(
            f"--workers {settings.workers} needs a database that several processes can write; SQLite takes one."
        )
    else:
        lock = OwnerLock(sqlite_path(settings.database_url), LEDGER)
        try:
            _serve_alone(settings, announce, metrics, make_admin)
        finally:
            lock.release()


def _serve_alone(
    settings: Settings,
    announce: Callable[[str], None],
    shared_metrics: SharedMetrics,
    keep: Callable[[ListenSockets], AdminProcess | None],
) -> None:
    vault = _checked_vault(settings)
    run_loop(
        run_worker(settings, vault, partial(listen, settings, announce), WorkerRecorder(shared_metrics, 0), keep=keep)
    )


def _admin_process(settings: Settings, shared_metrics: SharedMetrics, listeners: ListenSockets) -> AdminProcess | None:
    """Makes the admin process controller, or None without an admin port."""
    if listeners.admin is None:
        return None
    config = AdminConfig(
        database_url=settings.database_url,
        retention=settings.retention,
        master_key=settings.master_key.get_secret_value() if settings.master_key else None,
        key_file=str(settings.key_file),
        url=listeners.admin_url(settings),
        secure=settings.admin_https,
        db_connections=settings.admin_db_connections,
        charge_types_allow_private=settings.charge_types_allow_private,
        masked_searches_per_hour=settings.masked_searches_per_hour,
        workers=settings.workers,
        trusted_proxies=settings.trusted_proxies,
        invitation=secrets.token_urlsafe(_INVITATION_BYTES),
    )
    return AdminProcess(config, listeners.admin, shared_metrics, clock_s)


def _checked_vault(settings: Settings) -> Vault:
    """Migrates the database, and returns the vault after one stored secret could be decrypted with it.

    Raises UsageError for the wrong master key.
    """
    vault = load_vault(settings.master_key.get_secret_value() if settings.master_key else None, settings.key_file)
    store = open_store(settings.database_url, clock_us, settings.retention)
    try:
        is_checked = check_master_key(store, vault)
        unreachable = store.unreachable()
        if unreachable is not None:
            log.warning(
                "nodes of the cluster do not answer",
                nodes=unreachable.nodes,
                parks=unreachable.parks,
                master_key="checked" if is_checked else "not checked",
                remedy="their parks get 503 until the nodes or their standbys are back",
            )
    finally:
        store.close()
    return vault


class Supervisor:
    """Keeps the workers and the admin process running. Uses no event loop and no threads, so it can fork safely."""

    def __init__(
        self,
        settings: Settings,
        vault: Vault,
        listeners: ListenSockets,
        shared_metrics: SharedMetrics,
        admin_process: AdminProcess | None,
    ) -> None:
        if sys.platform == "win32":
            raise UsageError("Several --workers need fork, which Windows has not; start several servers instead.")
        self._settings = settings
        self._vault = vault
        self._listeners = listeners
        self._shared_metrics = shared_metrics
        self._admin_process = admin_process
        self._stopping = False
        self._fork = multiprocessing.get_context("fork")
        self._workers: dict[int, tuple[BaseProcess, float]] = {}
        self._backoff = [Backoff() for _ in range(settings.workers)]

    def run(self) -> None:
        """Runs the workers until SIGINT or SIGTERM."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        try:
            while not self._stopping:
                for worker, backoff in enumerate(self._backoff):
                    if worker not in self._workers and clock_s() >= backoff.due_s:
                        self._start(worker)
                if self._admin_process is not None:
                    self._admin_process.repeated.take()
                wait([process.sentinel for process, _ in self._workers.values()], CHECK_INTERVAL_S)
                self._reap()
        finally:
            # On any error too: the interpreter would wait for the workers for ever.
            self._end()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _start(self, worker: int) -> None:
        process = self._fork.Process(target=self._work, args=(worker, os.getpid()))
        try:
            process.start()
        except OSError as error:
            # Too many processes or too little memory: the other workers go on.
            self._put_off(worker, 0.0, "worker did not start", reason=str(error))
            return
        self._workers[worker] = (process, clock_s())

    def _reap(self) -> None:
        for worker, (process, since_s) in list(self._workers.items()):
            if process.is_alive() or self._stopping:
                continue
            del self._workers[worker]
            self._put_off(worker, clock_s() - since_s, "worker died", exit_status=process.exitcode)

    def _put_off(self, worker: int, lived_s: float, event: str, **why: object) -> None:
        log.warning(event, worker=worker, again_in_s=self._backoff[worker].failed(clock_s(), lived_s), **why)

    def _end(self) -> None:
        """Stops all processes after they finished their requests in flight."""
        if self._admin_process is not None:
            self._admin_process.request_stop()
        for process, _ in self._workers.values():
            with suppress(ProcessLookupError):
                process.terminate()
        deadline_s = clock_s() + self._settings.shutdown_timeout_s + STOP_MARGIN_S
        for process, _ in self._workers.values():
            process.join(max(0.0, deadline_s - clock_s()))
            if process.is_alive():
                process.kill()
        if self._admin_process is not None:
            self._admin_process.wait()

    def _work(self, worker: int, parent: int) -> None:
        """Runs one worker in the forked process."""
        structlog.contextvars.bind_contextvars(worker=worker)
        if self._admin_process is not None:
            self._admin_process.forget()
        sockets = ListenSockets(self._listeners.public, None)
        metrics = WorkerRecorder(self._shared_metrics, worker)
        try:
            run_loop(run_worker(self._settings, self._vault, lambda: sockets, metrics, parent=parent))
        except VipgateError as error:
            log.error("worker cannot serve", reason=str(error))
            sys.exit(1)
        except Exception as error:  # noqa: BLE001 - the supervisor sees only the exit status
            report("worker", error)
            sys.exit(1)
