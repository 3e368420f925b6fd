"""The startup task of Windows, as the Task Scheduler reads it, and the language of both kinds of service."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path, PureWindowsPath
from typing import Any
from xml.etree import ElementTree

import pytest

from vipgate.agent.service_unit import service_commands, systemd_unit, windows_task

SPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def task() -> ElementTree.Element:
    config: Any = PureWindowsPath(r"D:\停车 场\park.toml")
    text = windows_task(config, config.with_suffix(".spool"), language="zh")
    return ElementTree.fromstring(text.partition("?>")[2])  # noqa: S314 - our own text


def test_task_is_started_again_for_ever_and_never_twice_at_once() -> None:
    found = task()
    repetition = found.find(f"{SPACE}Triggers/{SPACE}TimeTrigger/{SPACE}Repetition")
    assert repetition is not None
    assert {one.tag.removeprefix(SPACE): one.text for one in repetition} == {
        "Interval": "PT1M", "StopAtDurationEnd": "false",
    }  # fmt: skip
    assert found.findtext(f"{SPACE}Settings/{SPACE}MultipleInstancesPolicy") == "IgnoreNew"
    assert found.findtext(f"{SPACE}Settings/{SPACE}ExecutionTimeLimit") == "PT0S"
    assert found.find(f"{SPACE}Triggers/{SPACE}BootTrigger") is not None


def test_task_runs_the_agent_with_quoted_paths() -> None:
    found = task()
    arguments = found.findtext(f"{SPACE}Actions/{SPACE}Exec/{SPACE}Arguments")
    assert arguments == r'-m vipgate agent run "D:\停车 场\park.toml" --spool "D:\停车 场\park.spool" --language zh'
    assert found.findtext(f"{SPACE}Actions/{SPACE}Exec/{SPACE}WorkingDirectory") == "D:\\停车 场"


def test_unit_keeps_the_language_of_who_installs_it_unless_the_env_file_names_another() -> None:
    unit = systemd_unit(Path("/p/park.toml"), Path("/p/park.spool"), "parking", language="zh").splitlines()
    assert unit.index("Environment=VIPGATE_LANGUAGE=zh") < unit.index("EnvironmentFile=-/p/park.env")


def test_commands_name_the_whole_path_of_the_program_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    config = tmp_path / "园区 A" / "park.toml"
    install, start = service_commands(config)
    assert shlex.split(install) == [
        "sudo", str(tmp_path / "python3"), "-m", "vipgate", "agent", "install-service", str(config)
    ]  # fmt: skip
    (tmp_path / "vipgate").touch()
    assert shlex.split(service_commands(config)[0])[:3] == ["sudo", str(tmp_path / "vipgate"), "agent"]
    assert start == "sudo systemctl enable --now vipgate-agent-park"
