"""The agent's TOML file, read and checked once: every fault at once, each with its place, its value and a remedy."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vipgate.errors import OperatorError
from vipgate.row import REQUIRED
from vipgate.wire import PARK_UUID_CHARS_MAX, ROWS_MAX

CONFIG_BYTES_MAX: Final = 1024 * 1024
SECRET_BYTES_MAX: Final = 4096
MIB: Final = 1024 * 1024
MEMBERS: Final = (
    "plate", "plate_color", "card_no", "card_id", "charge_type", "vip_type", "quantity", "pay_partner", "pay_type", "value",
    "pay_time", "renewal_start_time", "renewal_end_time", "pay_value", "operator",
)  # fmt: skip
UNITS: Final = ("yuan", "fen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Where to push, and as whom."""

    url: str
    park_uuid: str
    secret: str = field(repr=False)
    timeout_s: float = 30.0
    batch_rows: int = 1000
    in_flight: int = 4
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """Where the park's records are. Paths are relative to the configuration's folder."""

    database: str | None = field(default=None, repr=False)
    file: Path | None = None
    query: str | None = None
    table: str | None = None
    cursor: tuple[str, ...] | None = None
    lag_s: float = 5.0
    poll_s: float = 1.0
    time_zone: str = "Asia/Shanghai"
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_line: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Where one member of the wire comes from: a column, or a constant."""

    column: str | None = None
    constant: str | int | float | None = None
    codes: Mapping[str, str | int] | None = None
    default: str | int | float | None = None
    unit: str | None = None
    format: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Rows are sent only where the column's text is among `allowed`, or not among `refused`."""

    column: str
    allowed: frozenset[str] | None = None
    refused: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolConfig:
    """How much the spool may take on the disk."""

    bytes_max: int = 2048 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """Where the log goes; standard error without a file."""

    file: Path | None = None
    bytes_max: int = 10 * MIB
    keep: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsConfig:
    """Where the figures go: a file, a port, both or neither."""

    file: Path | None = None
    port: int | None = None
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of the file."""

    path: Path
    platform: Platform
    source: SourceConfig
    members: Mapping[str, Member]
    filters: tuple[Filter, ...] = ()
    spool: SpoolConfig = SpoolConfig()
    log: LogConfig = LogConfig()
    metrics: MetricsConfig = MetricsConfig()


def load_config(path: Path) -> Config:
    """The configuration in `path`. Raises OperatorError with a line for each fault."""
    try:
        with path.open("rb") as file:
            text = file.read(CONFIG_BYTES_MAX + 1)
    except OSError as error:
        raise OperatorError(f"Cannot read {path}: {error.strerror}; vipgate agent init writes one.") from None
    if len(text) > CONFIG_BYTES_MAX:
        raise OperatorError(f"{path} has more than {CONFIG_BYTES_MAX} bytes; that is no configuration.")
    try:
        tables = tomllib.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise OperatorError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"{path} is not valid TOML: {error}.") from None
    return parse_config(tables, path)


def parse_config(tables: Mapping[str, Any], path: Path) -> Config:
    """The configuration in tables that were read from `path`. Raises OperatorError."""
    faults: list[str] = []
    whole = _Table("", tables, faults)
    base = path.absolute().parent
    platform = _platform(whole.table("platform"), base)
    source = _source(whole.table("source"), base)
    members = _members(whole.table("map"), faults)
    filters = tuple(_filter(one) for one in whole.tables("filter"))
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
    if faults or platform is None or source is None:
        raise OperatorError("\n".join(f"{path.name}: {fault}" for fault in faults))
    return Config(
        path=path.absolute(), platform=platform, source=source, members=members, filters=filters, spool=spool_config,
        log=log_config, metrics=metrics_config,
    )  # fmt: skip


class _Table:
    """One table of the file on its way out of it: what is asked for is taken, what is wrong is noted."""

    def __init__(self, name: str, members: Mapping[str, Any], faults: list[str]) -> None:
        self._name = name
        self._members = dict(members)
        self._known: list[str] = []
        self._faults = faults

    def _place(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

    def fault(self, key: str, remedy: str, got: object = None) -> None:
        self._faults.append(f"{self._place(key)}: {remedy}" + ("" if got is None else f", got {got!r}"))

    def _take(self, key: str) -> Any:
        self._known.append(key)
        return self._members.pop(key, None)

    def table(self, key: str, *, needed: bool = True) -> _Table:
        found = self._take(key)
        if found is None and needed:
            self.fault(key, f"the table [{key}] is missing")
        elif found is not None and not isinstance(found, dict):
            self.fault(key, "must be a table", found)
        return _Table(key, found if isinstance(found, dict) else {}, self._faults)

    def tables(self, key: str) -> list[_Table]:
        found = self._take(key) or []
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self.fault(key, f"must be written as [[{key}]]", found)
            return []
        return [_Table(f"{key}[{place}]", one, self._faults) for place, one in enumerate(found)]

    def text(self, key: str, default: str | None = None, *, chars_max: int = 100_000) -> str:
        found = self._take(key)
        if found is None:
            if default is None:
                self.fault(key, "is missing")
            return default or ""
        if not isinstance(found, str) or not found.strip() or len(found) > chars_max:
            self.fault(key, f"must be a text of 1 to {chars_max} characters", found)
            return ""
        return found.strip()

    def optional(self, key: str) -> str | None:
        return self.text(key) if key in self._members else self._take(key)

    def integer(self, key: str, default: int, *, low: int, high: int = 2**62) -> int:
        found = self._take(key)
        if found is None:
            return default
        if not isinstance(found, int) or isinstance(found, bool) or not low <= found <= high:
            self.fault(key, f"must be a whole number from {low} to {high}", found)
            return default
        return found

    def number(self, key: str, default: float, *, low: float, high: float) -> float:
        found = self._take(key)
        if found is None:
            return default
        if not isinstance(found, int | float) or isinstance(found, bool) or not low <= found <= high:
            self.fault(key, f"must be a number from {low:g} to {high:g}", found)
            return default
        return float(found)

    def path(self, key: str, base: Path) -> Path | None:
        found = self.optional(key)
        return None if found is None else base / found

    def resolved(self, key: str, base: Path) -> str:
        """A value that may stand in a variable or a file."""
        text = self.text(key)
        kind, _, rest = text.partition(":")
        if kind == "env" and rest:
            value = os.environ.get(rest, "")
            if not value:
                self.fault(key, f"the variable {rest} is not set; set it for the agent, or use file:PATH")
            return value
        if kind == "file" and rest and not rest.startswith("//"):
            try:
                with (base / rest).open(encoding="utf-8-sig") as file:
                    return file.read(SECRET_BYTES_MAX).strip()
            except (OSError, UnicodeDecodeError) as error:
                self.fault(key, f"cannot read {base / rest}: {getattr(error, 'strerror', None) or error}")
        return text

    def any(self, key: str) -> Any:
        return self._take(key)

    def has(self, key: str) -> bool:
        self._known.append(key)
        return key in self._members

    def rest(self) -> dict[str, Any]:
        """All that was not asked for."""
        found, self._members = self._members, {}
        return found

    def refuse_rest(self) -> None:
        for key in self._members:
            near = difflib.get_close_matches(key, self._known, 1)
            self.fault(
                key,
                f"there is no such setting; did you mean {near[0]}?"
                if near
                else f"there is no such setting; known: {', '.join(self._known)}",
            )


def _platform(table: _Table, base: Path) -> Platform | None:
    made = Platform(
        url=table.text("url"),
        park_uuid=table.text("park_uuid", chars_max=PARK_UUID_CHARS_MAX),
        secret=table.resolved("secret", base),
        timeout_s=table.number("timeout_s", 30.0, low=0.1, high=600),
        batch_rows=table.integer("batch_rows", 1000, low=1, high=ROWS_MAX),
        in_flight=table.integer("in_flight", 4, low=1, high=16),
        ca_file=table.path("ca_file", base),
    )
    if made.url and not made.url.startswith(("http://", "https://")):
        table.fault("url", "must begin with http:// or https://", made.url)
    table.refuse_rest()
    return made


def _source(table: _Table, base: Path) -> SourceConfig | None:
    database = table.resolved("database", base) if table.has("database") else None
    file = table.path("file", base)
    query, named = table.optional("query"), table.optional("table")
    if (database is None) == (file is None):
        table.fault("database", "give either database or file")
    if database is not None and (query is None) == (named is None):
        table.fault("table", "give either table or query")
    made = SourceConfig(
        database=database,
        file=file,
        query=query,
        table=named,
        cursor=_cursor(table),
        lag_s=table.number("lag_s", 5.0, low=0, high=86_400),
        poll_s=table.number("poll_s", 1.0, low=0.1, high=86_400),
        time_zone=_time_zone(table, "time_zone", "Asia/Shanghai"),
        encoding=table.optional("encoding"),
        delimiter=_raw(table, "delimiter"),
        sheet=table.optional("sheet"),
        header_line=table.integer("header_line", 1, low=1, high=1000),
    )
    if made.cursor and file is not None:
        table.fault("cursor", "a file has none: its rows are compared with what was sent", list(made.cursor))
    table.refuse_rest()
    return made


def _raw(table: _Table, key: str) -> str | None:
    found = table.any(key)
    if found is not None and (not isinstance(found, str) or len(found) != 1):
        table.fault(key, "must be one character", found)
        return None
    return found


def _cursor(table: _Table) -> tuple[str, ...] | None:
    found = table.any("cursor")
    if found is None:
        return None
    names = [found] if isinstance(found, str) else found
    if (
        not isinstance(names, list)
        or not 1 <= len(names) <= 2
        or not all(isinstance(one, str) and one for one in names)
    ):
        table.fault("cursor", 'must be ["time of the last change", "id"], or one column that only grows', found)
        return None
    return tuple(names)


def _time_zone(table: _Table, key: str, default: str) -> str:
    name = table.text(key, default)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        table.fault(key, "is no time zone; for example Asia/Shanghai", name)
        return default
    return name


def _members(table: _Table, faults: list[str]) -> dict[str, Member]:
    members = {name: _member(f"map.{name}", value, faults) for name, value in table.rest().items()}
    for name in MEMBERS:
        if name in REQUIRED and name not in members:
            table.fault(name, "is missing: the interface wants it")
    return members


def _member(place: str, value: object, faults: list[str]) -> Member:
    if isinstance(value, str) and value.strip():
        return Member(column=value)
    if not isinstance(value, dict):
        faults.append(f'{place}: must be a column\'s name, {{ column = "…" }} or {{ constant = … }}, got {value!r}')
        return Member(constant="")
    table = _Table(place, value, faults)
    constant = table.any("constant")
    column = table.optional("column")
    if (constant is None) == (column is None):
        table.fault("column", "give either column or constant")
    codes = table.any("codes")
    if codes is not None and not isinstance(codes, dict):
        table.fault("codes", 'must be a table like { "蓝" = 1 }', codes)
        codes = None
    unit = table.optional("unit")
    if unit is not None and unit not in UNITS:
        table.fault("unit", f"must be one of {', '.join(UNITS)}", unit)
    made = Member(
        column=column,
        constant=constant,
        codes=None if codes is None else {str(code).strip(): meant for code, meant in codes.items()},
        default=table.any("default"),
        unit=unit,
        format=table.optional("format"),
        time_zone=_time_zone(table, "time_zone", "Asia/Shanghai") if table.has("time_zone") else None,
    )
    table.refuse_rest()
    return made


def _filter(table: _Table) -> Filter:
    column = table.text("column")
    allowed, refused = table.any("in"), table.any("not_in")
    if (allowed is None) == (refused is None) or not isinstance(allowed if refused is None else refused, list):
        table.fault("in", "give either in = […] or not_in = […]", allowed)
        allowed, refused = [], None
    table.refuse_rest()
    return Filter(column=column, allowed=_texts(allowed), refused=_texts(refused))


def _texts(values: list[Any] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(str(one).strip() for one in values)
