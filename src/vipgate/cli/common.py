"""Shared by the commands: options, reading secrets and times, printing."""

from __future__ import annotations

import csv
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from vipgate.errors import UsageError
from vipgate.i18n import tr
from vipgate.protocol.renewal import NaiveTimestamp, format_instant, parse_instant
from vipgate.support.address_masking import mask
from vipgate.support.named_secrets import read_named

SECRET_CHARS_MAX: Final = 256
# Wider than any row: in a file or a pipe, each row is one line.
UNFOLDED_CHARS: Final = 65_536
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch


class Format(StrEnum):
    """Output format of a command: for people or for programs."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


ParkUuid = Annotated[str, typer.Argument(help="The park's UUID, as issued by the platform.", metavar="PARK_UUID")]
Config = Annotated[Path | None, typer.Option(help="Settings file (TOML).", envvar="VIPGATE_CONFIG")]
DatabaseOption = Annotated[
    str | None,
    typer.Option(help="sqlite:///path or postgresql://user@host/database; default: vipgate.db in the data folder."),
]
Output = Annotated[Format, typer.Option("--format", help="text for people; json or jsonl for programs.")]
Secret = Annotated[
    str | None,
    typer.Option(
        help="Where to read the secret: - (standard input), env:NAME (a variable) or file:PATH. "
        "Given directly, it shows in the process list.",
    ),
]


def read_secret(given: str, flag: str = "--secret") -> str:
    """Reads the secret that `given` names. Raises UsageError."""
    if given == "-":
        secret = sys.stdin.readline(SECRET_CHARS_MAX + 2).rstrip("\r\n")
    else:
        named = read_named(
            given,
            Path(),
            lambda name: os.environ.get(name, ""),
            lambda name: tr("The variable {name} is not set; set it or give {flag} -.", name=name, flag=flag),
        )
        if named is None:
            warn(
                tr(
                    "The secret can be seen in the process list and in the shell's history; better {flag} - or "
                    "env:NAME.",
                    flag=flag,
                )
            )
        secret = given if named is None else named
    if not 0 < len(secret) <= SECRET_CHARS_MAX:
        raise UsageError(
            tr(
                "A secret has 1 to {limit} characters, this one has {count}.",
                limit=SECRET_CHARS_MAX,
                count=len(secret),
            )
        )
    return secret


def read_instant(text: str | None, flag: str) -> int | None:
    """Microseconds since 1970 UTC of an ISO 8601 instant, or of a date's midnight in Beijing. Raises UsageError."""
    if text is None:
        return None
    instant = parse_instant(f"{text}T00:00:00+08:00" if _DATE(text) else text)
    if isinstance(instant, NaiveTimestamp):
        raise UsageError(
            tr(
                "--{flag} {text} has no time zone; for Beijing time write {utc_if_beijing}.",
                flag=flag,
                text=text,
                utc_if_beijing=instant.utc_if_beijing,
            )
        )
    if instant is None:
        raise UsageError(
            tr("--{flag} {text} is no time; write 2026-11-24 or 2026-11-24T08:00:00Z.", flag=flag, text=text)
        )
    return instant


def shown_instant(instant_us: int | None) -> str | None:
    """ISO 8601 UTC, to the second."""
    return None if instant_us is None else format_instant(instant_us // 1_000_000 * 1_000_000)


def warn(message: str) -> None:
    """Prints a warning to standard error."""
    typer.echo(tr("warning: {message}", message=mask(message)), err=True)


def print_one(members: Mapping[str, Any], output: Format) -> None:
    """Prints one item: a line per member, or a JSON object."""
    if output is Format.TEXT:
        labels = {name: tr(name.replace("_", " ")) for name in members}
        width = max(map(cell_len, labels.values()))
        for name, value in members.items():
            typer.echo(f"{padded(labels[name], width)}  {_cell(value)}")
    else:
        print_json(members)


def print_many(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], output: Format) -> None:
    """Prints a list: a table, a JSON array, or one object per line."""
    if output is Format.JSONL:
        for row in rows:
            print_json(row)
    elif output is Format.JSON:
        typer.echo(msgspec.json.format(msgspec.json.encode(list(rows)), indent=2).decode())
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            # The first column is an argument of the next command: folded, it could not be copied.
            whole = column == columns[0]
            table.add_column(tr(column.replace("_", " ")), no_wrap=whole, overflow="ellipsis" if whole else "fold")
        for row in rows:
            table.add_row(*[_cell(row[column]) for column in columns])
        Console(width=None if sys.stdout.isatty() else UNFOLDED_CHARS).print(table)


def padded(text: str, width: int) -> str:
    """The text filled up to `width` cells of a terminal, of which a Chinese character takes two."""
    return text + " " * (width - cell_len(text))


def print_json(members: Mapping[str, Any]) -> None:
    """Prints one JSON object on one line."""
    typer.echo(msgspec.json.encode(members).decode())


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value)) or "-"
    return str(value)


def csv_writer() -> Any:
    """Returns a CSV writer on standard output, with line ends as in RFC 4180."""
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    return csv.writer(sys.stdout)
