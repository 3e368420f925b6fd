"""The exception tree. The first docstring line of a class is its default message.

VipgateError
├── RequestError                an error response: code, HTTP status, hint in two languages
│   ├── BadRequest              400
│   ├── InvalidSignature        401
│   ├── Forbidden               403
│   │   └── ReplaceOnHold       403, until the operator approves it
│   ├── NotFound                404
│   ├── MethodNotAllowed        405
│   ├── PayloadTooLarge         413
│   ├── RateLimited             429
│   ├── InternalError           500
│   └── ServiceUnavailable      503
├── StoreError                  the database rejected the operation
│   ├── StoreUnavailable        temporary: retry later
│   ├── StoreLocked             another server holds the file
│   └── IncompatibleDatabase    not a vipgate database, or of another schema version
└── UsageError                  an invalid command or setting; the message says what to do next
"""

from __future__ import annotations

from dataclasses import dataclass

from vipgate.i18n import Language, LocalizedText, current_language

FIELD_ERRORS_SHOWN_MAX = 20
VALUE_SHOWN_CHARS_MAX = 64


@dataclass(frozen=True, slots=True)
class FieldError:
    """One invalid value in a request: its place, the remedy, and the value received (None: missing)."""

    place: str
    remedy: LocalizedText
    got: str | None

    def text(self, language: Language | None = None) -> str:
        """Formats the error on one line: `row[3].plate_color: 应为 1,2,3,4,5,-1 之一, 收到 "9"` (wire contract, Answer)."""
        language = language or current_language()
        remedy = self.remedy.text(language)
        if self.got is None:
            return f"{self.place}: {remedy}"
        return f"{self.place}: {remedy}, {'got' if language == 'en' else '收到'} {truncate(self.got)}"


def truncate(value: str) -> str:
    """Returns `value` on one line, cut to VALUE_SHOWN_CHARS_MAX characters."""
    line = " ".join(value.split())
    return line if len(line) <= VALUE_SHOWN_CHARS_MAX else line[:VALUE_SHOWN_CHARS_MAX] + "…"


def format_field_errors(faults: list[FieldError]) -> LocalizedText:
    """Formats the hint: one error per line, at most FIELD_ERRORS_SHOWN_MAX, then the number of the rest."""
    rest = len(faults) - FIELD_ERRORS_SHOWN_MAX
    shown = faults[:FIELD_ERRORS_SHOWN_MAX]
    zh = [fault.text("zh") for fault in shown]
    en = [fault.text("en") for fault in shown]
    if rest > 0:
        zh.append(f"另有 {rest} 处错误未列出")
        en.append(f"and {rest} more")
    return LocalizedText("\n".join(zh), "\n".join(en))


class VipgateError(Exception):
    """Something went wrong inside vipgate."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


class RequestError(VipgateError):
    """The request is rejected."""

    code: str = "500"
    status: int = 500
    message: LocalizedText = LocalizedText("接口内部处理异常", "internal fault")

    def __init__(self, hint: LocalizedText, *, retry_after_s: int | None = None) -> None:
        super().__init__(hint.en)
        self.hint = hint
        self.retry_after_s = retry_after_s


class BadRequest(RequestError):
    """The body, a member or a row does not match the contract."""

    code, status, message = "400", 400, LocalizedText("请求参数错误", "bad request")


class InvalidSignature(RequestError):
    """The signature is wrong, or the park is unknown or disabled."""

    code, status, message = "401", 401, LocalizedText("请求签名校验不通过", "signature check failed")

    def __init__(self, hint: LocalizedText, *, explained: bool = False) -> None:
        super().__init__(hint)
        # The hint names the mistake already: no diagnosis needed.
        self.explained = explained


class Forbidden(RequestError):
    """The address is not on the park's allow list."""

    code, status, message = "403", 403, LocalizedText("接口尚未授权", "not authorised")


class ReplaceOnHold(Forbidden):
    """A repeated complete=1 waits for the operator's approval. `generation`: the park's latest generation."""

    def __init__(self, hint: LocalizedText, generation: int) -> None:
        super().__init__(hint)
        self.generation = generation


class NotFound(RequestError):
    """There is no such path."""

    code, status, message = "404", 404, LocalizedText("接口不存在", "no such path")


class MethodNotAllowed(RequestError):
    """The path does not support this method."""

    code, status, message = "405", 405, LocalizedText("请求方法不支持", "method not allowed")

    def __init__(self, hint: LocalizedText, *, allow: str) -> None:
        super().__init__(hint)
        self.allow = allow


class PayloadTooLarge(RequestError):
    """The body or the number of rows exceeds a limit."""

    code, status, message = "413", 413, LocalizedText("请求数据过大", "request too large")


class RateLimited(RequestError):
    """The park exceeds its request rate."""

    code, status, message = "429", 429, LocalizedText("请求过于频繁", "too many requests")


class InternalError(RequestError):
    """The gateway failed. The request is stored completely or not at all; resending it stores it once."""

    code, status, message = "500", 500, LocalizedText("接口内部处理异常", "internal fault")


class ServiceUnavailable(RequestError):
    """The store is unreachable, overloaded or stopping; resending stores the request once."""

    code, status, message = "503", 503, LocalizedText("服务暂不可用", "service unavailable")


class StoreError(VipgateError):
    """The database refused."""


class StoreUnavailable(StoreError):
    """The database cannot be reached or cannot write now."""


class StoreLocked(StoreError):
    """Another server holds this database file."""


class IncompatibleDatabase(StoreError):
    """This database is not one that this version of vipgate can use."""


class UsageError(VipgateError):
    """The command or a setting is invalid."""


# No text says "nothing was stored": the response to an earlier, stored attempt may have been lost.
OVERLOADED = LocalizedText(
    "平台繁忙; 请稍后原样重发, 只会保存一次", "the platform is busy; send the same again later, it is stored once"
)

PARK_QUEUE_FULL = LocalizedText(
    "该车场等待保存的请求过多; 请减少并发, 合并为更大的批次, 并稍后原样重发, 只会保存一次",
    "too much of this park waits already; send fewer requests at once, in larger batches, and the same again later, "
    "it is stored once",
)

INTERNAL_ERROR = LocalizedText(
    "平台内部错误; 请求可能已经保存, 若已保存则是完整的; 请稍后原样重发, 只会保存一次, 并把 seqno 告知平台",
    "a fault of the platform; the request may be stored, then whole; send the same again later, it is stored once, "
    "and tell the platform the seqno",
)
