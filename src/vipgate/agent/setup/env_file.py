"""Writes secrets into the `.env` file next to the configuration, so that the configuration itself holds none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vipgate.agent.toml_reader import VARIABLES_CHARS_MAX
from vipgate.errors import UsageError
from vipgate.i18n import tr
from vipgate.support.private_files import write_file

SECRET_NAME: Final = "VIPGATE_PARK_SECRET"
DATABASE_NAME: Final = "VIPGATE_SOURCE_DATABASE"


def env_path(config: Path) -> Path:
    """The file from which `env:NAME` is read."""
    return config.with_suffix(".env")


def write_variable(config: Path, name: str, value: str) -> None:
    """Sets a variable; all other lines stay. Raises UsageError."""
    path = env_path(config)
    if any(character in value for character in "\r\n\0") or value != value.strip() or value[:1] in ('"', "'"):
        raise UsageError(tr("{name} must be one line without blanks or quotes at its ends.", name=name))
    try:
        text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
        if len(text) > VARIABLES_CHARS_MAX:
            raise UsageError(tr("{path} is too long; shorten it.", path=path))
        kept = [line for line in text.splitlines() if line.partition("=")[0].strip() != name]
        write_file(path, "\n".join([*kept, f"{name}={value}", ""]).encode())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            tr(
                "Cannot write {path}: {reason}; give the agent's user the right to write its folder.",
                path=path,
                reason=error,
            )
        ) from None
