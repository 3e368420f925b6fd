"""Makes what the runs send, before any clock starts: parks, their records in batches, and the signed requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import NAMESPACE_URL, uuid5

import msgspec

from vipgate.cli.sample import sample_renewals
from vipgate.protocol.authentication import signed_headers
from vipgate.protocol.batch import ROWS_MAX
from vipgate.protocol.envelope import BODY_BYTES_MAX, PUSH_PATH, encode_renewals, encode_request
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.row import encode_row

T = TypeVar("T")

SECRET: Final = "bench-secret-0123456789abcdef"
ROWS_A_BATCH: Final = 1_000
RECORDS_A_PARK: Final = 10_000

# Head of a body, brackets, and a margin for what JSON escapes in the text form of `row` that the estimate leaves out.
_BODY_SLACK_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Batch:
    """One request: its rows for the floor, and as bytes for the servers."""

    park_uuid: str
    renewals: Sequence[Renewal]
    request: bytes


def name_parks(count: int, purpose: str) -> list[str]:
    """`count` park_uuids in the usual form, the same in every run."""
    return [str(uuid5(NAMESPACE_URL, f"vipgate-bench/{purpose}/{number}")) for number in range(count)]


def make_request(body: bytes) -> bytes:
    """All the bytes of a signed push."""
    headers = {
        "Host": "127.0.0.1",
        "User-Agent": "bench",
        "Accept": "*/*",
        **signed_headers(body, SECRET),
        "Content-Length": str(len(body)),
    }
    head = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
    return f"POST {PUSH_PATH} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def make_batches(park_uuid: str, seed: int, until_us: int) -> list[Batch]:
    """All records of a park, in batches."""
    renewals = list(sample_renewals(RECORDS_A_PARK, seed, until_us=until_us))
    starts = range(0, RECORDS_A_PARK, ROWS_A_BATCH)
    parts = [renewals[start : start + ROWS_A_BATCH] for start in starts]
    return [Batch(park_uuid, part, make_request(encode_renewals(park_uuid, part))) for part in parts]


def make_singles(park_uuid: str, seed: int, count: int, until_us: int) -> list[bytes]:
    """`count` requests of one new row each."""
    renewals = sample_renewals(count, seed, until_us=until_us)
    return [make_request(encode_renewals(park_uuid, [renewal])) for renewal in renewals]


def spread(by_park: Sequence[Sequence[T]], connections: int) -> list[list[T]]:
    """What each of `connections` sends; a park belongs to one of them."""
    return [
        [one for of_park in by_park[connection::connections] for one in of_park] for connection in range(connections)
    ]


def make_many(renewals: Sequence[Renewal], times: int) -> Iterator[list[Renewal]]:
    """`renewals` under `times` different sets of order numbers: many records in little time."""
    for time in range(times):
        yield [msgspec.structs.replace(renewal, pay_partner=f"{renewal.pay_partner}-{time}") for renewal in renewals]


def make_largest_body(park_uuid: str, seed: int, until_us: int, *, as_text: bool) -> bytes:
    """A body of just under 16 MiB with the most rows allowed, filled up with an unlisted member in each.

    `as_text` sends `row` as a JSON string that holds the array, as the interface page's table has it.
    """
    rows = [encode_row(renewal) for renewal in sample_renewals(ROWS_MAX, seed, until_us=until_us)]
    filled = b",".join(rows)
    taken = len(filled) + (filled.count(b'"') if as_text else 0)
    quotes = 8 if as_text else 4
    pad = b"x" * ((BODY_BYTES_MAX - _BODY_SLACK_BYTES - taken) // ROWS_MAX - len(b',"memo":""') - quotes)
    padded = [row[:-1] + b',"memo":"' + pad + b'"}' for row in rows]
    body = encode_request(park_uuid, padded)
    if as_text:
        array = b"[" + b",".join(padded) + b"]"
        body = (
            b'{"park_uuid":' + msgspec.json.encode(park_uuid) + b',"row":' + msgspec.json.encode(array.decode()) + b"}"
        )
    return body
