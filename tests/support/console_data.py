"""Fills the database of a console test: parks, pushes, refusals, charge types."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import md5, sha256
from itertools import count
from typing import Any

import msgspec

from support.console_app import House, entry
from support.store_database import NOON_US
from vipgate.errors import ReplaceOnHold, RequestError, StoreError
from vipgate.i18n import LocalizedText
from vipgate.protocol.authentication import ParkSecrets, verify
from vipgate.protocol.batch import Batch, decode_rows
from vipgate.protocol.charset import Charset
from vipgate.protocol.envelope import parse_request
from vipgate.protocol.renewal import Renewal, plate_flags
from vipgate.protocol.seqno import seqno_prefix
from vipgate.protocol.signature_md5 import sign
from vipgate.store.interfaces.ledger import Push, PushResult, RejectedRequest, RequestOrigin
from vipgate.store.interfaces.queries import ChargeType

PARK = "49f0cc52-e8c7-41e3-b54d-af666b8cc11a"
OTHER = "7d1f0cc5-2e8c-41e3-b54d-af666b8cc222"
SECRET = "12323232323"
PLATE = "粤B12345"
DAY_US = 86_400_000_000
_numbers = count(1)

_PLAIN = Renewal(
    pay_partner="P1",
    plate=PLATE,
    plate_color=1,
    card_no=None,
    card_id=None,
    charge_type="101",
    vip_type=1,
    quantity=1,
    pay_type=2,
    value_e4=None,
    pay_time_ms=NOON_US // 1000,
    renewal_start_time_us=NOON_US - DAY_US,
    renewal_end_time_us=NOON_US + 30 * DAY_US,
    pay_value_fen=30_000,
    operator=None,
    extra=None,
    flags=0,
)


def add_park(house: House, park: str = PARK, name: str = "海岸城北门", secret: str = SECRET) -> None:
    assert house.database.store.add_park(park, name, house.vault.seal(secret, park), NOON_US - 90 * DAY_US)


def renewal(order: str = "P1", **members: Any) -> Renewal:
    made: Renewal = msgspec.structs.replace(_PLAIN, pay_partner=order, **members)
    return msgspec.structs.replace(made, flags=members.get("flags", plate_flags(made.plate)))


def seqno_at(at_us: int) -> str:
    return f"{seqno_prefix(at_us)}{next(_numbers):015}"


def caller(at_us: int, body: bytes = b"") -> RequestOrigin:
    return RequestOrigin(
        received_us=at_us, peer="203.0.113.9", body_bytes=len(body), body_sha256=sha256(body).hexdigest()
    )


def push(
    house: House,
    *renewals: Renewal,
    at_us: int = NOON_US,
    park: str = PARK,
    complete: bool = False,
    used: str = "current",
) -> str:
    """Stores a push; its seqno."""
    seqno = seqno_at(at_us)
    request = Push(seqno, park, list(renewals), len(renewals), complete, used, caller(at_us))  # type: ignore[arg-type]
    [outcome] = house.database.store.commit([request])
    assert isinstance(outcome, PushResult), outcome
    return seqno


def row(order: str = "P1", **members: Any) -> dict[str, Any]:
    """A row that is right; `members` make it wrong."""
    return {
        "plate": PLATE, "plate_color": "1", "charge_type": "101", "vip_type": "1", "quantity": "1", "pay_partner": order,
        "pay_type": "2", "pay_value": "30000",
    } | members  # fmt: skip


def request(*rows: object, park: str = PARK, **members: Any) -> bytes:
    """The body of a push; `members` are others of its own."""
    return json.dumps({"park_uuid": park, **members, "row": list(rows)}, ensure_ascii=False).encode()


def refuse(house: House, body: bytes, *, at_us: int = NOON_US, park: str = PARK, declared: Charset = "utf-8") -> str:
    """Journals a body as the pipeline would that refuses it; its seqno. `declared` is the charset in its header."""
    seqno = seqno_at(at_us)
    found = house.database.store.find_park(park)
    hint = hint_of(body, declared, "utf-8" if found is None else found.charset)
    line = RejectedRequest(seqno, park, park, "400", hint, caller(at_us, body), body)
    assert not isinstance(house.database.store.commit([line])[0], StoreError)
    return seqno


def replace_stock(house: House, body: bytes, *, at_us: int = NOON_US, webhook_id: str | None = None) -> str:
    """Has a body with `complete=1` stored, or held and journaled as the pipeline does; its seqno."""
    seqno = seqno_at(at_us)
    found = house.database.store.find_park(PARK)
    assert found is not None
    batch = _batch(body, found.charset, found.charset)
    made = Push(seqno, PARK, batch.renewals, batch.received, True, "current", caller(at_us, body), webhook_id)
    [outcome] = house.database.store.commit([made])
    if isinstance(outcome, ReplaceOnHold):
        line = RejectedRequest(
            seqno, PARK, PARK, outcome.code, outcome.hint, caller(at_us, body), body, outcome.generation
        )
        [outcome] = house.database.store.commit([line])
    assert isinstance(outcome, PushResult), outcome
    return seqno


def _batch(body: bytes, declared: Charset, of_park: Charset) -> Batch:
    claim = parse_request(body, f"application/json; charset={declared}")
    keys = ParkSecrets(SECRET, charset=of_park)
    return decode_rows(verify(claim, md5(body, usedforsecurity=False), sign(body, SECRET), keys))


def hint_of(body: bytes, declared: Charset, of_park: Charset) -> LocalizedText:
    try:
        _batch(body, declared, of_park)
    except RequestError as refusal:
        return refusal.hint
    raise AssertionError("nothing is wrong with this body")


def refuse_stranger(house: House, code: str = "401", claimed: str | None = None, at_us: int = NOON_US) -> str:
    seqno = seqno_at(at_us)
    line = RejectedRequest(
        seqno, None, claimed, code, LocalizedText("签名不符", "the signature does not match"), caller(at_us)
    )
    assert not isinstance(house.database.store.commit([line])[0], StoreError)
    return seqno


def save_types(house: House, names: Sequence[tuple[str, str]], park: str = PARK) -> None:
    items = [
        ChargeType(
            id=key,
            name=name,
            desc="",
            vip_type=1,
            price_fen=30_000,
            extra_days=None,
            create_time="20260101000000",
            update_time="",
        )
        for key, name in names
    ]
    house.database.admin.save_charge_types(park, items, None, NOON_US)


def set_address(house: House, address: str, park: str = PARK) -> None:
    assert house.database.admin.set_charge_address(park, address, entry(NOON_US))
