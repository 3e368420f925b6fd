"""What can go wrong, as one tree; the docstring of a class is its default message.

VipgateError
├── Refusal                 an answer for the caller: code, HTTP status, hint in two languages
│   ├── BadRequest          400
│   ├── BadSignature        401
│   ├── NotAllowed          403
│   │   └── HeldReplace     403, until the operator says yes
│   ├── NoSuchPath          404
│   ├── WrongMethod         405
│   ├── TooLarge            413
│   ├── TooOften            429
│   ├── InternalFault       500
│   └── Unavailable         503
├── StoreError              the database cannot do it now, or at all
│   ├── StoreUnavailable    try again later
│   ├── StoreLocked         another server holds the file
│   └── StoreMismatch       a file or a schema that is not ours
└── OperatorError           a command or a setting that cannot be followed; says what to do next
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Language = Literal["zh", "en"]

LANGUAGES_CHARS_MAX = 256

FAULTS_SHOWN_MAX = 20
VALUE_SHOWN_CHARS_MAX = 64


def accepted_language(header: str | None) -> Language:
    """English where an `Accept-Language` header asks for it before Chinese, else Chinese."""
    return "zh" if header is None else _first_of_ours(header[:LANGUAGES_CHARS_MAX])


@lru_cache(maxsize=256)
def _first_of_ours(header: str) -> Language:
    for entry in header.lower().split(","):
        tag = entry.partition(";")[0].strip()
        if tag.startswith("en"):
            return "en"
        if tag.startswith("zh"):
            return "zh"
    return "zh"


@dataclass(frozen=True, slots=True)
class Words:
    """One text in the two languages that the gateway speaks."""

    zh: str
    en: str

    def text(self, language: Language) -> str:
        """The text in `language`."""
        return self.en if language == "en" else self.zh


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a request: the place, the remedy, and the value as it came (None: it was missing)."""

    place: str
    remedy: Words
    got: str | None

    def text(self, language: Language) -> str:
        """One line, `row[3].plate_color: 应为 1,2,3,4,5,-1 之一, 收到 "9"` (wire contract, Answer)."""
        remedy = self.remedy.text(language)
        if self.got is None:
            return f"{self.place}: {remedy}"
        return f"{self.place}: {remedy}, {'got' if language == 'en' else '收到'} {shorten(self.got)}"


def shorten(value: str) -> str:
    """`value` on one line, cut to VALUE_SHOWN_CHARS_MAX characters."""
    line = " ".join(value.split())
    return line if len(line) <= VALUE_SHOWN_CHARS_MAX else line[:VALUE_SHOWN_CHARS_MAX] + "…"


def list_faults(faults: list[Fault]) -> Words:
    """The hint for `faults`: one a line, FAULTS_SHOWN_MAX at most, then the count of the rest."""
    rest = len(faults) - FAULTS_SHOWN_MAX
    shown = faults[:FAULTS_SHOWN_MAX]
    zh = [fault.text("zh") for fault in shown]
    en = [fault.text("en") for fault in shown]
    if rest > 0:
        zh.append(f"另有 {rest} 处错误未列出")
        en.append(f"and {rest} more")
    return Words("\n".join(zh), "\n".join(en))


class VipgateError(Exception):
    """Something went wrong inside vipgate."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


class Refusal(VipgateError):
    """The request is refused."""

    code: str = "500"
    status: int = 500
    message: Words = Words("接口内部处理异常", "internal fault")

    def __init__(self, hint: Words, *, retry_after_s: int | None = None) -> None:
        super().__init__(hint.en)
        self.hint = hint
        self.retry_after_s = retry_after_s


class BadRequest(Refusal):
    """The body, a member or a row is not as the contract wants it."""

    code, status, message = "400", 400, Words("请求参数错误", "bad request")


class BadSignature(Refusal):
    """The signature is wrong, or the park is unknown or disabled."""

    code, status, message = "401", 401, Words("请求签名校验不通过", "signature check failed")

    def __init__(self, hint: Words, *, explained: bool = False) -> None:
        super().__init__(hint)
        # The hint names the mistake: there is nothing to look for.
        self.explained = explained


class NotAllowed(Refusal):
    """The address is not on the park's allow list."""

    code, status, message = "403", 403, Words("接口尚未授权", "not authorised")


class HeldReplace(NotAllowed):
    """The same complete=1 was stored before; this one waits for the operator's yes. `generation`: the park's last stock so far."""

    def __init__(self, hint: Words, generation: int) -> None:
        super().__init__(hint)
        self.generation = generation


class NoSuchPath(Refusal):
    """There is no such path."""

    code, status, message = "404", 404, Words("接口不存在", "no such path")


class WrongMethod(Refusal):
    """The path does not take this method."""

    code, status, message = "405", 405, Words("请求方法不支持", "method not allowed")

    def __init__(self, hint: Words, *, allow: str) -> None:
        super().__init__(hint)
        self.allow = allow


class TooLarge(Refusal):
    """The body or the number of rows is over the limit."""

    code, status, message = "413", 413, Words("请求数据过大", "request too large")


class TooOften(Refusal):
    """The park sends more often than its rate allows."""

    code, status, message = "429", 429, Words("请求过于频繁", "too many requests")


class InternalFault(Refusal):
    """A fault of the gateway itself; the request may be stored, then whole. Send the same again, it is stored once."""

    code, status, message = "500", 500, Words("接口内部处理异常", "internal fault")


class Unavailable(Refusal):
    """The store is unreachable, overloaded or stopping; send the same again, it is stored once."""

    code, status, message = "503", 503, Words("服务暂不可用", "service unavailable")


class StoreError(VipgateError):
    """The database refused."""


class StoreUnavailable(StoreError):
    """The database cannot be reached or cannot write now."""


class StoreLocked(StoreError):
    """Another server holds this database file."""


class StoreMismatch(StoreError):
    """This database is not one that this version of vipgate can use."""


class OperatorError(VipgateError):
    """The command cannot be followed."""
