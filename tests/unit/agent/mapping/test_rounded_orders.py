"""Order numbers that a spreadsheet rounded to 15 digits are known by their column, never by one number."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from vipgate.agent.mapping.rounded_orders import RoundedOrders, is_cut


def random_numbers(digits: int, count: int, seed: int = 7) -> list[str]:
    chance = random.Random(seed)
    return [str(chance.randrange(10 ** (digits - 1), 10**digits)) for _ in range(count)]


def rounded(numbers: Sequence[str]) -> list[str]:
    return [text[:15].ljust(len(text), "0") for text in numbers]


def written_in_full(numbers: Sequence[str]) -> list[str]:
    """As a program writes them that keeps numbers as binary floats."""
    return [str(int(float(text))) for text in numbers]


def snowflakes(count: int, sequence: int = 0) -> list[str]:
    """Numbers made of the milliseconds, the machine, and a counter that is mostly zero."""
    return [str((450_000_000_000 + number * 977) << 22 | 5 << 12 | sequence) for number in range(count)]


def timed(ending: str, count: int = 50) -> list[str]:
    return [f"202411{day:02}{hour:02}3456{ending}" for day in range(1, 29) for hour in range(24)][:count]


KNOWN, DOUBTFUL, SILENT = (True, False), (False, True), (False, False)


def verdict(*pages: Sequence[str]) -> tuple[bool, bool]:
    orders = RoundedOrders()
    for page in pages:
        orders.judge(page)
    return orders.is_known, orders.is_doubtful


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: rounded(random_numbers(16, 40)), KNOWN),
        (lambda: rounded(random_numbers(17, 3)), KNOWN),
        (lambda: rounded(random_numbers(19, 500)), KNOWN),
        (lambda: rounded(random_numbers(32, 3)), KNOWN),
        # Some were written by the park's program again, or are older than the spreadsheet.
        (lambda: rounded(random_numbers(19, 30)) + random_numbers(19, 970), KNOWN),
        (lambda: rounded(random_numbers(18, 30)) + ["A1", "7", ""] * 100, KNOWN),
        (lambda: written_in_full(random_numbers(19, 3)), KNOWN),
        (lambda: written_in_full(random_numbers(18, 40)), KNOWN),
        (lambda: [*written_in_full(random_numbers(20, 20)), "A1", "7", ""], KNOWN),
        # Too few to know.
        (lambda: written_in_full(random_numbers(18, 2)), DOUBTFUL),
        (lambda: written_in_full(random_numbers(17, 2)), SILENT),
        # One that is no float was not read as one, nor were the others.
        (lambda: [*written_in_full(random_numbers(19, 30)), "2024110512345670003"], SILENT),
        (lambda: snowflakes(300), SILENT),
        (lambda: snowflakes(300, sequence=1), SILENT),
        (lambda: ["2024110512345670000", "2024110512345690000"], DOUBTFUL),
        (lambda: ["2024110512345670", "2024110512345690", "2024110512345650"], DOUBTFUL),
        # Times to the second, with the milliseconds: or a sequence, of which rounding left zeros.
        (lambda: timed("000"), DOUBTFUL),
        (lambda: timed("0000"), DOUBTFUL),
        # One that ends so may be honest, and so may some of many.
        (lambda: ["2024110512345600000"], SILENT),
        (lambda: random_numbers(18, 3000), SILENT),
        (lambda: random_numbers(16, 3000), SILENT),
        (lambda: [*random_numbers(19, 30), "2024110512345670000", "2024110512345670000"], SILENT),
        (lambda: random_numbers(24, 50), SILENT),
        (lambda: [f"2024110512{n:05}" for n in range(0, 50_000, 1000)], SILENT),
        # A spreadsheet would have dropped the zero in front.
        (lambda: [f"0{text}" for text in rounded(random_numbers(17, 50))], SILENT),
        (lambda: [f"X{text}" for text in rounded(random_numbers(17, 50))], SILENT),
        (list, SILENT),
        # Tenths of microseconds since the year 1 or 1601, of clocks that tell seconds or milliseconds.
        (lambda: [str(638_664_123_450_000_000 + number * 10_000_000) for number in range(100)], DOUBTFUL),
        (lambda: [str(133_700_000_000_000_000 + number * 37 * 10_000) for number in range(100)], DOUBTFUL),
        # The number of a lane at the end is a multiple of four, and ends in zeros.
        (lambda: timed("004"), SILENT),
        (lambda: timed("012"), SILENT),
        (lambda: timed("100"), DOUBTFUL),
        (lambda: [f"20241105{number:07}12" for number in range(100)], SILENT),
        # One of two servers makes the even numbers.
        (lambda: [str(9_100_000_000_000_000 + 2 * number) for number in range(100)], DOUBTFUL),
        # No order number, and no number that Python reads.
        (lambda: ["9" * 5000, "8" * 5000, "7" * 5000], SILENT),
    ],
)
def test_column_tells_what_was_rounded(make: Callable[[], list[str]], expected: tuple[bool, bool]) -> None:
    assert verdict(make()) == expected


def test_what_one_page_shows_holds_for_the_pages_behind_it() -> None:
    page = rounded(random_numbers(19, 600))
    assert verdict(page, page[:1]) == KNOWN
    assert verdict(page, random_numbers(19, 2000)) == KNOWN


def test_many_good_pages_do_not_hide_a_bad_one() -> None:
    pages = [random_numbers(19, 2000, seed) for seed in range(20)]
    assert verdict(*pages) == SILENT
    assert verdict(*pages, rounded(random_numbers(19, 2000))) == KNOWN


def test_few_long_numbers_of_each_page_are_counted_together() -> None:
    one, two, three = rounded(random_numbers(19, 3))
    assert verdict([one], [two]) == DOUBTFUL
    assert verdict([one], [two], [three]) == KNOWN
    assert verdict([one], [one], [one], [one]) == SILENT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("202411051234567", False), ("2024110512345670", True), ("2024110512345671", False), ("202411051234567000", True),
        ("202411051234567001", False), ("002411051234567000", False), ("A02411051234567000", False), ("", False),
        ("２０２４１１０５１２３４５６７０００", False),
    ],
)  # fmt: skip
def test_number_is_cut_where_zeros_follow_the_fifteenth_digit(text: str, expected: bool) -> None:
    assert is_cut(text) is expected


def test_which_numbers_are_meant() -> None:
    orders = RoundedOrders()
    assert not orders.is_rounded("202411051234567000")
    orders.judge(rounded(random_numbers(18, 20)))
    assert orders.is_rounded("202411051234567000")
    assert not orders.is_rounded("202411051234567904")
    floats = RoundedOrders()
    floats.judge(written_in_full(random_numbers(18, 20)))
    assert floats.is_rounded("202411051234567904")
    assert not floats.is_rounded("202411051234567905")
    assert not floats.is_rounded("A1")
