"""Renders an agent's service definition: a systemd unit, or a Windows startup task."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from vipgate.i18n import Language

UNIT_FOLDER: Final = Path("/etc/systemd/system")


def service_name(config: Path) -> str:
    """The name of the service, derived from the configuration's file name."""
    kept = "".join(character if character.isalnum() and character.isascii() else "-" for character in config.stem)
    return f"vipgate-agent-{kept.strip('-') or 'park'}"


def _program() -> list[str]:
    return [sys.executable, "-m", "vipgate"]


def service_commands(config: Path) -> list[str]:
    """The commands by which a person installs and starts the service, with whole paths: `vipgate` need not be on PATH."""
    beside = Path(sys.executable).with_name("vipgate.exe" if sys.platform == "win32" else "vipgate")
    words = [*([str(beside)] if beside.is_file() else _program()), "agent", "install-service", str(config)]
    if sys.platform == "win32":
        return [subprocess.list2cmdline(words), f"schtasks /run /tn {service_name(config)}"]
    return [f"sudo {shlex.join(words)}", f"sudo systemctl enable --now {service_name(config)}"]


def _escaped(text: str) -> str:
    """Escapes `%`, which systemd expands in every line."""
    return text.replace("%", "%%")


def _quoted(word: str | Path) -> str:
    """Quotes a word of a list, where systemd also interprets quotes and backslashes."""
    escaped = _escaped(str(word)).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def systemd_unit(
    config: Path, spool: Path, user: str, writes: Sequence[Path] = (), *, language: Language = "en"
) -> str:
    """Returns the unit. It may write only the folders of spool, configuration and `writes`, and always restarts.

    The agent writes its log and status in `language`, unless the `.env` file names another.
    """
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
Environment=VIPGATE_LANGUAGE={language}
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


def windows_task(config: Path, spool: Path, *, language: Language = "en") -> str:
    """Returns XML for `schtasks /create /xml`: starts at boot without a login, and within a minute whenever it does not run.

    Restarts after a failure end after 999 of them; a trigger that repeats does not.
    """
    program, *words = _program()
    # A task cannot set variables.
    words += ["agent", "run", str(config), "--spool", str(spool), "--language", language]
    arguments = escape(" ".join(f'"{word}"' if " " in word else word for word in words))
    return f"""<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers>
    <BootTrigger><Enabled>true</Enabled></BootTrigger>
    <TimeTrigger>
      <Repetition><Interval>PT1M</Interval><StopAtDurationEnd>false</StopAtDurationEnd></Repetition>
      <StartBoundary>2020-01-01T00:00:00</StartBoundary>
      <Enabled>true</Enabled>
    </TimeTrigger>
  </Triggers>
  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId><RunLevel>LeastPrivilege</RunLevel></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
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
