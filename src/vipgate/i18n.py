"""Texts in Chinese and English, and language selection from `Accept-Language`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Language = Literal["zh", "en"]

LANGUAGES_CHARS_MAX = 256


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


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """One text in Chinese and English."""

    zh: str
    en: str

    def text(self, language: Language) -> str:
        """Returns the text in `language`."""
        return self.en if language == "en" else self.zh
