"""Charsets of bodies: parses `Content-Type` and converts bodies to UTF-8. Pure.

No signature covers the header. So each park has one charset, set by the operator, and the header must match it.
"""

from __future__ import annotations

import codecs
import json
from functools import lru_cache
from typing import Final, Literal, get_args

from vipgate.errors import BadRequest, FieldError, format_field_errors
from vipgate.i18n import LocalizedText
from vipgate.protocol.body_text import STEP_BYTES, transcode

Charset = Literal["utf-8", "gbk"]
CHARSETS: Final[tuple[Charset, ...]] = get_args(Charset)
CONTENT_TYPE: Final = "Content-Type"
CONTENT_TYPE_CHARS_MAX: Final = 256

_BOM: Final = b"\xef\xbb\xbf"
# GB18030 is a superset of GBK, and old clients mix up the names.
CODECS: Final[dict[Charset, str]] = {"utf-8": "utf-8", "gbk": "gb18030"}
_LABELS: Final[dict[Charset, str]] = {"utf-8": "UTF-8", "gbk": "GBK"}
# A closed list: Python's codec registry caches every name that a stranger invents.
_NAMES: Final[dict[str, Charset]] = {
    **dict.fromkeys(("utf-8", "utf8"), "utf-8"),
    **dict.fromkeys(("gbk", "gb2312", "gb18030", "cp936"), "gbk"),
}


@lru_cache(maxsize=128)
def declared_charset(content_type: str | None) -> Charset:
    """Returns the charset that a `Content-Type` declares; UTF-8 where it declares none.

    Accepts any text. Raises BadRequest for another type than JSON, or not exactly one known charset.
    """
    header = content_type or ""
    if len(header) > CONTENT_TYPE_CHARS_MAX:
        longest = CONTENT_TYPE_CHARS_MAX
        raise _refused(LocalizedText(f"最多 {longest} 个字符", f"at most {longest} characters"), header)
    kind, *parameters = _without_quoted_semicolons(header).split(";")
    if kind.strip().lower() != "application/json" and header.strip():
        raise _refused(LocalizedText("应为 application/json", "must be application/json"), header)
    named = [name.strip().lower() for name in parameters]
    # `charset*=` is an encoded form that no JSON client needs: rejected, because ignoring it would be a guess.
    declared = [one.partition("=") for one in named if one.startswith("charset")]
    found = {_known(name.strip(), value.strip(' \t"')) for name, _, value in declared} or {"utf-8"}
    charset = found.pop()
    if charset is None or found:
        names = ", ".join(_NAMES)
        raise _refused(LocalizedText(f"charset 应为其中一个: {names}", f"charset must be one of {names}"), header)
    return charset


def _without_quoted_semicolons(header: str) -> str:
    """Removes the semicolons inside quotes, which separate nothing."""
    return '"'.join(part.replace(";", "") if place % 2 else part for place, part in enumerate(header.split('"')))


def _known(name: str, value: str) -> Charset | None:
    return _NAMES.get(value) if name == "charset" else None


def _refused(remedy: LocalizedText, header: str) -> BadRequest:
    # Escaped as JSON: PostgreSQL accepts no NUL in text, and terminals must not get control characters.
    return BadRequest(format_field_errors([FieldError(CONTENT_TYPE, remedy, json.dumps(header))]))


def other_charset(declared: Charset, of_park: Charset) -> BadRequest:
    """Makes the error for a push whose declared charset is not the park's."""
    zh = (
        f"该车场的编码是 {_LABELS[of_park]}, 应为 application/json; charset={of_park} (不写 charset 即 UTF-8); "
        f"若车场确实以 {_LABELS[declared]} 发送, 请平台运营方执行 vipgate park set PARK_UUID --charset {declared}"
    )
    en = (
        f"this park's charset is {_LABELS[of_park]}: must be application/json; charset={of_park} (without charset it is UTF-8); "
        f"if the park does send {_LABELS[declared]}, have the platform's operator run "
        f"vipgate park set PARK_UUID --charset {declared}"
    )
    return BadRequest(format_field_errors([FieldError(CONTENT_TYPE, LocalizedText(zh, en), f"charset={declared}")]))


def to_utf8(body: bytes, charset: Charset) -> bytes:
    """Converts `body` from `charset` to UTF-8 without a byte order mark. Raises BadRequest where it is not in `charset`."""
    if charset != "utf-8":
        try:
            return transcode(body, CODECS[charset])
        except UnicodeDecodeError as error:
            raise _broken(charset, error.start) from None
    if not body.isascii():
        _check_utf8(body)
    return body.removeprefix(_BOM)


def _check_utf8(body: bytes) -> None:
    """Validates UTF-8 in steps: decoding 16 MiB at once would need 32 MiB more."""
    decoder = None if len(body) <= STEP_BYTES else codecs.getincrementaldecoder("utf-8")()
    start = 0
    try:
        if decoder is None:
            body.decode("utf-8")
            return
        for step in range(0, len(body), STEP_BYTES):
            start = step - len(decoder.getstate()[0])
            decoder.decode(body[step : step + STEP_BYTES], step + STEP_BYTES >= len(body))
    except UnicodeDecodeError as error:
        raise _broken("utf-8", start + error.start) from None


def charset_fault(body: bytes, charset: Charset) -> LocalizedText | None:
    """Returns why `body` is not in `charset`, or None."""
    try:
        to_utf8(body, charset)
    except BadRequest as refusal:
        return refusal.hint
    return None


def other_than(charset: Charset) -> Charset:
    """Returns the other charset of the two."""
    return "gbk" if charset == "utf-8" else "utf-8"


def shown_text(body: bytes, charset: Charset) -> str:
    """Decodes `body` for display: in `charset`, else in the other one, else with replacement characters."""
    for one in (charset, other_than(charset)):
        try:
            return to_utf8(body, one).decode("utf-8")
        except BadRequest:
            continue
    return body.decode(CODECS[charset], "replace")


def _broken(charset: Charset, at_byte: int) -> BadRequest:
    other = other_than(charset)
    return BadRequest(
        LocalizedText(
            f"正文第 {at_byte} 字节不是有效的 {_LABELS[charset]}; 若正文是 {_LABELS[other]}, 请写 Content-Type: "
            f"application/json; charset={other}, 并请平台运营方执行 vipgate park set PARK_UUID --charset {other}",
            f"byte {at_byte} of the body is not valid {_LABELS[charset]}; if it is {_LABELS[other]}, say Content-Type: "
            f"application/json; charset={other}, and have the platform's operator run "
            f"vipgate park set PARK_UUID --charset {other}",
        )
    )
