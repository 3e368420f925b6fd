"""Recognises order numbers that a spreadsheet has rounded, by all numbers of a column. Pure.

A spreadsheet keeps 15 digits of a number and writes zeros for the rest: 202411051234567890 becomes 202411051234567000. One
number that ends so proves nothing; many of them, in a column that has few others, do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vipgate.i18n import LocalizedText, tr

DIGITS_KEPT: Final = 15
_ENOUGH: Final = 500
# Known: three numbers with six zeros in all, a hundred times as many as end so by chance. Chance alone: one column in 100,000.
_KNOWN_NUMBERS_MIN: Final = 3
_KNOWN_ZEROS_MIN: Final = 6
_KNOWN_TIMES_CHANCE: Final = 100
_DOUBT_NUMBERS_MIN: Final = 2
_DOUBT_ZEROS_MIN: Final = 3
_DOUBT_TIMES_CHANCE: Final = 10

ROUNDED: Final = LocalizedText(
    "该列的长订单号从第 16 位起都是零: 已被表格软件舍入，只剩 15 位；请把该列设为文本后重新导出"
    " (如果订单号本来如此，请在 map.pay_partner 中写 exact = true)",
    "the long numbers of this column are zeros beyond the 15th digit: a spreadsheet has rounded them; make the column a text "
    "and export it again (if the numbers are really so: exact = true in map.pay_partner)",
)


def is_cut(text: str) -> bool:
    """Whether a number has zeros alone beyond the digits that a spreadsheet keeps. One that begins with zero was a text."""
    return (
        len(text) > DIGITS_KEPT
        and text.isascii()
        and text.isdigit()
        and text[0] != "0"
        and not text[DIGITS_KEPT:].strip("0")
    )


class RoundedOrders:
    """Judges the order numbers of one reading of a file, page by page. What is known of one page holds for those behind it."""

    def __init__(self) -> None:
        self.is_known = False
        self.is_doubtful = False
        # Of this page, and of those before until there are enough: many good ones must not outweigh a bad page.
        self._long: set[str] = set()

    def judge(self, orders: Iterable[str]) -> None:
        """Sets `is_known` if the numbers were rounded, else `is_doubtful` if they may have been."""
        if len(self._long) >= _ENOUGH:
            self._long.clear()
        self._long.update(
            text for text in orders if len(text) > DIGITS_KEPT and text[0] != "0" and text.isascii() and text.isdigit()
        )
        cut = [text for text in self._long if is_cut(text)]
        zeros = sum(len(text) - DIGITS_KEPT for text in cut)
        # How many of the others would end so by chance.
        chance = sum(10.0 ** (DIGITS_KEPT - len(text)) for text in self._long.difference(cut))
        # Numbers that end in more zeros than rounding makes may end so by themselves, such as times to the second.
        exactly_cut = sum(text[DIGITS_KEPT - 1] != "0" for text in cut)
        self.is_known = self.is_known or (
            len(cut) >= max(_KNOWN_NUMBERS_MIN, _KNOWN_TIMES_CHANCE * chance)
            and zeros >= _KNOWN_ZEROS_MIN
            and exactly_cut * 2 >= len(cut)
        )
        self.is_doubtful = (
            not self.is_known
            and len(cut) >= max(_DOUBT_NUMBERS_MIN, _DOUBT_TIMES_CHANCE * chance)
            and zeros >= _DOUBT_ZEROS_MIN
        )


def doubt_text(count: int, place: str, order: str) -> str:
    """Names order numbers that may have been rounded, and were sent. `place` and `order`: those of the first."""
    return tr(
        "{count} order numbers are zeros beyond the 15th digit, the first is {order} ({place}): were they rounded by a "
        "spreadsheet? They are sent. If so, make the column a text and export it again; if not, set exact = true in "
        "map.pay_partner",
        count=count,
        order=order,
        place=place,
    )
