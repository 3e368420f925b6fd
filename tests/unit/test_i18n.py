"""Translated messages, and whose language counts."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from vipgate.i18n import (
    LocalizedText,
    current_language,
    language_of_context,
    register_chinese,
    set_language,
    tr,
)

register_chinese({"test: {count} rows": "测试：{count} 行", "test: braces {as they are}": "测试：{原样}"})


@pytest.fixture(autouse=True)
def in_chinese() -> Iterator[None]:
    set_language("zh")
    yield
    set_language("en")


def test_text_is_in_the_language_of_the_process_with_its_values() -> None:
    assert tr("test: {count} rows", count=3) == "测试：3 行"
    set_language("en")
    assert tr("test: {count} rows", count=3) == "test: 3 rows"


def test_text_without_values_keeps_its_braces() -> None:
    assert tr("test: braces {as they are}") == "测试：{原样}"


def test_text_without_a_translation_is_english() -> None:
    assert tr("test: nobody translated {this}", this="me") == "test: nobody translated me"


def test_language_of_a_request_is_not_that_of_another() -> None:
    with language_of_context("en"):
        assert current_language() == "en"
        inside = contextvars.copy_context()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(current_language).result() == "zh"
            assert pool.submit(inside.run, current_language).result() == "en"
    assert current_language() == "zh"


def test_pair_of_texts_is_in_the_current_language_unless_one_is_named() -> None:
    pair = LocalizedText("测试", "test")
    assert (pair.text(), pair.text("en")) == ("测试", "test")
