"""The source as the configuration names it, complete or not, and whether it still names the one that was read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from vipgate.agent.config import SourceConfig
from vipgate.agent.setup.document import ConfigDocument
from vipgate.agent.toml_reader import EnvFile, TomlTableReader
from vipgate.i18n import LocalizedText
from vipgate.support.web.errors import PageError

_DEFAULT_ZONE: Final = "Asia/Shanghai"
_CHANGED: Final = LocalizedText(
    "读取期间，数据源已在另一个页面更改；此表单没有保存，请重新打开“数据源”一步",
    "another page changed the source while it was read; this form was not stored, open the step of the source again",
)


def source_of_document(document: ConfigDocument, config: Path) -> SourceConfig:
    """The source as far as the configuration names it; it need not be complete.

    An address in the `.env` file is part of it; a name that has no address there stays as it is.
    """
    found = document.table("source")
    texts: dict[str, Any] = {
        key: found[key]
        for key in ("database", "query", "table", "encoding", "delimiter", "sheet")
        if isinstance(found.get(key), str)
    }
    line = found.get("header_line")
    source = SourceConfig(
        **texts,
        file=Path(found["file"]) if isinstance(found.get("file"), str) else None,
        header_line=line if isinstance(line, int) else None,
        time_zone=str(found.get("time_zone", _DEFAULT_ZONE)),
    )
    address = "" if source.database is None else database_address(document, config)
    return replace(source, database=address) if address else source


def open_unchanged(config: Path, source: SourceConfig) -> ConfigDocument:
    """Opens the configuration after a read of `source`. Raises PageError if it names another source by now.

    A read takes up to a minute. Opened before it, the configuration would undo what another page stored meanwhile.
    """
    document = ConfigDocument(config)
    if source_of_document(document, config) != source:
        raise PageError(409, _CHANGED)
    return document


def database_address(document: ConfigDocument, config: Path) -> str:
    """The database's address that the configuration names; empty if there is none."""
    table = TomlTableReader("source", document.table("source"), [], EnvFile(config.with_suffix(".env")))
    return table.resolved("database", config.parent) if table.has("database") else ""
