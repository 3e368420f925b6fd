"""Reads the header of a table, which may have two lines: groups of columns, and the names below them. Pure.

    订单号 | 车牌号 | 金额 |      |      | 有效期 |
           |        | 应收 | 优惠 | 实收 | 起     | 止

A column has the name of the lower line, else that of the upper one. Names that repeat or say little (`时间`) get their group
in front: `应收金额`, `收款时间`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vipgate.support.sheet.cells import clean_row

_CELLS_MIN: Final = 2
# The rule is no guess: a name must stay the same from one version to the next, because configurations hold it.
_GENERAL: Final = frozenset(["时间", "日期", "方式", "金额", "名称", "编号", "号码", "号", "人", "人员", "姓名"])
_GROUP_ENDINGS: Final = re.compile(r"(?:信息|情况|明细|资料|数据|内容)$")
# A title, a period or a record has digits or a colon; names of columns have neither.
_NO_NAME: Final = re.compile(r"[\d:：]").search

Line = Sequence[object]


@dataclass(frozen=True, slots=True)
class TableHeader:
    """The first and the last line of a header, and the names of the columns. `texts` are its lines, which a page may repeat."""

    first: int
    last: int
    columns: list[str]
    texts: tuple[list[str], ...]


def header_at(line: int, here: Line, before: tuple[int, Line] | None, after: tuple[int, Line] | None) -> TableHeader:
    """The header of which one line is known, by the line before and the one after. Each has its number."""
    lines = [(line, here)]
    if after is not None and _are_groups(here, after[1]):
        lines.append(after)
    elif before is not None and _are_groups(before[1], here):
        lines.insert(0, before)
    return TableHeader(
        lines[0][0],
        lines[-1][0],
        joined_names([values for _, values in lines]),
        tuple(column_names(values) for _, values in lines),
    )


def column_names(values: Line) -> list[str]:
    """The columns' names from the cells of a line."""
    return ["" if name is None else str(name).removeprefix("\ufeff").strip() for name in clean_row(values)]


def joined_names(lines: Sequence[Line]) -> list[str]:
    """The columns' names from a header of one line or two."""
    if len(lines) == 1:
        return column_names(lines[0])
    upper, lower = _padded(*map(column_names, lines))
    names = [below or above for above, below in zip(upper, lower, strict=True)]
    times, group = Counter(names), ""
    for at, above in enumerate(upper):
        group = above or group
        name = lower[at]
        if name and group != name and (times[name] > 1 or name in _GENERAL):
            names[at] = f"{_GROUP_ENDINGS.sub('', group)}{name}"
    return names


def _padded(upper: list[str], lower: list[str]) -> tuple[list[str], list[str]]:
    width = max(len(upper), len(lower))
    return upper + [""] * (width - len(upper)), lower + [""] * (width - len(lower))


def _are_groups(upper: Line, lower: Line) -> bool:
    """Whether `upper` names groups of columns, which `lower` divides: below a blank right of a group there is a name."""
    above, below = _padded(column_names(upper), column_names(lower))
    if any(_NO_NAME(name) for name in (*above, *below)) or any(
        sum(map(bool, one)) < _CELLS_MIN for one in (above, below)
    ):
        return False
    return any(
        name and not group and any(above[:at]) and below[at - 1]
        for at, (group, name) in enumerate(zip(above, below, strict=True))
    )
