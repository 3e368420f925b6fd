"""Which files a gateway and an agent keep, and which of them other users of the machine may reach."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from vipgate.agent.config import Config
from vipgate.gateway.settings import (
    CONFIG_NAME,
    Settings,
    read_file,
)
from vipgate.store.open import (
    is_postgres,
    sqlite_path,
)
from vipgate.support.private_files import find_exposed

log = structlog.get_logger()


def gateway_files(settings: Settings, config: Path | None) -> list[Path]:
    """The data folder, the ledger with what lies next to it, the keys, and a settings file that holds a secret.

    The file of the master key is left out: the gateway does not start where others may read that.
    """
    found = [settings.home]
    if not is_postgres(settings.database_url):
        ledger = sqlite_path(settings.database_url)
        found += [ledger.parent, *_with_companions(ledger, "-wal", "-shm", ".lock", ".server")]
    if settings.tls_key is not None:
        found.append(settings.tls_key)
    written = read_file(config)
    if "master_key" in written or urlsplit(str(written.get("database", ""))).password:
        found.append(config or Path(CONFIG_NAME))
    return list(dict.fromkeys(found))


def agent_files(config: Config, spool: Path) -> list[Path]:
    """The configuration, its variables, the spool with what lies next to it and its folder, and the log."""
    found = [config.path, config.path.with_suffix(".env")]
    found += [spool.parent, *_with_companions(spool, "-wal", "-shm", ".lock", ".agent")]
    if config.log.file is not None:
        found += _with_companions(config.log.file, *(f".{number}" for number in range(1, config.log.keep + 1)))
    return found


def _with_companions(file: Path, *endings: str) -> list[Path]:
    return [file, *(file.with_name(file.name + ending) for ending in endings)]


def log_exposed(paths: Iterable[Path]) -> None:
    """Logs a warning for each of `paths` that others may reach."""
    for one in find_exposed(paths):
        log.warning("others may reach it", path=str(one.path), mode=f"{one.mode:04o}", remedy=one.remedy)
