"""`vipgate agent dead …`: shows, retries and discards rows that the mapping or the platform rejected."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
import typer

from vipgate.agent.config import load_config
from vipgate.agent.dead_letters import retry_dead_letters
from vipgate.agent.models import DeadLetter
from vipgate.agent.opening import opened_spool, source_of
from vipgate.agent.sources.base import shown_place
from vipgate.agent.spool import Spool
from vipgate.cli.agent import ConfigFile, SpoolFile
from vipgate.cli.common import Format, Output, csv_writer, print_json, print_many, print_one, shown_instant
from vipgate.cli.questions import confirm
from vipgate.errors import UsageError
from vipgate.i18n import tr
from vipgate.support.csv_cells import escape_formula

_COLUMNS: Final = ("number", "at", "place", "pay_partner", "reason", "seqno")

dead = typer.Typer(
    no_args_is_help=True, help="Rows that the mapping or the platform rejected; kept until they are sent or discarded."
)

Numbers = Annotated[list[int] | None, typer.Argument(metavar="NUMBER…", help="Numbers, as shown by `list`.")]
All = Annotated[bool, typer.Option("--all", help="All dead letters.")]


def _members(dead_letter: DeadLetter) -> dict[str, Any]:
    return {
        "number": dead_letter.number,
        "at": shown_instant(dead_letter.at_us),
        "place": dead_letter.place,
        "pay_partner": dead_letter.pay_partner,
        "reason": dead_letter.reason,
        "seqno": dead_letter.seqno or None,
        "row": None if dead_letter.row is None else msgspec.json.decode(dead_letter.row),
        "source": None if dead_letter.source is None else msgspec.json.decode(dead_letter.source),
    }


def _shown(members: dict[str, Any]) -> dict[str, Any]:
    """The members for people."""
    return members | {"place": shown_place(members["place"])}


@dead.command("list")
def list_(config: ConfigFile, spool: SpoolFile = None, output: Output = Format.TEXT) -> None:
    """List the dead letters and why each was rejected."""
    with opened_spool(load_config(config), spool) as kept:
        dead_letters = map(_members, kept.dead_letters())
        print_many(map(_shown, dead_letters) if output is Format.TEXT else dead_letters, _COLUMNS, output)


@dead.command()
def show(
    config: ConfigFile,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The dead letter's number.")],
    spool: SpoolFile = None,
    output: Output = Format.TEXT,
) -> None:
    """Show one dead letter: the columns as read, the row as sent."""
    with opened_spool(load_config(config), spool) as kept:
        members = _members(_found(kept, number))
        print_one(_shown(members) if output is Format.TEXT else members, output)


@dead.command()
def export(config: ConfigFile, spool: SpoolFile = None, output: Output = Format.JSONL) -> None:
    """Write the dead letters as JSON lines, or with --format text as CSV."""
    with opened_spool(load_config(config), spool) as kept:
        if output is not Format.TEXT:
            for dead_letter in kept.dead_letters():
                print_json(_members(dead_letter))
            return
        writer = csv_writer()
        writer.writerow([*_COLUMNS, "row", "source"])
        for dead_letter in kept.dead_letters():
            cells = _members(dead_letter) | {
                "row": (dead_letter.row or b"").decode(),
                "source": dead_letter.source or "",
            }
            writer.writerow([escape_formula(cell) for cell in cells.values()])


@dead.command()
def retry(config: ConfigFile, numbers: Numbers = None, all_: All = False, spool: SpoolFile = None) -> None:
    """Read the rows again from the source, with the current mapping, and queue them."""
    settings = load_config(config)
    with opened_spool(settings, spool) as kept:
        dead_letters = _wanted(kept, numbers, all_)
        source = source_of(settings)
        try:
            queued, still = retry_dead_letters(settings, kept, source, dead_letters)
        finally:
            source.close()
    typer.echo(
        tr("{queued} queued, {still} still wrong: vipgate agent run sends what is queued", queued=queued, still=still)
    )


@dead.command()
def discard(
    config: ConfigFile,
    numbers: Numbers = None,
    all_: All = False,
    spool: SpoolFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Delete dead letters. The platform never gets these rows, unless they change at the source."""
    with opened_spool(load_config(config), spool) as kept:
        dead_letters = _wanted(kept, numbers, all_)
        if not yes:
            confirm(tr("Discard {count} dead letters?", count=len(dead_letters)))
        with kept.transaction():
            kept.discard([dead_letter.number for dead_letter in dead_letters])
    typer.echo(tr("{count} discarded", count=len(dead_letters)))


def _found(kept: Spool, number: int) -> DeadLetter:
    dead_letter = kept.dead_letter(number)
    if dead_letter is None:
        raise UsageError(tr("There is no dead letter {number}; see vipgate agent dead list.", number=number))
    return dead_letter


def _wanted(kept: Spool, numbers: list[int] | None, all_: bool) -> list[DeadLetter]:
    if bool(numbers) == all_:
        raise UsageError(tr("Name the dead letters by their numbers, or say --all."))
    return list(kept.dead_letters()) if all_ else [_found(kept, number) for number in numbers or []]
