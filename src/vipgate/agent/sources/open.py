"""Opens the configured source. Each kind of source is imported only when needed."""

from __future__ import annotations

import codecs
from collections.abc import Collection
from pathlib import Path

from vipgate.agent.config import SourceConfig
from vipgate.agent.sources.base import Source, SourceFault, SourceUnavailable
from vipgate.errors import UsageError
from vipgate.i18n import tr
from vipgate.support.shared_files import open_shared
from vipgate.support.sheet.detect import FileKind, kind_of
from vipgate.support.sheet.errors import HalfWritten, Odd


def open_source(config: SourceConfig, *, base: Path, names: Collection[str] = ()) -> Source:
    """Opens the source. `names`: the columns of the mapping, by which a file's header is found.

    Raises UsageError, SourceUnavailable.
    """
    if config.database is not None:
        from vipgate.agent.sources.sql import DatabaseSource

        return DatabaseSource(config, base)
    if config.file is None:
        raise UsageError(tr("source.database: give either database or file"))
    path = base / config.file
    if _kind(path, config.encoding) is FileKind.TEXT:
        from vipgate.agent.sources.text_files import CsvSource

        return CsvSource(path, config, names)
    from vipgate.agent.sources.excel import ExcelSource

    return ExcelSource(path, config, names)


def _kind(path: Path, encoding: str | None) -> FileKind:
    from vipgate.agent.sources.file_source import translated

    try:
        if encoding is not None:
            codecs.lookup(encoding)
    except LookupError as error:
        raise UsageError(
            tr(
                "{path} is not text in {encoding} ({reason}); fix source.encoding (vipgate push: --encoding)",
                path=path,
                encoding=encoding,
                reason=error,
            )
        ) from None
    with translated(path), open_shared(path) as file:
        try:
            return kind_of(file, encoding)
        except HalfWritten as error:
            raise SourceUnavailable(tr("{path} is half written: {reason}", path=path, reason=error)) from None
        except Odd as error:
            raise SourceFault(tr("{path} cannot be read: {reason}", path=path, reason=error)) from None
