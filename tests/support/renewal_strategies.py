"""Strategies of hypothesis for any record that the ledger may hold."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import strategies as st

from support.protocol_pipeline import GOOD
from vipgate.protocol.order_number import order_flags
from vipgate.protocol.renewal import (
    PAY_TIME_MS_MAX,
    PAY_TIME_MS_MIN,
    PAY_VALUE_FEN_MAX,
    QUANTITY_MAX,
    VALUE_E4_MAX,
    Renewal,
    normalize_plate,
    plate_flags,
)

YEAR_1_US = -62_135_596_800_000_000
YEAR_9999_US = 253_402_300_799_999_999
printable = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64)
texts = printable.map(str.strip).filter(bool)
plates = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=16).map(normalize_plate)
plates = plates.filter(lambda plate: 0 < len(plate) <= 16)
instants = st.integers(YEAR_1_US, YEAR_9999_US)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
).filter(lambda value: "\\ud" not in json.dumps(value).lower())


@st.composite
def renewals(draw: st.DrawFn) -> Renewal:
    """Any record that the ledger may hold."""
    plate, pay_partner = draw(plates), draw(texts)
    start, end = sorted([draw(instants), draw(instants)])
    extra = draw(
        st.none() | st.dictionaries(texts.filter(lambda name: name not in MEMBERS), json_values, min_size=1, max_size=3)
    )
    if extra is not None and len(json.dumps(extra)) > 2_000:
        extra = None
    return Renewal(
        pay_partner=pay_partner,
        plate=plate,
        plate_color=draw(st.sampled_from([1, 2, 3, 4, 5, -1])),
        card_no=draw(st.none() | texts),
        card_id=draw(st.none() | texts),
        charge_type=draw(texts),
        vip_type=draw(st.integers(0, 7)),
        quantity=draw(st.integers(0, QUANTITY_MAX)),
        pay_type=draw(st.integers(1, 2)),
        value_e4=draw(st.none() | st.integers(-VALUE_E4_MAX, VALUE_E4_MAX)),
        pay_time_ms=draw(st.none() | st.integers(PAY_TIME_MS_MIN, PAY_TIME_MS_MAX)),
        renewal_start_time_us=draw(st.none() | st.just(start)),
        renewal_end_time_us=draw(st.none() | st.just(end)),
        pay_value_fen=draw(st.none() | st.integers(0, PAY_VALUE_FEN_MAX)),
        operator=draw(st.none() | texts),
        extra=None if extra is None else _kept(extra),
        flags=plate_flags(plate) | order_flags(pay_partner),
    )


MEMBERS = {
    *GOOD,
    "card_no",
    "card_id",
    "value",
    "pay_time",
    "renewal_start_time",
    "renewal_end_time",
    "pay_value",
    "operator",
}


def _kept(extra: dict[str, Any]) -> str:
    """`extra` as a row keeps it: by name, each value as it was written."""
    return msgspec.json.encode({name: msgspec.Raw(json.dumps(extra[name]).encode()) for name in sorted(extra)}).decode()
