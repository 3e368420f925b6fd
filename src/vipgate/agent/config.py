"""Reads and checks the agent's TOML file. Reports all errors at once, each with place, value and remedy."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal

from vipgate.agent.config_map import Filter, Member, read_filter, read_members
from vipgate.agent.toml_reader import EnvFile, TomlTableReader
from vipgate.errors import UsageError
from vipgate.i18n import tr
from vipgate.protocol.batch import ROWS_MAX
from vipgate.protocol.envelope import PARK_UUID_CHARS_MAX
from vipgate.protocol.nesting import toml_nesting_fault
from vipgate.support.address_masking import learn, mask
from vipgate.support.os_errors import error_reason

CONFIG_BYTES_MAX: Final = 1024 * 1024
MIB: Final = 1024 * 1024


Signature = Literal["md5", "hmac"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The platform's address and the park's credentials."""

    url: str
    park_uuid: str
    secret: str = field(repr=False)
    timeout_s: float = 30.0
    batch_rows: int = 1000
    in_flight: int = 4
    ca_file: Path | None = None
    signature: Signature = "md5"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """The source of the park's records. Paths are relative to the configuration's folder."""

    database: str | None = field(default=None, repr=False)
    file: Path | None = None
    query: str | None = None
    table: str | None = None
    # Of each entry the first column that is not NULL counts.
    cursor: tuple[tuple[str, ...], ...] | None = None
    key: tuple[str, ...] | None = None
    lag_s: float = 5.0
    poll_s: float = 1.0
    sweep_share: float = 0.1
    sweep_every_s: float = 300.0
    time_zone: str = "Asia/Shanghai"
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    # None: found among the first lines.
    header_line: int | None = None

    @property
    def cursor_name(self) -> str:
        """The cursor's first column, or columns."""
        return tr(" or ").join(self.cursor[0]) if self.cursor else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolConfig:
    """Disk space limit of the spool."""

    bytes_max: int = 2048 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """Log file and rotation; without a file, standard error."""

    file: Path | None = None
    bytes_max: int = 10 * MIB
    keep: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsConfig:
    """Where metrics are published: a file, a port, both or neither."""

    file: Path | None = None
    port: int | None = None
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration."""

    path: Path
    platform: Platform
    source: SourceConfig
    members: Mapping[str, Member]
    filters: tuple[Filter, ...] = ()
    spool: SpoolConfig = SpoolConfig()
    log: LogConfig = LogConfig()
    metrics: MetricsConfig = MetricsConfig()

    @property
    def mapping_fingerprint(self) -> str:
        """Identifies what determines how a row of the source is sent."""
        source = self.source
        filters = [(one.column, sorted(one.allowed or ()), sorted(one.refused or ())) for one in self.filters]
        layout = (source.encoding, source.delimiter, source.sheet, source.header_line)
        made = repr((self.members, filters, source.time_zone, source.key, layout))
        return blake2b(made.encode(), digest_size=8).hexdigest()

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the mapping and the filters name."""
        mapped = {member.column for member in self.members.values() if member.column is not None}
        return frozenset(mapped | {one.column for one in self.filters})


def load_config(path: Path) -> Config:
    """Loads the configuration from `path`. Raises UsageError with one line per error."""
    try:
        with path.open("rb") as file:
            text = file.read(CONFIG_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(
            tr("Cannot read {path}: {reason}; vipgate agent init writes one.", path=path, reason=error_reason(error))
        ) from None
    if len(text) > CONFIG_BYTES_MAX:
        raise UsageError(
            tr("{path} has more than {limit} bytes; that is no configuration.", path=path, limit=CONFIG_BYTES_MAX)
        )
    too_deep = toml_nesting_fault(text)
    if too_deep is not None:
        raise UsageError(tr("{path} is {fault}.", path=path, fault=too_deep.text()))
    try:
        tables = tomllib.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(
            tr("{path} is not UTF-8 at byte {start}; save it as UTF-8.", path=path, start=error.start)
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(tr("{path} is not valid TOML: {reason}.", path=path, reason=error)) from None
    config = parse_config(tables, path)
    for address in (config.platform.url, config.source.database):
        learn(address)
    return config


def parse_config(tables: Mapping[str, Any], path: Path) -> Config:
    """Builds the configuration from tables read from `path`. Raises UsageError."""
    faults: list[str] = []
    whole = TomlTableReader("", tables, faults, EnvFile(path.absolute().with_suffix(".env")))
    base = path.absolute().parent
    platform = _platform(whole.table("platform"), base)
    source = _source(whole.table("source"), base)
    members = read_members(whole.table("map"))
    filters = tuple(read_filter(one) for one in whole.tables("filter"))
    spool = whole.table("spool", needed=False)
    spool_config = SpoolConfig(bytes_max=spool.integer("bytes_max", 2048 * MIB, low=MIB))
    log = whole.table("log", needed=False)
    log_config = LogConfig(
        file=log.path("file", base),
        bytes_max=log.integer("bytes_max", 10 * MIB, low=4096),
        keep=log.integer("keep", 5, low=1, high=100),
    )
    metrics = whole.table("metrics", needed=False)
    metrics_config = MetricsConfig(
        file=metrics.path("file", base),
        port=metrics.integer("port", 0, low=0, high=65535) or None,
        host=metrics.text("host", "127.0.0.1"),
    )
    for table in (spool, log, metrics, whole):
        table.refuse_rest()
    if faults:
        raise UsageError("\n".join(f"{path.name}: {fault}" for fault in faults))
    return Config(
        path=path.absolute(), platform=platform, source=source, members=members, filters=filters, spool=spool_config,
        log=log_config, metrics=metrics_config,
    )  # fmt: skip


def _signature(table: TomlTableReader) -> Signature:
    found = table.text("signature", "md5")
    if found not in ("md5", "hmac"):
        table.fault("signature", tr('must be "md5" or "hmac"'), found)
    return "hmac" if found == "hmac" else "md5"


def _platform(table: TomlTableReader, base: Path) -> Platform:
    made = Platform(
        url=table.text("url"),
        park_uuid=table.text("park_uuid", chars_max=PARK_UUID_CHARS_MAX),
        secret=table.resolved("secret", base),
        timeout_s=table.number("timeout_s", 30.0, low=0.1, high=600),
        batch_rows=table.integer("batch_rows", 1000, low=1, high=ROWS_MAX),
        in_flight=table.integer("in_flight", 4, low=1, high=16),
        ca_file=table.path("ca_file", base),
        signature=_signature(table),
    )
    if made.url and not made.url.startswith(("http://", "https://")):
        table.fault("url", tr("must begin with http:// or https://"), mask(made.url))
    table.refuse_rest()
    return made


def _source(table: TomlTableReader, base: Path) -> SourceConfig:
    database = table.resolved("database", base) if table.has("database") else None
    file = table.path("file", base)
    query, named = table.optional("query"), table.optional("table")
    if (database is None) == (file is None):
        table.fault("database", tr("give either database or file"))
    elif database is not None and (query is None) == (named is None):
        table.fault("table", tr("give either table or query"))
    elif file is not None and (query or named):
        table.fault("table", tr("a file has neither table nor query; leave it out"), query or named)
    made = SourceConfig(
        database=database,
        file=file,
        query=query,
        table=named,
        cursor=_cursor(table),
        key=_key(table),
        lag_s=table.number("lag_s", 5.0, low=0, high=86_400),
        poll_s=table.number("poll_s", 1.0, low=0.1, high=86_400),
        sweep_share=table.number("sweep_share", 0.1, low=0.001, high=1),
        sweep_every_s=table.number("sweep_every_s", 300.0, low=0, high=604_800),
        time_zone=table.time_zone("time_zone", "Asia/Shanghai"),
        encoding=table.optional("encoding"),
        delimiter=_raw(table, "delimiter"),
        sheet=table.optional("sheet"),
        header_line=table.integer("header_line", 0, low=1, high=1000) or None,
    )
    if made.cursor and file is not None:
        table.fault(
            "cursor",
            tr("a file has none: its rows are compared with what was sent"),
            [" or ".join(one) for one in made.cursor],
        )
    if made.key and file is not None:
        table.fault("key", tr("a file has none; leave it out"), list(made.key))
    table.refuse_rest()
    return made


def _raw(table: TomlTableReader, key: str) -> str | None:
    found = table.any(key)
    if found is not None and (not isinstance(found, str) or len(found) != 1 or found in '"\r\n'):
        table.fault(key, tr("must be one character, and neither a quote nor the end of a line"), found)
        return None
    return found


def _cursor(table: TomlTableReader) -> tuple[tuple[str, ...], ...] | None:
    found = table.any("cursor")
    if found is None:
        return None
    entries = found if isinstance(found, list) else [found]
    names = [_names(one) for one in entries]
    if not 1 <= len(names) <= 2 or None in names:
        table.fault(
            "cursor",
            tr(
                'must be ["time of the last change", "id"], or one column that only grows; [["changed", '
                '"created"], "id"] takes the first of the two that is not NULL'
            ),
            found,
        )
        return None
    return tuple(one for one in names if one is not None)


def _names(found: object) -> tuple[str, ...] | None:
    """Column names from one text or a list of them; None if it is neither."""
    names = [found] if isinstance(found, str) else found
    if (
        not isinstance(names, list)
        or not 1 <= len(names) <= 8
        or not all(isinstance(one, str) and one for one in names)
    ):
        return None
    return tuple(names)


def _key(table: TomlTableReader) -> tuple[str, ...] | None:
    found = table.any("key")
    names = None if found is None else _names(found)
    if found is not None and names is None:
        table.fault("key", tr('must be the columns that identify a row: "id" or ["lot", "id"]'), found)
    return names
