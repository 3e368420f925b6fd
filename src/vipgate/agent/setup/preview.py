"""Maps the first rows of the source as they would be sent. Sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vipgate.agent.config import Config
from vipgate.agent.mapping.reader import Page, Reader
from vipgate.agent.opening import source_of
from vipgate.agent.setup.first_rows import first_rows
from vipgate.agent.sources.base import SourceRow


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The first rows of a source, as the agent reads them."""

    columns: Sequence[str]
    rows: Sequence[SourceRow]


def read_first_rows(config: Config, rows_max: int) -> FirstRows:
    """Reads up to `rows_max` rows. Raises UsageError, SourceUnavailable."""
    source = source_of(config)
    try:
        return FirstRows(source.columns, first_rows(source, rows_max))
    finally:
        source.close()


def map_first_rows(config: Config, read: FirstRows) -> Page:
    """Maps the rows by a configuration. Raises UsageError."""
    return Reader(config, read.columns).read(read.rows)


def read_preview(config: Config, rows_max: int) -> Page:
    """Reads and maps up to `rows_max` rows. Raises UsageError, SourceUnavailable."""
    return map_first_rows(config, read_first_rows(config, rows_max))
