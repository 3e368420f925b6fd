"""Asks for a confirmation in the language of the command."""

from __future__ import annotations

import typer

from vipgate.i18n import tr

_YES = ("y", "yes", "是")
_NO = ("", "n", "no", "否")


def confirm(question: str) -> None:
    """Asks until the answer is yes or no. Raises Abort unless it is yes."""
    while True:
        answer = str(typer.prompt(f"{question} [y/N]", default="", show_default=False)).strip().lower()
        if answer in _YES:
            return
        if answer in _NO:
            raise typer.Abort
        typer.echo(tr("Please answer y or n."), err=True)
