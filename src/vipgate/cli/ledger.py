"""`vipgate export`, `request`, `sign`, `migrate`: reads and maintains the ledger."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any, Final

import msgspec
import typer

from vipgate.cli.common import (
    Config,
    DatabaseOption,
    Format,
    Output,
    ParkUuid,
    csv_writer,
    print_one,
    read_instant,
    read_secret,
)
from vipgate.cli.database import store_for
from vipgate.clock import clock_us
from vipgate.domain.serialization import EXPORT_COLUMNS, flatten_cells, record_to_dict, request_to_dict
from vipgate.errors import UsageError
from vipgate.protocol.envelope import BODY_BYTES_MAX
from vipgate.protocol.renewal import normalize_plate
from vipgate.protocol.seqno import seqno_time_us
from vipgate.protocol.signature_hmac import (
    SIGNATURE_HEADER,
    WINDOW_S,
    WebhookSignature,
    diagnose_hmac,
    header_error,
    hmac_headers,
    hmac_matches,
    timestamp_error,
)
from vipgate.protocol.signature_md5 import diagnose, sign
from vipgate.store.interfaces.ledger import Filter
from vipgate.store.open import distribute

_NO_MISTAKE: Final = "no known mistake leads to it; is the secret the right one?"


class ExportFormat(StrEnum):
    """The formats that `vipgate export` writes."""

    JSONL = "jsonl"
    CSV = "csv"


def export(
    park_uuid: ParkUuid,
    output: Annotated[ExportFormat, typer.Option("--format", help="jsonl or csv.")] = ExportFormat.JSONL,
    plate: Annotated[str | None, typer.Option(help="Only this plate.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Received at or after this instant; a date begins at midnight in Beijing.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Received before this instant.")] = None,
    config: Config = None,
    database: DatabaseOption = None,
) -> None:
    """Write all current records of a park to standard output."""
    wanted = Filter(
        plate=None if plate is None else normalize_plate(plate),
        since_us=read_instant(since, "since"),
        until_us=read_instant(until, "until"),
    )
    with store_for(config, database) as store:
        if store.find_park(park_uuid) is None:
            raise UsageError(f"There is no park {park_uuid}; see: vipgate park list.")
        records = map(record_to_dict, store.iter_records(park_uuid, wanted))
        _write_jsonl(records) if output is ExportFormat.JSONL else _write_csv(records)


def _write_jsonl(records: Iterator[dict[str, Any]]) -> None:
    encode = msgspec.json.Encoder().encode
    for members in records:
        sys.stdout.buffer.write(encode(members) + b"\n")
    sys.stdout.buffer.flush()


def _write_csv(records: Iterator[dict[str, Any]]) -> None:
    writer = csv_writer()
    writer.writerow(EXPORT_COLUMNS)
    for members in records:
        writer.writerow(flatten_cells(members))


def request(
    seqno: Annotated[str, typer.Argument(help="The seqno from the answer.")],
    body: Annotated[bool, typer.Option("--body", help="Write the stored body of a rejected request instead.")] = False,
    config: Config = None,
    database: DatabaseOption = None,
    output: Output = Format.TEXT,
) -> None:
    """Show a request from the request log."""
    seqno = seqno.strip()
    if seqno_time_us(seqno) is None:
        raise UsageError(
            f"{seqno[:64]} is no seqno; it has 32 digits and begins with its time, yyyyMMddHHmmssSSS in UTC."
        )
    with store_for(config, database) as store:
        entry = store.request_log_entry(seqno)
        kept = store.rejected_body(seqno) if body else None
    if entry is None:
        raise UsageError(f"The request log has no request {seqno}; it may be older than the log is kept.")
    if not body:
        print_one(request_to_dict(entry), output)
    elif kept is None:
        raise UsageError(
            f"No body is kept for {seqno}; only rejected (400) and held (403) requests of authenticated parks have one.\n"
            "Of a repeated held request only the first has one: see vipgate park held PARK."
        )
    else:
        sys.stdout.buffer.write(kept)


def sign_(
    secret: Annotated[str, typer.Option(help="Where to read the secret: - (standard input), env:NAME or file:PATH.")],
    file: Annotated[Path | None, typer.Argument(help="The body; default: standard input.")] = None,
    check: Annotated[
        str | None, typer.Option(metavar="SIGNATURE", help="Check this signature, and explain a mismatch.")
    ] = None,
    hmac: Annotated[bool, typer.Option("--hmac", help="Use HMAC instead of MD5; prints the three headers.")] = False,
    webhook_id: Annotated[str | None, typer.Option(help="Id of an HMAC signature; default: a new one.")] = None,
    webhook_timestamp: Annotated[
        str | None, typer.Option(help="Time of an HMAC signature, seconds since 1970 UTC; default: now.")
    ] = None,
) -> None:
    """Print the signature of a body, or explain what is wrong with one."""
    key = read_secret(secret)
    body = _read_body(file)
    if hmac or webhook_id is not None or webhook_timestamp is not None:
        _sign_stamp(body, key, check, webhook_id, webhook_timestamp)
        return
    if check is None:
        typer.echo(sign(body, key))
        return
    if check.strip().lower() == sign(body, key):
        typer.echo("The signature is right.")
        return
    mistake = diagnose(body, check, [(key, None)])
    reason = mistake.en if mistake is not None else _NO_MISTAKE
    raise UsageError(f"The signature is wrong: {reason}\nright would be {sign(body, key)}")


def _sign_stamp(body: bytes, key: str, check: str | None, webhook_id: str | None, timestamp: str | None) -> None:
    """Prints or checks an HMAC signature (docs/security.md), which also covers an id and a time."""
    if check is not None and (webhook_id is None or timestamp is None):
        raise UsageError("To check an HMAC signature give --webhook-id and --webhook-timestamp as they were sent.")
    now_s = clock_us() // 1_000_000
    stamp = WebhookSignature(
        f"msg_{token_hex(16)}" if webhook_id is None else webhook_id.strip(),
        str(now_s) if timestamp is None else timestamp.strip(),
        "" if check is None else check.strip(),
    )
    malformed = header_error(stamp)
    if malformed is not None:
        raise UsageError(malformed.en)
    headers = hmac_headers(body, key, stamp.id, stamp.timestamp)
    if check is None:
        typer.echo("\n".join(f"{name}: {value}" for name, value in headers.items()))
        return
    if hmac_matches(body, stamp, key):
        late = timestamp_error(stamp, now_s, WINDOW_S)
        typer.echo("The signature is right." + (f" Sent only now: {late.en}" if late is not None else ""))
        return
    mistake = diagnose_hmac(body, stamp, key, key)
    reason = mistake.en if mistake is not None else _NO_MISTAKE
    raise UsageError(f"The signature is wrong: {reason}\nright would be {headers[SIGNATURE_HEADER]}")


def _read_body(file: Path | None) -> bytes:
    try:
        if file is None:
            body = sys.stdin.buffer.read(BODY_BYTES_MAX + 1)
        else:
            with file.open("rb") as opened:
                body = opened.read(BODY_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"Cannot read {file}: {error.strerror}.") from None
    if len(body) > BODY_BYTES_MAX:
        raise UsageError(f"A body has at most {BODY_BYTES_MAX} bytes.")
    return body


def migrate(
    citus: Annotated[
        bool, typer.Option("--citus", help="Also distribute the ledger over the Citus cluster of --database.")
    ] = False,
    config: Config = None,
    database: DatabaseOption = None,
) -> None:
    """Upgrade the database schema to this version. Other commands and the server do this too."""
    with store_for(config, database) as store:
        typer.echo(f"schema {store.schema}, up to date: {store.where}")
        if citus:
            done = distribute(store)
            typer.echo("spread over the cluster by park" if done else "spread over the cluster already")
            typer.echo(
                "Restart the gateways: those that run still send statements for one machine." if done else "", nl=done
            )
