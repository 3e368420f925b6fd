"""`vipgate agent check`: what it warns of, and what it calls a fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from vipgate.cli import agent_setup
from vipgate.cli.agent_setup import Finding, _plain_text


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        ("http://platform.example", True), ("http://10.0.0.7:8080/gate", True), ("http://[2001:db8::1]/", True),
        ("HTTP://platform.example", True), ("http://localhost.example", True), ("http://u:p@platform.example", True),
        ("https://platform.example", False), ("http://127.0.0.1:8080", False), ("http://localhost:8080", False),
        ("http://[::1]:8080", False),
    ],
)  # fmt: skip
def test_plain_http_is_warned_of_unless_it_stays_on_the_machine(url: str, warns: bool) -> None:
    assert ("https" in _plain_text(url)) == warns


@pytest.mark.parametrize("is_warning", [True, False])
def test_warning_is_shown_with_its_remedy_and_is_no_fault(
    is_warning: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def found(*_: object) -> Iterator[Finding]:
        yield Finding("line", "http://platform.example", "ask for its https address", is_warning=is_warning)

    monkeypatch.setattr(agent_setup, "load_config", lambda _: None)
    monkeypatch.setattr(agent_setup, "spool_path", lambda *_: None)
    monkeypatch.setattr(agent_setup, "_findings", found)
    if is_warning:
        agent_setup.check(Path("park.toml"))
    else:
        with pytest.raises(typer.Exit):
            agent_setup.check(Path("park.toml"))
    said = capsys.readouterr().out
    assert said.startswith("warn" if is_warning else "fix")
    assert "→ ask for its https address" in said
