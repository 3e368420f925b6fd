"""Writes docs/cli.md from the commands themselves. `make cli-docs` runs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

import typer
from typer.core import TyperGroup

from vipgate.cli.app import command_line

HEAD: Final = """# Commands

`make cli-docs` writes this page from the commands; `vipgate COMMAND --help` shows the same.
[Settings](settings.md) lists the settings of `vipgate serve` with their defaults.
"""


def reference() -> str:
    """Returns the page as Markdown: a section for each command, a table of its arguments and options."""
    root = typer.main.get_command(command_line())
    return HEAD + "".join(_sections(typer.Context(root, info_name="vipgate"), level=2))


def _sections(parent: typer.Context, level: int) -> Iterator[str]:
    group = parent.command
    if not isinstance(group, TyperGroup):
        return
    for name, command in group.commands.items():
        context = typer.Context(command, parent=parent, info_name=name)
        yield f"\n{'#' * level} {context.command_path}\n\n{command.help}\n"
        if not isinstance(command, TyperGroup):
            usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
            # typer writes required arguments in braces; documents do not.
            yield f"\n    {usage.translate({ord('{'): None, ord('}'): None})}\n\n| argument or option | meaning |\n|---|---|\n"
            yield from (_row(*record) for item in command.params if (record := item.get_help_record(context)))
        yield from _sections(context, level + 1)


def _row(name: str, text: str) -> str:
    cells = [cell.replace("|", "\\|") for cell in (f"`{name}`", " ".join(text.split()))]
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
