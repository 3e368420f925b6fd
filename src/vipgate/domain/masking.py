"""Masks plates and cards. Pure."""

from __future__ import annotations

from typing import Final

HIDDEN: Final = "*"


def mask_plate(text: str) -> str:
    """Masks the middle of `text`: 粤B12345 → 粤B***45. Shorter texts show less."""
    size = len(text)
    if size >= 7:
        return _masked(text, 2, 2)
    if size >= 4:
        return _masked(text, 1, 1)
    return _masked(text, 1 if size == 3 else 0, 0)


def mask_card(text: str | None) -> str | None:
    """Masks a card's number or id like a plate; None stays None."""
    return None if text is None else mask_plate(text)


def _masked(text: str, head: int, tail: int) -> str:
    return text[:head] + HIDDEN * (len(text) - head - tail) + text[len(text) - tail :]
