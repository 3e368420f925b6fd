"""Errors shown as pages: what is wrong and what to do."""

from __future__ import annotations

from vipgate.errors import VipgateError
from vipgate.i18n import LocalizedText


class PageError(VipgateError):
    """The page or change is rejected."""

    def __init__(self, status: int, words: LocalizedText, *, retry_after_s: int | None = None) -> None:
        super().__init__(words.en)
        self.status = status
        self.words = words
        self.retry_after_s = retry_after_s


def not_there(zh: str, en: str) -> PageError:
    """Makes the error for something that does not exist (404)."""
    return PageError(404, LocalizedText(zh, en))


def conflict(zh: str, en: str) -> PageError:
    """Makes the error for a change that the current state does not allow (409)."""
    return PageError(409, LocalizedText(zh, en))
