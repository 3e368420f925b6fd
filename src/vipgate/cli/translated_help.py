"""Translates what typer itself says: usage, headings of the help, errors of arguments.

typer has no translations, and makes its sentences from its own f-strings. Texts of the help are replaced in the commands
before they run; an error is recognised by its form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, Final

import typer
from typer import rich_utils
from typer.core import TyperGroup
from typer.main import get_command

from vipgate.i18n import current_language, tr, translatable

# Constants of typer's help, by the names that they have there.
_FIXED: Final = {
    "DEFAULT_STRING": translatable("[default: {}]"),
    "ENVVAR_STRING": translatable("[env var: {}]"),
    "REQUIRED_LONG_STRING": translatable("[required]"),
    "ARGUMENTS_PANEL_TITLE": translatable("Arguments"),
    "OPTIONS_PANEL_TITLE": translatable("Options"),
    "COMMANDS_PANEL_TITLE": translatable("Commands"),
    "ERRORS_PANEL_TITLE": translatable("Error"),
    "ABORTED_TEXT": translatable("Aborted."),
    "RICH_HELP": translatable("Try [blue]'{command_path} {help_option}'[/] for help."),
}
_USAGE: Final = translatable("Usage: ")
_HELP: Final = translatable("Show this message and exit.")
# Sentences of typer and of pydantic, which checks the values for it. The first that fits counts.
_SENTENCES: Final = (
    translatable("Missing argument {name}."),
    translatable("Missing option {name}."),
    translatable("Missing command."),
    translatable("Invalid value for {name}: {reason}"),
    translatable("Invalid value: {reason}"),
    translatable("No such command {name}."),
    translatable("No such option: {name} (Possible options: {names})"),
    translatable("No such option: {name}"),
    translatable("Option {name} requires an argument."),
    translatable("Option {name} does not take a value."),
    translatable("Got unexpected extra argument(s) ({names})"),
    translatable("Input should be a valid integer, unable to parse string as an integer"),
    translatable("Input should be greater than or equal to {number}"),
    translatable("Input should be less than or equal to {number}"),
    translatable("Value error, {value} is not one of {values}."),
    translatable("Input should be {values}"),
)


_HelpFormatter: Any = typer.Context.formatter_class


class _Formatter(_HelpFormatter):  # type: ignore[misc]
    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or tr(_USAGE))


class _Context(typer.Context):
    formatter_class = _Formatter


def run_translated(app: typer.Typer) -> None:
    """Runs the command line in the current language."""
    if current_language() == "en":
        app()
        return
    for name, text in _FIXED.items():
        setattr(rich_utils, name, tr(text))
    make_text = rich_utils._make_rich_text  # noqa: SLF001 - typer has no setting for it
    setattr(rich_utils, "_make_rich_text", lambda **words: _folded(make_text(**words)))  # noqa: B010 - not ours
    show = rich_utils.rich_format_error
    setattr(rich_utils, "rich_format_error", lambda error: show(_translated_error(error)))  # noqa: B010 - not ours
    translated_command(app)()


def _folded(text: Any) -> Any:
    """A text that is broken where its column ends. Chinese has no blanks: rich would cut it off there."""
    text.overflow = "fold"
    return text


def translated_command(app: typer.Typer) -> Any:
    """The command of `app` with the texts of its help in the current language."""
    root = get_command(app)
    for command in _all_commands(root):
        _translate_command(command)
    return root


def _all_commands(command: Any) -> Iterator[Any]:
    yield command
    if isinstance(command, TyperGroup):
        for one in command.commands.values():
            yield from _all_commands(one)


def _translate_command(command: Any) -> None:
    command.context_class = _Context
    command.help = tr(command.help or "")
    command.options_metavar = tr(command.options_metavar)
    if isinstance(command, TyperGroup):
        command.subcommand_metavar = tr(command.subcommand_metavar)
    help_option = command.get_help_option(typer.Context(command))
    for item in (*command.params, help_option):
        if item is not None and item.help:
            item.help = tr(item.help)


def _translated_error(error: Any) -> Any:
    """The error with its sentence translated."""
    error.format_message = partial(sentence, error.format_message())
    return error


def sentence(text: str) -> str:
    """A finished sentence of typer in the current language; as it is where its form is not known."""
    for template in _SENTENCES:
        found = _pattern(template)(text)
        if found is not None:
            return tr(template, **{name: sentence(value) for name, value in found.groupdict().items()})
    return text


@cache
def _pattern(template: str) -> Callable[[str], re.Match[str] | None]:
    parts = re.split(r"(\{\w+\})", template)
    written = [f"(?P<{part[1:-1]}>.+)" if part.startswith("{") else re.escape(part) for part in parts]
    return re.compile("".join(written), re.DOTALL).fullmatch
