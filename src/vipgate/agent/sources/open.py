"""Opens the configured source. Each kind of source is imported only when needed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.base import Source
from vipgate.errors import UsageError

_SHEETS: Final = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")


def open_source(config: SourceConfig, *, base: Path) -> Source:
    """Opens the source. Raises UsageError, SourceUnavailable."""
    if config.database is not None:
        from vipgate.agent.sources.sql import DatabaseSource

        return DatabaseSource(config, base)
    if config.file is None:
        raise UsageError("source.database: give either database or file")
    path = base / config.file
    if path.suffix.lower() in _SHEETS:
        from vipgate.agent.sources.excel import ExcelSource

        return ExcelSource(path, config)
    from vipgate.agent.sources.files import CsvSource

    return CsvSource(path, config)
