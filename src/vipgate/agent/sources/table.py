"""Finds the table among the lines of a file: its header, and lines that are no records, such as totals. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from vipgate.agent.mapping.folding import simplified
from vipgate.agent.mapping.guess_columns import named_members

# The header is one of so many first lines.
HEAD_LINES: Final = 30
_CELLS_LOOKED_AT: Final = 256
_NAME_CHARS_MAX: Final = 64
# One known name may be a coincidence, as in a title.
_SCORE_MIN: Final = 2
_TOTAL: Final = re.compile(
    r"(?:本|当|全|上)?(?:页|日|周|月|季|年|部)?(?:合计|总计|小计|共计|总和|累计|汇总|总数|总额|总金额|合计金额|金额合计)"
    r"\s*(?:[:：(（].*|[\d,.\s]*[条笔行辆张次元]?.*\d.*)?"
    r"|共\s*\d+\s*(?:条|笔|行|辆|张|次|项|个|页).*"
    r"|(?:(?:sub|grand|page|month(?:ly)?|day|daily|overall)[\s-]*)?totals?\s*(?:amount|sum)?\s*(?:[:：(（].*|[\d,.\s]*)?"
    r"|sum\s*(?:[:：(（].*)?",
    re.IGNORECASE | re.DOTALL,
).fullmatch
_WORDS: Final = re.compile("total|sum", re.IGNORECASE).search


class Header(NamedTuple):
    """`place` is that in the list of lines; `score` counts the columns whose names are known."""

    place: int
    score: int


def find_header(lines: Sequence[Sequence[object]], names: Collection[str]) -> Header | None:
    """The header among the first lines: that with the most of `names`, those of the mapping, else with the most known ones."""
    wanted = {name.strip().casefold() for name in names}
    for score in (lambda texts: len({text.casefold() for text in texts} & wanted), _known):
        scores = [score(_texts(line)) for line in lines[:HEAD_LINES]]
        best = max(scores, default=0)
        if best >= min(_SCORE_MIN, len(wanted) or _SCORE_MIN):
            return Header(scores.index(best), best)
    return None


def _texts(line: Sequence[object]) -> list[str]:
    return [value.removeprefix("\ufeff").strip() for value in line[:_CELLS_LOOKED_AT] if isinstance(value, str)]


def _known(texts: Sequence[str]) -> int:
    return len(named_members([text for text in texts if 0 < len(text) <= _NAME_CHARS_MAX]))


def first_line(lines: Sequence[Sequence[object]]) -> int | None:
    """The first line that is not blank."""
    return next((place for place, line in enumerate(lines) if any(str(value).strip() for value in line)), None)


def is_total(values: Sequence[object], width: int, text: str) -> bool:
    """Whether a line holds totals: its first cell says so, or any cell of a line that has few. `text`: its `row_text`."""
    if not _may_be_total(text):
        return False
    filled = [text for value in values if value is not None and (text := str(value).strip())]
    said = filled[:1] if len(filled) * 2 > width else filled
    return any(_TOTAL(simplified(text)) for text in said)


def _may_be_total(text: str) -> bool:
    """Whether a line may hold one of the words. Plain searches: one for each line, and most lines have none."""
    return (
        "计" in text or "总" in text or "共" in text or "汇" in text or "累" in text or "計" in text or "總" in text
        or (("u" in text or "U" in text or "l" in text or "L" in text) and _WORDS(text) is not None)
    )  # fmt: skip


def is_header(values: Sequence[object], headers: Sequence[Sequence[str]]) -> bool:
    """Whether a line repeats one of the header's lines, as each page of a report does."""
    first = str(values[0]).strip()
    for header in headers:
        # Nearly every line ends here.
        if first != header[0] or len(header) < _SCORE_MIN:
            continue
        if [str(value).strip() for value in values[: len(header)]] == header:
            return True
    return False
