"""What must hold on the public port for every body, every stream of HTTP and every question of digests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from hashlib import md5
from typing import Any, Final
from uuid import uuid4

import msgspec

from fuzz.gateway import LIMITS, PARK, VALID, Gate, Sender, Wrong, head
from support.http_responses import Answered
from vipgate.clock import clock_us
from vipgate.protocol.authentication import ParkSecrets, VerifiedRequest, verify
from vipgate.protocol.batch import decode_rows
from vipgate.protocol.envelope import DIGEST_PATH, PUSH_PATH, parse_request
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.signature_hmac import hmac_headers
from vipgate.protocol.signature_md5 import sign
from vipgate.store.interfaces.ledger import StoredRecord

LINE_ENDS: Final = b"\r\n"


class _Number(str):
    """A number as it was written: a float would round it."""

    __slots__ = ()


def check_body(gate: Gate, body: bytes, sender: Sender) -> None:
    """One push, signed right: 1001 and all of it stored, or a refusal and the ledger as it was."""
    before = gate.held(sender)
    [answer] = gate.exchange(head(body, sender=sender, extra="Connection: close\r\n") + body)
    after = gate.held(sender)
    if answer.code == "1001":
        _check_stored(answer, body.decode(sender.codec), before, after)
        _check_meant(body, sender, before, after)
    elif before != after:
        raise Wrong(f"refused with {answer.code}, and the ledger has changed")
    if len(body) > LIMITS.body_bytes_max and answer.code != "413":
        raise Wrong(f"{len(body)} bytes are answered {answer.code}")


def _check_stored(
    answer: Answered, text: str, before: Mapping[str, StoredRecord], after: Mapping[str, StoredRecord]
) -> None:
    """By another reader of JSON: as many rows as there are in it, and each of its order numbers is there."""
    request = json.loads(text.removeprefix("\ufeff"), parse_constant=_no_number, parse_int=_Number, parse_float=_Number)
    rows = request["row"]
    if isinstance(rows, str):
        rows = json.loads(rows, parse_constant=_no_number, parse_int=_Number, parse_float=_Number)
    payload = answer.envelope["payload"]
    if payload["received"] != len(rows):
        raise Wrong(f"{len(rows)} rows, {payload}")
    written = {number for number, stored in after.items() if stored.seqno == answer.seqno}
    changed = payload["inserted"] + payload["updated"]
    if len(written) != changed or not all(number in after for number in _order_numbers(rows)):
        raise Wrong(f"{payload}, and {len(written)} records are there")
    if not _replaces(request.get("complete")) and not before.keys() <= after.keys():
        raise Wrong("records are gone after a push that replaces nothing")


def _replaces(complete: Any) -> bool:
    """Anything but 0 and 1 must not have been taken."""
    given = Decimal(complete.strip() or 0) if isinstance(complete, str) else Decimal(complete is not None)
    if given not in (0, 1) or isinstance(complete, bool):
        raise Wrong(f"complete was {complete!r}")
    return given == 1


def _no_number(name: str) -> Any:
    raise Wrong(f"{name} was taken for JSON")


def _order_numbers(rows: list[dict[str, Any]]) -> list[str]:
    """Those that mean what they are; a number may be written in many ways."""
    given = [row["pay_partner"] for row in rows]
    return [number.strip() for number in given if isinstance(number, str) and not isinstance(number, _Number)]


def _check_meant(
    body: bytes, sender: Sender, before: Mapping[str, StoredRecord], after: Mapping[str, StoredRecord]
) -> None:
    """The ledger holds what the pure pipeline makes of the same bytes, no more and no less."""
    batch = decode_rows(_verified(body, sender))
    wanted = {} if batch.complete else _records(before)
    wanted |= {one.pay_partner: one for one in batch.renewals}
    if _records(after) != {number: _said(renewal) for number, renewal in wanted.items()}:
        raise Wrong("the ledger holds other records than were sent")


def _records(held: Mapping[str, StoredRecord]) -> dict[str, Renewal]:
    return {number: _said(stored.renewal) for number, stored in held.items()}


def _said(renewal: Renewal) -> Renewal:
    """Without flags: the ledger adds its own."""
    return msgspec.structs.replace(renewal, flags=0)


def check_stream(gate: Gate, stream: bytes) -> None:
    """Any bytes on a connection: something is answered, and the ledger changed by those alone that were answered 1001."""
    before = gate.held()
    answers = gate.exchange(stream)
    if stream.lstrip(LINE_ENDS) and not answers:
        raise Wrong("no answer at all")
    pushes = {one.seqno: one for one in answers if one.code == "1001" and "received" in one.envelope["payload"]}
    after = gate.held()
    for number, stored in after.items():
        if stored != before.get(number) and stored.seqno not in pushes:
            raise Wrong(f"the record {number} has changed, and no answer says so")
    if not pushes and before != after:
        raise Wrong("nothing was answered 1001, and the ledger has changed")
    for seqno, answer in pushes.items():
        entry = gate.store.request_log_entry(seqno)
        if entry is None or (entry.code, entry.received) != ("1001", answer.envelope["payload"]["received"]):
            raise Wrong(f"the journal has {entry} for {answer}")


def check_question(gate: Gate, body: bytes) -> None:
    """A question of digests, signed right: it is answered, and changes nothing."""
    before = gate.held()
    [answer] = gate.exchange(head(body, path=DIGEST_PATH, extra="Connection: close\r\n") + body)
    if answer.code not in ("1001", "400", "401", "413"):
        raise Wrong(f"answered {answer}")
    if before != gate.held():
        raise Wrong("a question has changed the ledger")


def check_headers(gate: Gate, lines: bytes, sender: Sender) -> None:
    """A push under any further headers, signed right either way: it is stored as it is meant, or not at all."""
    body = sender.written(VALID)
    meant = decode_rows(_verified(body, sender)).renewals
    before = _records(gate.held(sender))
    wanted = before | {one.pay_partner: _said(one) for one in meant}
    named = {line.partition(b":")[0].strip().lower().decode("latin-1") for line in lines.split(b"\r\n")}
    for signature in ({"Authorization": sign(body, sender.secret)}, _stamped(body, sender)):
        ours = {"Host": "gate", "Content-Length": str(len(body)), **signature}
        kept = "".join(f"{name}: {text}\r\n" for name, text in ours.items() if name.lower() not in named)
        stream = f"POST {PUSH_PATH} HTTP/1.1\r\n{kept}".encode() + lines + b"\r\n\r\n" + body
        if not gate.exchange(stream):
            raise Wrong("no answer at all")
        if _records(gate.held(sender)) not in (before, wanted):
            raise Wrong("the ledger holds other records than were signed")


def _stamped(body: bytes, sender: Sender) -> dict[str, str]:
    return hmac_headers(body, sender.secret, f"msg_{uuid4().hex}", clock_us() // 1_000_000)


def _verified(body: bytes, sender: Sender) -> VerifiedRequest:
    claim = parse_request(body, f"application/json; charset={sender.charset}")
    keys = ParkSecrets(sender.secret, charset=sender.charset)
    return verify(claim, md5(body, usedforsecurity=False), sign(body, sender.secret), keys)


QUESTIONS: Final = [
    msgspec.json.encode({"park_uuid": PARK, **members})
    for members in (
        {},
        {"months": ["2026-11", "none"], "buckets": 16},
        {"wanted": [["2026-11", 3], ["none", 0]], "buckets": 256, "after": 5},
    )
]


def _chunked(body: bytes) -> bytes:
    whole = head(body).replace(b"Content-Length: %d\r\n" % len(body), b"Transfer-Encoding: chunked\r\n")
    return whole + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:9], body[9:])) + b"0\r\n\r\n"


_ASKED: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
STREAMS: Final = [
    head(VALID) + VALID,
    head(VALID) + VALID + head(VALID, extra="Connection: close\r\n") + VALID,
    _chunked(VALID),
    _chunked(VALID) + _ASKED,
    _ASKED + head(VALID) + VALID + _ASKED,
    _ASKED.replace(b"GET", b"HEAD") + _ASKED,
    _ASKED.replace(b"1.1", b"1.0") + _ASKED,
    head(VALID, extra="Expect: 100-continue\r\n") + VALID,
    head(VALID, extra="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n") + VALID + _ASKED,
    head(QUESTIONS[1], path=DIGEST_PATH) + QUESTIONS[1],
    head(b"", path=PUSH_PATH) + head(b"{}", path="/nowhere") + b"{}",
]
