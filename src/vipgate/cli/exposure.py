"""Finds files of a gateway or an agent that other users of the machine can access."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from vipgate.agent.config import Config
from vipgate.gateway.settings import CONFIG_NAME, Settings, read_file
from vipgate.store.open import is_postgres, sqlite_path
from vipgate.support.private_files import find_exposed

log = structlog.get_logger()


def gateway_files(settings: Settings, config: Path | None) -> list[Path]:
    """Lists the data folder, the ledger and its companion files, the keys, and a settings file that holds a secret.

    The master key file is left out: the gateway does not start if others can read it.
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
    """Lists the configuration, its .env file, the spool with its folder and companion files, and the logs."""
    found = [config.path, config.path.with_suffix(".env")]
    found += [spool.parent, *_with_companions(spool, "-wal", "-shm", ".lock", ".agent")]
    if config.log.file is not None:
        found += _with_companions(config.log.file, *(f".{number}" for number in range(1, config.log.keep + 1)))
    return found


def _with_companions(file: Path, *endings: str) -> list[Path]:
    return [file, *(file.with_name(file.name + ending) for ending in endings)]


def log_exposed(paths: Iterable[Path]) -> None:
    """Logs a warning for each of `paths` that other users can access."""
    for one in find_exposed(paths):
        log.warning("other users can access it", path=str(one.path), mode=f"{one.mode:04o}", remedy=one.remedy)
