"""The command line registers the command that is named, and all where none is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from vipgate.cli.app import _COMMANDS, command_line


def paths(command: object, before: str = "") -> Iterator[str]:
    if isinstance(command, TyperGroup):
        for name, one in command.commands.items():
            yield f"{before}{name}"
            yield from paths(one, f"{before}{name} ")


@pytest.mark.parametrize("path", _COMMANDS)
def test_named_command_is_found_without_the_others(path: str) -> None:
    command: Any = get_command(command_line([*path.split(), "--help"]))
    assert list(command.commands) == [path.split()[0]]
    for word in path.split():
        assert isinstance(command, TyperGroup)
        command = command.commands[word]


@pytest.mark.parametrize("words", [[], ["--version"], ["pish"], ["--help", "serve"]])
def test_all_commands_are_there_where_none_is_named(words: list[str]) -> None:
    assert set(paths(get_command(command_line(words)))) >= set(_COMMANDS)


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        (["agent", "run"], ["vipgate.gateway", "vipgate.store", "vipgate.admin", "pydantic_settings", "starlette"]),
        (["agent", "page"], ["vipgate.gateway", "vipgate.store", "vipgate.admin", "pydantic_settings"]),
        (["push"], ["vipgate.gateway", "vipgate.store", "vipgate.admin", "pydantic_settings", "starlette"]),
        (["serve"], ["vipgate.agent.sync", "sqlalchemy", "httpx", "jinja2"]),
    ],
)
def test_command_imports_only_what_it_needs(words: list[str], absent: list[str]) -> None:
    code = f"from vipgate.cli.app import command_line\ncommand_line({words!r})\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert not set(done.stdout.split()) & set(absent)
