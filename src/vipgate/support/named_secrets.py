"""Reads secrets that are named as `env:NAME` or `file:PATH`, so that they stand in no command line and no configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from vipgate.errors import UsageError
from vipgate.i18n import tr
from vipgate.support.os_errors import error_reason

CHARS_MAX: Final = 4096


def read_named(text: str, base: Path, variable: Callable[[str], str], unset: Callable[[str], str]) -> str | None:
    """Returns the value that `text` names; None if `text` is the value itself.

    `variable` looks up a variable, `unset` is the message for a missing one. Raises UsageError; messages never show a value.
    """
    kind, _, name = text.partition(":")
    if kind not in ("env", "file"):
        return None
    if not name:
        raise UsageError(tr('"{kind}:" names nothing; write env:NAME or file:PATH', kind=kind))
    value = variable(name) if kind == "env" else _read_file(base / name)
    if not value.strip():
        raise UsageError(
            unset(name) if kind == "env" else tr("{path} is empty; write the value into it", path=base / name)
        )
    return value.rstrip("\r\n")


def _read_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            value = file.read(CHARS_MAX + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error_reason(error)
        raise UsageError(
            tr("cannot read {path}: {reason}; fix the path or its rights", path=path, reason=reason)
        ) from None
    if len(value) > CHARS_MAX:
        raise UsageError(
            tr("{path} holds more than {limit} characters; is it the right file?", path=path, limit=CHARS_MAX)
        )
    if "\n" in value.strip():
        raise UsageError(tr("{path} holds more than one line; write the value alone into it", path=path))
    return value
