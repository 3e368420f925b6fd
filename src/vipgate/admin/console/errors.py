"""Why a page cannot be shown or a change not be made: for people, with the way out."""

from __future__ import annotations

from vipgate.errors import VipgateError, Words


class PageRefused(VipgateError):
    """The page is refused."""

    def __init__(self, status: int, words: Words, *, retry_after_s: int | None = None) -> None:
        super().__init__(words.en)
        self.status = status
        self.words = words
        self.retry_after_s = retry_after_s


def not_there(zh: str, en: str) -> PageRefused:
    """What was asked for is not there."""
    return PageRefused(404, Words(zh, en))


def conflict(zh: str, en: str) -> PageRefused:
    """It cannot be done as things stand now."""
    return PageRefused(409, Words(zh, en))
