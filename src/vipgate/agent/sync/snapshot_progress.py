"""Tracks snapshot progress: pages are acknowledged in any order; the position moves over complete ones."""

from __future__ import annotations

from dataclasses import dataclass

from vipgate.agent.sources.base import Key


@dataclass(slots=True)
class _PageState:
    end: Key | None
    rows: int
    left: int


class SnapshotProgress:
    """The pages in progress, oldest first."""

    def __init__(self) -> None:
        self._pages: dict[int, _PageState] = {}

    def __len__(self) -> int:
        return len(self._pages)

    def begin(self, number: int, end: Key | None, rows: int, read: int) -> None:
        """Adds a page of `rows` rows to settle, made from `read` source rows."""
        self._pages[number] = _PageState(end, read, rows)

    def settle(self, number: int, rows: int) -> None:
        """Notes that `rows` rows of a page are acknowledged, rejected for good, or sent as changes. Skips unknown pages."""
        if number in self._pages:
            self._pages[number].left -= rows

    def passed(self) -> tuple[Key | None, int]:
        """Removes complete pages. Returns the new position, None if unchanged, and how many rows it has passed."""
        end: Key | None = None
        rows = 0
        for number in sorted(self._pages):
            if self._pages[number].left > 0:
                break
            state = self._pages.pop(number)
            end, rows = state.end, rows + state.rows
        return end, rows
