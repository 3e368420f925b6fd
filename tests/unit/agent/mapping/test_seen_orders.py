"""Rows that share an order number are found in bounded memory."""

from __future__ import annotations

from vipgate.agent.mapping.seen_orders import SeenOrders
from vipgate.agent.models import OutboxRow


def row(order: str, content: str, line: int) -> OutboxRow:
    return OutboxRow(order, content.encode(), f"第 {line} 行")


def test_earlier_row_with_other_content_is_named() -> None:
    seen = SeenOrders()
    assert [seen.conflict(row("1", "a", 1)), seen.conflict(row("2", "a", 2)), seen.conflict(row("1", "a", 3))] == [
        None
    ] * 3
    assert seen.conflict(row("1", "b", 4)) == "第 1 行"
    assert (seen.place_of("2"), seen.place_of("3")) == ("第 2 行", None)


def test_numbers_beyond_the_bound_are_not_remembered_and_those_before_are() -> None:
    seen = SeenOrders(orders_max=2)
    for line in range(5):
        assert seen.is_full == (line > 1)
        assert seen.conflict(row(str(line), "a", line)) is None
    assert seen.conflict(row("4", "b", 9)) is None
    assert seen.conflict(row("1", "b", 9)) == "第 1 行"
