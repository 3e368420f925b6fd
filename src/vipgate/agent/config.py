"""Reads and checks the agent's TOML file. Reports all errors at once, each with place, value and remedy."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vipgate.agent.toml_reader import EnvFile, Scalar, TomlTableReader, is_scalar
from vipgate.errors import UsageError
from vipgate.protocol.batch import ROWS_MAX
from vipgate.protocol.envelope import PARK_UUID_CHARS_MAX
from vipgate.protocol.nesting import toml_nesting_fault
from vipgate.protocol.row import REQUIRED
from vipgate.support.address_masking import learn, mask

CONFIG_BYTES_MAX: Final = 1024 * 1024
MIB: Final = 1024 * 1024
MEMBERS: Final = (
    "plate", "plate_color", "card_no", "card_id", "charge_type", "vip_type", "quantity", "pay_partner", "pay_type", "value",
    "pay_time", "renewal_start_time", "renewal_end_time", "pay_value", "operator",
)  # fmt: skip
TIME_MEMBERS: Final = ("pay_time", "renewal_start_time", "renewal_end_time")
_DIRECTIVE: Final = re.compile("%(.?)", re.DOTALL).findall
_DIRECTIVES: Final = frozenset("aAbBcdfGHIjmMpSuUVwWxXyYzZ")
_YEARS: Final = frozenset("cGxyY")
UNITS: Final[Mapping[str, tuple[str, ...]]] = {"pay_value": ("yuan", "fen"), "value": ("yuan",)}


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
    """Maps one wire member: to a column or a constant."""

    column: str | None = None
    constant: Scalar | None = None
    codes: Mapping[str, str | int] | None = None
    default: Scalar | None = None
    unit: str | None = None
    format: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Sends only rows whose column text is in `allowed`, or not in `refused`."""

    column: str
    allowed: frozenset[str] | None = None
    refused: frozenset[str] | None = None


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


def load_config(path: Path) -> Config:
    """Loads the configuration from `path`. Raises UsageError with one line per error."""
    try:
        with path.open("rb") as file:
            text = file.read(CONFIG_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}; vipgate agent init writes one.") from None
    if len(text) > CONFIG_BYTES_MAX:
        raise UsageError(f"{path} has more than {CONFIG_BYTES_MAX} bytes; that is no configuration.")
    too_deep = toml_nesting_fault(text)
    if too_deep is not None:
        raise UsageError(f"{path} is {too_deep.en}.")
    try:
        tables = tomllib.loads(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from None
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
    members = _members(whole.table("map"))
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
    if faults:
        raise UsageError("\n".join(f"{path.name}: {fault}" for fault in faults))
    return Config(
        path=path.absolute(), platform=platform, source=source, members=members, filters=filters, spool=spool_config,
        log=log_config, metrics=metrics_config,
    )  # fmt: skip


def _signature(table: TomlTableReader) -> Signature:
    found = table.text("signature", "md5")
    if found not in ("md5", "hmac"):
        table.fault("signature", 'must be "md5" or "hmac"', found)
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
        table.fault("url", "must begin with http:// or https://", mask(made.url))
    table.refuse_rest()
    return made


def _source(table: TomlTableReader, base: Path) -> SourceConfig:
    database = table.resolved("database", base) if table.has("database") else None
    file = table.path("file", base)
    query, named = table.optional("query"), table.optional("table")
    if (database is None) == (file is None):
        table.fault("database", "give either database or file")
    elif database is not None and (query is None) == (named is None):
        table.fault("table", "give either table or query")
    elif file is not None and (query or named):
        table.fault("table", "a file has neither table nor query; leave it out", query or named)
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


def _raw(table: TomlTableReader, key: str) -> str | None:
    found = table.any(key)
    if found is not None and (not isinstance(found, str) or len(found) != 1 or found in '"\r\n'):
        table.fault(key, "must be one character, and neither a quote nor the end of a line", found)
        return None
    return found


def _cursor(table: TomlTableReader) -> tuple[str, ...] | None:
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


def _time_zone(table: TomlTableReader, key: str, default: str) -> str:
    name = table.text(key, default)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        table.fault(key, "is no time zone; for example Asia/Shanghai", name)
        return default
    return name


def _members(table: TomlTableReader) -> dict[str, Member]:
    members = {name: _member(table, name, value) for name, value in table.rest().items()}
    for name in MEMBERS:
        if name in REQUIRED and name not in members:
            near = difflib.get_close_matches(name, [other for other in members if other not in MEMBERS], 1)
            table.fault(
                name, "is missing: the interface wants it" + (f"; did you mean it by {near[0]}?" if near else "")
            )
    return members


def _member(members: TomlTableReader, name: str, value: object) -> Member:
    if isinstance(value, str) and value.strip():
        return Member(column=value)
    if not isinstance(value, dict):
        members.fault(name, 'must be a column\'s name, { column = "…" } or { constant = … }', value)
        return Member(constant="")
    table = members.nested(f"map.{name}", value)
    made = Member(
        column=table.optional("column"),
        constant=table.scalar("constant"),
        codes=_codes(table),
        default=table.scalar("default"),
        unit=table.optional("unit"),
        format=table.optional("format"),
        time_zone=_time_zone(table, "time_zone", "Asia/Shanghai") if table.has("time_zone") else None,
    )
    table.refuse_rest()
    if ("column" in value) == ("constant" in value):
        table.fault("column", "give either column or constant")
    _check_together(table, name, made)
    return made


def _codes(table: TomlTableReader) -> dict[str, str | int] | None:
    found = table.any("codes")
    if found is None:
        return None
    if not isinstance(found, dict) or not all(
        is_scalar(meant) and type(meant) is not float for meant in found.values()
    ):
        table.fault("codes", 'must be a table like { "蓝" = 1 }', found)
        return None
    codes = {code.strip(): meant for code, meant in found.items()}
    if len(codes) < len(found):
        table.fault("codes", "has one code twice, blanks aside", found)
    return codes


def _check_together(table: TomlTableReader, name: str, member: Member) -> None:
    """Rejects settings that would have no effect: an ignored unit makes amounts a hundred times too large."""
    if member.format is not None and not _is_form(member.format):
        table.fault(
            "format", 'must be that of strptime, with the year: %Y-%m-%d %H:%M:%S, or "s" or "ms"', member.format
        )
    units = UNITS.get(name, ())
    if member.unit is not None and member.unit not in units:
        table.fault(
            "unit", f"must be one of {', '.join(units)}" if units else "this member has none; leave it out", member.unit
        )
    if name in MEMBERS and name not in TIME_MEMBERS:
        for key, given in (("format", member.format), ("time_zone", member.time_zone)):
            if given is not None:
                table.fault(key, "only times have one; leave it out", given)
    others = {"codes": member.codes, "unit": member.unit, "format": member.format}
    if member.constant is not None:
        silent: dict[str, object] = {**others, "default": member.default, "time_zone": member.time_zone}
        for key, ignored in silent.items():
            if ignored is not None:
                table.fault(
                    key, "a constant is sent as it is; leave this out, and write it as the interface wants it", ignored
                )
    elif sum(given is not None for given in others.values()) > 1:
        table.fault("codes", "give one of codes, unit and format: each says how the column is read")


def _is_form(form: str) -> bool:
    directives = [one for one in _DIRECTIVE(form) if one != "%"]
    is_once = len(set(directives)) == len(directives) and not ("c" in directives and len(directives) > 1)
    return form in ("s", "ms") or (is_once and _DIRECTIVES.issuperset(directives) and not _YEARS.isdisjoint(directives))


def _filter(table: TomlTableReader) -> Filter:
    column = table.text("column")
    has_allowed, has_refused = table.has("in"), table.has("not_in")
    values = table.any("in" if has_allowed else "not_in")
    if has_allowed == has_refused:
        table.any("not_in")
        table.fault("in", "give either in = […] or not_in = […]")
    elif (
        not isinstance(values, list) or not values or not all(isinstance(one, bool) or is_scalar(one) for one in values)
    ):
        table.fault("in" if has_allowed else "not_in", "must be a list of texts or numbers", values)
        values = []
    table.refuse_rest()
    texts = frozenset(map(_as_compared, values or []))
    return Filter(column=column, allowed=texts if has_allowed else None, refused=None if has_allowed else texts)


def _as_compared(value: Scalar) -> str:
    """The value as the text of a cell that holds it."""
    if isinstance(value, str):
        return value.strip()
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")
