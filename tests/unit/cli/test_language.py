"""Which commands speak Chinese, and when."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from vipgate.cli.language import set_up_language, system_language
from vipgate.i18n import current_language, set_language


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    set_language("en")


@pytest.mark.parametrize(
    ("words", "language"),
    [
        (["agent", "run", "park.toml"], "zh"),
        (["push", "renewals.csv"], "zh"),
        (["serve"], "en"),
        (["park", "add", "agent"], "en"),
        ([], "en"),
    ],
)
def test_commands_of_a_park_speak_chinese(words: list[str], language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIPGATE_LANGUAGE", "zh")
    set_up_language(words)
    assert current_language() == language


def test_output_of_another_encoding_holds_escapes_instead_of_ending_the_command() -> None:
    environment = os.environ | {"VIPGATE_LANGUAGE": "zh", "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "vipgate", "agent", "check", "--help"]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\u7528\u6cd5" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such variables")
@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "VIPGATE_LANGUAGE": "en"}, "en"),
        ({"LANG": "C", "VIPGATE_LANGUAGE": " ZH_cn "}, "zh"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
    ],
)
def test_system_language(variables: dict[str, str], language: str) -> None:
    assert system_language(variables) == language
