"""Shows a value of the wire as people write it: fen as yuan, instants as Beijing times. Pure."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Final

from markupsafe import Markup

from vipgate.support.web.translator import Translator

_MONEY: Final = "pay_value"
_MILLISECONDS: Final = "pay_time"
_INSTANTS: Final = ("renewal_start_time", "renewal_end_time")
_CHARS_MAX: Final = 40


def readable(t: Translator, member: str, sent: object) -> str | Markup:
    """The value as people write it; empty where that is what is sent."""
    text = str(sent)[:_CHARS_MAX]
    # A value that cannot be read is one of a member that the interface let through as it is.
    with suppress(ValueError, OverflowError):
        if member == _MONEY:
            return t("readable.yuan", n=t.money(int(text)))
        if member == _MILLISECONDS:
            return t.time(int(text) * 1000)
        if member in _INSTANTS:
            return t.time(int(datetime.fromisoformat(text).timestamp() * 1_000_000))
    return t.either(f"{member}.{text}", "")
