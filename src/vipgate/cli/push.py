"""`vipgate push FILE…`: sends files directly, without a configuration or stored state."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer

from vipgate.agent.client import Client, PushFailed
from vipgate.agent.config import SourceConfig, load_config
from vipgate.agent.mapping.guess import propose, render_config
from vipgate.agent.mapping.reader import Reader
from vipgate.agent.models import OutboxRow
from vipgate.agent.responses import Accepted, Answer, Rejected, RetryLater, TooLarge, Unconfirmed
from vipgate.agent.sources.open import open_source
from vipgate.agent.sync.retry import halves, part_refused, retry_delay_s
from vipgate.cli.common import read_secret, warn
from vipgate.errors import FieldError, UsageError
from vipgate.protocol.nesting import nesting_fault
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.row import parse_row
from vipgate.support.address_masking import learn
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
        list[Path], typer.Argument(metavar="FILE…", help=".csv, .xlsx, .xls, or JSON lines as written by `export`.")
    ],
    url: Annotated[str, typer.Option(help="The platform's address.")],
    park_uuid: Annotated[str, typer.Option("--park", help="The park's UUID.")],
    secret: Annotated[str, typer.Option(help="The secret: - reads it from standard input, or env:NAME, file:PATH.")],
    yes: Annotated[bool, typer.Option("--yes", help="Accept the proposed column mapping without asking.")] = False,
) -> None:
    """Send the rows of files. It is safe to send them again. Exit status 3 if rows were rejected."""
    refused = sent = 0
    learn(url)
    with Client(url, park_uuid, read_secret(secret)) as client:
        for file in files:
            rows, wrong = _rows_of(file, yes)
            while batch := list(islice(rows, ROWS_A_REQUEST)):
                rejected = _send(client, batch)
                sent, refused = sent + len(batch) - rejected, refused + rejected
            refused += len(wrong)
    typer.echo(f"{sent} sent, {refused} refused")
    if refused:
        raise typer.Exit(REFUSED_EXIT)


def _rows_of(file: Path, yes: bool) -> tuple[Iterator[OutboxRow], list[str]]:
    """Returns the rows, and a list that collects unsendable ones while the rows are consumed."""
    wrong: list[str] = []
    return (_lines(file, wrong) if file.suffix.lower() in _LINES else _mapped(file, yes, wrong)), wrong


def _refuse(place: str, reason: str, wrong: list[str]) -> None:
    wrong.append(place)
    typer.echo(f"{place}: {reason}", err=True)


def _lines(file: Path, wrong: list[str]) -> Iterator[OutboxRow]:
    """Yields rows from a file with one JSON object per line."""
    try:
        with file.open("rb") as opened:
            number = 0
            while line := opened.readline(LINE_BYTES_MAX):
                number += 1
                place = f"{file}, line {number}"
                found = _read_line(line.strip()) if line.strip() else None
                if isinstance(found, Renewal):
                    yield OutboxRow(found.pay_partner, line.strip(), place)
                elif found is not None:
                    texts = [fault.text("en").removeprefix(": ").removeprefix(".") for fault in found]
                    _refuse(place, "; ".join(texts), wrong)
    except OSError as error:
        raise UsageError(f"Cannot read {file}: {error.strerror}.") from None


def _read_line(line: bytes) -> Renewal | list[FieldError]:
    too_deep = nesting_fault(line)
    return [FieldError("", too_deep, None)] if too_deep is not None else parse_row(line, plain=False)


def _mapped(file: Path, yes: bool, wrong: list[str]) -> Iterator[OutboxRow]:
    """Yields rows of a table, by a mapping guessed from its columns and shown first."""
    config = SourceConfig(file=file.absolute())
    source = open_source(config, base=file.absolute().parent)
    try:
        samples = [row.values for row in islice(source.scan(), SAMPLED_ROWS)]
        proposal = propose(source.columns, samples)
        text = render_config(proposal, url="http://unused", park_uuid=_UNUSED, secret=_UNUSED, source=config)
        typer.echo(text.partition("[map]\n")[2], err=True)
        if not yes:
            typer.confirm(f"Send {file} with this mapping?", abort=True)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "push.toml"
            write_file(path, text.encode())
            reader = Reader(load_config(path), source.columns, "en")
        rows = iter(source.scan())
        while chunk := list(islice(rows, ROWS_A_REQUEST)):
            page = reader.read(chunk)
            for dead in page.dead:
                _refuse(f"{file}, {dead.place}", dead.reason, wrong)
            yield from page.ready
    finally:
        source.close()


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
                typer.echo(f"{row.place}: {reason} (seqno {answer.seqno})", err=True)
            rejected, lists = rejected + len(wrong), rest + lists
        elif not isinstance(answer, Accepted):
            raise PushFailed(answer)
    return rejected


def _answer(client: Client, rows: Sequence[OutboxRow]) -> Answer:
    """Sends rows, with retries, until the platform gives a definite answer. Returns the last answer."""
    encoded = [row.row for row in rows]
    answer: Answer = RetryLater("nothing was sent")
    for failures in range(1, TRIES_MAX + 1):
        answer = client.send(encoded)
        if not isinstance(answer, RetryLater | Unconfirmed):
            break
        wait_s = retry_delay_s(failures, 1.0, getattr(answer, "retry_after_s", None))
        warn(f"{answer.reason}; again in {wait_s:.0f} s")
        time.sleep(wait_s)
    return answer
