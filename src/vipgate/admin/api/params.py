"""Parses parameters of a request: each is declared once; the declaration validates it, words its error, and documents it.

Parsed values are ready for use: instants in microseconds, plates normalized.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar
from unicodedata import category
from urllib.parse import parse_qsl

import msgspec

from vipgate.admin.api.errors import invalid_params
from vipgate.errors import FieldError, VipgateError
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import TEXT_CHARS_MAX, NaiveTimestamp, normalize_plate, parse_instant

QUERY_BYTES_MAX: Final = 8 * 1024
PARAMETERS_MAX: Final = 40
PLATE_TYPED_CHARS_MAX: Final = 64
CURSOR_CHARS_MAX: Final = 1_024

A = TypeVar("A", bound=msgspec.Struct)

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch
_INT = re.compile(r"0|-?[1-9][0-9]{0,18}").fullmatch
_CURSOR = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_PRINTABLE: Final = r"^[^\u0000-\u001f\u007f-\u009f]+$"
_CURSOR_REMEDY: Final = LocalizedText(
    "应为上一页的 next, 原样传回", "must be the `next` of the previous page, unchanged"
)


class InvalidParam(VipgateError):
    """A parameter's value is invalid."""

    def __init__(self, remedy: LocalizedText) -> None:
        super().__init__(remedy.en)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class ParamType:
    """The type of a parameter: `read` parses its text or raises InvalidParam; `schema` is its JSON schema."""

    read: Callable[[str], Any]
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Param:
    """The type and description of a parameter; annotates a member of a request struct."""

    kind: ParamType
    words: LocalizedText


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """A parameter as the OpenAPI document shows it."""

    name: str
    param: Param
    required: bool
    default: Any


def text(chars_max: int = TEXT_CHARS_MAX) -> ParamType:
    """Text without control characters, up to `chars_max` long."""

    def read(given: str) -> str:
        if len(given) > chars_max:
            raise InvalidParam(LocalizedText(f"最多 {chars_max} 个字符", f"must have at most {chars_max} characters"))
        return given

    return ParamType(read, {"type": "string", "minLength": 1, "maxLength": chars_max, "pattern": _PRINTABLE})


def whole(least: int, most: int) -> ParamType:
    """An integer from `least` to `most`."""
    remedy = LocalizedText(f"应为 {least} 到 {most} 的整数", f"must be a whole number from {least} to {most}")

    def read(given: str) -> int:
        if not _INT(given) or not least <= int(given) <= most:
            raise InvalidParam(remedy)
        return int(given)

    return ParamType(read, {"type": "integer", "minimum": least, "maximum": most})


def choice(*names: str) -> ParamType:
    """One of `names`."""
    remedy = LocalizedText(f"应为 {','.join(names)} 之一", f"must be one of {','.join(names)}")

    def read(given: str) -> str:
        if given not in names:
            raise InvalidParam(remedy)
        return given

    return ParamType(read, {"type": "string", "enum": list(names)})


def _read_plate(given: str) -> str:
    plate = normalize_plate(text(PLATE_TYPED_CHARS_MAX).read(given))
    if not plate:
        raise InvalidParam(LocalizedText("应为车牌", "must be a plate"))
    return plate


def _read_instant(given: str) -> int:
    instant = parse_instant(f"{given}T00:00:00+08:00" if _DATE(given) else given)
    if isinstance(instant, NaiveTimestamp):
        raise InvalidParam(
            LocalizedText(
                f"缺少时区; 若为北京时间请写 {instant.utc_if_beijing}",
                f"has no time zone; for Beijing time write {instant.utc_if_beijing}",
            )
        )
    if instant is None:
        raise InvalidParam(
            LocalizedText(
                "应为 2026-11-24 或 2026-11-24T08:00:00Z 形式 (地址中 + 须写作 %2B)",
                "must be like 2026-11-24 or 2026-11-24T08:00:00Z (in a URL, write + as %2B)",
            )
        )
    return instant


def _read_day(given: str) -> int:
    try:
        if _DATE(given):
            return date.fromisoformat(given).toordinal() - _EPOCH_ORDINAL
    except ValueError:
        pass
    raise InvalidParam(LocalizedText("应为 2026-11-24 形式的日期", "must be a date like 2026-11-24"))


def _read_cursor(given: str) -> str:
    if len(given) > CURSOR_CHARS_MAX or not _CURSOR(given):
        raise InvalidParam(_CURSOR_REMEDY)
    return given


def _read_seqno(given: str) -> str:
    if not re.fullmatch(r"[0-9]{32}", given):
        raise InvalidParam(LocalizedText("应为 32 位数字的 seqno", "must be a seqno of 32 digits"))
    return given


def _read_code(given: str) -> str:
    if not re.fullmatch(r"[0-9]{3,4}", given):
        raise InvalidParam(LocalizedText("应为 1001, 400 等代码", "must be a code such as 1001 or 400"))
    return given


PLATE: Final = ParamType(
    _read_plate, {"type": "string", "minLength": 1, "maxLength": PLATE_TYPED_CHARS_MAX, "pattern": _PRINTABLE}
)
INSTANT: Final = ParamType(
    _read_instant,
    {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9:.,]+([Zz]|[+-][0-9:]+))?$"},
)
DAY: Final = ParamType(_read_day, {"type": "string", "format": "date", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
CURSOR: Final = ParamType(
    _read_cursor, {"type": "string", "minLength": 1, "maxLength": CURSOR_CHARS_MAX, "pattern": "^[A-Za-z0-9_-]+$"}
)
SEQNO: Final = ParamType(_read_seqno, {"type": "string", "pattern": "^[0-9]{32}$"})
CODE: Final = ParamType(_read_code, {"type": "string", "pattern": "^[0-9]{3,4}$"})


def shown_day(day: int) -> str:
    """Formats a day since 1970-01-01 as yyyy-mm-dd."""
    return date.fromordinal(day + _EPOCH_ORDINAL).isoformat()


def bad_cursor(given: str) -> FieldError:
    """Makes the error of a cursor that this API did not issue."""
    return FieldError("after", _CURSOR_REMEDY, given)


def param_specs(asks: type[msgspec.Struct]) -> list[ParamSpec]:
    """Returns the parameters of a request struct, in order."""
    hints = typing.get_type_hints(asks, include_extras=True)
    found = []
    for member in msgspec.structs.fields(asks):
        param = next(part for part in typing.get_args(hints[member.name]) if isinstance(part, Param))
        required = member.default is msgspec.NODEFAULT
        found.append(ParamSpec(member.name, param, required, None if required else member.default))
    return found


def parse_query(asks: type[A], path: Mapping[str, str], query: bytes) -> A:
    """Parses path parameters and query into `asks`. Raises ApiError with all errors at once."""
    known = {one.name: one for one in param_specs(asks)}
    errors: list[FieldError] = []
    values = {name: _value(known[name], value, errors) for name, value in path.items()}
    asked_for = [name for name in known if name not in path]
    for name, value in _pairs(query, errors):
        if name not in asked_for:
            names = ", ".join(asked_for) or "-"
            remedy = LocalizedText(f"未知参数, 可用: {names}", f"is unknown; known parameters: {names}")
            errors.append(FieldError(name[:TEXT_CHARS_MAX], remedy, None))
        elif name in values:
            errors.append(FieldError(name, LocalizedText("只能出现一次", "may be given only once"), value))
        else:
            values[name] = _value(known[name], value, errors)
    required = LocalizedText("必填", "required")
    errors += [FieldError(name, required, None) for name, one in known.items() if one.required and name not in values]
    if errors:
        raise invalid_params(errors)
    return asks(**values)


def _value(one: ParamSpec, given: str, errors: list[FieldError]) -> Any:
    try:
        if not given:
            raise InvalidParam(LocalizedText("不能为空; 不用则不写", "must not be empty; omit it instead"))
        if _has_control(given):
            raise InvalidParam(LocalizedText("不能含控制字符", "must have no control characters"))
        return one.param.kind.read(given)
    except InvalidParam as unfit:
        errors.append(FieldError(one.name, unfit.remedy, given))
        return None


def _has_control(given: str) -> bool:
    return any(category(letter) in ("Cc", "Cs") for letter in given)


def _pairs(query: bytes, errors: list[FieldError]) -> Sequence[tuple[str, str]]:
    """Splits the query. One that cannot be parsed is a single error with the place `?`."""
    if len(query) > QUERY_BYTES_MAX:
        remedy = LocalizedText(f"最多 {QUERY_BYTES_MAX} 字节", f"must have at most {QUERY_BYTES_MAX} bytes")
        errors.append(FieldError("?", remedy, str(len(query))))
        return []
    try:
        return list(_split(query))
    except ValueError:
        remedy = LocalizedText("应为 名=值&… 形式, UTF-8 百分号编码", "must be name=value&…, percent-encoded UTF-8")
        errors.append(FieldError("?", remedy, query.decode("ascii", "replace")))
        return []


def _split(query: bytes) -> Iterator[tuple[str, str]]:
    if query:
        yield from parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=PARAMETERS_MAX,
        )
