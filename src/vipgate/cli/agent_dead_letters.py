"""`vipgate agent dead …`: shows, retries and discards rows that the mapping or the platform rejected."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any, Final

import msgspec
import typer

from vipgate.agent.config import Config, load_config
from vipgate.agent.mapping.reader import Reader
from vipgate.agent.models import DeadLetter, OutboxRow, Rejection
from vipgate.agent.sources.base import Source
from vipgate.agent.spool import Spool
from vipgate.cli.agent import ConfigFile, SpoolFile, opened_spool, source_of
from vipgate.cli.common import Format, Output, csv_writer, print_json, print_many, print_one, shown_instant
from vipgate.clock import clock_us
from vipgate.errors import UsageError

ROWS_A_PAGE: Final = 2_000
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


@dead.command("list")
def list_(config: ConfigFile, spool: SpoolFile = None, output: Output = Format.TEXT) -> None:
    """List the dead letters and why each was rejected."""
    with opened_spool(load_config(config), spool) as kept:
        print_many(map(_members, kept.dead_letters()), _COLUMNS, output)


@dead.command()
def show(
    config: ConfigFile,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The dead letter's number.")],
    spool: SpoolFile = None,
    output: Output = Format.TEXT,
) -> None:
    """Show one dead letter: the columns as read, the row as sent."""
    with opened_spool(load_config(config), spool) as kept:
        print_one(_members(_found(kept, number)), output)


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
            # A cell that begins like a formula must not become one.
            writer.writerow([f"'{cell}" if str(cell)[:1] in "=+-@\t" else cell for cell in cells.values()])


@dead.command()
def retry(config: ConfigFile, numbers: Numbers = None, all_: All = False, spool: SpoolFile = None) -> None:
    """Read the rows again from the source, with the current mapping, and queue them."""
    settings = load_config(config)
    with opened_spool(settings, spool) as kept:
        dead_letters = _wanted(kept, numbers, all_)
        source = source_of(settings)
        try:
            queued, still = _again(settings, kept, source, dead_letters)
        finally:
            source.close()
    typer.echo(f"{queued} queued, {still} still wrong: vipgate agent run sends what is queued")


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
            typer.confirm(f"Discard {len(dead_letters)} dead letters?", abort=True)
        with kept.transaction():
            kept.discard([dead_letter.number for dead_letter in dead_letters])
    typer.echo(f"{len(dead_letters)} discarded")


def _found(kept: Spool, number: int) -> DeadLetter:
    dead_letter = kept.dead_letter(number)
    if dead_letter is None:
        raise UsageError(f"There is no dead letter {number}; see vipgate agent dead list.")
    return dead_letter


def _wanted(kept: Spool, numbers: list[int] | None, all_: bool) -> list[DeadLetter]:
    if bool(numbers) == all_:
        raise UsageError("Name the dead letters by their numbers, or say --all.")
    return list(kept.dead_letters()) if all_ else [_found(kept, number) for number in numbers or []]


def _again(settings: Config, kept: Spool, source: Source, dead_letters: list[DeadLetter]) -> tuple[int, int]:
    """Returns how many were queued and how many are still wrong. A row missing in the source is queued as it was sent."""
    reader = Reader(settings, source.columns, "zh")
    wanted = {dead_letter.identity: dead_letter for dead_letter in dead_letters}
    since_us = clock_us()
    queued = still = 0
    for ready, wrong in _read_again(reader, source, set(wanted)):
        found = [one.identity for one in wrong] + [key for one in ready for key in (one.pay_partner, one.place)]
        found_dead = [wanted.pop(key) for key in dict.fromkeys(found) if key in wanted]
        with kept.transaction():
            kept.queue_unless_read(ready, since_us)
            kept.forget_sent([dead_letter.identity for dead_letter in found_dead])
            kept.add_dead_letters(wrong)
            kept.discard([one.number for one in found_dead if one.identity not in {dead.identity for dead in wrong}])
        queued, still = queued + len(ready), still + len(wrong)
    gone = [dead_letter for dead_letter in wanted.values() if dead_letter.row is not None and dead_letter.pay_partner]
    rows = [OutboxRow(dead_letter.pay_partner or "", dead_letter.row or b"", dead_letter.place) for dead_letter in gone]
    with kept.transaction():
        kept.queue_unless_read(rows, since_us)
        kept.discard([dead_letter.number for dead_letter in gone])
    return queued + len(rows), still + len(wanted) - len(gone)


def _read_again(
    reader: Reader, source: Source, identities: set[str]
) -> Iterator[tuple[list[OutboxRow], list[Rejection]]]:
    rows = iter(source.scan())
    while chunk := list(islice(rows, ROWS_A_PAGE)):
        page = reader.read(chunk)
        ready = [one for one in page.ready if one.pay_partner in identities or one.place in identities]
        wrong = [one for one in page.dead if one.identity in identities or one.place in identities]
        if ready or wrong:
            yield ready, wrong
