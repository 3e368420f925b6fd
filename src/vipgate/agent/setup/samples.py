"""Reads the first rows of a source that is being set up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vipgate.agent.config import SourceConfig
from vipgate.agent.mapping.guess import Proposal, propose
from vipgate.agent.setup.first_rows import first_rows
from vipgate.agent.sources.base import Source
from vipgate.agent.sources.file_source import FileSource
from vipgate.agent.sources.open import open_source
from vipgate.agent.toml_reader import EnvFile, TomlTableReader
from vipgate.errors import UsageError
from vipgate.support.address_masking import learn

if TYPE_CHECKING:
    from vipgate.agent.sources.source_key import SourceKey

SAMPLED_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class Samples:
    """The first rows of a source.

    `unique`: the columns of its primary key; `problems`: what its reader noticed; `found`: where the table of a file is.
    `comments`: what the database says of its columns; `has_key`: false for a table or query without one.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    unique: Sequence[str]
    problems: Sequence[str]
    found: SourceConfig | None = None
    comments: Mapping[str, str] = field(default_factory=dict)
    has_key: bool = True

    def proposal(self) -> Proposal:
        """The most likely mapping of the columns."""
        return propose(self.columns, self.rows, self.unique, self.comments)


def read_samples(source: SourceConfig, config: Path, rows_max: int = SAMPLED_ROWS) -> Samples:
    """Reads up to `rows_max` rows of `source`. `config`: the configuration's path, to which paths are relative.

    Raises UsageError, SourceUnavailable.
    """
    opened = open_source(resolve_source(source, config), base=config.parent)
    try:
        problems = opened.problems() if isinstance(opened, FileSource) else []
        # Before the rows: a read that is left unfinished takes its connection with it.
        comments = _comments(opened)
        rows = [row.values for row in first_rows(opened, rows_max)]
        key: SourceKey | None = getattr(opened, "key", None)
        unique = key.names if key is not None and key.is_unique and not key.is_hidden else ()
        found = opened.found() if isinstance(opened, FileSource) else None
        return Samples(
            opened.columns, rows, unique, problems, found, comments, source.file is not None or opened.has_key
        )
    finally:
        opened.close()


def unique_names(samples: Samples) -> list[str]:
    """The columns that have another value in each of the first rows, and in none of them no value."""
    found = []
    for place, name in enumerate(samples.columns):
        values = [row[place] for row in samples.rows if place < len(row) and row[place] not in (None, "")]
        if 1 < len(samples.rows) == len(values) == len(set(map(str, values))):
            found.append(name)
    return found


def _comments(source: Source) -> dict[str, str]:
    """The comments of a table's columns; a file or a query has none."""
    if isinstance(source, FileSource):
        return {}
    # Only here: a source that is a file needs no database's library.
    from vipgate.agent.sources.sql import DatabaseSource
    from vipgate.agent.sources.table_columns import comments_of

    return comments_of(source.engine, source.config.table) if isinstance(source, DatabaseSource) else {}


def resolve_source(source: SourceConfig, config: Path) -> SourceConfig:
    """The source with the address that `env:NAME` or `file:PATH` stands for. Raises UsageError."""
    if source.database is None:
        return source
    faults: list[str] = []
    table = TomlTableReader("source", {"database": source.database}, faults, EnvFile(config.with_suffix(".env")))
    address = table.resolved("database", config.parent)
    if faults:
        raise UsageError("\n".join(faults))
    learn(address)
    return replace(source, database=address)
