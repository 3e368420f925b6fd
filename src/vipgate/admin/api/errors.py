"""How the read API says no: one form for every error, in two languages, with a code that a program can act on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec

from vipgate.errors import (
    Fault,
    Language,
    Refusal,
    StoreError,
    StoreUnavailable,
    TooOften,
    VipgateError,
    Words,
    list_faults,
)

RETRY_STORE_AFTER_S: Final = 5


def said(en: str, zh: str) -> msgspec.Meta:
    """What a member means, for the document and the page."""
    return msgspec.Meta(description=en, extra={"zh": zh})


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of refusal: the status, the code of the answer, and when it is given."""

    status: int
    code: str
    when: Words


BAD_PARAMETER: Final = Kind(400, "bad_parameter", Words("参数有误或未知", "a parameter is wrong or unknown"))
NO_TOKEN: Final = Kind(401, "no_token", Words("缺少令牌或令牌无效", "the token is missing, unknown or revoked"))
NOT_ALLOWED: Final = Kind(403, "not_allowed", Words("令牌没有此权限", "the token does not allow this"))
NOT_FOUND: Final = Kind(
    404, "not_found", Words("不存在, 或令牌看不到", "there is none, or none that the token may see")
)
WRONG_METHOD: Final = Kind(405, "wrong_method", Words("请求方法不支持", "the path does not take this method"))
TOO_MANY: Final = Kind(
    429,
    "too_many",
    Words("此令牌用量已满, 请稍后重试", "more than this token may ask now; try again after Retry-After"),
)
NOT_INSTALLED: Final = Kind(501, "not_installed", Words("平台未安装所需组件", "this installation lacks what it takes"))
UNAVAILABLE: Final = Kind(503, "unavailable", Words("暂不可用, 请稍后重试", "not now; try again after Retry-After"))
STORE_FAULT: Final = Kind(500, "store_fault", Words("存储无法使用", "the store cannot be used"))


class Denied(VipgateError):
    """The question is not answered."""

    def __init__(
        self, kind: Kind, words: Words, *, place: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(words.en)
        self.kind = kind
        self.words = words
        self.place = place
        self.headers = dict(headers or {})


class ErrorMembers(msgspec.Struct, frozen=True):
    """What is wrong."""

    code: Annotated[str, said("For programs.", "供程序判断")]
    message: Annotated[
        str,
        said(
            "For people: what is wrong and what to do, a line for each fault; Chinese, or English by Accept-Language.",
            "供人阅读: 每个错误一行; 默认中文, 按 Accept-Language 可为英文",
        ),
    ]
    place: Annotated[
        str | None, said("The first parameter at fault, where it is one.", "第一个有误的参数, 没有则为 null")
    ]


class ErrorAnswer(msgspec.Struct, frozen=True):
    """Every answer but 2xx and 304 has this form."""

    error: ErrorMembers


@dataclass(frozen=True, slots=True)
class Shown:
    """A refusal as it goes out."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def deny_faults(faults: list[Fault]) -> Denied:
    """The refusal of a question with these faults."""
    return Denied(BAD_PARAMETER, list_faults(faults), place=faults[0].place)


def deny_parameter(place: str, remedy: Words, got: str | None) -> Denied:
    """The refusal of a question with one fault."""
    return deny_faults([Fault(place, remedy, got)])


def show(refused: Denied, language: Language) -> Shown:
    """The answer to a question that is not answered."""
    members = ErrorMembers(refused.kind.code, refused.words.text(language), refused.place)
    return Shown(refused.kind.status, msgspec.json.encode(ErrorAnswer(members)), refused.headers)


def translated(error: StoreError | Refusal) -> Denied:
    """The one place where bounds, and troubles of the store and of its desks, become answers."""
    if isinstance(error, Refusal):
        after_s = RETRY_STORE_AFTER_S if error.retry_after_s is None else error.retry_after_s
        kind = TOO_MANY if isinstance(error, TooOften) else UNAVAILABLE
        return Denied(kind, error.hint, headers={"Retry-After": str(after_s)})
    if isinstance(error, StoreUnavailable):
        words = Words("存储暂不可用; 请稍后重试", "the store is unavailable; try again later")
        return Denied(UNAVAILABLE, words, headers={"Retry-After": str(RETRY_STORE_AFTER_S)})
    return Denied(
        STORE_FAULT, Words("存储无法使用; 请联系平台运维", "the store cannot be used; tell the platform's operator")
    )
