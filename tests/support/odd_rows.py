"""Rows whose members are odd: a strategy of hypothesis, and the values it draws from."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from support.protocol_pipeline import GOOD
from support.renewal_strategies import MEMBERS

ODDITIES: list[Any] = [
        "", " ", "1", "0", "-1", "9", "1.0", "1.5", "01", "+1", "1e2", "null", "true", "NaN", "粤X33333", "粤x·３３３３３",
        "2022-09-30T16:00:00Z", "2022-10-01T00:00:00", "2022-10-01T00:00:00+08:00", "9999-12-31T23:59:59-01:00",
        "1625068799000", "1625068799", "999999999999", "9999999999999", "x" * 64, "x" * 65, "ａｂｃ", "ß", "ŉ", "ΐ",
        0, 1, 2, 5, 7, 8, -1, 1.0, 1.5, 1e3, 1625068799000, 10**12, 10**12 + 1, 2**63, 10**30, True, False, None, [], {}, [1],
]  # fmt: skip
ODD = st.sampled_from(ODDITIES)
odd_rows = st.fixed_dictionaries(
    {name: st.just(value) | ODD for name, value in GOOD.items()},
    optional={name: ODD | st.text(max_size=20) for name in sorted(MEMBERS - set(GOOD))},
)
