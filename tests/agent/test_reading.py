"""Of several rows of one record the last counts, whether it can be sent or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from vipgate.agent.config import parse_config
from vipgate.agent.mapping.reader import Reader
from vipgate.agent.sources.base import SourceRow

COLUMNS = ["order", "plate", "color"]
CONFIG = {
    "platform": {"url": "http://127.0.0.1", "park_uuid": "p", "secret": "s"},
    "source": {"file": "x.csv"},
    "map": {
        "pay_partner": "order", "plate": "plate", "plate_color": {"column": "color", "codes": {"蓝": 1}},
        "charge_type": {"constant": "A"}, "vip_type": {"constant": 1}, "quantity": {"constant": 1}, "pay_type": {"constant": 1},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "good", "wrong"),
    [
        ([("1", "A", "蓝"), ("2", "B", "蓝")], ["1 A", "2 B"], []),
        ([("1", "A", "蓝"), ("1", "B", "蓝")], ["1 B"], []),
        ([("1", "A", "蓝"), ("1", "B", "紫")], [], ["1"]),
        ([("1", "A", "紫"), ("1", "B", "蓝")], ["1 B"], []),
        ([("1", "", "蓝"), ("1", "B", "紫"), ("2", "C", "蓝")], ["2 C"], ["1"]),
    ],
)
def test_last_row_of_a_record_counts(rows: list[tuple[str, str, str]], good: list[str], wrong: list[str]) -> None:
    reader = Reader(parse_config(CONFIG, Path("x.toml")), COLUMNS, "en")
    page = reader.read(SourceRow(f"row {number}", row) for number, row in enumerate(rows, 1))
    assert [f"{one.pay_partner} {one.plate}" for one in page.renewals] == good
    assert [one.pay_partner for one in page.ready] == [one.partition(" ")[0] for one in good]
    assert [one.identity for one in page.dead] == wrong
