"""How far the stock has come: its pages may be acknowledged in any order, its position moves over those that are whole."""

from __future__ import annotations

from dataclasses import dataclass

from vipgate.agent.sources.base import CursorValue


@dataclass(slots=True)
class _PageState:
    end: CursorValue | None
    rows: int
    left: int


class SnapshotProgress:
    """The pages under way, oldest first."""

    def __init__(self) -> None:
        self._pages: dict[int, _PageState] = {}

    def __len__(self) -> int:
        return len(self._pages)

    def begin(self, number: int, end: CursorValue | None, rows: int, read: int) -> None:
        """A page of `rows` rows to be settled; `read` were read for it."""
        self._pages[number] = _PageState(end, read, rows)

    def settle(self, number: int, rows: int) -> None:
        """So many rows of a page are acknowledged, refused for good, or left to the live lane."""
        self._pages[number].left -= rows

    def passed(self) -> tuple[CursorValue | None, int]:
        """The new position, None where it has not moved, and how many rows it has passed."""
        end: CursorValue | None = None
        rows = 0
        for number in sorted(self._pages):
            if self._pages[number].left > 0:
                break
            state = self._pages.pop(number)
            end, rows = state.end, rows + state.rows
        return end, rows
