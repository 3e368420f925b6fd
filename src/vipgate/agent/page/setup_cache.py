"""What the set-up has read of the source: kept with its time, so that showing a page again does not read the source again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from vipgate.agent.config import Config, SourceConfig
from vipgate.clock import clock_us

if TYPE_CHECKING:
    from vipgate.agent.mapping.guess import Proposal
    from vipgate.agent.setup.preview import FirstRows
    from vipgate.agent.setup.samples import Samples
    from vipgate.agent.setup.tables import FoundTables

T = TypeVar("T")
SAMPLED_ROWS: Final = 500
PREVIEWED_ROWS: Final = 500
# Somebody who fixes a row in the parking program wants to see that in the preview.
PREVIEW_KEPT_US: Final = 600_000_000


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """What was read, when, and the settings that it was read by."""

    value: T
    at_us: int
    key: str


@dataclass(slots=True)
class SetupCache:
    """The tables of the database, the first rows of the table for the mapping, and those for the preview: one of each.

    What reads them is imported when it is used: the pages of a running agent need none of it.
    """

    clock_us: Callable[[], int] = clock_us
    # Whether the last trial of the platform's settings found a fault.
    is_platform_wrong: bool = False
    _tables: Kept[FoundTables] | None = None
    _samples: Kept[Samples] | None = None
    _preview: Kept[FirstRows] | None = None
    # Made at most once for the samples: that takes longer than a page may.
    _proposal: Proposal | None = None

    def tables(self, source: SourceConfig, config: Path, *, again: bool = False) -> Kept[FoundTables]:
        """The database's tables. Raises UsageError, SourceUnavailable."""
        key = f"{config} {source.database}"
        from vipgate.agent.setup.tables import list_tables

        if again or self._tables is None or self._tables.key != key:
            self._tables = Kept(list_tables(source, config), self.clock_us(), key)
        return self._tables

    def samples(self, source: SourceConfig, config: Path, *, again: bool = False) -> Kept[Samples]:
        """The first SAMPLED_ROWS rows. Raises UsageError, SourceUnavailable.

        They do not expire: a form of the mapping says the places of columns among those that were shown.
        """
        key = f"{config} {source!r} {source.database}"
        if again or self._samples is None or self._samples.key != key:
            from vipgate.agent.setup.samples import read_samples

            read = read_samples(source, config, SAMPLED_ROWS)
            self._samples, self._proposal = Kept(read, self.clock_us(), key), None
        return self._samples

    @property
    def has_preview(self) -> bool:
        """Whether the preview was read."""
        return self._preview is not None

    def proposal(self, samples: Samples) -> Proposal:
        """The mapping that is proposed for the samples read last."""
        if self._proposal is None or self._samples is None or self._samples.value is not samples:
            self._proposal = samples.proposal()
        return self._proposal

    def preview(self, config: Config, *, again: bool = False) -> Kept[FirstRows]:
        """The first PREVIEWED_ROWS rows as the agent reads them. Raises UsageError, SourceUnavailable."""
        key = f"{config.path} {config.source!r} {config.source.database} {sorted(config.columns)} {_file_state(config)}"
        kept, now_us = self._preview, self.clock_us()
        from vipgate.agent.setup.preview import read_first_rows

        if again or kept is None or kept.key != key or not 0 <= now_us - kept.at_us < PREVIEW_KEPT_US:
            kept = self._preview = Kept(read_first_rows(config, PREVIEWED_ROWS), now_us, key)
        return kept


def _file_state(config: Config) -> tuple[int, int] | None:
    """Time and size of a source that is a file; None without one, or where it cannot be read."""
    if config.source.file is not None:
        with suppress(OSError):
            found = (config.path.parent / config.source.file).stat()
            return found.st_mtime_ns, found.st_size
    return None
