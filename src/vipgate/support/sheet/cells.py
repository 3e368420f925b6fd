"""Cells as spreadsheet programs write them: errors, formulas without a value, rounded numbers and guards against rounding. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from vipgate.i18n import LocalizedText

Fault = Literal["error", "formula", "rounded"]

# `#DIV/0!`, `#NAME?`, `#N/A`, LibreOffice's `Err:502`, and the `####` of a column that is too narrow.
_ERROR: Final = re.compile(r"#[A-Z][A-Z0-9/_]*[!?]|#N/A(?: N/A)?|#GETTING_DATA|#{3,}|Err:\d{3}").fullmatch
# A mantissa with a fraction, or an exponent with its sign: `2.02207E+18`. `12E45` may be a card's number.
_SCIENTIFIC: Final = re.compile(r"[+-]?\d+(?:[.,]\d+E[+-]?|E[+-])\d+", re.ASCII | re.IGNORECASE).fullmatch
_GUARDED: Final = re.compile(r'="((?:[^"]|"")*)"', re.DOTALL).fullmatch
_GUARDS: Final = "'`‘’"
_EXPONENT: Final = re.compile(r"Err:|\d[eE][+-]?\d", re.IGNORECASE).search
_REMEDIES: Final[dict[str, LocalizedText]] = {
    "error": LocalizedText(
        "单元格是公式错误, 没有值; 请在表格中更正", "the cell holds an error, not a value; correct it in the sheet"
    ),
    "formula": LocalizedText(
        "单元格是公式, 文件中没有它的计算结果; 请用表格软件打开并另存, 或改为数值",
        "the cell holds a formula without its value; open the file in a spreadsheet program and save it, or write the value",
    ),
    "rounded": LocalizedText(
        "数字被表格软件写成了科学计数法, 已丢失位数; 请把该列设为文本后重新导出",
        "a number in scientific notation is rounded; make the column a text and export it again",
    ),
}  # fmt: skip


class BadCell:
    """A cell without a value that can be sent: `text` is what stands there."""

    __slots__ = ("fault", "text")

    def __init__(self, text: str, fault: Fault) -> None:
        self.text = text
        self.fault = fault

    def __str__(self) -> str:
        return self.text

    @property
    def remedy(self) -> LocalizedText:
        """What is wrong, and what to do."""
        return _REMEDIES[self.fault]


def row_text(values: Sequence[object]) -> str:
    """All texts of a row, in which to look for what is rare."""
    return "\n".join([value for value in values if type(value) is str])


def clean_row(values: Sequence[object], text: str | None = None) -> Sequence[object]:
    """The cells of a row without guards; those that hold no value become a BadCell. `text`: its `row_text`, if it is known."""
    is_suspect = _is_suspect(row_text(values) if text is None else text)
    return [clean_cell(value) for value in values] if is_suspect else values


def _is_suspect(text: str) -> bool:
    """Whether a row may have a cell to change. Plain searches: one for each row, and most rows have none."""
    return (
        "'" in text or "=" in text or "#" in text or "`" in text or "’" in text or "‘" in text
        or (("E" in text or "e" in text) and _EXPONENT(text) is not None)
    )  # fmt: skip


def clean_cell(value: object) -> object:
    """A cell without its guard, or a BadCell."""
    if type(value) is not str:
        return value
    text = value.strip()
    if not text:
        return value
    if text[0] == "=":
        guarded = _GUARDED(text)
        if guarded is None:
            return BadCell(text, "formula") if len(text) > 1 else value
        return clean_cell(guarded[1].replace('""', '"'))
    if text[0] in _GUARDS:
        # A text that was guarded is what its writer meant, except for a guard that came too late.
        text = text[1:].removesuffix(text[0])
        return BadCell(text, "rounded") if _SCIENTIFIC(text) else text
    if _ERROR(text):
        return BadCell(text, "error")
    return BadCell(text, "rounded") if _SCIENTIFIC(text) else value
