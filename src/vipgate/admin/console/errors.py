"""Why a page cannot be shown or a change not be made: for people, with the way out."""

from __future__ import annotations

from vipgate.errors import VipgateError
from vipgate.i18n import LocalizedText


class PageError(VipgateError):
    """The page is refused."""

    def __init__(self, status: int, words: LocalizedText, *, retry_after_s: int | None = None) -> None:
        super().__init__(words.en)
        self.status = status
        self.words = words
        self.retry_after_s = retry_after_s


def not_there(zh: str, en: str) -> PageError:
    """What was asked for is not there."""
    return PageError(404, LocalizedText(zh, en))


def conflict(zh: str, en: str) -> PageError:
    """It cannot be done as things stand now."""
    return PageError(409, LocalizedText(zh, en))
