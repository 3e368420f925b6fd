"""`vipgate push FILE…`: sends files directly, without a configuration or stored state."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from vipgate.agent.client import Client, PushFailed
from vipgate.agent.config import Config, SourceConfig, load_config
from vipgate.agent.mapping.guess import propose
from vipgate.agent.mapping.reader import Reader, conflict_reason
from vipgate.agent.mapping.render import render_config
from vipgate.agent.mapping.rounded_orders import doubt_text
from vipgate.agent.mapping.seen_orders import ORDERS_MAX, SeenOrders
from vipgate.agent.mapping.settle import SaleCheck, read_constants, settle, with_constants
from vipgate.agent.mapping.unjudged import count_unjudged, unjudged_text
from vipgate.agent.models import OutboxRow, Rejection
from vipgate.agent.responses import Accepted, Answer, Rejected, RetryLater, TooLarge, Unconfirmed
from vipgate.agent.sources.base import Source, shown_place
from vipgate.agent.sources.file_source import FileSource
from vipgate.agent.sources.open import open_source
from vipgate.agent.sync.retry import halves, part_refused, retry_delay_s
from vipgate.cli.common import read_secret, warn
from vipgate.cli.questions import confirm
from vipgate.errors import FieldError, UsageError
from vipgate.i18n import tr
from vipgate.protocol.nesting import nesting_fault
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.row import parse_row
from vipgate.support.address_masking import learn
from vipgate.support.os_errors import error_reason
from vipgate.support.private_files import write_file

ROWS_A_REQUEST: Final = 1_000
SAMPLED_ROWS: Final = 200
LINE_BYTES_MAX: Final = 64 * 1024
TRIES_MAX: Final = 8
REFUSED_EXIT: Final = 3
# Only the mapping of the generated configuration is used.
_UNUSED: Final = "unused"
_LINES: Final = (".jsonl", ".ndjson")


def push(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…", help="Excel, OpenDocument, CSV, HTML or XML tables, or JSON lines as written by `export`."
        ),
    ],
    url: Annotated[str | None, typer.Option(help="The platform's address.")] = None,
    park_uuid: Annotated[str | None, typer.Option("--park", help="The park's UUID.")] = None,
    secret: Annotated[
        str | None, typer.Option(help="Where to read the secret: - (standard input), env:NAME or file:PATH.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; what is doubtful is not sent.")] = False,
    config: Annotated[
        Path | None,
        typer.Option(help="The agent's configuration: its mapping and filters are used, and what is not given here."),
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="The sheet with the table; default: found.")] = None,
    header_line: Annotated[
        int | None, typer.Option(min=1, max=1000, help="The line with the columns' names; default: found.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="The encoding of a text file; default: found.")] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Long order numbers are right as they are, not rounded by a spreadsheet.")
    ] = False,
    constant: Annotated[
        list[str] | None,
        typer.Option(
            help="What every row has, if no column says it: vip_type=1, charge_type=A. May be repeated.",
        ),
    ] = None,
) -> None:
    """Send the rows of files. It is safe to send them again. Exit status 3 if rows were rejected."""
    refused = sent = 0
    given = _Given(
        None if config is None else load_config(config),
        sheet,
        header_line,
        encoding,
        read_constants(constant or ()),
        exact,
    )
    with _client(given, url, park_uuid, secret) as client:
        for file in files:
            rows, wrong = _rows_of(file, yes, given)
            while batch := list(islice(rows, ROWS_A_REQUEST)):
                rejected = _send(client, batch)
                sent, refused = sent + len(batch) - rejected, refused + rejected
            refused += len(wrong)
    typer.echo(tr("{sent} sent, {refused} refused", sent=sent, refused=refused))
    if refused:
        raise typer.Exit(REFUSED_EXIT)


@dataclass(frozen=True, slots=True)
class _Given:
    """How files are read, where the caller says it."""

    config: Config | None
    sheet: str | None
    header_line: int | None
    encoding: str | None
    constants: Mapping[str, str]
    exact: bool

    def __post_init__(self) -> None:
        """Raises UsageError if constants would have no effect."""
        if self.config is not None and self.constants:
            raise UsageError(tr("--constant: the configuration says what is sent; write the constant in its [map]."))
        if self.config is not None and self.exact:
            raise UsageError(
                tr("--exact: the configuration says what is sent; write exact = true in its map.pay_partner.")
            )

    def source_of(self, file: Path) -> SourceConfig:
        """The settings for one file: the options before those of the configuration."""
        base = SourceConfig() if self.config is None else self.config.source
        return SourceConfig(
            file=file.absolute(),
            sheet=self.sheet or base.sheet,
            header_line=self.header_line or base.header_line,
            encoding=self.encoding or base.encoding,
            delimiter=base.delimiter,
            time_zone=base.time_zone,
        )


def _client(given: _Given, url: str | None, park_uuid: str | None, secret: str | None) -> Client:
    """The client for the platform that the options name, or else the configuration."""
    found = [url, park_uuid, read_secret(secret) if secret else None]
    if given.config is not None:
        platform = given.config.platform
        found = [
            one or other for one, other in zip(found, [platform.url, platform.park_uuid, platform.secret], strict=True)
        ]
    if None in found:
        raise UsageError(tr("Give --url, --park and --secret, or --config with the agent's configuration."))
    address, park, word = map(str, found)
    learn(address)
    return Client(address, park, word)


def _rows_of(file: Path, yes: bool, given: _Given) -> tuple[Iterator[OutboxRow], list[str]]:
    """Returns the rows, and a list that collects unsendable ones while the rows are consumed."""
    wrong: list[str] = []
    return (_lines(file, wrong) if file.suffix.lower() in _LINES else _mapped(file, yes, given, wrong)), wrong


def _refuse(place: str, reason: str, wrong: list[str]) -> None:
    wrong.append(place)
    typer.echo(f"{shown_place(place)}: {reason}", err=True)


def _lines(file: Path, wrong: list[str]) -> Iterator[OutboxRow]:
    """Yields rows from a file with one JSON object per line."""
    try:
        with file.open("rb") as opened:
            number = 0
            while line := opened.readline(LINE_BYTES_MAX):
                number += 1
                place = tr("{file}, line {number}", file=file, number=number)
                found = _read_line(line.strip()) if line.strip() else None
                if isinstance(found, Renewal):
                    yield OutboxRow(found.pay_partner, line.strip(), place)
                elif found is not None:
                    texts = [fault.text().removeprefix(": ").removeprefix(".") for fault in found]
                    _refuse(place, "; ".join(texts), wrong)
    except OSError as error:
        raise UsageError(tr("Cannot read {file}: {reason}.", file=file, reason=error_reason(error))) from None


def _read_line(line: bytes) -> Renewal | list[FieldError]:
    too_deep = nesting_fault(line)
    return [FieldError("", too_deep, None)] if too_deep is not None else parse_row(line)


def _mapped(file: Path, yes: bool, given: _Given, wrong: list[str]) -> Iterator[OutboxRow]:
    """Yields rows of a table, by the mapping of the configuration, or one guessed from its columns and shown first."""
    config = given.source_of(file)
    names = () if given.config is None else given.config.columns
    source = open_source(config, base=file.absolute().parent, names=names)
    try:
        for problem in source.problems():
            warn(problem)
        if given.config is not None:
            reader, is_sale = Reader(replace(given.config, source=config), source.columns), SaleCheck((), None)
        else:
            reader, is_sale = _guessed(file, source, config, yes, given)
        for row, dead in _read(reader, source, is_sale):
            if dead is not None:
                _refuse(tr("{file}, {place}", file=file, place=shown_place(dead.place)), dead.reason, wrong)
            elif row is not None:
                yield row
        if isinstance(source, FileSource) and (left_out := source.left_out_text()):
            warn(f"{file}: {left_out}")
    finally:
        source.close()


def _guessed(file: Path, source: Source, config: SourceConfig, yes: bool, given: _Given) -> tuple[Reader, SaleCheck]:
    """The mapping guessed from columns and values, shown and agreed to; what of it is doubtful is not used without a person."""
    samples = [row.values for row in islice(source.scan(), SAMPLED_ROWS)]
    proposal = with_constants(propose(source.columns, samples, exact=given.exact), given.constants)
    text = render_config(proposal, url="http://unused", park_uuid=_UNUSED, secret=_UNUSED, source=config)
    typer.echo(text.partition("[map]\n")[2], err=True)
    is_sale = SaleCheck(source.columns, proposal if yes else None)
    if yes:
        proposal, notes = settle(proposal)
        for note in notes:
            warn(f"{file}: {note}")
        text = render_config(proposal, url="http://unused", park_uuid=_UNUSED, secret=_UNUSED, source=config)
    else:
        confirm(tr("Send {file} with this mapping?", file=file))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "push.toml"
        write_file(path, text.encode())
        return Reader(load_config(path), source.columns), is_sale


def _read(
    reader: Reader, source: Source, is_sale: SaleCheck
) -> Iterator[tuple[OutboxRow, None] | tuple[None, Rejection]]:
    """Yields each row to send, or why it is not sent. Rows that share an order number are never one in silence."""
    seen = SeenOrders()
    unjudged: Counter[tuple[str, str]] = Counter()
    rows = (msgspec.structs.replace(row, problem=row.problem or is_sale(row.values)) for row in source.scan())
    while chunk := list(islice(rows, ROWS_A_REQUEST)):
        # Within a chunk the reader finds such rows itself.
        page = reader.read(chunk)
        if page.doubtful:
            place, order = page.doubtful[0]
            warn(doubt_text(len(page.doubtful), shown_place(place), order))
        count_unjudged(unjudged, page.unjudged)
        for row in page.ready:
            was_full = seen.is_full
            other = seen.conflict(row)
            if other is None:
                yield row, None
            else:
                reason = conflict_reason(row.pay_partner, other).text()
                yield None, Rejection(row.place, row.pay_partner, row.place, reason)
            if seen.is_full and not was_full:
                warn(
                    tr(
                        "more than {limit} order numbers: rows that share one of the others are not found here",
                        limit=ORDERS_MAX,
                    )
                )
        yield from ((None, _with_other(dead, seen)) for dead in page.dead)
    if unjudged:
        warn(unjudged_text(unjudged))


def _with_other(dead: Rejection, seen: SeenOrders) -> Rejection:
    """Names the sale whose order number an invalid row has, such as its refund."""
    other = None if dead.pay_partner is None else seen.place_of(dead.pay_partner)
    if other is None or shown_place(other) in dead.reason:
        return dead
    return msgspec.structs.replace(
        dead,
        reason=tr(
            "{reason}; {place} has the same order number {pay_partner}",
            reason=dead.reason,
            place=shown_place(other),
            pay_partner=dead.pay_partner,
        ),
    )


def _send(client: Client, rows: Sequence[OutboxRow]) -> int:
    """Sends rows until each is stored or rejected for good. Returns how many were rejected. Raises PushFailed."""
    lists = [list(rows)]
    rejected = 0
    while lists:
        batch = lists.pop(0)
        answer = _answer(client, batch)
        if isinstance(answer, TooLarge) and len(batch) > 1:
            lists = halves(batch) + lists
        elif isinstance(answer, Rejected):
            wrong, rest = part_refused(batch, list(answer.rows))
            reasons = [answer.rows[index] for index in sorted(answer.rows)] or [answer.reason]
            for row, reason in zip(wrong, reasons, strict=False):
                place = shown_place(row.place)
                typer.echo(
                    tr("{place}: {reason} (seqno {seqno})", place=place, reason=reason, seqno=answer.seqno), err=True
                )
            rejected, lists = rejected + len(wrong), rest + lists
        elif not isinstance(answer, Accepted):
            raise PushFailed(answer)
    return rejected


def _answer(client: Client, rows: Sequence[OutboxRow]) -> Answer:
    """Sends rows, with retries, until the platform gives a definite answer. Returns the last answer."""
    encoded = [row.row for row in rows]
    answer: Answer = RetryLater(tr("nothing was sent"))
    for failures in range(1, TRIES_MAX + 1):
        answer = client.send(encoded)
        if not isinstance(answer, RetryLater | Unconfirmed):
            break
        wait_s = retry_delay_s(failures, 1.0, getattr(answer, "retry_after_s", None))
        warn(tr("{reason}; again in {wait_s:.0f} s", reason=answer.reason, wait_s=wait_s))
        time.sleep(wait_s)
    return answer
