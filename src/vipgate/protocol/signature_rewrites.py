"""Rewrites JSON as other serialisers do, to diagnose clients that sign another text than they send. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from vipgate.i18n import LocalizedText
from vipgate.protocol.nesting import nesting_fault

GBK: Final = LocalizedText(
    "签名用的是 GBK 字节, 应对实际发送的字节签名", "signed over GBK bytes; sign the very bytes that are sent"
)
_SLASHES: Final = LocalizedText(
    "签名用的正文把斜线写成了 \\/ (PHP 的 json_encode), 与发送的不同; 请对实际发送的字节签名, 或用 JSON_UNESCAPED_SLASHES",
    "signed over a body with slashes written as \\/ (as PHP's json_encode does), which is not what was sent; "
    "sign the very bytes that are sent, or use JSON_UNESCAPED_SLASHES",
)
_NO_SLASHES: Final = LocalizedText(
    "发送的正文把斜线写成了 \\/, 签名用的没有; 应对实际发送的字节签名",
    "the body was sent with slashes written as \\/ and signed without; sign the very bytes that are sent",
)
_PAIRS: Final = LocalizedText(
    "签名用的是排序后的 名称=值&… (其他接口的签名方法); 本接口应对整个 JSON 正文的字节签名",
    "signed over sorted name=value&... as other interfaces want it; this one wants the bytes of the whole JSON body signed",
)

_hex_digits = re.compile(rb"\\u[0-9a-f]{4}").sub
_names = re.compile(rb'(\n\t*"(?:[^"\\]|\\.)*":) ').sub
_scalar = json.JSONEncoder(ensure_ascii=False).encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def rewritten(text: str) -> Iterator[tuple[bytes, LocalizedText]]:
    """Yields the JSON `text` as other serialisers write it, each with the mistake of signing it."""
    source = text.encode("utf-8", "replace")
    if nesting_fault(source) is not None:
        return
    try:
        value = json.loads(text)
    except ValueError:
        return
    yield from _in_one_line(value)
    if "/" in text:
        yield text.replace("\\/", "/").encode(), _NO_SLASHES
        yield text.replace("\\/", "/").replace("/", "\\/").encode(), _SLASHES
    yield from _as_pairs(source)
    yield from _pretty(value)


def _in_one_line(value: Any) -> Iterator[tuple[bytes, LocalizedText]]:
    for ordered in (False, True):
        for blanks in (False, True):
            for escaped in (False, True):
                words = _rewrite_words(ordered, blanks, escaped)
                written = _dump(value, ordered, blanks, escaped)
                yield from _in_its_encodings(written, escaped, words)
                if b"/" in written and not blanks:
                    slashed = LocalizedText(f"{words.zh}; {_SLASHES.zh}", f"{words.en}; {_SLASHES.en}")
                    yield from _in_its_encodings(written.replace(b"/", b"\\/"), escaped, slashed)


def _in_its_encodings(written: bytes, escaped: bool, words: LocalizedText) -> Iterator[tuple[bytes, LocalizedText]]:
    yield written, words
    if escaped:
        yield _hex_digits(lambda found: found[0][:2] + found[0][2:].upper(), written), words
    else:
        yield written.decode().encode("gb18030"), LocalizedText(f"{words.zh}; {GBK.zh}", f"{words.en}; {GBK.en}")


def _dump(value: Any, ordered: bool, blanks: bool, escaped: bool) -> bytes:
    separators = (", ", ": ") if blanks else (",", ":")
    written = json.dumps(value, sort_keys=ordered, separators=separators, ensure_ascii=escaped)
    return written.encode("utf-8", "replace")


def _rewrite_words(ordered: bool, blanks: bool, escaped: bool) -> LocalizedText:
    zh = ["键已排序"] if ordered else []
    en = ["sorted keys"] if ordered else []
    zh += ["带空格" if blanks else "无空格", "中文写成 \\uXXXX" if escaped else "中文未转义"]
    en += ["with blanks" if blanks else "without blanks", "\\uXXXX escapes" if escaped else "no \\uXXXX escapes"]
    return LocalizedText(
        f"签名用的是重新序列化的 JSON ({', '.join(zh)}), 与发送的不同; 应对实际发送的字节签名",
        f"signed over JSON that was serialised again ({', '.join(en)}) and is not what was sent; sign the very bytes that are sent",
    )


def _pretty(value: Any) -> Iterator[tuple[bytes, LocalizedText]]:
    """Yields pretty-printed forms of common libraries, with LF and with Windows line ends."""
    for escaped in (False, True):
        compact = _dump(value, ordered=False, blanks=False, escaped=escaped)
        try:
            found = _layouts(compact)
        except msgspec.DecodeError:  # A number too large for a float became `Infinity`.
            return
        for form, layouts in found.items():
            words = LocalizedText(
                f"签名用的是带缩进和换行的 JSON ({form}), 与发送的不同; 应对实际发送的字节签名",
                f"signed over pretty-printed JSON ({form}) that is not what was sent; sign the very bytes that are sent",
            )
            for layout in layouts:
                yield layout, words
                yield layout.replace(b"\n", b"\r\n"), words
        if not escaped:
            jackson = _jackson(value, "\n").encode("utf-8", "replace")
            words = LocalizedText(
                "签名用的是 Jackson 带缩进和换行的 JSON, 与发送的不同; 应对实际发送的字节签名",
                "signed over JSON as Jackson pretty-prints it, which is not what was sent; sign the very bytes that are sent",
            )
            yield jackson, words
            yield jackson.replace(b"\n", b"\r\n"), words


def _layouts(compact: bytes) -> dict[str, list[bytes]]:
    two = msgspec.json.format(compact, indent=2)
    four = msgspec.json.format(compact, indent=4)
    tabs = two.replace(b"\n  ", b"\n\t")
    while b"\t  " in tabs:  # Tabs occur only in indentation: in strings they are escaped.
        tabs = tabs.replace(b"\t  ", b"\t\t")
    capitals = _hex_digits(lambda found: found[0][:2] + found[0][2:].upper(), two)
    return {
        "2": list(dict.fromkeys((two, capitals))),
        "4": list(dict.fromkeys((four, four.replace(b"/", b"\\/")))),
        "Tab": [tabs, _names(lambda found: found[1], tabs)],
    }


def _jackson(value: Any, line: str) -> str:
    """Formats JSON like Jackson: blanks around colons, arrays on one line."""
    if isinstance(value, dict) and value:
        inner = line + "  "
        members = [f"{inner}{_scalar(name)} : {_jackson(one, inner)}" for name, one in value.items()]
        return "{" + ",".join(members) + line + "}"
    if isinstance(value, list) and value:
        return "[ " + ", ".join([_jackson(one, line) for one in value]) + " ]"
    return {"{}": "{ }", "[]": "[ ]"}.get(text := _scalar(value), text)


def _as_pairs(source: bytes) -> Iterator[tuple[bytes, LocalizedText]]:
    """Yields `complete=0&park_uuid=…&row=[…]`: sorted or not, with or without empty members, rows as sent or rewritten."""
    try:
        members = {name: bytes(raw) for name, raw in _members(source).items()}
    except msgspec.DecodeError:
        return
    texts: list[dict[str, str]] = [{}, {}, {}]
    for name, raw in members.items():
        value = json.loads(raw)
        is_text = isinstance(value, str)
        texts[0][name] = value if is_text else raw.decode()
        texts[1][name] = value if is_text else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        texts[2][name] = value if is_text else json.dumps(value, ensure_ascii=False)
    for pairs in texts:
        for names in (sorted(pairs), list(pairs)):
            for kept in (names, [name for name in names if pairs[name] not in ("", "null")]):
                yield "&".join(f"{name}={pairs[name]}" for name in kept).encode("utf-8", "replace"), _PAIRS
