"""Decodes body bytes in steps, and recognises encoding mistakes of clients. Pure.

In steps, because one long call would block all other threads.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final

from vipgate.i18n import LocalizedText

STEP_BYTES: Final = 1024 * 1024
# Their BOMs, and `{` in them. UTF-32 first: its BOM starts with that of UTF-16.
_WIDE: Final = (
    ("UTF-32", (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff", b"{\x00\x00\x00", b"\x00\x00\x00{")),
    ("UTF-16", (b"\xff\xfe", b"\xfe\xff", b"{\x00", b"\x00{")),
)

_TRUNCATED: Final = "Input data was truncated"  # msgspec's text


def transcode(body: bytes, charset: str) -> bytes:
    """Converts `body` to UTF-8. Raises UnicodeDecodeError with the position in the whole body."""
    return b"".join(text.encode("utf-8") for text in _decoded(body, charset, final=True))


def _decoded(body: bytes, charset: str, *, final: bool) -> Iterator[str]:
    """Decodes `body` in steps; an incomplete character at its end is an error if `final`."""
    decoder = codecs.getincrementaldecoder(charset)()
    start = 0
    try:
        for step in range(0, len(body), STEP_BYTES):
            start = step - len(decoder.getstate()[0])
            yield decoder.decode(body[step : step + STEP_BYTES], final and step + STEP_BYTES >= len(body))
    except UnicodeDecodeError as error:
        raise UnicodeDecodeError(charset, body, start + error.start, start + error.end, error.reason) from None


def wide_fault(body: bytes) -> LocalizedText | None:
    """Returns a hint for a body in UTF-16 or UTF-32, else None."""
    for name, beginnings in _WIDE:
        if body.startswith(beginnings):
            return LocalizedText(
                f"正文是 {name}, 应为 UTF-8; 请按 UTF-8 取字节并发送 (C#: Encoding.UTF8, Java: StandardCharsets.UTF_8), "
                "签名也对这些字节计算",
                f"the body is {name}, UTF-8 wanted: send the bytes of the text in UTF-8 "
                "(C#: Encoding.UTF8, Java: StandardCharsets.UTF_8), and sign these",
            )
    return None


def is_cut_in_a_character(body: bytes, charset: str) -> bool:
    """Whether an undecodable body is valid up to an incomplete character at its end."""
    try:
        for _ in _decoded(body, charset, final=False):
            pass
    except UnicodeDecodeError:
        return False
    return True


def json_fault(problem: str, body: bytes) -> LocalizedText:
    """Makes the hint for a body that is not JSON; `problem` is the error of the parser."""
    if problem == _TRUNCATED and not body.isascii():
        return cut_fault(body)
    return LocalizedText(f"正文不是有效的 JSON: {problem}", f"the body is not valid JSON: {problem}")


def cut_fault(body: bytes) -> LocalizedText:
    """Makes the hint for a truncated body: often Content-Length counts characters instead of bytes."""
    return LocalizedText(
        f"正文到第 {len(body)} 字节就中断了, 不是完整的 JSON; "
        "Content-Length 应为编码后的字节数, 而不是字符数 (一个汉字在 UTF-8 中占 3 字节, GBK 中占 2 字节)",
        f"the body ends in the middle, after {len(body)} bytes; Content-Length is the number of bytes once the text is encoded, "
        "not of characters (a Chinese character takes 3 bytes in UTF-8, 2 in GBK)",
    )
