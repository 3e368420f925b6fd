"""Runs one server process: its two ports, its threads, its end."""

from __future__ import annotations

import asyncio
import gc
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import structlog

from vipgate.clock import clock_s, clock_us
from vipgate.commit import Committer
from vipgate.edge import HttpServer
from vipgate.errors import OperatorError, StoreError
from vipgate.gateway import Inside, Outside
from vipgate.ingest import Road
from vipgate.parks import Directory
from vipgate.seqno import SeqnoMint
from vipgate.settings import Settings
from vipgate.store.interface import ParkAccess, Store
from vipgate.store.sqlite import ServerLock, SqliteStore
from vipgate.vault import load_vault
from vipgate.wire import PUSH_PATH

log = structlog.get_logger()

try:
    import resource
except ImportError:  # Windows, which has no such limit.
    resource = None  # type: ignore[assignment]


def run_server(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM. Raises OperatorError or StoreError where it cannot start."""
    if settings.workers > 1:
        raise OperatorError(
            f"--workers {settings.workers} needs a database that several processes can write; SQLite takes one."
        )
    _raise_descriptor_limit(settings.connections_max)
    with ExitStack() as stack:
        lock = ServerLock(settings.database_path)
        stack.callback(lock.release)
        if sys.platform == "win32":
            asyncio.run(_serve(settings, announce))
        else:
            import uvloop

            uvloop.run(_serve(settings, announce))


async def _serve(settings: Settings, announce: Callable[[str], None]) -> None:
    def open_store() -> Store:
        return SqliteStore(settings.database_path, clock_us, settings.retention)

    vault = load_vault(settings.master_key.get_secret_value() if settings.master_key else None, settings.key_file)
    committer = Committer(open_store, settings.commit_limits, settings.retention, clock_us, clock_s)
    await committer.start()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "vipgate-read") as reading, ThreadPoolExecutor(1, "vipgate-slow") as slow:
        reader = await loop.run_in_executor(reading, open_store)

        async def read_access(park_uuid: str) -> ParkAccess | None:
            return await loop.run_in_executor(reading, reader.park_access, park_uuid)

        async def readiness() -> str | None:
            try:
                await loop.run_in_executor(reading, reader.ping)
            except StoreError as error:
                return str(error)
            return None

        directory = Directory(read_access, vault, clock_s)
        road = Road(directory, committer, SeqnoMint(secrets.randbelow(10**15)), slow, clock_s)
        outside = HttpServer(Outside(road, always_200=settings.always_200), settings.http_limits, clock_us)
        inside = HttpServer(Inside(road, readiness), settings.http_limits, clock_us)
        _tame_garbage_collector()
        try:
            stopped = _stop_event(loop)
            await _listen(settings, outside, inside, announce)
            await stopped.wait()
            log.info("stopping", connections=len(outside.connections))
        finally:
            await asyncio.gather(outside.stop(settings.stop_s), inside.stop(settings.stop_s))
            await committer.stop()
            await loop.run_in_executor(reading, reader.close)
    log.info("stopped")


def _tame_garbage_collector() -> None:
    """The road makes next to no cycles: look for them seldom, and never among what was there from the start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def _listen(settings: Settings, outside: HttpServer, inside: HttpServer, announce: Callable[[str], None]) -> None:
    port = await _bind(outside, settings.host, settings.port, "port")
    announce(f"outside  http://{_host(settings.host)}:{port}{PUSH_PATH}")
    if settings.inside:
        inside_port = settings.inside_port
        if inside_port is None:
            inside_port = port + 1 if _is_free(settings.inside_host, port + 1) else 0
        inside_port = await _bind(inside, settings.inside_host, inside_port, "inside-port")
        announce(f"inside   http://{_host(settings.inside_host)}:{inside_port}/readyz")
    log.info("serving", port=port, inside_port=inside_port if settings.inside else None)


async def _bind(server: HttpServer, host: str, port: int, flag: str) -> int:
    try:
        return await server.start(host, port)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OperatorError(f"Cannot listen on {host}:{port}: {reason}; choose another --{flag}.") from None


def _is_free(host: str, port: int) -> bool:
    try:
        with socket.create_server((host, port)):
            return True
    except (OSError, OverflowError):
        return False


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _stop_event(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """Set by SIGINT and SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    return stopped


def _raise_descriptor_limit(connections_max: int) -> None:
    """As many descriptors as the connections need, where the system lets us."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections_max + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
