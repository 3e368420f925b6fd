"""An error on its way from the process that reads sheets: translated where it arrives."""

from __future__ import annotations

import io

import pytest

from vipgate.agent.translations import CHINESE
from vipgate.i18n import language_of_context, register_chinese
from vipgate.support.sheet.bounds import REMEDY
from vipgate.support.sheet.errors import TooLarge
from vipgate.support.sheet.frames import FAULT, error_text, read_frame, write_error

MANY = TooLarge("it has {columns} columns, at most {limit} are read; {remedy}", columns=2000, limit=1024, remedy=REMEDY)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MANY, "共有 2000 列，最多读取 1024 列；请删除表格之外的单元格（包括空行、空列），或另存为 CSV"),
        (ValueError("a text with {braces}"), "a text with {braces}"),
        (ValueError("half a pair: \ud800"), "half a pair: ?"),
        (ValueError(), "ValueError"),
    ],
)
def test_error_arrives_in_the_language_of_the_agent(error: Exception, text: str) -> None:
    register_chinese(CHINESE)
    stream = io.BytesIO()
    write_error(stream, FAULT, error)
    stream.seek(0)
    kind, raw = read_frame(stream)
    with language_of_context("zh"):
        assert (kind, error_text(raw)) == (FAULT, text)
    with language_of_context("en"):
        assert error_text(raw) == (str(error) or "ValueError").replace("\ud800", "?")
