"""The protocol pages have every hint that the gateway gives to a push, and no other."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from functools import cache

import pytest

from support.protocol_page import BOTH, CHINESE, FULL_ROW, ROOT, Document, hint_of, sent, span, spans
from support.protocol_pipeline import request, request_of
from vipgate.errors import FIELD_ERRORS_SHOWN_MAX, VALUE_SHOWN_CHARS_MAX, FieldError, format_field_errors
from vipgate.gateway.http.headers import (
    body_too_large,
    body_too_slow,
    head_too_large,
    request_timeout,
    validate_headers,
)
from vipgate.gateway.http.messages import HttpLimits
from vipgate.i18n import Language, LocalizedText
from vipgate.protocol.row import EXTRA_BYTES_MAX
from vipgate.protocol.signature_hmac import WINDOW_S, WebhookSignature, header_error, timestamp_error
from vipgate.protocol.signature_md5 import DIAGNOSIS_BYTES_MAX

SOURCE = ROOT / "src" / "vipgate"
LIMITS = HttpLimits()
NOW_S = 1_795_492_800


@BOTH
def test_hints_are_listed_as_the_page_says(page: Document) -> None:
    words = LocalizedText("应为 0 或 1", "must be 0 or 1")
    rest = 5
    lines = (
        format_field_errors([FieldError("x", words, "y" * 99)] * (FIELD_ERRORS_SHOWN_MAX + rest))
        .text(page.language)
        .splitlines()
    )
    said = page.section("7.1")
    assert lines[-1] in spans(said)
    assert re.search(rf"\b{FIELD_ERRORS_SHOWN_MAX} ", said)
    assert re.search(rf"\b{VALUE_SHOWN_CHARS_MAX} ", said)
    assert f"{DIAGNOSIS_BYTES_MAX // 1024} KiB" in page.section("7.5")


@BOTH
def test_hints_with_numbers_have_the_gateway_s(page: Document) -> None:
    hints = [
        head_too_large(LIMITS.head_bytes_max).hint,
        body_too_large(LIMITS.body_bytes_max).hint,
        request_timeout(LIMITS.request_timeout_s).hint,
        body_too_slow(LIMITS.bytes_a_second_min, LIMITS.pause_s).hint,
        header_error(WebhookSignature("", "1", "v1,")),
        header_error(WebhookSignature("i", "x", "v1,")),
        timestamp_error(WebhookSignature("i", str(NOW_S - 512), "v1,"), NOW_S, WINDOW_S),
        timestamp_error(WebhookSignature("i", str(NOW_S * 1000), "v1,"), NOW_S, WINDOW_S),
        *[
            refusal.hint
            for refusal in (
                validate_headers({b"host": b"p", b"content-encoding": b"gzip"}, "1.1", b""),
                validate_headers({b"transfer-encoding": b"chunked"}, "1.0", b""),
                validate_headers({}, "1.1", b""),
                validate_headers({}, "1.1", b"authorization"),
            )
            if refusal is not None
        ],
    ]
    shown = set(spans(page.section("7.2") + page.section("7.6")))
    assert [hint for hint in hints if hint is None or hint.text(page.language) not in shown] == []
    assert len(hints) == 12


# What a client of the push never reads: other programs and ports, and the digests, which docs/digest.md describes.
ELSEWHERE = {"agent", "admin", "cli", "domain", "support", "reconcile", "replay", "erasure", "async_pool", "queries"}


# The parser of the whole request refuses these before a row is read.
NEVER_REACHED = {
    re.escape("含有无效的转义或半个代理对"),
    re.escape("holds a broken escape or half a surrogate pair"),
}


@dataclass(frozen=True)
class CodeText:
    """A text in the source that a client may read, as a pattern with anything in place of what is filled in."""

    place: str
    language: Language
    pattern: str


def pattern_of(node: ast.expr) -> str:
    """A string in the source as a pattern, empty for any other expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"[^\n`]*?" for part in parts)


def texts_in(node: ast.AST) -> list[tuple[Language, str]]:
    """The texts in one node: a call with one in Chinese and one in English, `zh = …` and `en = …`, or a list of parts."""
    if isinstance(node, ast.Call) and len(node.args) >= 2:
        zh, en = map(pattern_of, node.args[:2])
        return [("zh", zh), ("en", en)] if CHINESE.search(zh) else []
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        language = LANGUAGES.get(node.targets[0].id)
        return [(language, pattern_of(node.value))] if language is not None else []
    parts = map(pattern_of, node.elts) if isinstance(node, ast.List) else ()
    return [("zh", part) for part in parts if CHINESE.search(part)]


LANGUAGES: dict[str, Language] = {"zh": "zh", "en": "en"}


@cache
def code_texts() -> list[CodeText]:
    found = []
    for file in sorted(SOURCE.rglob("*.py")):
        module = file.relative_to(SOURCE).with_suffix("")
        if not ELSEWHERE.isdisjoint(module.parts):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            place = f"{module}:{getattr(node, 'lineno', 0)}"
            found += [CodeText(place, *text) for text in texts_in(node) if text[1] and text[1] not in NEVER_REACHED]
    return found


@BOTH
def test_every_text_of_the_gateway_stands_on_the_page(page: Document) -> None:
    texts = [one for one in code_texts() if one.language == page.language]
    assert len(texts) > 90
    assert [(one.place, one.pattern) for one in texts if not re.search(one.pattern, page.text)] == []


HINT_SECTIONS = ["2.2", "3.5", "7.2", "7.3", "7.4", "7.5", "7.6", "7.7"]
FRAME = re.compile(r"(?:(?:row\[\d+\](?:\.\w+)?|[\w-]+): )?(.*?)(?:, (?:收到|got) .*)?", re.DOTALL)


@BOTH
@pytest.mark.parametrize("number", HINT_SECTIONS)
def test_every_hint_on_the_page_is_one_that_the_gateway_gives(page: Document, number: str) -> None:
    patterns = [re.compile(one.pattern) for one in code_texts() if one.language == page.language]

    def is_given(hint: str) -> bool:
        bare = FRAME.fullmatch(hint)
        forms = {hint, hint.partition(": ")[2], *(bare.groups() if bare else ())}
        return any(pattern.fullmatch(form) for pattern in patterns for form in forms)

    column = 1 if number in ("2.2", "3.5") else 0
    hints = [span(row[column]) for row in page.table(number)]
    assert hints
    assert [hint for hint in hints if not is_given(hint)] == []


@BOTH
def test_rows_of_one_request_are_refused_with_the_words_of_the_page(page: Document) -> None:
    first, second, third = ({**FULL_ROW, "pay_partner": one} for one in ("P1", "P2", "P1"))
    twice = hint_of(request(first, second, {**third, "quantity": 2}), page.language)
    nameless = hint_of(
        request({**first, "pay_partner": "无"}, second, {**third, "pay_partner": "无", "quantity": 2}), page.language
    )
    reference = hint_of(request_of(json.dumps(first).encode(), b'{"$ref":"$.row[0]"}'), page.language)
    extra = hint_of(sent('"x":"' + "a" * (EXTRA_BYTES_MAX + 1 - len('{"x":""}')) + '"'), page.language)
    assert {twice, nameless, reference, extra} == {span(row[0]) for row in page.table("7.4")}
