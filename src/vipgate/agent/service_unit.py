"""Renders an agent's service definition: a systemd unit, or a Windows startup task."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

UNIT_FOLDER: Final = Path("/etc/systemd/system")


def service_name(config: Path) -> str:
    """The name of the service, derived from the configuration's file name."""
    kept = "".join(character if character.isalnum() and character.isascii() else "-" for character in config.stem)
    return f"vipgate-agent-{kept.strip('-') or 'park'}"


def _program() -> list[str]:
    return [sys.executable, "-m", "vipgate"]


def _escaped(text: str) -> str:
    """Escapes `%`, which systemd expands in every line."""
    return text.replace("%", "%%")


def _quoted(word: str | Path) -> str:
    """Quotes a word of a list, where systemd also interprets quotes and backslashes."""
    escaped = _escaped(str(word)).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def systemd_unit(config: Path, spool: Path, user: str, writes: Sequence[Path] = ()) -> str:
    """Returns the unit. It may write only the folders of spool, configuration and `writes`, and always restarts."""
    words = [*_program(), "agent", "run", str(config), "--spool", str(spool)]
    # In commands, systemd expands `$`.
    command = " ".join(_quoted(word).replace("$", "$$") for word in words)
    # The `-` prefix: a missing folder must not keep the service from starting.
    folders = " ".join(
        [_quoted(spool.parent), _quoted(config.parent), *(_quoted(f"-{path.parent}") for path in writes)]
    )
    return f"""[Unit]
Description=vipgate agent: keeps the parking platform in step with {_escaped(config.stem)}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
User={user}
WorkingDirectory={_escaped(str(config.parent))}
ExecStart={command}
Restart=always
RestartSec=5
TimeoutStopSec=120
EnvironmentFile=-{_escaped(str(config.with_suffix(".env")))}
UMask=0077
NoNewPrivileges=true
ProtectSystem=strict
ReadWritePaths={folders}
PrivateTmp=true
MemoryMax=1G

[Install]
WantedBy=multi-user.target
"""


def windows_task(config: Path, spool: Path) -> str:
    """Returns XML for `schtasks /create /xml`: starts at boot without a login, restarts a minute after a failure."""
    program, *words = _program()
    words += ["agent", "run", str(config), "--spool", str(spool)]
    arguments = escape(" ".join(f'"{word}"' if " " in word else word for word in words))
    return f"""<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers><BootTrigger><Enabled>true</Enabled></BootTrigger></Triggers>
  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId><RunLevel>LeastPrivilege</RunLevel></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>999</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{escape(program)}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{escape(str(config.parent))}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""
