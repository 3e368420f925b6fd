"""What the operating system says of an error, in Chinese."""

from __future__ import annotations

import errno
import os

import pytest

from vipgate.agent.translations import CHINESE
from vipgate.i18n import language_of_context, register_chinese
from vipgate.support.os_errors import error_reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOENT, os.strerror(errno.ENOENT)), "没有这个文件或目录"),
        (ConnectionError("[Errno 111] Connection refused"), "[Errno 111] 连接被拒绝"),
        (OSError("something else"), "something else"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_known_reasons_are_translated_and_others_stay(error: Exception, reason: str) -> None:
    register_chinese(CHINESE)
    with language_of_context("zh"):
        assert error_reason(error) == reason
