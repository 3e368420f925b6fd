"""Opens what a configuration names: spool, client, source. Shared by the commands and the page."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vipgate.agent.config import Config, Platform
from vipgate.agent.sources.base import Source
from vipgate.agent.sources.open import open_source
from vipgate.agent.spool import Spool
from vipgate.clock import clock_s, clock_us
from vipgate.errors import UsageError
from vipgate.i18n import tr
from vipgate.support.private_files import with_companions
from vipgate.support.sqlite_file import COMPANIONS

if TYPE_CHECKING:
    from vipgate.agent.client import Client
    from vipgate.agent.sync.dependencies import AgentDependencies


def spool_path(config: Config, given: Path | None) -> Path:
    """The path of the spool: next to the configuration unless `given`."""
    return (given or config.path.with_suffix(".spool")).absolute()


@contextmanager
def opened_spool(config: Config, given: Path | None) -> Iterator[Spool]:
    """Opens the spool. Raises UsageError if it belongs to another configuration."""
    spool = Spool(spool_path(config, given), clock_us)
    try:
        mine = _identity(config)
        found = spool.get_setting("identity")
        if found is None:
            with spool.transaction():
                spool.set_setting({"identity": mine})
        elif found != mine:
            raise UsageError(
                tr(
                    "Spool {path} belongs to another park or source:\n  {found}\n  {mine}\nChoose another --spool.",
                    path=spool.path,
                    found=found,
                    mine=mine,
                )
            )
        yield spool
    finally:
        spool.close()


def _identity(config: Config) -> str:
    """Identifies park and source. Cursor, mapping and platform address may change."""
    source = config.source
    kind = "file" if source.file is not None else "database"
    members = [config.platform.park_uuid, kind, source.table or source.query or ""]
    return msgspec.json.encode(members).decode()


def open_client(config: Config) -> Client:
    """Returns a client of the configured platform."""
    return platform_client(config.platform)


def platform_client(platform: Platform) -> Client:
    """Returns a client of `platform`."""
    # The HTTP library, which the page of a running agent does not need.
    from vipgate.agent.client import Client

    return Client(
        platform.url,
        platform.park_uuid,
        platform.secret,
        timeout_s=platform.timeout_s,
        ca_file=platform.ca_file,
        signature=platform.signature,
    )


def build_dependencies(config: Config, client: Client) -> AgentDependencies:
    """Returns the real dependencies of a run."""
    from vipgate.agent.sync.dependencies import AgentDependencies

    return AgentDependencies(
        clock_us=clock_us, clock_s=clock_s, chance=random.random, open_source=lambda: source_of(config), client=client
    )


def source_of(config: Config) -> Source:
    """Opens a new connection to the source."""
    return open_source(config.source, base=config.path.parent, names=config.columns)


def agent_files(config: Config, spool: Path) -> list[Path]:
    """Lists the configuration, its .env file, the spool with its folder and companion files, and the logs."""
    found = [config.path, config.path.with_suffix(".env")]
    found += [spool.parent, *with_companions(spool, *COMPANIONS)]
    if config.log.file is not None:
        found += with_companions(config.log.file, *(f".{number}" for number in range(1, config.log.keep + 1)))
    return found
