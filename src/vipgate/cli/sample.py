"""Realistic renewals from a seed, and the interface page's own example: for demo, tests and benchmarks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from vipgate.protocol.renewal import VALUE_SCALE, Renewal, plate_flags

PAGE_PARK_UUID: Final = "49f0cc52-e8c7-41e3-b54d-af666b8cc11a"
PAGE_SECRET: Final = "12323232323"
# As the page's Java writes it: fastjson, members in the order of a HashMap with these keys.
PAGE_BODY: Final = (
    '{"park_uuid":"49f0cc52-e8c7-41e3-b54d-af666b8cc11a","row":[{"card_id":"ID000001","card_no":"ID000001",'
    '"charge_type":"101","operator":"张三","pay_partner":"pay_partner_1234567890","pay_time":"1625068799000",'
    '"pay_type":"1","pay_value":"10000","plate":"粤X33333","plate_color":"1","quantity":"1","value":"30",'
    '"vip_type":"1"}]}'
).encode()

_PROVINCES: Final = "粤粤粤粤湘赣桂闽浙沪京"
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS: Final = "0123456789"
_OPERATORS: Final = ("张三", "李四", "王芳", "刘伟", "陈静", "自助缴费机", "微信小程序", None)
# vip_type: charge type, price in fen a unit, days a unit
_PASSES: Final = {
    1: ("MON_A", 30_000, 30),
    6: ("QTR_A", 85_000, 91),
    7: ("HALF_A", 160_000, 182),
    5: ("YEAR_A", 300_000, 365),
    2: ("STORE_A", 10_000, 0),
    3: ("TIMES_A", 20_000, 0),
    0: ("FREE", 0, 365),
}
_SHARES: Final = (60, 10, 5, 10, 8, 4, 3)
_DAY_US: Final = 86_400_000_000
_BEIJING_US: Final = 8 * 3_600_000_000


def sample_renewals(count: int, seed: int, *, until_us: int, first: int = 1) -> Iterator[Renewal]:
    """Yields `count` renewals, paid one after another in the two years before `until_us`; order numbers start at `first`."""
    chance = random.Random(seed)  # noqa: S311 - samples, no secrets
    step_us = 730 * _DAY_US // count
    for place in range(count):
        latest_us = until_us - (count - 1 - place) * step_us
        yield _renewal(chance, first + place, latest_us - chance.randrange(step_us))


def _renewal(chance: random.Random, number: int, pay_us: int) -> Renewal:
    vip_type = chance.choices(tuple(_PASSES), _SHARES)[0]
    charge_type, price_fen, days = _PASSES[vip_type]
    quantity = chance.choice((1, 1, 1, 1, 2, 3, 6)) if vip_type == 1 else 1
    start_us = (pay_us + _BEIJING_US) // _DAY_US * _DAY_US - _BEIJING_US + _DAY_US
    end_us = start_us + days * quantity * _DAY_US - 1_000_000
    is_electric = chance.random() < 0.3
    plate = chance.choice(_PROVINCES) + chance.choice(_LETTERS)
    plate += ("D" if is_electric else "") + "".join(chance.choices(_DIGITS + "ABCDEFGH", k=5))
    card = f"ID{number:06}" if chance.random() < 0.5 else None
    stored = vip_type in (2, 3)
    return Renewal(
        pay_partner=f"P{pay_us // 1_000_000}{number:08}",
        plate=plate,
        plate_color=5 if is_electric else chance.choice((1, 1, 1, 1, 2, 4)),
        card_no=card,
        card_id=card,
        charge_type=charge_type,
        vip_type=vip_type,
        quantity=quantity,
        pay_type=chance.choice((1, 2, 2, 2)),
        value_e4=chance.choice((50, 100, 200)) * VALUE_SCALE if stored else None,
        pay_time_ms=pay_us // 1000,
        renewal_start_time_us=None if stored else start_us,
        renewal_end_time_us=None if stored else end_us,
        pay_value_fen=price_fen * quantity,
        operator=chance.choice(_OPERATORS),
        extra=None,
        flags=plate_flags(plate),
    )
