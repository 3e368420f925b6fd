"""Requests as parks send them, few enough values that they meet: the strategies of the model test, and the bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import msgspec
from hypothesis import strategies as st

from support.store_database import NOON_US
from vipgate.protocol.batch import ROWS_MAX
from vipgate.protocol.envelope import encode_renewals, encode_request
from vipgate.protocol.renewal import Renewal, plate_flags
from vipgate.protocol.row import encode_row

DAY_US: Final = 86_400_000_000
PARKS: Final = ("park-a", "park-b", "停车场-c")
NOBODY: Final = "park-unknown"
# Most things happen to one park: faults need several of them.
SOME_PARK: Final = (PARKS[0], *PARKS, PARKS[0], PARKS[0])
ORDERS: Final = ("A1", "B2", "12345678901234567890123456789", "订单-4")
PLATES: Final = ("粤B12345", "京AD12345", "无牌照", "使014578")
HOME: Final = "203.0.113.9"
ELSEWHERE: Final = "198.51.100.7"
# Longer than what is decoded on the event loop.
PADDING: Final = b" " * (1024 * 1024 + 1)

Flaw = Literal["json", "row", "twice", "many", "none"]
Key = Literal["current", "previous", "wrong"]
FLAWS: Final[tuple[Flaw, ...]] = ("json", "row", "twice", "many", "none")
# What the pipeline answers to a flaw in a request that is signed right; broken JSON names no park.
CODES: Final[dict[Flaw, str]] = {"json": "400", "row": "400", "twice": "400", "many": "413", "none": "400"}


@dataclass(frozen=True, slots=True)
class Request:
    """What a park means to send. `again`: the place of a row that is there twice, alike."""

    park: str
    rows: tuple[Renewal, ...]
    complete: bool
    key: Key
    flaw: Flaw | None
    again: bool
    large: bool
    peer: str

    @property
    def received(self) -> int:
        return len(self.rows) + self.again

    def body(self) -> bytes:
        rows = [*self.rows, self.rows[0]] if self.again else list(self.rows)
        body = encode_renewals(self.park, rows, complete=self.complete)
        if self.flaw is not None:
            body = self._spoilt(body)
        return body[:-1] + PADDING + body[-1:] if self.large else body

    def _spoilt(self, body: bytes) -> bytes:
        first = self.rows[0]
        if self.flaw == "json":
            return body[:-1]
        if self.flaw == "row":
            return body.replace(b'"plate_color":', b'"plate_color":9,"was":', 1)
        if self.flaw == "twice":
            other = msgspec.structs.replace(first, quantity=first.quantity + 1)
            return encode_renewals(self.park, [*self.rows, other], complete=self.complete)
        rows = [encode_row(first)] * (ROWS_MAX + 1) if self.flaw == "many" else []
        return encode_request(self.park, rows, complete=self.complete)


def _renewal(
    order: str, plate: str, card: str | None, pay_type: int, money: int | None, value: int | None, end: int | None,
    quantity: int, extra: str | None,
) -> Renewal:  # fmt: skip
    return Renewal(
        pay_partner=order, plate=plate, plate_color=1, card_no=card, card_id=None, charge_type="101", vip_type=1,
        quantity=quantity, pay_type=pay_type, value_e4=value, pay_time_ms=NOON_US // 1000, renewal_start_time_us=None,
        renewal_end_time_us=end, pay_value_fen=money, operator="张三" if card else None, extra=extra,
        flags=plate_flags(plate),
    )  # fmt: skip


RENEWALS: Final = st.builds(
    _renewal,
    order=st.sampled_from(ORDERS),
    plate=st.sampled_from(PLATES),
    card=st.sampled_from((None, "ID7")),
    pay_type=st.sampled_from((1, 2)),
    money=st.sampled_from((30_000, None, 0, 7)),
    value=st.sampled_from((None, 50_000)),
    end=st.sampled_from((None, NOON_US - DAY_US, NOON_US + 40 * DAY_US)),
    quantity=st.sampled_from((1, 2)),
    extra=st.sampled_from((None, '{"lane":"3"}')),
)


def _rarely() -> st.SearchStrategy[bool]:
    return st.sampled_from((False,) * 11 + (True,))


REQUESTS: Final = st.builds(
    Request,
    park=st.sampled_from((*SOME_PARK, *SOME_PARK, NOBODY)),
    rows=st.lists(RENEWALS, min_size=1, max_size=4, unique_by=lambda one: one.pay_partner).map(tuple),
    complete=st.sampled_from((False, False, False, True)),
    key=st.sampled_from(("current",) * 6 + ("previous", "previous", "wrong")),
    flaw=st.sampled_from((None,) * 12 + FLAWS),
    again=st.sampled_from((False, False, True)),
    large=_rarely(),
    peer=st.sampled_from((HOME, HOME, HOME, ELSEWHERE)),
)
