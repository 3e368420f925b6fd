"""Short ways to make what the store suite feeds to a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import msgspec

from support.store_database import NOON_US
from vipgate.cli.sample import sample_renewals
from vipgate.errors import RequestError, StoreError
from vipgate.i18n import LocalizedText
from vipgate.protocol.renewal import Renewal
from vipgate.protocol.seqno import seqno_prefix
from vipgate.store.interfaces.accounts import AuditEntry, Session, Token, User
from vipgate.store.interfaces.ledger import (
    Filter,
    Push,
    PushResult,
    RejectedRequest,
    RequestOrigin,
    Store,
    StoredRecord,
)
from vipgate.store.interfaces.queries import ChargeType

PARK = "park-one"
OTHER = "park-two"
HOUR_US = 3_600_000_000
_numbers = count(1)


def renewals(how_many: int, *, seed: int = 1, first: int = 1) -> list[Renewal]:
    return list(sample_renewals(how_many, seed, until_us=NOON_US, first=first))


def changed(renewal: Renewal, **members: object) -> Renewal:
    return msgspec.structs.replace(renewal, **members)


def caller(now_us: int) -> RequestOrigin:
    return RequestOrigin(received_us=now_us, peer="203.0.113.9", body_bytes=321, body_sha256="ab" * 32)


def make_seqno(now_us: int) -> str:
    return f"{seqno_prefix(now_us)}{next(_numbers):015}"


def push(
    rows: Sequence[Renewal],
    now_us: int,
    *,
    park: str = PARK,
    complete: bool = False,
    received: int | None = None,
    secret_used: str = "current",
) -> Push:
    used = "previous" if secret_used == "previous" else "current"
    number = len(rows) if received is None else received
    return Push(make_seqno(now_us), park, list(rows), number, complete, used, caller(now_us))  # type: ignore[arg-type]


def refused(
    now_us: int, *, park: str | None = PARK, code: str = "400", body: bytes | None = None, claimed: str | None = None
) -> RejectedRequest:
    return RejectedRequest(
        make_seqno(now_us), park, claimed, code, LocalizedText("不对", "wrong"), caller(now_us), body
    )


def entry(action: str = "act", *, who: str = "command", park_uuid: str | None = None, number: int = 0) -> AuditEntry:
    return AuditEntry(
        at_us=NOON_US, who=who, action=action, park_uuid=park_uuid, subject="事", detail="d", peer="",
        number=number,
    )  # fmt: skip


def user(name: str = "li", **members: Any) -> User:
    made = User(
        name=name, role="reader", password="$argon2id$one", sees_plates=False, enabled=True, language=None,
        created_us=NOON_US, last_login_us=None,
    )  # fmt: skip
    return replace(made, **members)


def session(digest: str = "aa", name: str = "li", **members: Any) -> Session:
    made = Session(
        digest=digest, user=name, created_us=NOON_US, seen_us=NOON_US, expires_us=NOON_US + HOUR_US,
        plates_until_us=0, peer="10.0.0.1",
    )  # fmt: skip
    return replace(made, **members)


def token(name: str = "meter", **members: Any) -> Token:
    made = Token(
        number=0, name=name, digest=f"digest-{name}", scopes=("parks", "renewals"), park_uuid=None, masked=True,
        created_us=NOON_US, used_us=None, revoked_us=None,
    )  # fmt: skip
    return replace(made, **members)


def charge_type(number: int, **members: Any) -> ChargeType:
    made: dict[str, Any] = {
        "id": str(number), "name": f"月卡 {number}", "desc": "", "vip_type": 1, "price_fen": 30_000, "extra_days": None,
        "create_time": "20260101000000", "update_time": "20260102000000",
    }  # fmt: skip
    return ChargeType(**made | members)


def do(store: Store, *requests: Push | RejectedRequest) -> list[PushResult]:
    """Commits one group and wants every request of it stored."""
    return [_stored(outcome) for outcome in store.commit(requests)]


def _stored(outcome: PushResult | RequestError | StoreError) -> PushResult:
    assert isinstance(outcome, PushResult), outcome
    return outcome


def held(store: Store, park: str = PARK, **wanted: object) -> dict[str, StoredRecord]:
    """The park's current records by order number."""
    found = list(store.iter_records(park, Filter(**wanted)))  # type: ignore[arg-type]
    by_number = {stored.renewal.pay_partner: stored for stored in found}
    assert len(by_number) == len(found), "a record twice"
    return by_number
