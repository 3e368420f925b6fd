"""Values of the wire as people write them."""

from __future__ import annotations

import re

import pytest

from vipgate.agent.page.readable import readable
from vipgate.agent.page.texts import TEXTS
from vipgate.support.web.translator import Translator


@pytest.mark.parametrize(
    ("member", "sent", "shown"),
    [
        ("pay_value", 90_000, "900.00 yuan"), ("pay_value", -5, "-0.05 yuan"), ("pay_value", "1.5", ""),
        ("pay_time", 1_788_226_920_000, "2026-09-01 09:42:00"), ("pay_time", 10**30, ""), ("pay_time", "x", ""),
        ("renewal_start_time", "2026-08-31T16:00:00Z", "2026-09-01 00:00:00"), ("renewal_end_time", "soon", ""),
        ("vip_type", 6, "quarter"), ("vip_type", 99, ""), ("plate_color", -1, "unknown"), ("plate", "粤B12345", ""),
        ("pay_partner", "<b>", ""),
    ],
)  # fmt: skip
def test_value_is_shown_as_people_write_it(member: str, sent: object, shown: str) -> None:
    assert re.sub("<[^>]*>", "", readable(Translator("en", TEXTS), member, sent)) == shown
