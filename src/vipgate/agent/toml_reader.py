"""Reads a table of a TOML file: takes and checks values by key, collects errors with remedies."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vipgate.errors import UsageError
from vipgate.i18n import tr
from vipgate.support.named_secrets import read_named
from vipgate.support.os_errors import error_reason

VARIABLES_CHARS_MAX: Final = 64 * 1024
INTEGER_MAX: Final = 2**63 - 1

Scalar = str | int | float


class EnvFile:
    """Resolves `env:NAME`: process variables first, then a file in systemd's format."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._in_file: dict[str, str] = {}
        self._trouble = ""
        try:
            with path.open(encoding="utf-8-sig") as file:
                text = file.read(VARIABLES_CHARS_MAX + 1)
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            self._trouble = tr(" (cannot read {name}: {reason})", name=path.name, reason=error_reason(error))
            return
        if len(text) > VARIABLES_CHARS_MAX:
            self._trouble = tr(
                " ({name} holds more than {limit} characters and was not read)",
                name=path.name,
                limit=VARIABLES_CHARS_MAX,
            )
            return
        for line in map(str.strip, text.splitlines()):
            name, equals, value = line.partition("=")
            if equals and not line.startswith(("#", ";")):
                self._in_file[name.strip()] = _unquoted(value.strip())

    def get(self, name: str) -> str:
        """The variable's value; empty if unset."""
        return (os.environ.get(name) or self._in_file.get(name, "")).strip()

    def remedy(self, name: str) -> str:
        """The error text for an unset variable."""
        return tr(
            "the variable {name} is not set; set it, or write {name}=… into {path}{trouble}, or use file:PATH",
            name=name,
            path=self.path,
            trouble=self._trouble,
        )


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


class TomlTableReader:
    """The members of one table. Errors go into `faults` with place, remedy and raw value."""

    def __init__(self, name: str, members: Mapping[str, Any], faults: list[str], variables: EnvFile) -> None:
        self._name = name
        self._members = dict(members)
        self._known: list[str] = []
        self._faults = faults
        self._variables = variables

    def fault(self, key: str, remedy: str, got: object = None) -> None:
        """Adds an error about `key`."""
        place = f"{self._name}.{key}" if self._name else key
        if got is None:
            self._faults.append(f"{place}: {remedy}")
        else:
            self._faults.append(tr("{place}: {remedy}, got {value!r}", place=place, remedy=remedy, value=got))

    def any(self, key: str) -> Any:
        """Takes the raw value; None if missing."""
        self._known.append(key)
        return self._members.pop(key, None)

    def has(self, key: str) -> bool:
        """Whether the key is present; does not take the value."""
        self._known.append(key)
        return key in self._members

    def rest(self) -> dict[str, Any]:
        """Takes all values not taken yet."""
        found, self._members = self._members, {}
        return found

    def refuse_rest(self) -> None:
        """Adds an error for each value not taken, with the nearest known name."""
        for key in self._members:
            near = difflib.get_close_matches(key, self._known, 1)
            remedy = tr("there is no such setting; known: {names}", names=", ".join(dict.fromkeys(self._known)))
            if near:
                remedy = tr("there is no such setting; did you mean {name}?", name=near[0])
            self.fault(key, remedy)

    def table(self, key: str, *, needed: bool = True) -> TomlTableReader:
        """Takes the table under `key`; an empty one if missing."""
        found = self.any(key)
        if found is None and needed:
            self.fault(key, tr("the table [{key}] is missing", key=key))
        elif found is not None and not isinstance(found, dict):
            self.fault(key, tr("must be a table, [{key}]", key=key), found)
        return self.nested(key, found if isinstance(found, dict) else {})

    def nested(self, name: str, members: Mapping[str, Any]) -> TomlTableReader:
        """A reader for a nested table, by its full name."""
        return TomlTableReader(name, members, self._faults, self._variables)

    def tables(self, key: str) -> list[TomlTableReader]:
        """Takes the array of tables under `key`."""
        found = self.any(key) or []
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self.fault(key, tr("must be written as [[{key}]]", key=key), found)
            return []
        return [self.nested(f"{key}[{place}]", one) for place, one in enumerate(found)]

    def text(self, key: str, default: str | None = None, *, chars_max: int = 100_000) -> str:
        """Takes a non-blank text, trimmed."""
        found = self.any(key)
        if found is None:
            if default is None:
                self.fault(key, tr("is missing"))
            return default or ""
        if not isinstance(found, str) or not found.strip() or len(found) > chars_max:
            self.fault(key, tr("must be a text of 1 to {limit} characters", limit=chars_max), found)
            return default or ""
        return found.strip()

    def optional(self, key: str) -> str | None:
        """Takes a text; None if missing."""
        return self.text(key) if self.has(key) else None

    def integer(self, key: str, default: int, *, low: int, high: int = INTEGER_MAX) -> int:
        """Takes a whole number."""
        found = self.any(key)
        if found is None:
            return default
        if not isinstance(found, int) or isinstance(found, bool) or not low <= found <= high:
            remedy = tr("must be a whole number from {low} to {high}", low=low, high=high)
            if high == INTEGER_MAX:
                remedy = tr("must be a whole number of at least {low}", low=low)
            self.fault(key, remedy, found)
            return default
        return found

    def number(self, key: str, default: float, *, low: float, high: float) -> float:
        """Takes a number."""
        found = self.any(key)
        if found is None:
            return default
        if not isinstance(found, int | float) or isinstance(found, bool) or not low <= found <= high:
            self.fault(key, tr("must be a number from {low:g} to {high:g}", low=low, high=high), found)
            return default
        return float(found)

    def scalar(self, key: str) -> Scalar | None:
        """Takes a text or a number; None if missing."""
        found = self.any(key)
        if found is not None and not is_scalar(found):
            self.fault(key, tr("must be a text or a number"), found)
            return None
        return found  # type: ignore[no-any-return]

    def time_zone(self, key: str, default: str) -> str:
        """Takes the name of a time zone."""
        name = self.text(key, default)
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            self.fault(key, tr("is no time zone; for example Asia/Shanghai"), name)
            return default
        return name

    def path(self, key: str, base: Path) -> Path | None:
        """Takes a path, relative to `base`; None if missing."""
        found = self.optional(key)
        if found is not None and "\0" in found:
            # No system call takes it: Python raises ValueError instead of OSError.
            self.fault(key, tr("must be a path"), found[:100])
            return None
        return None if found is None else base / found

    def resolved(self, key: str, base: Path) -> str:
        """Takes a text given directly, as `env:NAME` or as `file:PATH`. Errors never show its value."""
        text = self.any(key)
        if not isinstance(text, str) or not text.strip():
            self.fault(
                key,
                tr("is missing") if text is None else tr("must be a text: env:NAME, file:PATH, or the value itself"),
            )
            return ""
        try:
            named = read_named(text.strip(), base, self._variables.get, self._variables.remedy)
        except UsageError as error:
            self.fault(key, str(error))
            return ""
        return text.strip() if named is None else named.strip()


def is_scalar(value: object) -> bool:
    """Whether `value` is a text or a number that JSON can hold."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) <= INTEGER_MAX
    return isinstance(value, str) or (isinstance(value, float) and math.isfinite(value))
