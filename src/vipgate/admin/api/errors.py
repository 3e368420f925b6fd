"""Errors of the read API: one JSON form in two languages, with a code for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec

from vipgate.errors import (
    FieldError,
    RateLimited,
    RequestError,
    StoreError,
    StoreUnavailable,
    VipgateError,
    format_field_errors,
)
from vipgate.i18n import Language, LocalizedText

RETRY_STORE_AFTER_S: Final = 5


def localized_hint(en: str, zh: str) -> msgspec.Meta:
    """Describes a member in both languages, for the OpenAPI document and the reference page."""
    return msgspec.Meta(description=en, extra={"zh": zh})


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """A kind of error: HTTP status, code, and when it occurs."""

    status: int
    code: str
    when: LocalizedText


BAD_PARAMETER: Final = ErrorKind(
    400, "bad_parameter", LocalizedText("参数有误或未知", "a parameter is wrong or unknown")
)
NO_TOKEN: Final = ErrorKind(
    401, "no_token", LocalizedText("缺少令牌或令牌无效", "the token is missing, unknown or revoked")
)
NOT_ALLOWED: Final = ErrorKind(403, "not_allowed", LocalizedText("令牌没有此权限", "the token lacks this permission"))
NOT_FOUND: Final = ErrorKind(
    404, "not_found", LocalizedText("不存在, 或令牌看不到", "does not exist, or is not visible to the token")
)
WRONG_METHOD: Final = ErrorKind(
    405, "wrong_method", LocalizedText("请求方法不支持", "the path does not support this method")
)
TOO_MANY: Final = ErrorKind(
    429,
    "too_many",
    LocalizedText("此令牌用量已满, 请稍后重试", "the token's limit is reached; try again after Retry-After"),
)
NOT_INSTALLED: Final = ErrorKind(
    501, "not_installed", LocalizedText("平台未安装所需组件", "a required component is not installed on the platform")
)
UNAVAILABLE: Final = ErrorKind(
    503, "unavailable", LocalizedText("暂不可用, 请稍后重试", "temporarily unavailable; try again after Retry-After")
)
STORE_FAULT: Final = ErrorKind(500, "store_fault", LocalizedText("存储无法使用", "the store cannot be used"))


class ApiError(VipgateError):
    """The request is rejected."""

    def __init__(
        self,
        kind: ErrorKind,
        words: LocalizedText,
        *,
        place: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(words.en)
        self.kind = kind
        self.words = words
        self.place = place
        self.headers = dict(headers or {})


class ErrorDetail(msgspec.Struct, frozen=True):
    """An error."""

    code: Annotated[str, localized_hint("For programs.", "供程序判断")]
    message: Annotated[
        str,
        localized_hint(
            "For people: one line per error, with what to do; Chinese, or English by Accept-Language.",
            "供人阅读: 每个错误一行; 默认中文, 按 Accept-Language 可为英文",
        ),
    ]
    place: Annotated[
        str | None, localized_hint("The first wrong parameter, or null.", "第一个有误的参数, 没有则为 null")
    ]


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of every response except 2xx and 304."""

    error: ErrorDetail


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A rejection, ready to send."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def invalid_params(faults: list[FieldError]) -> ApiError:
    """Makes the rejection of a request with these errors, at least one."""
    return ApiError(BAD_PARAMETER, format_field_errors(faults), place=faults[0].place)


def invalid_param(place: str, remedy: LocalizedText, got: str | None) -> ApiError:
    """Makes the rejection of a request with one error."""
    return invalid_params([FieldError(place, remedy, got)])


def error_response(refused: ApiError, language: Language) -> ErrorResponse:
    """Encodes a rejection in `language`."""
    members = ErrorDetail(refused.kind.code, refused.words.text(language), refused.place)
    return ErrorResponse(refused.kind.status, msgspec.json.encode(ErrorBody(members)), refused.headers)


def translated(error: StoreError | RequestError) -> ApiError:
    """Translates rate limits, busy pools and store errors into API errors; nothing else does."""
    if isinstance(error, RequestError):
        after_s = RETRY_STORE_AFTER_S if error.retry_after_s is None else error.retry_after_s
        kind = TOO_MANY if isinstance(error, RateLimited) else UNAVAILABLE
        return ApiError(kind, error.hint, headers={"Retry-After": str(after_s)})
    if isinstance(error, StoreUnavailable):
        words = LocalizedText("存储暂不可用; 请稍后重试", "the store is unavailable; try again later")
        return ApiError(UNAVAILABLE, words, headers={"Retry-After": str(RETRY_STORE_AFTER_S)})
    return ApiError(
        STORE_FAULT,
        LocalizedText("存储无法使用; 请联系平台运维", "the store cannot be used; inform the platform's operator"),
    )
