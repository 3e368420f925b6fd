"""Reads and validates form fields; collects an error for each invalid field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from ipaddress import ip_network
from typing import Final
from urllib.parse import parse_qsl

from vipgate.errors import truncate
from vipgate.i18n import LocalizedText

FIELDS_MAX: Final = 200
_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)").fullmatch
_ITEMS = re.compile(r"[\s,;，；]+")


class FormData:
    """The fields of a form or query. Reading them adds to `errors`."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self.values: Mapping[str, str] = dict(pairs)
        self.errors: dict[str, LocalizedText] = {}

    @classmethod
    def parse(cls, text: str, fields_max: int = FIELDS_MAX) -> FormData:
        """Parses a query or urlencoded body. Raises ValueError for too many fields."""
        return cls(parse_qsl(text, keep_blank_values=True, max_num_fields=fields_max))

    def get(self, name: str) -> str:
        """Returns the last value of `name`, stripped; empty if there is none."""
        return self.values.get(name, "").strip()

    def raw(self, name: str) -> str:
        """Returns the last value as sent: for passwords and bodies."""
        return self.values.get(name, "")

    def all(self, name: str) -> list[str]:
        """Returns every value of `name`: for checkboxes."""
        return [value for key, value in self._pairs if key == name]

    def ticked(self, name: str) -> bool:
        """Whether a checkbox is ticked."""
        return name in self.values

    def fault(self, name: str, zh: str, en: str) -> None:
        """Adds an error to a field; the first one stays."""
        self.errors.setdefault(name, LocalizedText(zh, en))

    def text(self, name: str, chars_max: int, *, needed: bool = False) -> str:
        """Reads a line of text."""
        text = self.get(name)
        if needed and not text:
            self.fault(name, "必填", "required")
        if len(text) > chars_max:
            self.fault(name, f"最多 {chars_max} 个字符", f"at most {chars_max} characters")
        if not text.isprintable():
            self.fault(name, "含有不可见字符", "holds characters that cannot be printed")
        return text

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """Reads one of `allowed`."""
        text = self.get(name)
        if text not in allowed:
            self.fault(name, "请选择其中一项", "choose one of these")
        return text

    def whole(self, name: str, least: int, most: int) -> int | None:
        """Reads an integer; None if the field is empty."""
        text = self.get(name)
        if not text:
            return None
        if text.isascii() and text.isdigit() and len(text) <= 18 and least <= int(text) <= most:
            return int(text)
        self.fault(name, f"应为 {least} 到 {most} 的整数", f"must be a whole number from {least} to {most}")
        return None

    def day(self, name: str) -> int | None:
        """Reads a Beijing day, in days since 1970-01-01; None if the field is empty."""
        text = self.get(name)
        if not text:
            return None
        found = _DAY(text)
        try:
            if found is not None and text.isascii() and int(found[1]) >= 1970:
                return (date(int(found[1]), int(found[2]), int(found[3])) - date(1970, 1, 1)).days
        except ValueError:
            pass
        self.fault(name, "应为日期，例如 2026-11-24", "must be a day such as 2026-11-24")
        return None

    def networks(self, name: str, items_max: int) -> tuple[str, ...]:
        """Reads addresses and networks, separated by blanks, commas, semicolons or newlines."""
        items = [item for item in _ITEMS.split(self.get(name)) if item]
        if len(items) > items_max:
            self.fault(name, f"最多 {items_max} 项", f"at most {items_max} entries")
            return ()
        found = []
        for item in items:
            try:
                found.append(str(ip_network(item)))
            except ValueError:
                shown = truncate(item)
                self.fault(
                    name,
                    f"{shown} 不是地址或网段；例如 10.0.0.7 或 10.0.0.0/24",
                    f"{shown} is no address or network; write 10.0.0.7 or 10.0.0.0/24",
                )
        return tuple(found)
