"""Recognises order numbers that a spreadsheet has rounded, by all numbers of a column. Pure.

A spreadsheet keeps 15 digits of a number and writes zeros for the rest: 202411051234567890 becomes 202411051234567000. One
number that ends so proves nothing; many of them, in a column that has few others, do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vipgate.i18n import LocalizedText, tr
from vipgate.protocol.renewal import TEXT_CHARS_MAX

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
    "该列的长订单号已被表格软件或程序舍入，第 16 位起不可信；请把该列设为文本后重新导出"
    " (如果订单号本来如此，请在 map.pay_partner 中写 exact = true，或用 push --exact)",
    "a spreadsheet or a program has rounded the long numbers of this column beyond the 15th digit; make the column a text "
    "and export it again (if the numbers are really so: exact = true in map.pay_partner, or push --exact)",
)
# Known: chance alone makes one column in a million. Where a float loses one bit, numbers that are all even may be so by themselves:
# counters of two servers, of which one makes the odd numbers.
_KNOWN_BITS_MIN: Final = 20
_KNOWN_LOST_MIN: Final = 2
# So many endings must differ: numbers that all end in the number of one lane are multiples of four because that is one.
_ENDINGS_MIN: Final = 4
_DOUBT_BITS_MIN: Final = 10
_DOUBLE_BITS: Final = 53
_DOUBTFUL: Final = 1
_KNOWN: Final = 2


def is_cut(text: str) -> bool:
    """Whether a number has zeros alone beyond the digits that a spreadsheet keeps. One that begins with zero was a text."""
    return _is_long(text) and not text[DIGITS_KEPT:].strip("0")


def _is_long(text: str) -> bool:
    """Whether a text may be a number that lost digits; what is longer than an order number may be is refused anyway."""
    return DIGITS_KEPT < len(text) <= TEXT_CHARS_MAX and text[0] != "0" and text.isascii() and text.isdigit()


def _lost_bits(number: int) -> int:
    """How many binary digits a float has no room for, if all of them are zeros; else 0."""
    lost = max(0, number.bit_length() - _DOUBLE_BITS)
    return 0 if number % (1 << lost) else lost


def _unexplained_bits(number: int, lost: int) -> int:
    """How many of the lost bits its decimal zeros do not explain: each of them is a factor of two, as in times to the second."""
    text = str(number)
    return max(0, lost - (len(text) - len(text.rstrip("0"))))


class RoundedOrders:
    """Judges the order numbers of one reading of a file, page by page. What is known of one page holds for those behind it."""

    def __init__(self) -> None:
        self.is_known = False
        self.is_doubtful = False
        self._is_float = False
        # Of this page, and of those before until there are enough: many good ones must not outweigh a bad page.
        self._long: set[str] = set()

    def judge(self, orders: Iterable[str]) -> None:
        """Sets `is_known` if the numbers were rounded, else `is_doubtful` if they may have been."""
        if len(self._long) >= _ENOUGH:
            self._long.clear()
        self._long.update(filter(_is_long, orders))
        cut, float_ = self._judge_zeros(), self._judge_floats()
        self._is_float = self._is_float or float_ > cut
        self.is_known = self.is_known or max(cut, float_) == _KNOWN
        self.is_doubtful = not self.is_known and max(cut, float_) == _DOUBTFUL

    def is_rounded(self, order: str) -> bool:
        """Whether an order number is one of those that were rounded, or may have been."""
        if not (self.is_known or self.is_doubtful):
            return False
        return is_cut(order) or (self._is_float and _is_long(order) and _lost_bits(int(order)) > 0)

    def _judge_zeros(self) -> int:
        cut = [text for text in self._long if is_cut(text)]
        zeros = sum(len(text) - DIGITS_KEPT for text in cut)
        # How many of the others would end so by chance.
        chance = sum(10.0 ** (DIGITS_KEPT - len(text)) for text in self._long.difference(cut))
        # Numbers that end in more zeros than rounding makes may end so by themselves, such as times to the second.
        exactly_cut = sum(text[DIGITS_KEPT - 1] != "0" for text in cut)
        # Numbers that all end in 100 may bear the number of a lane.
        endings = {text[DIGITS_KEPT - 1] for text in cut}
        is_known = (
            len(cut) >= max(_KNOWN_NUMBERS_MIN, _KNOWN_TIMES_CHANCE * chance)
            and zeros >= _KNOWN_ZEROS_MIN
            and exactly_cut * 2 >= len(cut)
            and len(endings) > 1
        )
        is_doubtful = len(cut) >= max(_DOUBT_NUMBERS_MIN, _DOUBT_TIMES_CHANCE * chance) and zeros >= _DOUBT_ZEROS_MIN
        return _KNOWN if is_known else _DOUBTFUL if is_doubtful else 0

    def _judge_floats(self) -> int:
        numbers = list(map(int, self._long))
        lost = list(map(_lost_bits, numbers))
        # Numbers that a program made as multiples of a power of two, such as times with a counter at zero, are rounder than that.
        least_round = sum(number >> bits & 1 for number, bits in zip(numbers, lost, strict=True))
        if len(lost) < _DOUBT_NUMBERS_MIN or not all(lost) or least_round * 4 < len(lost):
            return 0
        # A number's last decimal digits, as many as bits are lost, decide whether it is such a multiple.
        endings = {(number % 10**bits, bits) for number, bits in zip(numbers, lost, strict=True)}
        if len(endings) < min(len(numbers), _ENDINGS_MIN):
            return 0
        unexplained = list(map(_unexplained_bits, numbers, lost))
        known = sum(bits for bits, all_bits in zip(unexplained, lost, strict=True) if all_bits >= _KNOWN_LOST_MIN)
        if len(lost) >= _KNOWN_NUMBERS_MIN and known >= _KNOWN_BITS_MIN:
            return _KNOWN
        return _DOUBTFUL if sum(unexplained) >= _DOUBT_BITS_MIN else 0


def doubt_text(count: int, place: str, order: str) -> str:
    """Names order numbers that may have been rounded, and were sent. `place` and `order`: those of the first."""
    return tr(
        "{count} long order numbers look rounded beyond the 15th digit, the first is {order} ({place}): were they rounded by a "
        "spreadsheet or a program? They are sent. If so, make the column a text and export it again; if not, set exact = true in "
        "map.pay_partner, or push --exact",
        count=count,
        order=order,
        place=place,
    )
