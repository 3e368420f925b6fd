"""The pure pipeline in one call, for tests that care for what goes in and what comes out."""

from __future__ import annotations

import json
from hashlib import md5
from typing import Any

from vipgate.protocol.authentication import ParkSecrets, verify
from vipgate.protocol.batch import Batch, decode_rows
from vipgate.protocol.charset import Charset
from vipgate.protocol.envelope import parse_request
from vipgate.protocol.signature_md5 import sign

SECRET = "12323232323"
GOOD: dict[str, Any] = {
    "plate": "粤X33333",
    "plate_color": "1",
    "charge_type": "101",
    "vip_type": "1",
    "quantity": "1",
    "pay_partner": "P1",
    "pay_type": "1",
}


def walk(
    body: bytes, content_type: str | None = None, authorization: str | None = None, charset: Charset = "utf-8"
) -> Batch:
    """`body` through split, verify and decode, signed right unless `authorization` says otherwise; `charset` is the park's."""
    claim = parse_request(body, content_type)
    given = sign(body, SECRET) if authorization is None else authorization
    return decode_rows(verify(claim, md5(body, usedforsecurity=False), given, ParkSecrets(SECRET, charset=charset)))


def request(*rows: Any, **members: Any) -> bytes:
    """A request of `rows`; `members` replace or add top-level ones."""
    return json.dumps({"park_uuid": "p", "row": list(rows)} | members, ensure_ascii=False).encode()


def written(**literals: str) -> bytes:
    """A good row with members replaced by JSON text as it stands: for numbers that Python would round."""
    members = {name: json.dumps(value, ensure_ascii=False) for name, value in GOOD.items()} | literals
    return b"{" + b",".join(f'"{name}":{text}'.encode() for name, text in members.items()) + b"}"


def request_of(*rows: bytes, **literals: str) -> bytes:
    """A request of rows that are JSON text already; `literals` add top-level members as they stand."""
    rest = "".join(f',"{name}":{text}' for name, text in literals.items()).encode()
    return b'{"park_uuid":"p","row":[' + b",".join(rows) + b"]" + rest + b"}"


def row(**members: Any) -> dict[str, Any]:
    """A good row with `members` replaced; `...` takes one away."""
    return {name: value for name, value in (GOOD | members).items() if value is not ...}
