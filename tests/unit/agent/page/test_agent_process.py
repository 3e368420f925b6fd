"""The agent as a process that the page starts."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.agent_page import make_park
from vipgate.agent.config import load_config
from vipgate.agent.page.agent_process import AgentProcess
from vipgate.i18n import Language, language_of_context


@pytest.mark.parametrize("language", ["zh", "en"])
def test_agent_speaks_the_language_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: Language
) -> None:
    started: list[list[str]] = []

    class Ended:
        def __init__(self, words: list[str], **_: Any) -> None:
            started.append(words)

        def wait(self, _: float) -> int:
            return 0

    monkeypatch.setattr(subprocess, "Popen", Ended)
    config = load_config(make_park(tmp_path))
    with language_of_context(language):
        AgentProcess().start(config, tmp_path / "park.spool")
    [words] = started
    assert words[words.index("--language") + 1] == language
