"""Root of the command line: registers the commands and prints their errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from copy import copy
from importlib import import_module
from typing import Annotated, Any, Final

import typer

from vipgate import __version__
from vipgate.cli.language import set_up_language
from vipgate.cli.translated_help import run_translated
from vipgate.errors import VipgateError
from vipgate.i18n import tr
from vipgate.support.address_masking import mask
from vipgate.support.logs import set_up_logs, show_traceback

# Command: the module of this package and the name in it. A group stands before its commands.
_COMMANDS: Final = {
    "serve": "serve.serve",
    "park": "park.park",
    "park generations": "park_snapshots.generations",
    "park restore": "park_snapshots.restore",
    "park held": "park_snapshots.held",
    "park allow-replace": "park_snapshots.allow_replace",
    "park dismiss-replace": "park_snapshots.dismiss_replace",
    "user": "accounts.user",
    "token": "accounts.token",
    "agent": "agent.agent",
    "agent run": "agent_run.run",
    "agent status": "agent_run.status",
    "agent init": "agent_setup.init",
    "agent check": "agent_setup.check",
    "agent verify": "agent_reconcile.verify",
    "agent install-service": "agent_setup.install_service",
    "agent page": "agent_page.page",
    "agent dead": "agent_dead_letters.dead",
    "export": "ledger.export",
    "request": "ledger.request",
    "sign": "ledger.sign_",
    "migrate": "ledger.migrate",
    "backup": "backup.backup",
    "rekey": "rekey.rekey",
    "erase": "accounts.erase",
    "audit": "accounts.audit",
    "copy": "copy.copy_",
    "push": "push.push",
    "demo": "demo.demo",
}


def _root(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    """Keeps a parking platform's ledger of renewals in sync with its car parks."""
    if version:
        typer.echo(f"vipgate {__version__}")
        raise typer.Exit


def command_line(words: Sequence[str] = ()) -> typer.Typer:
    """Returns the command line with the command that the arguments `words` name, else with all.

    To import all commands takes three times as long and as much memory as one of the agent's.
    """
    app = typer.Typer(name="vipgate", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True)(_root)
    groups = {"": app}
    for path in _named_by(words):
        group, _, name = path.rpartition(" ")
        module, _, attribute = _COMMANDS[path].partition(".")
        command: Any = getattr(import_module(f"vipgate.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            groups[path] = _copied(command)
            groups[group].add_typer(groups[path], name=name)
        else:
            groups[group].command(name)(command)
    return app


def _copied(group: typer.Typer) -> typer.Typer:
    """A group to which commands can be added while `group` keeps its own."""
    found = copy(group)
    found.registered_commands = list(group.registered_commands)
    found.registered_groups = list(group.registered_groups)
    return found


def _named_by(words: Sequence[str]) -> list[str]:
    """Commands that `words` begin with, and their group; all where they begin with none."""
    for path in (" ".join(words[:2]), " ".join(words[:1])):
        if path in _COMMANDS:
            return [one for one in _COMMANDS if f"{path} ".startswith(f"{one} ") or one.startswith(f"{path} ")]
    return list(_COMMANDS)


def main() -> None:
    """The `vipgate` command. Prints errors that an operator can fix as one message, with status 1."""
    # Readable tracebacks for commands without a log; the library's own would show the values of variables.
    set_up_logs()
    sys.excepthook = show_traceback
    words = sys.argv[1:]
    set_up_language(words)
    try:
        run_translated(command_line(words))
    except VipgateError as error:
        typer.echo(tr("error: {message}", message=mask(str(error))), err=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of an export has closed the pipe; avoids an error message at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        typer.echo(tr("error: {message}", message=mask(str(error))), err=True)
        sys.exit(1)
