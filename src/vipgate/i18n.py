"""Texts in Chinese and English: the language of this process or call, pairs of texts, and the translation of messages.

`tr` translates messages: the English text in the code is the key, a catalogue has the Chinese. The language is that of the
current context, such as one request of a page, or else that of the process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Language = Literal["zh", "en"]

LANGUAGES_CHARS_MAX = 256

_in_context: ContextVar[Language | None] = ContextVar("vipgate_language", default=None)
_of_process: list[Language] = ["en"]
_chinese: dict[str, str] = {}


def accepted_language(header: str | None) -> Language:
    """Returns "en" where the `Accept-Language` header lists English before Chinese, else "zh"."""
    return "zh" if header is None else _first_supported(header[:LANGUAGES_CHARS_MAX])


@lru_cache(maxsize=256)
def _first_supported(header: str) -> Language:
    for entry in header.lower().split(","):
        tag = entry.partition(";")[0].strip()
        if tag.startswith("en"):
            return "en"
        if tag.startswith("zh"):
            return "zh"
    return "zh"


def set_language(language: Language) -> None:
    """Sets the language of the process. Threads use it, unless they run in a context with a language of its own."""
    _of_process[0] = language


@contextmanager
def language_of_context(language: Language) -> Iterator[None]:
    """Sets the language of the current context only, such as one request."""
    token = _in_context.set(language)
    try:
        yield
    finally:
        _in_context.reset(token)


def current_language() -> Language:
    """Returns the language of the context, or else of the process."""
    return _in_context.get() or _of_process[0]


def register_chinese(catalogue: Mapping[str, str]) -> None:
    """Adds translations: English template → Chinese template with the same {names}."""
    _chinese.update(catalogue)


def tr(template: str, /, **values: object) -> str:
    """Returns `template` in the current language with `values` filled in. A template without a translation stays English.

    Without values nothing is filled in, so braces in such a text stand for themselves.
    """
    found = _chinese.get(template, template) if current_language() == "zh" else template
    return found.format(**values) if values else found


def translatable(template: str) -> str:
    """Marks a text that `tr` translates where it is used, such as one of a table that is made at import."""
    return template


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """One text in Chinese and English."""

    zh: str
    en: str

    def text(self, language: Language | None = None) -> str:
        """Returns the text in `language`, by default the current one."""
        return self.en if (language or current_language()) == "en" else self.zh
